"""Recorded against asked: whether two values are the same but for ids of the moment, and the first place they differ.

Task ids, and what LangGraph makes of them (checkpoint namespaces, interrupt ids, the note it adds to exceptions), are
new in every run. They are compared as equal; nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from otel_agent.codec import Encoder, PayloadTable, Redactor
from otel_agent.codec.canonical import TAG
from otel_agent.model import Payload

_TASK_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_NOTE = "During task with name "
_WIDTH = 60
_ABSENT = object()

UNREDACTED = Redactor(keys=(), patterns=())
"""A replay compares and never exports, so it hides nothing from itself."""


def tree_of(value: Any) -> Any:
    """The value as JSON for people."""
    table, payload = _encoded(value)
    return table.json(payload)


def are_same(recorded: Any, asked: Any) -> bool:
    """Whether two values are equal, types included, but for ids that are new in every run."""
    one, other = (table.tree(payload) for table, payload in (_encoded(recorded), _encoded(asked)))
    return bool(one == other or _settled(one) == _settled(other))


def _encoded(value: Any) -> tuple[PayloadTable, Payload]:
    """The value encoded by itself, so that no reference leads out of it."""
    encoded = Encoder(UNREDACTED).encode(value)
    table = PayloadTable()
    payload = Payload("value", encoded.digest, encoded.size, encoded.text, "")
    table.add(payload)
    return table, payload


def _settled(tree: Any) -> Any:
    """The typed tree with ids of the moment blanked."""
    if isinstance(tree, list):
        return [_settled(item) for item in tree]
    if not isinstance(tree, Mapping):
        return tree
    held = str(tree.get("class", ""))
    if held in _BLANKED and isinstance(tree.get("v"), Mapping):
        name, blank = _BLANKED[held]
        return {**tree, "v": {key: blank(each) if key == name else _settled(each) for key, each in tree["v"].items()}}
    plain = {key: _settled(value) for key, value in tree.items()}
    if tree.get(TAG) == "exc" and "notes" in plain:
        plain["notes"] = [note for note in tree["notes"] if not str(note).startswith(_NOTE)]
        return plain if plain["notes"] else {key: value for key, value in plain.items() if key != "notes"}
    return plain


def _without_task_ids(namespace: Any) -> Any:
    return _TASK_ID.sub("", namespace) if isinstance(namespace, str) else namespace


_BLANKED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "langgraph.types.Interrupt": ("id", lambda _: ""),
    "langgraph.types.Command": ("graph", _without_task_ids),
}
"""The fields of LangGraph's own types that hold ids of the moment."""


def difference(recorded: Any, asked: Any) -> str:
    """The first place where two values differ, as ``/pointer: recorded ..., asked ...``.

    Shown as people read it; where only types differ, with the types.
    """
    found = _first(tree_of(recorded), tree_of(asked), "")
    if found is None:
        one, other = (_settled(table.tree(payload)) for table, payload in (_encoded(recorded), _encoded(asked)))
        found = _first(one, other, "")
    if found is None:
        return ""
    pointer, was, now = found
    was_text, now_text = _around(_text(was), _text(now))
    return f"{pointer or '/'}: recorded {was_text}, asked {now_text}"


def distance(recorded: Any, asked: Any) -> int:
    """How unlike two values are: the size of what does not agree, for finding the nearest."""
    return _distance(tree_of(recorded), tree_of(asked))


def _distance(was: Any, now: Any) -> int:
    if was == now:
        return 0
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return sum(_distance(was.get(key, _ABSENT), now.get(key, _ABSENT)) for key in was.keys() | now.keys())
    if isinstance(was, list) and isinstance(now, list):
        shared = sum(_distance(one, other) for one, other in zip(was, now, strict=False))
        return shared + sum(len(_text(item)) for item in (*was[len(now) :], *now[len(was) :]))
    return max(1, len(_text(was)), len(_text(now)))


def _first(was: Any, now: Any, pointer: str) -> tuple[str, Any, Any] | None:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        keys = [*was, *(key for key in now if key not in was)]
        pairs = [(f"{pointer}/{_escaped(key)}", was.get(key, _ABSENT), now.get(key, _ABSENT)) for key in keys]
    elif isinstance(was, list) and isinstance(now, list):
        longest = max(len(was), len(now))
        pairs = [(f"{pointer}/{number}", _item(was, number), _item(now, number)) for number in range(longest)]
    else:
        return None if was == now else (pointer, was, now)
    for place, one, other in pairs:
        if (found := _first(one, other, place)) is not None:
            return found
    return None


def _item(items: list[Any], number: int) -> Any:
    return items[number] if number < len(items) else _ABSENT


def _escaped(key: str) -> str:
    """A key as RFC 6901 wants it in a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "(nothing)"
    return orjson.dumps(value, default=repr).decode()


def _around(was: str, now: str) -> tuple[str, str]:
    """Both texts cut to the neighbourhood of their first difference."""
    same = next((at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), 0)
    start = max(0, same - _WIDTH // 3)
    return _cut(was, start), _cut(now, start)


def _cut(text: str, start: int) -> str:
    if len(text) <= _WIDTH:
        return text
    piece = text[start : start + _WIDTH]
    return f"{'…' if start else ''}{piece}{'…' if start + _WIDTH < len(text) else ''}"
