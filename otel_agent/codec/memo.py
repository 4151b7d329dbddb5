"""Has this object changed since we wrote it? Answered mostly in C.

For an object that was written we keep a *pattern*: something that is equal to the object exactly as long as nothing in
it changed. Containers become containers of the same shape, so that one ``==`` walks them in C; strings and None are
their own patterns; numbers need a check of the type (``1 == True``); objects compare their attributes.

Not noticed: an item replaced in place by an equal one of a subclass, or a dict's keys brought into another order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from otel_agent.codec.canonical import Ref


class Clock:
    """Counts the moments at which user code may have changed something."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


@dataclass(slots=True, eq=False)
class Losses:
    """What was lost or redacted in a value: reported again wherever it is referred to."""

    opaque: tuple[tuple[str, str], ...] = ()
    redacted: int = 0


NO_LOSSES = Losses()


class Entry:
    """An object that was written: its reference, and the pattern that tells whether it is still the same."""

    __slots__ = ("checked", "clock", "height", "losses", "obj", "pattern", "ref")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, obj: Any, pattern: Any, clock: Clock) -> None:
        self.obj = obj  # keeps it alive: its id stays its own
        self.pattern = pattern
        self.clock = clock
        self.checked = clock.now
        self.ref: Ref | None = None
        self.height = 0
        self.losses = NO_LOSSES

    def __eq__(self, other: object) -> bool:
        if other is not self.obj:
            return False
        if self.checked != self.clock.now:
            if not self.unchanged(other):
                return False
            self.checked = self.clock.now
        return True

    def unchanged(self, other: Any) -> bool:
        """Whether the object is as it was."""
        return bool(self.pattern == other)


class InstanceEntry(Entry):
    """An object with a ``__dict__``."""

    __slots__ = ()
    __hash__ = None

    def unchanged(self, other: Any) -> bool:
        """Whether its attributes are as they were."""
        return bool(self.pattern == other.__dict__)


class ModelEntry(Entry):
    """A pydantic model: fields, and what it keeps beside them."""

    __slots__ = ("beside", "extra", "given", "given_count")
    __hash__ = None

    def __init__(self, obj: Any, pattern: Any, clock: Clock, beside: list[Any] | None) -> None:
        super().__init__(obj, pattern, clock)
        self.given = obj.__pydantic_fields_set__
        self.given_count = len(self.given)
        self.extra = obj.__pydantic_extra__
        self.beside = beside

    def __eq__(self, other: object) -> bool:  # the same as above, without a call: most of a history is models
        if other is not self.obj:
            return False
        if self.checked == self.clock.now:
            return True
        if (
            self.pattern == other.__dict__
            and len(self.given) == self.given_count
            and (not self.extra if self.beside is None else self.beside == beside_of(other))
        ):
            self.checked = self.clock.now
            return True
        return False


class SlottedEntry(Entry):
    """An object without ``__dict__``."""

    __slots__ = ("names",)
    __hash__ = None

    def __init__(self, obj: Any, pattern: list[Any], clock: Clock, names: tuple[str, ...]) -> None:
        super().__init__(obj, pattern, clock)
        self.names = names

    def unchanged(self, other: Any) -> bool:
        """Whether its slots are as they were."""
        return bool(self.pattern == [getattr(other, name, None) for name in self.names])


class Exact:
    """A number: the same only with the same type, sign and, for NaN, itself."""

    __slots__ = ("type", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self.value = value
        self.type = type(value)

    def __eq__(self, other: object) -> bool:
        if self.type is not type(other):
            return False
        return other == self.value if self.type is not float else repr(other) == repr(self.value)


class Identical:
    """A value that cannot change, or whose changes we cannot see."""

    __slots__ = ("obj",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def __eq__(self, other: object) -> bool:
        return other is self.obj


class Never:
    """A value that must be looked at again each time."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


class Typed:
    """A dict or list that holds numbers: equal, and of equal types."""

    __slots__ = ("pattern", "types")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, pattern: Any, types: list[type]) -> None:
        self.pattern = pattern
        self.types = types

    def __eq__(self, other: object) -> bool:
        if not self.pattern == other:
            return False
        values: Any = other.values() if isinstance(other, dict) else other
        return self.types == list(map(type, values))


NEVER = Never()
NUMBERS = frozenset((int, bool, float))


def beside_of(model: Any) -> list[Any] | None:
    """Extra and private attributes of a model, None where there are none."""
    extra, private = model.__pydantic_extra__, getattr(model, "__pydantic_private__", None)
    return [extra or None, private] if extra or private is not None else None


def is_exact_number(value: Any) -> bool:
    """Whether ``==`` and the type tell it from all others."""
    kind = type(value)
    return kind is int or kind is bool or (kind is float and value != 0 and not math.isnan(value))


class Patterns:
    """Builds patterns; ``memo`` holds the entries of what was written, ``kinds`` what to do with each type."""

    def __init__(self, memo: dict[int, Entry], clock: Clock, kinds: dict[type, Any]) -> None:
        self.memo = memo
        self.clock = clock
        self.kinds = kinds

    def of(self, value: Any) -> Any:
        """The pattern of a value that was just written."""
        kind = type(value)
        if kind is str or value is None:
            return value
        if kind in NUMBERS:
            return Exact(value)
        entry = self.memo.get(id(value))
        if entry is not None and entry.obj is value:
            return entry
        return self.contents(value, kind)

    def contents(self, value: Any, kind: type) -> Any:
        """The pattern of what is in a value, whether or not there is an entry for the value itself."""
        if kind is dict:
            return self._typed({key: self._item(item) for key, item in value.items()}, list(map(type, value.values())))
        if kind is list:
            return self._typed([self._item(item) for item in value], list(map(type, value)))
        if kind is tuple:
            return tuple(self.of(item) for item in value)
        if kind is set or kind is frozenset:
            return frozenset(value) if all(type(item) is str for item in value) else NEVER
        entry = self.kinds.get(kind, Never)
        if entry is Never:
            return NEVER
        return Identical(value) if entry is Identical else self.entry(value)

    def entry(self, value: Any) -> Entry:
        """A new entry for a container or object."""
        kind = type(value)
        cls = self.kinds.get(kind)
        if cls is SlottedEntry:
            names = slots_of(kind)
            return SlottedEntry(value, [self.of(getattr(value, name, None)) for name in names], self.clock, names)
        if cls is InstanceEntry:
            return InstanceEntry(value, self.contents(value.__dict__, dict), self.clock)
        if cls is ModelEntry:
            beside = beside_of(value)
            patterns = None if beside is None else [self.of(part) for part in beside]
            return ModelEntry(value, self.contents(value.__dict__, dict), self.clock, patterns)
        return Entry(value, self.contents(value, kind), self.clock)

    def _item(self, value: Any) -> Any:
        return value if is_exact_number(value) else self.of(value)

    @staticmethod
    def _typed(pattern: Any, types: list[type]) -> Any:
        return pattern if NUMBERS.isdisjoint(types) else Typed(pattern, types)


def slots_of(cls: type) -> tuple[str, ...]:
    """Names of all slots of a class."""
    names: list[str] = []
    for base in reversed(cls.__mro__):
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                private = name.startswith("__") and not name.endswith("__")
                names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return tuple(names)
