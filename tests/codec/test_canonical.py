"""Canonical bytes and digests: RFC 8785, Merkle, and recomputed from the text alone."""

from __future__ import annotations

from typing import Any

import orjson
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_agent.codec import LARGE, Encoder, digest
from otel_agent.codec.canonical import canonical, fold, is_plain_float, merkle_digest
from tests.codec.kinds import Box, Run, payload_of

QUICK = settings(max_examples=60, deadline=None, database=None)
PLAIN_KEY = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs",)), max_size=10)
PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False).filter(is_plain_float),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=60),
        st.just("long " * 40),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(PLAIN_KEY, inner, max_size=6)),
    max_leaves=20,
)


@QUICK
@given(PLAIN)
def test_canonical_bytes_are_rfc_8785(tree: Any) -> None:
    """What orjson gives for a plain tree with sorted keys is what RFC 8785 says."""
    assert canonical(tree) == rfc8785.dumps(tree)


@QUICK
@given(st.floats(min_value=1e-4, max_value=1e15, exclude_max=True).filter(is_plain_float))
def test_plain_floats_print_alike(number: float) -> None:
    """Plain floats print alike in Python, orjson and RFC 8785, near the limits too."""
    assert repr(number).encode() == orjson.dumps(number) == rfc8785.dumps(number)


@QUICK
@given(PLAIN)
def test_digest_is_the_merkle_digest(tree: Any) -> None:
    """The encoder's digest is the plain definition: fold large children, hash the canonical bytes."""
    escaped = _has_tag(tree)

    assert escaped or digest(tree) == merkle_digest(tree)


def _has_tag(tree: Any) -> bool:
    if isinstance(tree, dict):
        return "$oa" in tree or "$ref" in tree or any(map(_has_tag, tree.values()))
    return isinstance(tree, list) and any(map(_has_tag, tree))


@QUICK
@given(st.lists(PLAIN, min_size=1, max_size=5))
def test_text_of_a_first_sight_folds_to_its_digest(values: list[Any]) -> None:
    """Text without references, parsed and folded, gives the digest that stands beside it."""
    for value in values:
        encoded = Encoder().encode(Box(value))
        assert encoded.text is not None
        if "$ref" not in encoded.text and '"cat"' not in encoded.text:
            assert merkle_digest(orjson.loads(encoded.text)) == encoded.digest


def test_inline_and_reference_have_one_digest() -> None:
    """A value written in full and the same value referred to have the same digest."""
    encoder = Encoder()
    value = {"a": ["x" * 200, {"b": "y" * 300}], "c": 1}
    first, second = encoder.encode(value), encoder.encode({**value})

    assert first.digest == second.digest
    assert second.size < first.size


def test_large_is_measured_in_canonical_bytes() -> None:
    """A string has a digest of its own from 128 bytes on, its quotes and escapes counted."""
    assert fold("x" * (LARGE - 3)) == "x" * (LARGE - 3)
    assert set(fold("x" * (LARGE - 2))) == {"$ref"}
    assert set(fold("\n" * (LARGE // 2 - 1))) == {"$ref"}
    assert fold("ü" * (LARGE // 2 - 2)) == "ü" * (LARGE // 2 - 2)


def test_the_table_does_not_care_about_order() -> None:
    """Payloads may be added in any order: references wait for what they refer to."""
    run = Run()
    history: list[str] = []
    for number in range(20):
        history = [*history, f"{number} " * 60]
        run.write({"history": history})
    run.payloads.reverse()
    assert run.read(0) == {"history": history}
    assert run.table.json(run.payloads[0]) == {"history": history}


def test_bytes_do_not_depend_on_the_order_of_sets() -> None:
    """Equal sets have equal texts and digests."""
    one, two = {f"s{n}" for n in range(50)}, {f"s{n}" for n in reversed(range(50))}

    assert payload_of(Encoder().encode(one)) == payload_of(Encoder().encode(two))
