"""The tags of objects: rebuilt without ``__init__``, validators or any method of their class."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import sys
from typing import TYPE_CHECKING, Any

from otel_agent.codec.canonical import Tree
from otel_agent.codec.decode_values import binary
from otel_agent.codec.memo import slots_of
from otel_agent.codec.objects import members_of
from otel_agent.codec.unresolved import RecordedError, Unresolved

if TYPE_CHECKING:
    from otel_agent.codec.decode import Decoder, Read

_DTYPE = re.compile(r"[<>|=][biufcSUVmM]\d+(\[\w+\])?")
_BASES: dict[str, type] = {
    cls.__name__: cls for cls in (int, float, complex, str, bytes, bytearray, list, dict, tuple, set, frozenset)
}
_MISSING = object()


def _enum(decoder: Decoder, tree: Tree) -> Any:
    name, member = decoder.text(tree["class"]), tree["name"]
    cls = decoder.find(name)
    if cls is None or not issubclass(cls, enum.Enum):
        return Unresolved("enum", name, member if member is not None else decoder.items(tree["v"])[0])
    if member is None and issubclass(cls, enum.Flag):
        return cls(decoder.items(tree["v"])[0])
    found = cls.__members__.get(decoder.text(member))
    return Unresolved("enum", name, member) if found is None else found


def _model(decoder: Decoder, tree: Tree) -> Any:
    name, fields = decoder.text(tree["class"]), decoder.fields(tree["v"])
    given = set(decoder.items(tree["set"]))
    extra = decoder.fields(tree["extra"]) if "extra" in tree else {}
    private = decoder.fields(tree["private"]) if "private" in tree else None
    cls = decoder.find(name)
    if cls is None or not hasattr(cls, "__pydantic_fields_set__"):
        return Unresolved("pydantic", name, {**fields, **extra})
    model: Any = object.__new__(cls)
    object.__setattr__(model, "__dict__", fields)
    object.__setattr__(model, "__pydantic_fields_set__", given)
    takes_extra = getattr(cls, "model_config", {}).get("extra") == "allow"
    object.__setattr__(model, "__pydantic_extra__", extra if extra or takes_extra else None)
    object.__setattr__(model, "__pydantic_private__", private)
    return model


def _dataclass(decoder: Decoder, tree: Tree) -> Any:
    name, fields = decoder.text(tree["class"]), decoder.fields(tree["v"])
    cls = decoder.find(name)
    if cls is None or not dataclasses.is_dataclass(cls):
        return Unresolved("dataclass", name, fields)
    return _with_fields(cls, fields)


def _object(decoder: Decoder, tree: Tree) -> Any:
    name, fields = decoder.text(tree["class"]), decoder.fields(tree["v"])
    cls = decoder.find(name)
    if cls is None or decoder.registry.fields_of(cls) is None:
        return Unresolved("object", name, fields)
    return _with_fields(cls, fields)


def _with_fields(cls: type, fields: dict[str, Any]) -> Any:
    found: Any = object.__new__(cls)
    slots = frozenset(slots_of(cls))
    attributes = getattr(found, "__dict__", None)
    for name, value in fields.items():
        if name in slots:
            object.__setattr__(found, name, value)
        elif attributes is not None:
            attributes[name] = value
        else:
            raise ValueError(f"{cls.__name__} has no attribute {name!r}")
    return found


def _namedtuple(decoder: Decoder, tree: Tree) -> Any:
    name, pairs = decoder.text(tree["class"]), decoder.pairs(tree["v"])
    cls = decoder.find(name)
    if cls is None or not issubclass(cls, tuple) or len(getattr(cls, "_fields", ())) != len(pairs):
        return Unresolved("namedtuple", name, dict(pairs))
    return tuple.__new__(cls, [value for _, value in pairs])


def _exception(decoder: Decoder, tree: Tree) -> BaseException:
    name, args = decoder.text(tree["class"]), tuple(decoder.items(tree["v"]))
    notes = decoder.items(tree["notes"]) if "notes" in tree else []
    attributes = decoder.fields(tree["attrs"]) if "attrs" in tree else {}
    error = _raised(decoder.find(name), name, args)
    vars(error).update(attributes)
    for member, value in (decoder.fields(tree["members"]) if "members" in tree else {}).items():
        if member in members_of(type(error)) and value is not None:
            object.__setattr__(error, member, value)
    if notes:
        vars(error)["__notes__"] = notes
    return error


def _raised(cls: type | None, name: str, args: tuple[Any, ...]) -> BaseException:
    if cls is None or not issubclass(cls, BaseException):
        return RecordedError(name, args)
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    try:
        error: BaseException = cls(*args) if cls is builtin else builtin.__new__(cls, *args)
        error.args = args
    except Exception:  # noqa: BLE001 - a built-in class that takes other arguments than it has
        return RecordedError(name, args)
    return error


def _subclass(decoder: Decoder, tree: Tree) -> Any:
    name = decoder.text(tree["class"])
    base: Any = _BASES[tree["base"]]
    value = decoder.value(tree["v"])
    attributes = decoder.fields(tree["attrs"]) if "attrs" in tree else {}
    if type(value) is not base:
        raise TypeError(f"a {base.__name__} is wanted")
    cls = decoder.find(name)
    if cls is None or not issubclass(cls, base):
        return value
    found: Any = base.__new__(cls) if base in (list, dict, set, bytearray) else base.__new__(cls, value)
    if base in (list, dict, set, bytearray):
        initialise: Any = base.__init__
        initialise(found, value)
    if attributes:
        found.__dict__.update(attributes)
    return found


def _array(decoder: Decoder, tree: Tree) -> Any:
    dtype, data = decoder.text(tree["dtype"]), binary(decoder, tree["v"])
    shape = tuple(decoder.items(tree["shape"])) if "shape" in tree else ()
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return Unresolved(str(tree["$oa"]), "numpy.ndarray", {"dtype": dtype, "shape": list(shape), "bytes": data})
    if not _DTYPE.fullmatch(dtype) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("no dtype or shape that can be read")
    kind = numpy.dtype(dtype)
    if math.prod(shape) * kind.itemsize != len(data):
        raise ValueError("the shape does not fit the bytes")
    order = "F" if tree.get("order") == "F" else "C"
    array = numpy.ndarray(shape, kind, bytearray(data), order=order).copy(order="K")
    return array if "shape" in tree else array[()]


OBJECTS: dict[str, Read] = {
    "enum": _enum,
    "pydantic": _model,
    "dataclass": _dataclass,
    "object": _object,
    "namedtuple": _namedtuple,
    "exc": _exception,
    "sub": _subclass,
    "ndarray": _array,
    "npscalar": _array,
}
"""By tag."""
