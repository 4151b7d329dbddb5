"""OTLP/JSON into spans: the Collector's file exporter, Jaeger's v3 API, our journal, protobuf's own JSON.

Lenient in how a thing is spelt: ids in hex or base64, 64-bit integers as string or number, enums as number or name,
keys in camelCase or snake_case. Strict in what it says: a value that is none of these is refused and the span named.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from otel_agent.errors import UnreadableSource
from otel_agent.model.span import Link, SpanEvent, SpanRecord
from otel_agent.read.documents import Document

_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
_KIND_NAMES = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("unset", "ok", "error")
_STATUS_NAMES = ("UNSET", "OK", "ERROR")
_DROPPED = ("droppedAttributesCount", "droppedEventsCount", "droppedLinksCount")
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
_INTEGER = re.compile(r"-?[0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]*")


def is_otlp(value: Any) -> bool:
    """Whether a JSON value is an ``ExportTraceServiceRequest``."""
    return isinstance(value, dict) and ("resourceSpans" in value or "resource_spans" in value)


def spans_in(document: Document) -> Iterator[SpanRecord]:
    """The spans of a document, in its order."""
    try:
        for resource_spans in _field(document.value, "resourceSpans", []):
            resource = _attributes(resource_spans.get("resource") or {})
            for scope_spans in _field(resource_spans, "scopeSpans", []):
                scope = _text((scope_spans.get("scope") or {}).get("name", ""))
                for span in scope_spans.get("spans") or []:
                    yield _span(span, resource, scope, document.place)
    except _MALFORMED as error:
        raise UnreadableSource(f"{document.place}: not OTLP/JSON: {error}.") from error


def _span(span: Mapping[str, Any], resource: Mapping[str, Any], scope: str, place: str) -> SpanRecord:
    try:
        return _read_span(span, resource, scope)
    except _MALFORMED as error:
        named = str(_field(span, "spanId", "")) if isinstance(span, dict) else ""
        raise UnreadableSource(f"{place}: span {named or '?'} is not OTLP/JSON: {error}.", span_id=named) from error


def _read_span(span: Mapping[str, Any], resource: Mapping[str, Any], scope: str) -> SpanRecord:
    status = span.get("status") or {}
    return SpanRecord(
        trace_id=_id(_field(span, "traceId", ""), 32),
        span_id=_id(_field(span, "spanId", ""), 16),
        parent_id=_parent(_field(span, "parentSpanId", "")),
        name=_text(span.get("name", "")),
        start_ns=_integer(_field(span, "startTimeUnixNano", 0)),
        end_ns=_integer(_field(span, "endTimeUnixNano", 0)),
        kind=_KINDS[_enum(span.get("kind", 0), "SPAN_KIND_", _KIND_NAMES)],
        status=_STATUSES[_enum(status.get("code", 0), "STATUS_CODE_", _STATUS_NAMES)],
        status_message=_text(status.get("message", "")),
        attributes=_attributes(span),
        events=tuple(_event(event) for event in span.get("events") or ()),
        links=tuple(_link(link) for link in span.get("links") or ()),
        resource=resource,
        scope=scope,
        dropped=_dropped(span),
    )


def _event(event: Mapping[str, Any]) -> SpanEvent:
    return SpanEvent(_text(event.get("name", "")), _integer(_field(event, "timeUnixNano", 0)), _attributes(event))


def _link(link: Mapping[str, Any]) -> Link:
    return Link(_id(_field(link, "traceId", ""), 32), _id(_field(link, "spanId", ""), 16), _attributes(link))


def _dropped(span: Mapping[str, Any]) -> int:
    parts = [span, *(span.get("events") or ()), *(span.get("links") or ())]
    return sum(_integer(_field(part, name, 0)) for part in parts for name in _DROPPED)


def _field(holder: Mapping[str, Any], name: str, default: Any) -> Any:
    """A field in camelCase, else in snake_case, else the default; null counts as absent."""
    found = holder.get(name)
    if found is None:
        found = holder.get(_snake(name))
    return default if found is None else found


@lru_cache(maxsize=64)
def _snake(name: str) -> str:
    return re.sub("(?=[A-Z])", "_", name).lower()


def _id(text: Any, digits: int) -> str:
    if isinstance(text, str):
        if len(text) == digits and _HEX.fullmatch(text):
            return text.lower()
        if len(text) == -(-digits // 6) * 4 and text.endswith("="):
            return base64.b64decode(text, validate=True).hex()
    raise ValueError(f"{text!r} is not an id of {digits} hex digits, nor the base64 of one")


def _parent(text: Any) -> str | None:
    found = _id(text, 16) if text else None
    return None if found is None or not int(found, 16) else found


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {_text(pair["key"]): _any_value(pair.get("value")) for pair in holder.get("attributes") or ()}


def _any_value(value: Mapping[str, Any] | None) -> Any:
    """An OTLP ``AnyValue``; without any value it is None."""
    for key, content in (value or {}).items():
        name = key if "_" not in key else _camel(key)
        if name in _READERS:
            return _READERS[name](content)
    return None


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError(f"{content!r} is not a string")
    return content


def _boolean(content: Any) -> bool:
    if not isinstance(content, bool):
        raise TypeError(f"{content!r} is not a boolean")
    return content


def _integer(content: Any) -> int:
    if isinstance(content, str) and _INTEGER.fullmatch(content):
        return int(content)
    if isinstance(content, int) and not isinstance(content, bool):
        return content
    raise ValueError(f"{content!r} is not an integer")


def _double(content: Any) -> float:
    if isinstance(content, bool) or not isinstance(content, (int, float, str)):
        raise TypeError(f"{content!r} is not a number")
    return float(content)


def _enum(content: Any, prefix: str, names: tuple[str, ...]) -> int:
    if isinstance(content, str) and content.removeprefix(prefix) in names:
        return names.index(content.removeprefix(prefix))
    number = _integer(content)
    if not 0 <= number < len(names):
        raise ValueError(f"{prefix}{number} is not known")
    return number


def _array(content: Mapping[str, Any]) -> list[Any]:
    return [_any_value(item) for item in content.get("values") or ()]


def _map(content: Mapping[str, Any]) -> dict[str, Any]:
    return {_text(pair["key"]): _any_value(pair.get("value")) for pair in content.get("values") or ()}


def _bytes(content: Any) -> bytes:
    return base64.b64decode(_text(content), validate=True)


_READERS = {
    "stringValue": _text,
    "boolValue": _boolean,
    "intValue": _integer,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": _map,
    "bytesValue": _bytes,
}
