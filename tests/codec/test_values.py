"""Every value comes back as it was, with its type."""

from __future__ import annotations

import builtins
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import pathlib
import re
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.types import Command, Interrupt, Send

from otel_agent.codec import digest
from tests.codec.kinds import (
    Bag,
    Box,
    Child,
    Colour,
    Flags,
    Level,
    Model,
    Name,
    Old,
    Open,
    Point,
    Row,
    Run,
    Slim,
    Trouble,
    Word,
    round_trip,
    same,
)

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
PLAIN = st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs",))
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def _opened() -> Open:
    model = Open(held=(1,), more={"a": (2,)})
    model._private = {3}
    return model


def _group() -> BaseException:
    group: Any = getattr(builtins, "ExceptionGroup", None)  # not in Python 3.10
    return ValueError(1) if group is None else group("g", [ValueError(1)])


def _noted() -> Exception:
    error = ValueError("no", (1, 2))
    error.__notes__ = ["at noon"]
    return error


TAGS: dict[str, Any] = {
    "tuple": (1, (2,), ()),
    "set": {1, "a", (2, 3), 1.5},
    "frozenset": frozenset({frozenset(), b"x"}),
    "bytes": b"\x00\xff" * 200,
    "bytearray": bytearray(b"abc"),
    "int": [2**53, -(2**53), 2**63, 10**700, -(10**3000)],
    "not_int": [True, 1, False, 0, 2**53 - 1],
    "float": [float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 1.0, 1e300, 5e-324, 1e-5, 123456.789, 1e22],
    "complex": [1 + 2j, complex("nan"), complex(-0.0, 0.0)],
    "decimal": [decimal.Decimal("1.20"), decimal.Decimal("NaN"), decimal.Decimal("-0E+5"), decimal.Decimal("Infinity")],
    "fraction": fractions.Fraction(-1, 3),
    "datetime": [
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
        dt.datetime(2024, 1, 1, 1, 1, 1, 7),
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc),
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, microseconds=5), "odd")),
    ],
    "date": dt.date(2024, 2, 29),
    "time": [dt.time(1, 2, 3, 4), dt.time(2, fold=1), dt.time(3, tzinfo=dt.timezone.utc)],
    "timedelta": [dt.timedelta(-1, 3, 5), dt.timedelta.max],
    "zone": [dt.timezone.utc, BERLIN, dt.timezone(dt.timedelta(hours=2))],
    "uuid": uuid.UUID(int=7),
    "path": [pathlib.Path("/a/b"), pathlib.PurePosixPath("x"), pathlib.PureWindowsPath("c:/x")],
    "ip": [ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_interface("10.0.0.1/8")],
    "regex": [re.compile("a+", re.IGNORECASE), re.compile(b"\xff")],
    "range": [range(3), range(10, 0, -2), range(2**70)],
    "slice": slice(1, None, (2,)),
    "deque": [deque([1, (2,)], maxlen=3), deque()],
    "ordered": OrderedDict([("b", 1), ("a", (2,))]),
    "default": [defaultdict(list, {"a": [1]}), defaultdict(None, {1: 2}), defaultdict(int)],
    "counter": Counter("abracadabra"),
    "enum": [Colour.RED, Colour.BLUE, Word.A, Level.LOW, Flags.X, Flags.X | Flags.Y],
    "namedtuple": [Point((1,), [2]), Old(1, 2)],
    "dataclass": [Box((1, 2)), Slim({3}), Slim(1, Slim(2))],
    "pydantic": [Model(held=(1,)), Model(held=Child(more=(2,))), _opened()],
    "exc": [_noted(), KeyError("a"), Trouble(1, (2,)), OSError(2, "no", "file"), StopIteration((3,))],
    "group": _group(),
    "ndarray": [np.arange(6).reshape(2, 3), np.asfortranarray(np.eye(3)[:2]), np.array(5.0), np.zeros((0, 2))],
    "npscalar": [np.float64(1.5), np.int8(3), np.bool_(1), np.datetime64("2024-01-01"), np.str_("x")],
    "str": ["\ud800", "a\\u\udfffb\\", "\ud83d\ude00", "\U0001f600", "\x00\x7f\u2028", "ü" * 200],
    "map": [{1: "a", "1": "b", None: "c", (1, 2): "d", 1.5: 2}, {"$oa": "tuple"}, {"$ref": "x"}, {"\U0001f600": 1}],
    "type": [int, Colour, Model, type(None), type(...), dict],
    "constants": [..., NotImplemented, None, True],
    "sub": [Name("n"), Bag(a=1, b={1}), Row([1, (2,)]), Bag(), Row()],
    "messages": [
        SystemMessage("s"),
        HumanMessage("h", id="1", name="n"),
        HumanMessage([{"type": "text", "text": "x" * 300}]),
        AIMessage("a", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "c"}], response_metadata={"model": "m"}),
        ToolMessage("t", tool_call_id="c", artifact={"raw": (1, b"2")}),
    ],
    "document": Document("text", metadata={"tags": ("a", "b")}, id="d"),
    "langgraph": [Command(goto=Send("n", {"a": (1,)}), update={"b": {1}}), Interrupt(value=(1,), id="i"), Send("n", 1)],
}


@pytest.mark.parametrize("tag", TAGS)
def test_each_tag_comes_back(tag: str) -> None:
    """A value of each tag is decoded to an equal value of the same type."""
    assert same(round_trip(TAGS[tag]), TAGS[tag])


@pytest.mark.parametrize("tag", TAGS)
def test_each_tag_comes_back_from_references(tag: str) -> None:
    """The same holds where the value was written before, and its digest is that of the value on its own."""
    run = Run()
    value = {"filler": "x" * 200, "it": TAGS[tag], "deep": [[TAGS[tag]]]}
    first = run.write(value)
    second = run.write({"again": [TAGS[tag], value]})

    assert same(run.read(0), value)
    assert same(run.read(1), {"again": [TAGS[tag], value]})
    assert first.digest == digest(value)
    assert second.digest == digest({"again": [TAGS[tag], value]})


def test_tags_in_a_subclass_of_the_field() -> None:
    """A pydantic value in a field of its parent's type keeps its own class and fields."""
    found = round_trip(Model(held=Child(held=1, more=(2,))))

    assert type(found.held) is Child
    assert found.held.more == (2,)


def test_exceptions_keep_what_stands_beside_their_args() -> None:
    """File names of OSError and module names of ImportError come back, and with them the message."""
    missing, module = FileNotFoundError(2, "No such file", "a.txt"), ModuleNotFoundError("no a", name="a")

    assert str(round_trip(missing)) == str(missing)
    assert round_trip(missing).filename == "a.txt"
    assert round_trip(module).name == "a"


def test_no_constructor_runs() -> None:
    """Decoding calls neither `__init__` nor `__post_init__` nor a validator."""
    box = Box(1)
    box.made = "changed"
    model = Model.model_construct(name=5, held=1)

    assert round_trip(box).made == "changed"
    assert round_trip(model).name == 5


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(alphabet=st.characters(), max_size=40),
    st.binary(max_size=40),
    st.decimals(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(BERLIN), st.just(dt.timezone.utc))),
    st.timedeltas(),
    st.uuids(),
    st.complex_numbers(),
    st.fractions(),
    st.sampled_from([*Colour, *Flags, ..., int, Name("x" * 150), "long " * 50, 2**70, "\ud801"]),
)
KEYS = st.one_of(st.text(max_size=8), st.integers(), st.sampled_from(["$oa", "$ref", "v", "lc"]), st.none())


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hashable = st.one_of(st.integers(), st.text(max_size=5), st.tuples(st.integers(), st.booleans()), st.binary())
    return st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(KEYS, inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(hashable, max_size=4),
        st.frozensets(hashable, max_size=4),
        st.lists(inner, max_size=3).map(lambda items: deque(items, maxlen=5)),
        st.lists(st.tuples(KEYS, inner), max_size=3).map(OrderedDict),
        inner.map(Box),
        inner.map(Slim),
        st.tuples(inner, inner).map(lambda pair: Point(*pair)),
        inner.map(lambda held: Model.model_construct(held=held)),
        inner.map(lambda held: Trouble(held, 1)),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(Bag),
        st.lists(inner, max_size=3).map(Row),
        inner.map(lambda value: [value, value]),
    )


NESTED = st.recursive(LEAVES, _containers, max_leaves=25)


@QUICK
@given(NESTED)
def test_any_mix_comes_back(value: Any) -> None:
    """Whatever the nesting: decode(encode(x)) == x, types included."""
    assert same(round_trip(value), value)


@QUICK
@given(st.lists(NESTED, min_size=2, max_size=5))
def test_any_run_comes_back(values: list[Any]) -> None:
    """The same for several values of one run, which share what they have in common."""
    run = Run()
    for count in range(1, len(values) + 1):
        run.write(values[:count])
    for count in range(1, len(values) + 1):
        assert same(run.read(count - 1), values[:count])
        assert run.encoded[count - 1].digest == digest(values[:count])


@QUICK
@given(st.dictionaries(st.text(PLAIN, max_size=6), st.integers() | st.text(max_size=100), max_size=30))
def test_order_of_keys_is_kept(value: dict[str, Any]) -> None:
    """Keys come back in the order in which they stood; the digest of a JSON object does not depend on it."""
    backwards = dict(reversed(value.items()))

    assert list(round_trip(value)) == list(value)
    assert list(round_trip(backwards)) == list(backwards)
    assert digest(value) == digest(backwards)


def test_decoded_values_are_fresh() -> None:
    """What one caller changes in a decoded value no other caller sees, nor another place in the same value."""
    run = Run()
    shared = ["x" * 200, [1]]
    run.write({"a": shared, "b": shared})
    first = run.read()
    first["a"][1].append(2)

    assert first["b"][1] == [1]
    assert run.read()["a"][1] == [1]


def test_numbers_and_bools_have_their_own_digests() -> None:
    """1, 1.0, True, "1", -0.0 and 0.0 all differ."""
    values = [1, 1.0, True, "1", -0.0, 0.0, 0, False, None, "", [], {}, ()]

    assert len({digest(value) for value in values}) == len(values)
    assert isinstance(Level.LOW, enum.IntEnum)
    assert digest(Level.LOW) != digest(1)
