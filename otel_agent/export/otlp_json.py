"""OTLP/JSON as the Collector writes it: hex ids, lowerCamelCase keys, 64-bit integers as strings, zero values left out.

Written by hand: a span costs about a third of what protobuf and its ``json_format`` cost, and those write base64 ids.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link as SdkLink
from opentelemetry.trace import SpanContext, TraceState

from otel_agent.model.span import Link, SpanEvent, SpanRecord

JsonObject = dict[str, Any]

_INT64 = 2**63
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_STATUSES = {"unset": 0, "ok": 1, "error": 2}


def any_value(value: Any) -> JsonObject:
    """One attribute value as an OTLP ``AnyValue``."""
    kind = type(value)
    if kind is str:
        return {"stringValue": value}
    if kind is bool:
        return {"boolValue": value}
    if kind is int:
        # The wire holds 64 bits; text keeps the digits where a backend would refuse, or drop, the attribute.
        return {"intValue": str(value)} if -_INT64 <= value < _INT64 else {"stringValue": str(value)}
    if kind is float:
        return {"doubleValue": value if math.isfinite(value) else _named_float(value)}
    if value is None:
        return {}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": key_values(value)}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return _value_of_subclass(value)


def _value_of_subclass(value: Any) -> JsonObject:
    for plain in (str, int, float):
        if isinstance(value, plain):
            return any_value(plain(value))
    return {"stringValue": str(value)}


def _named_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def key_values(attributes: Mapping[str, Any] | None) -> list[JsonObject]:
    """Attributes as a list of OTLP ``KeyValue``."""
    if not attributes:
        return []
    # The SDK's BoundedAttributes takes a lock for each key it is asked for, and copies itself with one.
    copy = getattr(attributes, "copy", None)
    plain: Mapping[str, Any] = copy() if copy is not None else attributes
    return [
        {"key": key, "value": {"stringValue": value} if type(value) is str else any_value(value)}
        for key, value in plain.items()
    ]


def span_json(span: ReadableSpan) -> JsonObject:
    """An ended span of the SDK as an OTLP ``Span``."""
    context, parent = span.context, span.parent
    out: JsonObject = {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"}
    if context.trace_state:
        out["traceState"] = _trace_state(context.trace_state)
    if parent is not None:
        out["parentSpanId"] = f"{parent.span_id:016x}"
    out |= {
        "flags": _flags(parent),
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
    }
    # Each of these makes a copy under a lock: asked for once.
    attributes, events, links, status = key_values(span.attributes), span.events, span.links, span.status
    if attributes:
        out["attributes"] = attributes
    if events:
        out["events"] = [_event_json(event) for event in events]
    if links:
        out["links"] = [_link_json(link) for link in links]
    _add_dropped(out, Attributes=span.dropped_attributes, Events=span.dropped_events, Links=span.dropped_links)
    out["status"] = _status_json(status.status_code.value, status.description)
    return out


def _trace_state(state: TraceState) -> str:
    return ",".join(f"{key}={value}" for key, value in state.items())


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)


def _event_json(event: Event) -> JsonObject:
    out: JsonObject = {"timeUnixNano": str(event.timestamp), "name": event.name}
    if event.attributes:
        out["attributes"] = key_values(event.attributes)
    _add_dropped(out, Attributes=event.dropped_attributes)
    return out


def _link_json(link: SdkLink) -> JsonObject:
    out: JsonObject = {"traceId": f"{link.context.trace_id:032x}", "spanId": f"{link.context.span_id:016x}"}
    if link.attributes:
        out["attributes"] = key_values(link.attributes)
    out["flags"] = _flags(link.context)
    _add_dropped(out, Attributes=link.dropped_attributes)
    return out


def _add_dropped(out: JsonObject, **counts: int) -> None:
    for what, count in counts.items():
        if count:
            out[f"dropped{what}Count"] = count


def _status_json(code: int, message: str | None) -> JsonObject:
    out: JsonObject = {}
    if message:
        out["message"] = message
    if code:
        out["code"] = code
    return out


def resource_json(resource: Resource) -> JsonObject:
    """A resource of the SDK as an OTLP ``Resource``."""
    return {"attributes": key_values(resource.attributes)} if resource.attributes else {}


def scope_json(scope: InstrumentationScope | None) -> JsonObject:
    """An instrumentation scope of the SDK as an OTLP ``InstrumentationScope``."""
    if scope is None:
        return {}
    out: JsonObject = {"name": scope.name}
    if scope.version:
        out["version"] = scope.version
    if scope.attributes:
        out["attributes"] = key_values(scope.attributes)
    return out


def record_json(span: SpanRecord) -> JsonObject:
    """A span as read, or as collected, as an OTLP ``Span``."""
    out: JsonObject = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.parent_id:
        out["parentSpanId"] = span.parent_id
    out |= {
        "name": span.name,
        "kind": _KINDS.get(span.kind, 0),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
    }
    if span.attributes:
        out["attributes"] = key_values(span.attributes)
    if span.events:
        out["events"] = [_recorded_event(event) for event in span.events]
    if span.links:
        out["links"] = [_recorded_link(link) for link in span.links]
    _add_dropped(out, Attributes=span.dropped)
    out["status"] = _status_json(_STATUSES.get(span.status, 0), span.status_message)
    return out


def _recorded_event(event: SpanEvent) -> JsonObject:
    out: JsonObject = {"timeUnixNano": str(event.time_ns), "name": event.name}
    if event.attributes:
        out["attributes"] = key_values(event.attributes)
    return out


def _recorded_link(link: Link) -> JsonObject:
    out: JsonObject = {"traceId": link.trace_id, "spanId": link.span_id}
    if link.attributes:
        out["attributes"] = key_values(link.attributes)
    return out


def trace_json(spans: Iterable[SpanRecord]) -> JsonObject:
    """Spans as one ``ExportTraceServiceRequest``, grouped by resource and scope."""
    groups: dict[bytes, dict[str, list[JsonObject]]] = {}
    for span in spans:
        scopes = groups.setdefault(dump_json(key_values(span.resource)), {})
        scopes.setdefault(span.scope, []).append(record_json(span))
    return {"resourceSpans": [_resource_spans(resource, scopes) for resource, scopes in groups.items()]}


def _resource_spans(resource: bytes, scopes: Mapping[str, list[JsonObject]]) -> JsonObject:
    return {
        "resource": {"attributes": json.loads(resource)},
        "scopeSpans": [{"scope": {"name": name}, "spans": spans} for name, spans in scopes.items()],
    }


def dump_json(value: Any) -> bytes:
    """JSON bytes on one line; lone surrogates, which UTF-8 cannot hold, become escapes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def write_trace(path: str | os.PathLike[str], spans: Iterable[SpanRecord]) -> Path:
    """Write one OTLP/JSON document, gzipped where the name ends in ``.gz``; a reader never sees half of it."""
    target = Path(path)
    data = dump_json(trace_json(spans)) + b"\n"
    if target.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The file is made 0600 by mkstemp: a trace holds what the agent was told.
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return target
