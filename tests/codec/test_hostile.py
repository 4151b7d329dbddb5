"""Records made to do harm neither run code, nor hang, nor eat memory; they are refused with the span named."""

from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_agent.codec import PayloadTable, RecordedError, Registry, Unresolved, digest
from otel_agent.codec.canonical import merkle_digest
from otel_agent.codec.decode import TAGS
from otel_agent.errors import AlteredRecord, MissingReference, RecordError, WrongByteCount
from otel_agent.model import Payload
from tests.codec.kinds import Run

QUICK = settings(max_examples=100, deadline=None, database=None)
SPAN = "00000000000000aa"


def _payload(tree: Any, name: str = "p") -> Payload:
    text = tree if isinstance(tree, str) else orjson.dumps(tree).decode()
    try:
        known = merkle_digest(orjson.loads(text))
    except (ValueError, RecursionError):
        known = "0" * 64
    return Payload(name, known, len(text.encode()), text, SPAN)


def _decode(tree: Any) -> Any:
    return PayloadTable(Registry()).decode(_payload(tree))


LC = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "touch /tmp/x"}}
PLAIN_DATA = {
    "langchain": LC,
    "langchain_secret": {"lc": 1, "type": "secret", "id": ["PATH"]},
    "langgraph_json": {"lc": 2, "type": "constructor", "id": ["builtins", "eval"], "args": ["1"]},
    "pickle": {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["true"]}]},
    "msgpack": {"__type__": "ext", "code": 0, "data": ["os", "system", "true"]},
    "dunder": {"__class__": "os", "__reduce__": ["os.system", ["true"]]},
}


@pytest.mark.parametrize("name", PLAIN_DATA)
def test_other_formats_are_plain_data(name: str) -> None:
    """Constructor forms of other serializers mean nothing here."""
    assert _decode(PLAIN_DATA[name]) == PLAIN_DATA[name]


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_tags_in_a_users_dict_are_data(tag: str) -> None:
    """A user's dict that looks like a tag or reference comes back as the dict it was."""
    value = {"$oa": tag, "class": "builtins.eval", "v": ["1"]}
    run = Run()
    run.write([value, {"$ref": "0" * 64}, {"$oa": "cat", "v": [{"$ref": "0" * 64, "from": 0, "to": 1}]}])

    assert run.read() == [value, {"$ref": "0" * 64}, {"$oa": "cat", "v": [{"$ref": "0" * 64, "from": 0, "to": 1}]}]


NAMED = [
    {"$oa": "dataclass", "class": "os._Environ", "v": {}},
    {"$oa": "dataclass", "class": "builtins.type", "v": {"a": 1}},
    {"$oa": "pydantic", "class": "antigravity.X", "v": {}, "set": []},
    {"$oa": "object", "class": "builtins.function", "v": {"__code__": 1}},
    {"$oa": "object", "class": "subprocess.Popen", "v": {"args": "true"}},
    {"$oa": "enum", "class": "builtins.print", "name": "x"},
    {"$oa": "namedtuple", "class": "os.terminal_size", "v": [["a", 1]]},
    {"$oa": "type", "v": "antigravity.X"},
    {"$oa": "exc", "class": "antigravity.X", "v": []},
    {"$oa": "exc", "class": "builtins.print", "v": ["hello"]},
    {"$oa": "sub", "class": "antigravity.X", "base": "str", "v": "a"},
]


@pytest.mark.parametrize("tree", NAMED)
def test_names_are_never_imported_or_called(tree: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A class that is not registered, or is not of the tag's kind, gives something inert."""
    found = _decode(tree)

    assert isinstance(found, (Unresolved, RecordedError, str))
    assert "antigravity" not in sys.modules
    assert capsys.readouterr().out == ""


REFUSED: dict[str, Any] = {
    "not_json": "{",
    "nan": "NaN",
    "spaces": '{"a": 1}',
    "twice": '{"a":1,"a":2}',
    "escapes": '"\\u0041"',
    "exponent": "1e2",
    "unknown_tag": {"$oa": "eval", "v": "1"},
    "tag_of_wrong_type": {"$oa": ["tuple"], "v": []},
    "no_body": {"$oa": "tuple"},
    "tuple_of_dict": {"$oa": "tuple", "v": {"a": 1}},
    "base64": {"$oa": "bytes", "v": "####"},
    "set_of_lists": {"$oa": "set", "v": [[1]]},
    "map_of_lists": {"$oa": "map", "v": [[[1], 2]]},
    "map_of_triples": {"$oa": "map", "v": [[1, 2, 3]]},
    "date": {"$oa": "datetime", "v": "yesterday"},
    "zone": {"$oa": "datetime", "v": "2024-01-01T00:00:00", "zone": "../../etc/passwd"},
    "offset": {"$oa": "datetime", "v": "2024-01-01T00:00:00", "offset": "x"},
    "range": {"$oa": "range", "v": [1, 2]},
    "zero": {"$oa": "fraction", "n": "1", "d": "0"},
    "long_int": {"$oa": "int", "v": "9" * 5000},
    "longer_int": {"$oa": "int", "v": "0x" + "f" * 200_000},
    "int": {"$oa": "int", "v": "1_0x"},
    "regex": {"$oa": "regex", "v": "(", "flags": 0},
    "deep_regex": {"$oa": "regex", "v": "(" * 5000, "flags": 0},
    "dtype": {"$oa": "ndarray", "dtype": "|O8", "shape": [1], "order": "C", "v": "AAAAAAAAAAA="},
    "shape": {"$oa": "ndarray", "dtype": "<f8", "shape": [2**40], "order": "C", "v": ""},
    "negative": {"$oa": "ndarray", "dtype": "<f8", "shape": [-1], "order": "C", "v": ""},
    "list_of_items": {"$oa": "sub", "class": "x.Y", "base": "list", "v": "abc"},
    "base": {"$oa": "sub", "class": "x.Y", "base": "type", "v": "abc"},
    "big": "123456789012345678901234567890",
    "beyond": str(2**53),
    "integral": "1.0",
    "key": {"\U0001f600": 1},
    "self": {"$ref": "0" * 64},
    "ref_beside": {"$ref": "0" * 64, "a": 1},
    "ref_type": {"$ref": 5},
    "cat_type": {"$oa": "cat", "v": 5},
    "cat_missing": {"$oa": "cat", "v": [{"$ref": "0" * 64, "from": 0, "to": 9}]},
    "cat_part": {"$oa": "cat", "v": ["abc"]},
    "deep": "[" * 900 + "]" * 900,
    "deeper": "[" * 100_000 + "]" * 100_000,
    "deep_tags": '{"$oa":"tuple","v":[' * 150 + "]}" * 150,
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_payloads_are_refused(name: str) -> None:
    """What is not as the format says is refused with an error that names the span, never guessed."""
    with pytest.raises(RecordError) as raised:
        _decode(REFUSED[name])
    assert raised.value.span_id == SPAN
    assert SPAN in str(raised.value)


def test_refused_payloads_cost_little() -> None:
    """Refusing all of these takes a few megabytes at most."""
    tracemalloc.start()
    for tree in REFUSED.values():
        with pytest.raises(RecordError):
            _decode(tree)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 60_000_000


def _bomb(levels: int) -> list[Payload]:
    payloads, last = [_payload(orjson.dumps("x" * 200).decode(), "seed")], digest("x" * 200)
    for level in range(levels):
        tree = [{"$ref": last}] * 10
        last = merkle_digest(tree)
        payloads.append(Payload(str(level), last, len(orjson.dumps(tree)), orjson.dumps(tree).decode(), SPAN))
    return payloads


def test_reference_bombs_are_refused() -> None:
    """Ten to the fiftieth values behind a few references are counted, not built."""
    table, payloads = PayloadTable(), _bomb(50)
    for payload in payloads:
        table.add(payload)
    tracemalloc.start()
    table.verify(payloads[-1])
    with pytest.raises(AlteredRecord, match="values, more than"):
        table.decode(payloads[-1])
    shown = table.json(payloads[-1], limit=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(orjson.dumps(shown)) < 500_000
    assert peak < 20_000_000


def test_long_chains_of_references_are_refused() -> None:
    """A value nested through references deeper than the limit is refused, not followed."""
    table = PayloadTable()
    last = digest("x" * 200)
    payloads = [_payload(orjson.dumps("x" * 200).decode(), "seed")]
    for level in range(5000):
        tree = {"next": {"$ref": last}, "n": level, "pad": "y" * 100}
        last = merkle_digest(tree)
        payloads.append(Payload(str(level), last, len(orjson.dumps(tree)), orjson.dumps(tree).decode(), SPAN))
    for payload in payloads:
        table.add(payload)
    with pytest.raises(AlteredRecord, match="nested deeper"):
        table.decode(payloads[-1])
    assert table.decode(payloads[100])["n"] == 99


def test_slices_of_slices_are_refused() -> None:
    """Lists in parts that multiply their items are refused before they are built."""
    base = ["x" * 60] * 200
    table, last, count = PayloadTable(max_nodes=100_000), merkle_digest(base), 200
    payloads = [_payload(base, "base")]
    for level in range(20):
        tree = {"$oa": "cat", "v": [[level], *[{"$ref": last, "from": 0, "to": count}] * 10]}
        count = count * 10 + 1
        payloads.append(Payload(str(level), "0" * 64, len(orjson.dumps(tree)), orjson.dumps(tree).decode(), SPAN))
        table.add(payloads[-2])
        table.add(payloads[-1])
        with pytest.raises(RecordError) as raised:
            table.verify(payloads[-1])
        if "more items in parts" in str(raised.value):
            return
        last = str(raised.value).split("has the digest ")[1][:64]
    pytest.fail("never refused")


def test_altered_payloads_are_refused() -> None:
    """One changed character, a wrong count and a missing reference each have their own error."""
    run = Run()
    run.write({"a": "x" * 300})
    run.write({"again": "x" * 300})
    first, second = run.payloads
    assert first.text is not None
    changed = Payload(first.name, first.digest, first.size, first.text.replace("xx", "xy", 1), SPAN)
    longer = Payload(first.name, first.digest, first.size + 1, first.text, SPAN)

    for payload, error in ((changed, AlteredRecord), (longer, WrongByteCount), (second, MissingReference)):
        with pytest.raises(error, match=payload.span_id):
            PayloadTable().verify(payload)


def test_a_value_is_known_only_by_the_digest_it_has() -> None:
    """A payload cannot pass for another value by claiming its digest."""
    wanted = digest("x" * 300)
    liar = Payload("liar", wanted, 302, orjson.dumps("y" * 300).decode(), SPAN)
    user = Payload("user", wanted, 75, orjson.dumps({"$ref": wanted}).decode(), SPAN)
    table = PayloadTable()
    table.add(liar)

    with pytest.raises(MissingReference):
        table.decode(user)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(sorted(TAGS)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["$oa", "$ref", "v", "class", "set", "name", "base", "from"]), inner)
        | st.fixed_dictionaries({"$oa": st.sampled_from(sorted(TAGS)), "v": inner, "class": inner, "set": inner})
    ),
    max_leaves=12,
)


@QUICK
@given(JSON)
def test_whatever_it_is_it_is_decoded_or_refused(tree: Any) -> None:
    """Any JSON at all gives a value or a RecordError: nothing else is ever raised."""
    text = orjson.dumps(tree) if _fits(tree) else b"1.0"
    table = PayloadTable()
    payload = Payload("p", "0" * 64, len(text), text.decode(), SPAN)
    try:
        table.verify(payload)
    except RecordError as error:
        found = str(error).split("has the digest ")
        if len(found) == 2:
            known = Payload("p", found[1][:64], len(text), text.decode(), SPAN)
            try:
                table.decode(known)
                table.json(known)
            except RecordError:
                pass


def _fits(tree: Any) -> bool:
    if isinstance(tree, dict):
        return all(map(_fits, tree.values()))
    if isinstance(tree, list):
        return all(map(_fits, tree))
    if isinstance(tree, str):
        return tree.isascii()
    return not isinstance(tree, int) or abs(tree) < 2**63
