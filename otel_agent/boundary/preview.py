"""Messages and values as short JSON for people: GenAI convention shapes, never longer than a default backend keeps.

Only what is shown is touched: the newest messages are visited from the end, strings are cut before they are copied.
Replay never reads any of this. https://github.com/open-telemetry/semantic-conventions-genai (model/gen-ai/*.json)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

LIMIT = 800
"""Bytes of a whole preview; a default Tempo keeps 2,048 of an attribute."""
CUT = "…"
_MOST_MESSAGES = 12
_MOST_ITEMS = 30
_DEEPEST = 6
_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool"}


def messages_json(messages: Sequence[Any], limit: int = LIMIT) -> str:
    """The newest messages that fit, oldest first; the newest is cut where it is too long by itself."""
    shown: list[bytes] = []
    left = limit - 2
    for message in islice(reversed(messages), _MOST_MESSAGES):
        text = _fitted(message, left, cut=not shown)
        if text is None:
            break
        shown.append(text)
        left -= len(text) + 1
    return (b"[" + b",".join(reversed(shown)) + b"]").decode()


def value_json(value: Any, limit: int = LIMIT) -> str:
    """A value as JSON, cut to ``limit`` bytes; text stays text."""
    if isinstance(value, str):
        return cut(value, limit)
    return cut(_dumps(_plain(value, limit, 0)).decode(), limit)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` UTF-8 bytes of the text, with a mark where something is missing."""
    if len(text) * 4 <= limit:
        return text
    data = text[: limit + 1].encode("utf-8", "replace")
    if len(data) <= limit and len(text) <= limit:
        return text
    return data[: max(limit - len(CUT.encode()), 0)].decode("utf-8", "ignore") + CUT


def _fitted(message: Any, left: int, *, cut: bool) -> bytes | None:
    """The message in at most ``left`` bytes: whole, else shortened if ``cut``, else not at all."""
    text_limit = left
    while True:
        text = _dumps(_shape(message, text_limit))
        if len(text) <= left:
            return text
        if not cut:
            return None
        if text_limit < 20:
            return _dumps({**_shape(message, 0), "parts": [{"type": "text", "content": CUT}]})
        text_limit //= 2


def _shape(message: Any, limit: int) -> dict[str, Any]:
    kind = getattr(message, "type", "")
    role = _ROLES.get(kind, kind)
    if kind in ("chat", "ChatMessageChunk"):
        role = getattr(message, "role", role)
    content = getattr(message, "content", message)
    shape: dict[str, Any] = {"role": role}
    if kind == "tool":
        answer = cut(content, limit) if isinstance(content, str) else _plain(content, limit, 2)
        shape["parts"] = [{"type": "tool_call_response", "id": message.tool_call_id, "response": answer}]
    else:
        shape["parts"] = [*_content_parts(content, limit), *_call_parts(message, limit)]
    name = getattr(message, "name", None)
    if isinstance(name, str) and name:
        shape["name"] = cut(name, 100)
    return shape


def _content_parts(content: Any, limit: int) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "content": cut(content, limit)}] if content else []
    if not isinstance(content, (list, tuple)):
        return [{"type": "text", "content": value_json(content, limit)}]
    return [part for block in islice(content, _MOST_ITEMS) if (part := _part(block, limit)) is not None]


def _part(block: Any, limit: int) -> dict[str, Any] | None:
    if isinstance(block, str):
        return {"type": "text", "content": cut(block, limit)}
    if not isinstance(block, Mapping):
        return None
    kind = block.get("type", "text")
    if kind in ("tool_call", "tool_use", "function_call", "tool_call_chunk", "invalid_tool_call"):
        return None  # also in the message's tool_calls
    for key in ("text", "reasoning", "thinking"):
        if isinstance(block.get(key), str):
            return {"type": "text" if key == "text" else "reasoning", "content": cut(block[key], limit)}
    image = block.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else block.get("url", image)
    if isinstance(url, str) and not url.startswith("data:"):
        return {"type": "uri", "modality": str(kind).partition("_")[0], "uri": cut(url, min(limit, 300))}
    return {"type": kind if isinstance(kind, str) else "unknown"}


def _call_parts(message: Any, limit: int) -> list[dict[str, Any]]:
    parts = []
    for call in islice(getattr(message, "tool_calls", None) or (), _MOST_ITEMS):
        arguments = _plain(call.get("args"), limit, 1)
        parts.append({"type": "tool_call", "id": call.get("id"), "name": call.get("name"), "arguments": arguments})
    return parts


def _plain(value: Any, limit: int, depth: int) -> Any:
    """A bounded JSON-like view; objects without one are named by their type, for ``repr`` may run anything."""
    if isinstance(value, str):
        return cut(value, limit)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if depth >= _DEEPEST:
        return CUT
    if isinstance(value, Mapping):
        shown = {cut(str(key), 100): _plain(item, limit, depth + 1) for key, item in islice(value.items(), _MOST_ITEMS)}
        return shown if len(value) <= _MOST_ITEMS else {**shown, CUT: CUT}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_plain(item, limit, depth + 1) for item in islice(value, _MOST_ITEMS)]
        return items if len(value) <= _MOST_ITEMS else [*items, CUT]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return _plain_object(value, limit, depth)


def _plain_object(value: Any, limit: int, depth: int) -> Any:
    if getattr(value, "content", None) is not None and hasattr(value, "tool_call_id"):
        return _plain(value.content, limit, depth + 1)
    if not isinstance(value, type) and (hasattr(type(value), "model_fields") or dataclasses.is_dataclass(value)):
        fields = getattr(value, "__dict__", None)
        if fields is not None:
            return _plain({k: v for k, v in fields.items() if not k.startswith("_")}, limit, depth)
    cls = value if isinstance(value, type) else type(value)
    return f"<{cls.__module__}.{cls.__qualname__}>"


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # lone surrogates
        import json

        return json.dumps(value, ensure_ascii=True).encode()
