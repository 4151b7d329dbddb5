"""A value is written once per run, and a change in place is seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from otel_agent.codec import Encoder, digest
from tests.codec.kinds import Box, Model, Open, Run, Slim, payload_of, same


def _message(number: int) -> BaseMessage:
    text = f"message {number} " * 30
    if number % 2:
        return HumanMessage(text, id=str(number))
    return AIMessage(text, id=str(number), tool_calls=[{"name": "f", "args": {"n": number}, "id": str(number)}])


def _rebuilt(history: list[BaseMessage]) -> list[BaseMessage]:
    return [message.model_copy() for message in history]


WAYS: dict[str, Callable[[list[BaseMessage]], Any]] = {
    "history": lambda history: history,
    "state": lambda history: {"messages": history, "step": len(history)},
    "system_and_history": lambda history: [SystemMessage("be kind"), *history],
    "window": lambda history: history[-8:],
    "system_and_window": lambda history: [SystemMessage("be kind"), *history[-8:]],
    "copies": _rebuilt,
    "system_and_copies": lambda history: [SystemMessage("be kind"), *_rebuilt(history)],
    "texts": lambda history: [message.content for message in history],
    "changed_tail": lambda history: [*history[:-1], _message(-1 - len(history))],
}


def _bytes(way: Callable[[list[BaseMessage]], Any], turns: int) -> int:
    encoder = Encoder()
    history: list[BaseMessage] = []
    total = 0
    for turn in range(turns):
        history = [*history, _message(2 * turn), _message(2 * turn + 1)]
        encoder.touch()
        total += encoder.encode({"out": history[-2:]}).size
        total += encoder.encode(way(history)).size
    return total


@pytest.mark.parametrize("way", WAYS)
def test_bytes_grow_with_what_is_new(way: str) -> None:
    """Four times the turns give at most 4.3 times the bytes, however the history is passed."""
    assert _bytes(WAYS[way], 160) <= 4.3 * _bytes(WAYS[way], 40)


@pytest.mark.parametrize("way", WAYS)
def test_shared_runs_come_back(way: str) -> None:
    """Every list of a run that shares items with earlier ones is decoded to what it was."""
    run, history, expected = Run(), list[BaseMessage](), []
    for turn in range(24):
        history = [*history, _message(2 * turn), _message(2 * turn + 1)]
        run.write([history[-1]])
        value = WAYS[way](history)
        expected.append(value)
        assert run.write(value).digest == digest(value)
    for turn, value in enumerate(expected):
        assert same(run.read(2 * turn + 1), value)


def test_branches_share_what_they_began_with() -> None:
    """Lists that extend the same list differently are each written as that list and what is new."""
    run = Run()
    history = [_message(number) for number in range(30)]
    run.write(history)
    branches = [[*history, _message(100 + number)] for number in range(5)]
    sizes = [run.write(branch).size for branch in branches]

    assert max(sizes) < 1500
    for number, branch in enumerate(branches):
        assert same(run.read(number + 1), branch)


def test_growing_list_of_the_same_numbers() -> None:
    """A list of numbers that grows by `+` is written as what it was and what is new."""
    run, scores = Run(), [0.5]
    for number in range(300):
        scores = [*scores, number + 0.25]
        run.write(scores)

    assert run.encoded[-1].size < 150
    assert same(run.read(), scores)


def _change_content(message: Any) -> None:
    message.content = "changed"


def _change_nested(message: Any) -> None:
    message.additional_kwargs["a"]["b"].append(1)


def _change_call(message: Any) -> None:
    message.tool_calls[0]["args"]["n"] = 5


def _change_name(message: Any) -> None:
    message.name = None  # equal to what it was, but now it was given


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "content": (lambda: _with_kwargs(HumanMessage("x" * 200)), _change_content),
    "ai_content": (lambda: _with_kwargs(AIMessage("x" * 200)), _change_content),
    "kwargs": (lambda: _with_kwargs(HumanMessage("x" * 200)), _change_nested),
    "tool_calls": (lambda: AIMessage("x" * 200, tool_calls=[{"name": "f", "args": {"n": 4}, "id": "1"}]), _change_call),
    "fields_set": (lambda: HumanMessage("x" * 200), _change_name),
    "dict": (lambda: {"a": "x" * 200, "b": {"c": [1]}}, lambda value: value["b"]["c"].append(2)),
    "dict_number": (lambda: {"a": "x" * 200, "b": 1}, lambda value: value.update(b=True)),
    "dict_float": (lambda: {"a": "x" * 200, "b": 1}, lambda value: value.update(b=1.0)),
    "dict_zero": (lambda: {"a": "x" * 200, "b": 0.0}, lambda value: value.update(b=-0.0)),
    "dict_key": (lambda: {"a": "x" * 200, "b": 1}, lambda value: value.pop("b")),
    "dataclass": (lambda: Box(["x" * 200, 1]), lambda value: value.held.append(2)),
    "dataclass_field": (lambda: Box("x" * 200), lambda value: setattr(value, "made", (1,))),
    "slots": (lambda: Slim(["x" * 200]), lambda value: value.held.append(2)),
    "pydantic": (lambda: Model(held={"a": ["x" * 200]}), lambda value: value.held["a"].append(2)),
    "extra": (lambda: Open(held="x" * 200), lambda value: setattr(value, "later", 1)),
    "private": (lambda: Open(held="x" * 200), lambda value: setattr(value, "_private", 1)),
    "list": (lambda: ["x" * 200, 1, 2], lambda value: value.append(3)),
    "list_item": (lambda: ["x" * 200, 1, 2], lambda value: value.__setitem__(1, 1.0)),
    "list_swap": (lambda: ["x" * 200, 1, 2], lambda value: value.reverse()),
    "set": (lambda: {"a": "x" * 200, "b": {1}}, lambda value: value["b"].add(2)),
    "str_set": (lambda: {"a": "x" * 200, "b": {"1"}}, lambda value: value["b"].add("2")),
    "tuple": (lambda: ("x" * 200, [1]), lambda value: value[1].append(2)),
}


def _with_kwargs(message: BaseMessage) -> BaseMessage:
    message.additional_kwargs["a"] = {"b": [0]}
    return message


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("around", ["alone", "list", "state"])
def test_a_change_in_place_is_seen(change: str, around: str) -> None:
    """An object that changed since it was written is written anew, wherever it is held."""
    make, alter = CHANGES[change]
    held = make()
    value = {"alone": held, "list": ["y" * 200, held, "z"], "state": {"m": [held], "k": {"h": held}}}[around]
    run = Run()
    before = run.write(value)
    assert run.write(value).digest == before.digest
    alter(held)
    after = run.write(value)

    assert after.digest == digest(value) != before.digest
    assert same(run.read(), value)


def test_without_touch_nothing_is_looked_at_again() -> None:
    """Between two calls of `touch` an object that was written is taken to be the same."""
    encoder = Encoder()
    value = ["x" * 200, "y" * 200]
    before = encoder.encode(value)
    value.append(2)

    assert encoder.encode(value).digest == before.digest
    encoder.touch()
    assert encoder.encode(value).digest == digest(value)


def test_metadata_only_has_no_text() -> None:
    """Without content the digest and the size are the same, and there is no text."""
    value = {"secret": "x" * 300, "n": [1, 2]}
    with_text, without = Encoder().encode(value), Encoder(keep_text=False).encode(value)

    assert without.text is None
    assert (without.digest, without.size) == (with_text.digest, with_text.size)


def test_threads_share_one_encoder() -> None:
    """Values written by several threads at once all come back."""
    run = Run()
    values = [[{"n": number, "text": f"{number % 7} " * 100}, "tail " * 40] for number in range(200)]
    written: dict[int, Any] = {}

    def work(first: int) -> None:
        for number in range(first, 200, 4):
            run.encoder.touch()
            written[number] = run.encoder.encode(values[number])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.payloads = [payload_of(written[number], number) for number in range(200)]
    for number in range(0, 200, 20):
        assert run.read(number) == values[number]


def test_a_failed_value_leaves_no_reference_behind() -> None:
    """What stood in a value that could not be written is written in full where it comes next."""
    run = Run()
    shared = "shared " * 50

    class Broken(dict[str, Any]):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("broken")

    loop: list[Any] = [shared, ["y" * 300]]
    loop.append(loop)
    run.write(loop)
    assert run.write([shared, Broken()]).opaque
    run.write({"again": [shared, ["y" * 300]]})

    assert run.read()["again"] == [shared, ["y" * 300]]
