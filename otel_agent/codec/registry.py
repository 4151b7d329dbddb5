"""The types that a record may be decoded to. They come from running code, never from a name in a record."""

from __future__ import annotations

import builtins
import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import re
import threading
import types
import uuid
from collections.abc import Iterable
from weakref import WeakValueDictionary

_STANDARD: tuple[type, ...] = (
    *(value for value in vars(builtins).values() if isinstance(value, type)),
    *(types.NoneType, types.EllipsisType, types.NotImplementedType, types.FunctionType, types.ModuleType),
    *(types.SimpleNamespace, types.MappingProxyType, types.GenericAlias, types.UnionType),
    *(collections.OrderedDict, collections.defaultdict, collections.Counter, collections.deque, collections.ChainMap),
    *(dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone, dt.tzinfo),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern, re.Match),
    *(pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.Path, type(pathlib.Path())),
    *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
    *(ipaddress.IPv4Interface, ipaddress.IPv6Interface),
)


def class_name(cls: type) -> str:
    """The name under which a class stands in a record: module and qualified name."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Registry:
    """Looks up classes by name. It never imports: what was not added or seen in this process is not there.

    A class gets here in three ways: the standard library's are built in, the application's are added
    (``otel_agent.codec.registry.default.add(MyClass)``), and those of values that this process itself encoded are
    learned (weakly: a class that is gone is forgotten).
    """

    def __init__(self, classes: Iterable[type] = ()) -> None:
        self._lock = threading.Lock()
        self._classes: dict[str, type] = {class_name(cls): cls for cls in _STANDARD}
        self._learned: WeakValueDictionary[str, type] = WeakValueDictionary()
        self._fields: dict[str, tuple[str, ...]] = {}
        self._plain: set[str] = set()
        for cls in classes:
            self.add(cls)

    def add(self, cls: type) -> type:
        """Let records be decoded to this class; plain classes are then recorded by all their attributes.

        Returns the class, so that it can be used as a decorator.
        """
        with self._lock:
            name = class_name(cls)
            self._classes[name] = cls
            self._plain.add(name)
        return cls

    def add_named(self, name: str, fields: Iterable[str]) -> None:
        """Record the class of this name by these attributes (none: all it has), without importing it."""
        with self._lock:
            self._fields[name] = tuple(fields)

    def learn(self, cls: type) -> None:
        """Remember a class that was seen in a value of this process."""
        name = class_name(cls)
        if self._learned.get(name) is not cls and name not in self._classes:
            with self._lock:
                self._learned[name] = cls

    def find(self, name: str) -> type | None:
        """The class of that name, or None. Never imports."""
        return self._classes.get(name) or self._learned.get(name)

    def fields_of(self, cls: type) -> tuple[str, ...] | None:
        """The attributes to record of a plain class; empty for "all it has", None where it was not registered."""
        name = class_name(cls)
        found = self._fields.get(name)
        if found is None and name in self._plain and self._classes.get(name) is cls:
            return ()
        return found


default = Registry()
"""The process's registry."""
default.add_named("langgraph.types.Send", ())
