"""How payloads and seals stand in spans."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_agent.codec import Encoder, names, payload_fields, read_payload, seal_of, seal_of_seals
from otel_agent.codec.layout import PIECE, cut
from otel_agent.errors import CutAttribute, WrongByteCount
from otel_agent.model import SpanEvent, SpanRecord

QUICK = settings(max_examples=60, deadline=None, database=None)


def _span(value: Any, *, keep_text: bool = True) -> SpanRecord:
    attributes, events = payload_fields(names.NODE_INPUT, Encoder(keep_text=keep_text).encode(value))
    kept = tuple(SpanEvent(name, 0, fields) for name, fields in events)
    return SpanRecord("0" * 32, "00000000000000aa", None, "s", 0, 1, attributes=attributes, events=kept)


@QUICK
@given(st.text(max_size=60), st.integers(1, 400))
def test_payloads_come_back_from_spans(text: str, times: int) -> None:
    """The text, digest and size come back, whole or in pieces, whatever the characters; no value is over the limit."""
    encoded = Encoder().encode([text * times])
    span = _span([text * times])
    found = read_payload(names.NODE_INPUT, span)
    values = [value for event in span.events for value in event.attributes.values()] + list(span.attributes.values())

    assert found is not None
    assert (found.text, found.digest, found.size, found.span_id) == (*_parts(encoded), span.span_id)
    assert all(len(value.encode()) <= PIECE for value in values if isinstance(value, str))


def _parts(encoded: Any) -> tuple[Any, ...]:
    return encoded.text, encoded.digest, encoded.size


def test_layout_of_long_payloads() -> None:
    """Up to 2,000 bytes in one attribute, beyond that in pieces, 100 to an event."""
    short, long, longer = _span("x" * (PIECE - 2)), _span("x" * (PIECE - 1)), _span("x" * PIECE * 250)

    assert f"{names.NODE_INPUT}.json" in short.attributes
    assert short.events == ()
    assert [len(event.attributes) for event in long.events] == [2 + 2]
    assert [event.attributes[names.PAYLOAD_FIRST] for event in longer.events] == [0, 100, 200]
    assert f"{names.PAYLOAD_PIECE}.099" in longer.events[0].attributes


def test_order_of_events_does_not_count() -> None:
    """Backends that bring events in another order lose nothing."""
    span = _span("x" * PIECE * 250)
    turned = dataclasses.replace(span, events=tuple(reversed(span.events)))

    assert read_payload(names.NODE_INPUT, turned) == read_payload(names.NODE_INPUT, span)


def test_missing_and_cut_parts_are_named() -> None:
    """A lost event, a cut piece, a cut attribute and lost companions are refused, with the span's id."""
    span = _span("x" * PIECE * 250)
    small = _span("x" * 500)
    pieces = dict(span.events[0].attributes)
    pieces[f"{names.PAYLOAD_PIECE}.007"] = pieces[f"{names.PAYLOAD_PIECE}.007"][:1000]
    json, size = f"{names.NODE_INPUT}.json", f"{names.NODE_INPUT}.digest"
    cases = [
        (dataclasses.replace(span, events=span.events[:1]), CutAttribute),
        (dataclasses.replace(span, events=(SpanEvent("agent.payload", 0, pieces), *span.events[1:])), WrongByteCount),
        (dataclasses.replace(small, attributes={**small.attributes, json: "xx"}), WrongByteCount),
        (dataclasses.replace(small, attributes={k: v for k, v in small.attributes.items() if k != size}), CutAttribute),
    ]
    for broken, error in cases:
        with pytest.raises(error, match=span.span_id) as raised:
            read_payload(names.NODE_INPUT, broken)
        assert raised.value.span_id == span.span_id


def test_absent_and_metadata_only_payloads() -> None:
    """A span without the payload has none; one without content has digest and size."""
    found = read_payload(names.NODE_INPUT, _span([1], keep_text=False))

    assert read_payload(names.NODE_OUTPUT, _span([1])) is None
    assert found is not None
    assert (found.text, found.size) == (None, 3)


@QUICK
@given(st.text(max_size=500), st.integers(4, 50))
def test_pieces_are_cut_between_characters(text: str, limit: int) -> None:
    """Pieces put together are the text, and each keeps the limit."""
    text = text.encode("utf-8", "replace").decode()
    pieces = list(cut(text, limit))

    assert "".join(pieces) == text
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)


SPAN: tuple[Any, ...] = ("0" * 32, "1" * 16, None, "invoke_node a", 5, 9, "unset")


def test_seal_covers_what_is_ours() -> None:
    """Every part of the span that is ours changes the seal; foreign attributes, the seal itself and order do not."""
    attributes: dict[str, Any] = {names.NODE_STEP: 1, names.REASONS: ["a", "b"], names.REQUEST_TEMPERATURE: 1.0}
    events = [("agent.payload", {names.PAYLOAD_NAME: "a"}), ("exception", {names.EXCEPTION_TYPE: "X"})]
    seal = seal_of(*SPAN, attributes, events)
    changed = [
        seal_of(*SPAN[:6], "error", attributes, events),
        seal_of(*SPAN[:4], 6, 9, "unset", attributes, events),
        seal_of(*SPAN, {**attributes, names.NODE_STEP: 2}, events),
        seal_of(*SPAN, {**attributes, names.ERROR_TYPE: "X"}, events),
        seal_of(*SPAN, attributes, events[:1]),
        seal_of(*SPAN, attributes, [events[0], ("exception", {names.EXCEPTION_TYPE: "Y"})]),
    ]

    assert seal not in changed
    assert len(set(changed)) == len(changed)
    assert seal == seal_of(*SPAN, {**attributes, "http.method": "GET", names.SEAL: seal}, events[::-1])
    assert seal == seal_of(*SPAN, attributes, [*events, ("log", {"a": 1})])


def test_seal_survives_backends() -> None:
    """Integral floats that come back as ints, lists as JSON, tuples as lists and cut stack traces keep the seal."""
    error = {names.EXCEPTION_TYPE: "X", names.EXCEPTION_MESSAGE: "m" * 3000, names.EXCEPTION_STACKTRACE: "s" * 9000}
    given = {names.REQUEST_TEMPERATURE: 1.0, names.REASONS: ("a", "<b>"), names.REQUEST_TOP_P: 0.5}
    back = {names.REQUEST_TEMPERATURE: 1, names.REASONS: '["a", "\\u003cb\\u003e"]', names.REQUEST_TOP_P: 0.5}
    cut_error = {key: value[:2048] for key, value in error.items()}

    assert seal_of(*SPAN, given, [("exception", error)]) == seal_of(*SPAN, back, [("exception", cut_error)])


def test_seal_of_seals_depends_on_all() -> None:
    """The root's digest over the seals changes with each of them and with their order."""
    assert len({seal_of_seals(seals) for seals in (["a", "b"], ["b", "a"], ["a"], [])}) == 4
