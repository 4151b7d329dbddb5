"""Recorded values as people read them, and as plain JSON for programs."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from otel_agent.codec import RecordedError, Unresolved

_DEEPEST = 40


def one_line(value: Any) -> str:
    """The value on one line; messages as ``role: text``, documents as ``source: text``."""
    return _written(for_people(value), None)


def many_lines(value: Any) -> str:
    """The whole value, indented."""
    return _written(for_people(value), 2)


def _written(plain: Any, spaces: int | None) -> str:
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, indent=spaces)


def for_people(value: Any, depth: int = 0) -> Any:
    """JSON that says what a reader wants to know, without the empty fields of framework classes."""
    if isinstance(value, Unresolved):
        return for_people(value.value, depth + 1)
    for shorten in (_message, _document, _asked, _answered):
        short = shorten(value)
        if short is not None:
            return short
    return _plain(value, for_people, depth)


def for_programs(value: Any, depth: int = 0) -> Any:
    """JSON with every field; an object is a dict of its fields with ``type``."""
    return _plain(value, for_programs, depth)


def _message(value: Any) -> Any:
    """A chat message, or a chunk of one, by its shape: LangChain need not be installed here."""
    kind, content = getattr(value, "type", None), getattr(value, "content", None)
    if not isinstance(kind, str) or content is None or not hasattr(value, "additional_kwargs"):
        return None
    said = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=repr)
    calls = [
        f"{call['name']}({json.dumps(call['args'], ensure_ascii=False, default=repr)})"
        for call in getattr(value, "tool_calls", None) or ()
    ]
    return f"{kind}: {' '.join([said, *calls]).strip()}"


def _document(value: Any) -> Any:
    text, metadata = getattr(value, "page_content", None), getattr(value, "metadata", None)
    if not isinstance(text, str) or not isinstance(metadata, Mapping):
        return None
    source = metadata.get("source")
    return f"{source}: {text}" if source else text


def _asked(value: Any) -> Any:
    """What a model is asked, without its parameters."""
    if not isinstance(value, Mapping) or "params" not in value:
        return None
    said = value.get("messages", value.get("prompts"))
    return for_people(said) if isinstance(said, list) else None


def _answered(value: Any) -> Any:
    """What a model answered, without the accounting."""
    generations = getattr(value, "generations", None)
    if not isinstance(generations, list):
        return None
    said = [for_people(getattr(generation, "message", getattr(generation, "text", None))) for generation in generations]
    return said[0] if len(said) == 1 else said


def _plain(value: Any, inner: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return "..."
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else repr(key): inner(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [inner(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((inner(item, depth + 1) for item in value), key=repr)
    return _object(value, inner, depth)


def _object(value: Any, inner: Any, depth: int) -> Any:
    if isinstance(value, BaseException):
        return str(value) if isinstance(value, RecordedError) else f"{type(value).__name__}: {value}"
    fields = _fields(value)
    if fields is None:
        return _repr(value)
    return {"type": type(value).__name__, **{name: inner(item, depth + 1) for name, item in fields.items()}}


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a class of the application's, rebuilt without all that its repr looks at
        return f"<{type(value).__name__}>"


def _fields(value: Any) -> dict[str, Any] | None:
    model_fields = getattr(type(value), "model_fields", None)
    if isinstance(model_fields, dict):
        return {name: getattr(value, name, None) for name in model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return None
