"""A flipped byte anywhere in what we wrote is noticed.

Covered: ids, names, times to the microsecond, status, our attributes (keys and values), payload pieces, and the JSON
around them. Out of scope, and so not compared: resource, scope, span kind, links, event times, foreign attributes.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_agent.codec import names
from otel_agent.errors import OtelAgentError
from otel_agent.export.otlp_json import dump_json, trace_json
from otel_agent.model import SpanRecord
from otel_agent.read import read_spans
from otel_agent.rebuild import rebuild_run, verify_run
from tests.rebuild.traces import demo

SPANS = demo().spans()
TEXT = dump_json(trace_json(SPANS))
LINES = b"".join(dump_json(trace_json([span])) + b"\n" for span in SPANS)


def ours(attributes: Any) -> list[tuple[str, type, Any]]:
    kept = [(key, type(value), value) for key, value in attributes.items() if key.startswith(names.SEALED_PREFIXES)]
    return sorted(kept, key=lambda item: item[0])


def sealed_view(spans: Any) -> list[Any]:
    """All that a seal covers."""

    def view(span: SpanRecord) -> Any:
        events = [(event.name, ours(event.attributes)) for event in span.events]
        times = (span.start_ns // 1000, span.end_ns // 1000)
        return (
            span.trace_id,
            span.span_id,
            span.parent_id,
            span.name,
            times,
            span.status,
            ours(span.attributes),
            events,
        )

    return sorted((view(span) for span in spans), key=lambda item: item[1])


EXPECTED = sealed_view(SPANS)


def assert_noticed(text: bytes) -> None:
    """Refused, or reported, or nothing that is sealed has changed."""
    try:
        run = rebuild_run(read_spans(text))
        verification = verify_run(run)
    except OtelAgentError:
        return
    assert run.complete == verification.ok
    if run.complete:
        assert sealed_view(run.spans) == EXPECTED


def flipped(text: bytes, position: int, bits: int) -> bytes:
    return text[:position] + bytes([text[position] ^ bits]) + text[position + 1 :]


def test_the_untouched_text_is_whole() -> None:
    """The oracle itself: without a flip all is well."""
    assert rebuild_run(read_spans(TEXT)).complete
    assert rebuild_run(read_spans(LINES)).complete
    assert sealed_view(read_spans(LINES)) == EXPECTED


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(position=st.integers(0, len(TEXT) - 1), bits=st.integers(1, 255))
@example(position=TEXT.index(b'"code"') if b'"code"' in TEXT else 0, bits=1)
def test_a_flipped_byte_in_a_document_is_noticed(position: int, bits: int) -> None:
    """Any byte of the document, any bits."""
    assert_noticed(flipped(TEXT, position, bits))


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(position=st.integers(0, len(LINES) - 1), bits=st.integers(1, 255))
def test_a_flipped_byte_in_a_journal_is_noticed(position: int, bits: int) -> None:
    """Any byte of the lines, newlines among them, any bits."""
    assert_noticed(flipped(LINES, position, bits))


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(start=st.integers(0, len(LINES) - 1), length=st.integers(1, 3000))
def test_a_stretch_that_is_gone_is_noticed(start: int, length: int) -> None:
    """Bytes cut out anywhere, whole lines and the end of the file among them."""
    assert_noticed(LINES[:start] + LINES[start + length :])


@pytest.mark.slow
def test_every_byte() -> None:
    """The whole sweep: each byte of the document, one bit each, the bits taking turns."""
    for position in range(len(TEXT)):
        assert_noticed(flipped(TEXT, position, 1 << position % 8))
