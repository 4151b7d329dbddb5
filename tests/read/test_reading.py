"""Reading OTLP/JSON however it was spelt, packed or broken."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_agent.errors import SourceNotFound, UnreadableSource
from otel_agent.export import to_record
from otel_agent.read import read_spans

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def span_json(**fields: Any) -> dict[str, Any]:
    return {"traceId": TRACE, "spanId": SPAN, "name": "n", "startTimeUnixNano": "1", "endTimeUnixNano": "2", **fields}


def document(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "s"}, "spans": list(spans)}]}]}


def data(*spans: dict[str, Any]) -> bytes:
    return json.dumps(document(*spans)).encode()


def attribute(value: dict[str, Any]) -> Any:
    return read_spans(data(span_json(attributes=[{"key": "k", "value": value}])))[0].attributes["k"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "a"}, "a"),
        ({"stringValue": ""}, ""),
        ({"boolValue": False}, False),
        ({"intValue": "9007199254740993"}, 2**53 + 1),
        ({"intValue": 7}, 7),
        ({"intValue": "1180591620717411303424"}, 2**70),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "-Infinity"}, float("-inf")),
        ({"bytesValue": "AP8="}, b"\x00\xff"),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [{"intValue": "1"}, {}]}}, [1, None]),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}, {"a": True}),
        ({"string_value": "snake"}, "snake"),
        ({}, None),
    ],
)
def test_every_kind_of_value(value: dict[str, Any], expected: object) -> None:
    """All kinds of AnyValue come back as their Python type."""
    found = attribute(value)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "value",
    [{"intValue": "1_0"}, {"intValue": True}, {"boolValue": "yes"}, {"doubleValue": "x"}, {"bytesValue": "?"}],
)
def test_a_value_that_is_not_what_it_says_is_refused(value: dict[str, Any]) -> None:
    """A value of the wrong kind is an error that names the span."""
    with pytest.raises(UnreadableSource, match=SPAN):
        attribute(value)


def test_base64_ids_are_known_by_their_length() -> None:
    """Protobuf's own JSON has base64 ids and enum names; it reads like the rest."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("parent"):
        provider.get_tracer("test").start_span("child", attributes={"x": 1.0}).end()
    spans = exporter.get_finished_spans()

    assert read_spans(MessageToJson(encode_spans(spans)).encode()) == [to_record(span) for span in spans]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": 3}, ("client", "unset")),
        ({"kind": "SPAN_KIND_SERVER", "status": {"code": "STATUS_CODE_ERROR"}}, ("server", "error")),
        ({"kind": 0, "status": {}}, ("internal", "unset")),
        ({"status": {"code": 1, "message": "m"}}, ("internal", "ok")),
    ],
)
def test_enums_are_numbers_or_names(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """Kind and status are read as number or as name."""
    [span] = read_spans(data(span_json(**fields)))

    assert (span.kind, span.status) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"spanId": "xyz"},
        {"traceId": "5b8efff798038103d269b633813fc60 "},
        {"spanId": ""},
        {"kind": 9},
        {"status": {"code": "STATUS_CODE_FINE"}},
        {"name": 5},
        {"startTimeUnixNano": "now"},
        {"attributes": [{"value": {}}]},
        {"events": ["e"]},
    ],
)
def test_a_span_that_cannot_be_read_is_named(fields: dict[str, Any]) -> None:
    """A field that is not OTLP is an error, never a guess."""
    with pytest.raises(UnreadableSource, match="is not OTLP/JSON"):
        read_spans(data(span_json(**fields)))


def test_no_parent_is_spelt_in_three_ways() -> None:
    """An absent, empty or all-zero parent id is no parent."""
    spans = read_spans(data(span_json(), span_json(parentSpanId=""), span_json(parentSpanId="0" * 16)))

    assert {span.parent_id for span in spans} == {None}


def test_ids_are_lower_case_whatever_they_were() -> None:
    """Hex ids are case-insensitive."""
    assert read_spans(data(span_json(traceId=TRACE.upper())))[0].trace_id == TRACE


def test_several_requests_one_a_line(tmp_path: Path) -> None:
    """The Collector's JSON lines hold many traces, in order, with blank lines between."""
    path = tmp_path / "traces.jsonl"
    path.write_bytes(
        data(span_json(), span_json(traceId="1" * 32)) + b"\n\n" + data(span_json(traceId="2" * 32)) + b"\n"
    )

    assert [span.trace_id for span in read_spans(path)] == [TRACE, "1" * 32, "2" * 32]


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    """A gzipped file is unpacked whatever its name is."""
    path = tmp_path / "trace.json"
    path.write_bytes(gzip.compress(data(span_json())))

    assert len(read_spans(path)) == 1


def test_a_directory_is_read_as_one(tmp_path: Path) -> None:
    """All trace files of a directory, in order of name; others and hidden ones are left alone."""
    (tmp_path / "b.jsonl").write_bytes(data(span_json(name="b")) + b"\n")
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(data(span_json(name="a"))))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".half.json").write_text("{")

    assert [span.name for span in read_spans(tmp_path)] == ["a", "b"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads standard input."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data(span_json()))))

    assert len(read_spans("-")) == 1


def test_a_last_line_cut_by_a_crash_is_left_out_and_said(tmp_path: Path) -> None:
    """A last line without its newline is reported as a warning; what is before it is read."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(data(span_json()) + b"\n" + data(span_json())[:50])

    spans = read_spans(path)

    assert len(spans) == 1
    assert spans.warnings == (f"{path}: line 2 is cut after 50 bytes; left out.",)


def test_a_journal_whose_only_line_was_cut(tmp_path: Path) -> None:
    """A process killed in its first line must not hide the other files of the directory."""
    (tmp_path / "a.jsonl").write_bytes(data(span_json())[:50])
    (tmp_path / "b.jsonl").write_bytes(data(span_json()) + b"\n")
    (tmp_path / "c.jsonl").write_bytes(b"")

    spans = read_spans(tmp_path)

    assert (len(spans), len(spans.warnings)) == (1, 2)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (data(span_json()) + b"\n" + data(span_json())[:-9] + b"\n" + data(span_json()) + b"\n", "line 2, column "),
        (data(span_json()) + b"\n{broken}\n", "line 2, column 2"),
        (b'{\n  "resourceSpans": [\n    {]\n}', "line 3, column 6"),
        (data(span_json())[:-3], "line 1, column "),
        (data(span_json(name="x")).replace(b'"x"', b'"\xff"'), "not UTF-8"),
        (b"not json", "line 1, column 1"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[]", "no trace format"),
        (b'{"spans": []}', "no trace format"),
        (b'{"resourceSpans": [5]}', "not OTLP/JSON"),
        (b"\x1f\x8bbroken", "broken gzip"),
        (gzip.compress(data(span_json()))[:-9], "broken gzip"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
    ],
)
def test_broken_text_is_refused_with_its_place(text: bytes, place: str) -> None:
    """What cannot be read is never skipped: file, line and column are named."""
    with pytest.raises(UnreadableSource, match=place):
        read_spans(text)


def test_what_is_not_there(tmp_path: Path) -> None:
    """A missing file and a directory without traces are their own error."""
    for source in (tmp_path / "no.json", str(tmp_path)):
        with pytest.raises(SourceNotFound):
            read_spans(source)


def test_dropped_counts_are_summed() -> None:
    """What the SDK says it dropped, in the span and its events, is one number."""
    span = span_json(
        droppedAttributesCount=2, droppedEventsCount=1, events=[{"name": "e", "droppedAttributesCount": 4}]
    )

    assert read_spans(data(span))[0].dropped == 7


def test_base64_of_the_wrong_length_is_no_id() -> None:
    """A base64 text that is not 16 or 8 bytes long is refused."""
    with pytest.raises(UnreadableSource):
        read_spans(data(span_json(traceId=base64.b64encode(b"short").decode())))
