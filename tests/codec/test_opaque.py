"""What cannot be encoded is opaque, with a reason that names the place; nothing hangs."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import ToolMessage

from otel_agent.codec import Encoder, Opaque, RecordedError, Registry, Unresolved, digest
from otel_agent.codec.table import PayloadTable
from otel_agent.errors import AlteredRecord, UnknownClass
from tests.codec.kinds import Box, Colour, Model, Point, Row, Run, Trouble, payload_of


def test_the_reason_names_the_path() -> None:
    """The reason says where in the value, and of what class."""
    message = ToolMessage("t", tool_call_id="c", artifact=threading.Lock())
    encoder = Encoder()
    first = encoder.encode({"messages": ["a", message]})
    again = encoder.encode({"other": {"deep": (message,)}})

    assert first.opaque == ("messages[1].artifact: _thread.lock cannot be encoded",)
    assert again.opaque == ("other.deep[0].artifact: _thread.lock cannot be encoded",)


def test_it_is_the_same_in_every_process() -> None:
    """Addresses in memory are not part of what is recorded."""
    assert digest(object()) == digest(object())


def test_it_is_decoded_to_something_inert() -> None:
    """An opaque value comes back as its class, repr and digest."""
    run = Run()
    run.write([object(), np.array([object()], dtype=object), lambda: 1])
    found = run.read()

    assert [type(item) for item in found] == [Opaque] * 3
    assert found[0].class_name == "builtins.object"


def test_objects_that_fight_back() -> None:
    """Attribute access and repr that raise make a value opaque, and the rest is kept."""

    class Nasty:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    run = Run()
    box = Box(1)
    del box.held
    encoded = run.write({"good": "x" * 200, "bad": Nasty(), "box": box})

    assert run.read()["good"] == "x" * 200
    assert len(encoded.opaque) == 1


def _loop() -> list[Any]:
    value: list[Any] = [1]
    value.append({"again": value})
    return value


def _deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def _laughs(levels: int) -> list[Any]:
    value: list[Any] = ["lol"]
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize("make", [_loop, lambda: _deep(100_000), lambda: {"a": _deep(300)}, lambda: _laughs(300)])
def test_endless_values_end(make: Any) -> None:
    """Values that hold themselves, are too deep, or have exponentially many paths are cut, quickly."""
    run = Run()
    value = make()
    encoded = run.write({"before": "x" * 200, "value": value})

    assert encoded.opaque
    assert encoded.size < 200_000
    run.table.verify(run.payloads[0])
    _unlink(value)


def _unlink(value: Any) -> None:
    """Take a deep value apart, so that the interpreter need not do it recursively."""
    while isinstance(value, list) and value:
        value = value.pop()


def test_shared_children_are_written_once() -> None:
    """A value with 2**60 paths but 60 lists takes 60 lists; as it cannot be built again, reading refuses it."""
    run = Run()
    encoded = run.write(_laughs(60))

    assert encoded.size < 20_000
    with pytest.raises(AlteredRecord, match="values, more than"):
        run.read()


UNKNOWN = {
    "dataclass": (Box(1), Unresolved("dataclass", "tests.codec.kinds.Box", {"held": 1, "made": [1]})),
    "pydantic": (Model(held=1), Unresolved("pydantic", "tests.codec.kinds.Model", {"held": 1, "name": "n"})),
    "enum": (Colour.RED, Unresolved("enum", "tests.codec.kinds.Colour", "RED")),
    "namedtuple": (Point(1), Unresolved("namedtuple", "tests.codec.kinds.Point", {"x": 1, "y": 0})),
    "type": (Model, Unresolved("type", "tests.codec.kinds.Model", None)),
    "sub": (Row([1]), [1]),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_classes(kind: str) -> None:
    """A class that the registry lacks gives something inert, or in strict mode the line that adds it."""
    value, expected = UNKNOWN[kind]
    table, payload = PayloadTable(Registry()), payload_of(Encoder().encode(value))

    assert table.decode(payload) == expected
    with pytest.raises(UnknownClass, match=r"otel_agent\.codec\.registry\.default\.add\(\w+\)") as raised:
        table.decode(payload, strict=True)
    assert raised.value.span_id == payload.span_id


def test_unknown_exceptions() -> None:
    """An exception whose class is unknown keeps its class's name, args and notes."""
    error = Trouble(1, "b")
    error.__notes__ = ["note"]
    found = PayloadTable(Registry()).decode(payload_of(Encoder().encode(error)))

    assert isinstance(found, RecordedError)
    assert (found.class_name, found.args, found.__notes__) == ("tests.codec.kinds.Trouble", (1, "b"), ["note"])


def test_registered_plain_classes() -> None:
    """A plain class is recorded by its attributes once it is added, and opaque before."""

    class Plain:
        def __init__(self) -> None:
            self.a, self.b = 1, (2,)

    assert Encoder(registry=Registry()).encode(Plain()).opaque
    registry = Registry([Plain])
    encoded = Encoder(registry=registry).encode(Plain())
    found = PayloadTable(registry).decode(payload_of(encoded))

    assert not encoded.opaque
    assert vars(found) == {"a": 1, "b": (2,)}
