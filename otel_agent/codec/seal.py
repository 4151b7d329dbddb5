"""The seal of a span: SHA-256 over what we wrote in it, in a form that every backend gives back.

Times count in microseconds (Jaeger keeps no more); integral floats are ints (JSON has one kind of number); lists may
come back as their JSON text; of an exception only what a backend with default limits does not cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from otel_agent.codec import names
from otel_agent.codec.canonical import SORTED

_MESSAGE = 500
"""Characters of an exception's message that are sealed: at most 2,000 bytes."""


def seal_of(
    trace_id: str,
    span_id: str,
    parent_id: str | None,
    name: str,
    start_us: int,
    end_us: int,
    status: str,
    attributes: Mapping[str, Any],
    events: Iterable[tuple[str, Mapping[str, Any]]],
) -> str:
    """The seal, 64 hex digits. ``events`` are (name, attributes); their order does not count.

    Only our attributes and events are sealed: what other instrumentation adds to the span is left alone.
    """
    ours = _ours(attributes)
    sealed = sorted(orjson.dumps(event, option=SORTED) for event in map(_event, events) if event is not None)
    head = [trace_id, span_id, parent_id or "", name, start_us, end_us, status, ours]
    return sha256(orjson.dumps(head, option=SORTED) + b"\n" + b"\n".join(sealed)).hexdigest()


def seal_of_seals(seals: Iterable[str]) -> str:
    """What the root span says of all other spans' seals, which are given in order of ``agent.record.seq``."""
    return sha256("\n".join(seals).encode()).hexdigest()


def _ours(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Our attributes as every backend gives them back; for a string without surprises nothing is to be done."""
    ours = {}
    for key, value in attributes.items():
        is_list = _known.get(key)
        if is_list is None:
            is_list = _learn(key)
        if is_list == _FOREIGN:
            continue
        kind = type(value)
        if (kind is str and is_list == _PLAIN and value.isascii()) or kind is int or kind is bool:
            ours[key] = value
        else:
            ours[key] = _value(key, value)
    return ours


def _learn(key: str) -> int:
    if not key.startswith(names.SEALED_PREFIXES) or key == names.SEAL:
        found = _FOREIGN
    else:
        found = _LIST if key in _LISTS else _PLAIN
    if len(_known) < _MANY:
        _known[key] = found
    return found


_FOREIGN, _PLAIN, _LIST = 0, 1, 2
_known: dict[str, int] = {}
"""What was found out about attribute names."""
_MANY = 2000


def _event(event: tuple[str, Mapping[str, Any]]) -> list[Any] | None:
    name, attributes = event
    if name == names.PAYLOAD_EVENT:
        return [name, _ours(attributes)]
    if name == names.EXCEPTION_EVENT:
        message = str(attributes.get(names.EXCEPTION_MESSAGE, ""))[:_MESSAGE]
        return [name, {"type": str(attributes.get(names.EXCEPTION_TYPE, "")), "message": _clean(message)}]
    return None


def _value(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return _listed(value) if key in _LISTS else _clean(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    if isinstance(value, (list, tuple)):
        return [_value("", part) for part in value]
    return value


def _listed(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _clean(text)
    return _value("", found) if isinstance(found, list) else _clean(text)


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


_LISTS = frozenset(declared.name for declared in names.DECLARED if declared.type.endswith("[]"))
