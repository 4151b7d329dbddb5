"""Have these many objects changed since we wrote them? One comparison in C for a whole history.

For items that are all pydantic models (messages above all) or all plain dicts a chain keeps, beside the patterns, their
*fields*: copies that hold nothing but dicts, lists, tuples and what cannot change. Then a history of n messages costs
n comparisons of dicts and no call of Python.

Not noticed here: a number inside an item replaced in place by an equal one of another type (``1`` by ``True``), and a
field set to the value it has.
"""

from __future__ import annotations

from operator import attrgetter, is_
from typing import Any

from otel_agent.codec.memo import Entry, Exact, Identical, ModelEntry, Typed

_LEAVES = (str, int, float, bool, bytes, type(None))
_extra = attrgetter("__pydantic_extra__")


class NotPlainError(Exception):
    """A pattern holds something that only its own comparison understands."""


class Fields:
    """The fields of a chain's items, as long as all of them are of one kind."""

    __slots__ = ("_fields", "_models")

    def __init__(self) -> None:
        self._fields: list[Any] | None = []
        self._models: bool | None = None

    def grow(self, items: list[Any], patterns: list[Any]) -> None:
        """Add items with their patterns; one of another kind ends it for the whole chain."""
        if self._fields is None:
            return
        try:
            for item, pattern in zip(items, patterns, strict=True):
                self._add(item, pattern)
        except NotPlainError:
            self._fields = None

    def _add(self, item: Any, pattern: Any) -> None:
        model = isinstance(pattern, ModelEntry)
        if self._models is None:
            self._models = model
        if model is not self._models or (model and pattern.beside is not None) or not (model or type(item) is dict):
            raise NotPlainError
        assert self._fields is not None  # noqa: S101 - checked by the caller
        self._fields.append(plain(pattern.pattern if model else pattern))

    def unchanged(self, known: list[Any], at: int, items: list[Any], start: int, count: int) -> bool:
        """Whether ``items[start:start+count]`` are the objects ``known[at:at+count]``, as they were."""
        fields = self._fields
        if fields is None:
            return False
        old, new = _part(known, at, count), _part(items, start, count)
        if not all(map(is_, old, new)):
            return False
        if not self._models:
            return bool(_part(fields, at, count) == new)
        return _part(fields, at, count) == [item.__dict__ for item in new] and not any(map(_extra, new))


def plain(pattern: Any) -> Any:
    """The pattern as nothing but containers and values."""
    if isinstance(pattern, _LEAVES):
        return pattern
    kind = type(pattern)
    if kind is dict:
        return {key: plain(value) for key, value in pattern.items()}
    if kind is list:
        return [plain(value) for value in pattern]
    if kind is tuple:
        return tuple([plain(value) for value in pattern])
    if kind is Typed or (kind is Entry and type(pattern.obj) in (dict, list)):
        return plain(pattern.pattern)
    if kind is Exact:
        return pattern.value
    return pattern.obj if kind is Identical else _refuse()


def _refuse() -> Any:
    raise NotPlainError


def _part(values: list[Any], at: int, count: int) -> list[Any]:
    return values if at == 0 and count == len(values) else values[at : at + count]
