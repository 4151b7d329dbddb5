"""Classes of every kind that the codec knows, and equality that looks at types."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, PrivateAttr

from otel_agent.codec import Encoded, Encoder, PayloadTable
from otel_agent.model import Payload


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Word(str, enum.Enum):
    A = "a"


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.Flag):
    X = 1
    Y = 2


class Point(NamedTuple):
    x: Any
    y: Any = 0


Old = namedtuple("Old", "a b")  # noqa: PYI024 - as applications have it


@dataclasses.dataclass
class Box:
    held: Any
    made: Any = dataclasses.field(init=False, default=None)

    def __post_init__(self) -> None:
        self.made = [self.held]


@dataclasses.dataclass(frozen=True, slots=True)
class Slim:
    held: Any
    other: Any = None


class Model(BaseModel):
    held: Any = None
    name: str = "n"


class Child(Model):
    more: Any = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    held: Any = None
    _private: Any = PrivateAttr(default=None)


class Name(str):
    __slots__ = ()


class Bag(dict):
    pass


class Row(list):
    pass


class Trouble(Exception):
    def __init__(self, one: Any, two: Any) -> None:
        super().__init__(one, two)
        self.extra = [one]


def same(a: Any, b: Any) -> bool:
    """Equal, and of equal types all the way down; NaN is NaN, -0.0 is not 0.0, order of dicts counts."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and not isinstance(a, np.generic):
        return repr(a) == repr(b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple, deque)):
        return len(a) == len(b) and all(map(same, a, b)) and _same_beside(a, b)
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items())) and _same_beside(a, b)
    if isinstance(a, (set, frozenset)):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    return _same_object(a, b)


def _same_beside(a: Any, b: Any) -> bool:
    if isinstance(a, defaultdict):
        return a.default_factory is b.default_factory
    return getattr(a, "maxlen", None) == getattr(b, "maxlen", None)


def _same_object(a: Any, b: Any) -> bool:
    if isinstance(a, enum.Enum):
        return a is b
    if isinstance(a, BaseModel):
        beside = [(x.__pydantic_fields_set__, x.__pydantic_extra__, x.__pydantic_private__) for x in (a, b)]
        return same(a.__dict__, b.__dict__) and same(*beside)
    if isinstance(a, BaseException):
        return same(a.args, b.args) and same(a.__dict__, b.__dict__)
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, re.Pattern):
        return (a.pattern, a.flags) == (b.pattern, b.flags)
    if hasattr(a, "fold"):
        return (a, a.fold, str(a.tzinfo)) == (b, b.fold, str(b.tzinfo))
    if type(a).__name__ == "Decimal":
        return str(a) == str(b)
    if isinstance(a, (range, slice)):
        return same([a.start, a.stop, a.step], [b.start, b.stop, b.step])
    return bool(a == b) or (isinstance(a, float) and math.isnan(a))


class Run:
    """One encoder, one table, and all payloads of a run."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder if encoder is not None else Encoder()
        self.table = PayloadTable()
        self.payloads: list[Payload] = []
        self.encoded: list[Encoded] = []

    def write(self, value: Any) -> Encoded:
        self.encoder.touch()
        encoded = self.encoder.encode(value)
        self.encoded.append(encoded)
        self.payloads.append(payload_of(encoded, len(self.payloads)))
        return encoded

    def read(self, index: int = -1) -> Any:
        for payload in self.payloads:
            self.table.add(payload)
        for payload in self.payloads:
            self.table.verify(payload)
        return self.table.decode(self.payloads[index], strict=True)


def payload_of(encoded: Encoded, number: int = 0) -> Payload:
    return Payload(f"payload.{number}", encoded.digest, encoded.size, encoded.text, f"{number:016x}")


def round_trip(value: Any) -> Any:
    run = Run()
    encoded = run.write(value)
    assert encoded.opaque == ()
    return run.read()


__all__ = ["OrderedDict", "defaultdict"]
