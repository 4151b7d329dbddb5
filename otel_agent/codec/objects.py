"""How objects are written: models, dataclasses, enums, named tuples, exceptions, registered classes; the rest opaque.

None of the object's own methods is called, but for attribute access and, where it cannot be encoded, ``repr``.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from otel_agent.codec.canonical import TAG, TooDeep
from otel_agent.codec.memo import Entry, Identical, InstanceEntry, ModelEntry, Never, SlottedEntry, slots_of
from otel_agent.codec.registry import Registry, class_name
from otel_agent.codec.values import One, Pairs, write_array, write_number_of_numpy

if TYPE_CHECKING:
    from otel_agent.codec.encoder import Encoder, Plan
    from otel_agent.codec.ledger import Written

_REPR = 200
_FIXED = (int, float, complex, str, bytes)
_BASES: tuple[type, ...] = (bool, int, float, complex, str, bytes, bytearray, list, dict, tuple, set, frozenset)
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_SECRETS = ("pydantic.types.SecretStr", "pydantic.types.SecretBytes", "pydantic.types.Secret")


def plan_for(cls: type, registry: Registry) -> tuple[Plan, type, bool]:
    """How values of a class are written, the kind of their entries, and whether the registry learns it."""
    plan, kind, learn = _choose(cls, registry)
    kept = issubclass(kind, Entry)

    def guarded(encoder: Encoder, value: Any, depth: int) -> Written:
        known = encoder.known(value, depth) if kept else None
        if known is not None:
            return known
        mark, redacted = len(encoder.lost), encoder.redacted
        try:
            head, bodies = plan(encoder, value)
        except (TooDeep, RecursionError):
            raise
        except Exception as error:  # noqa: BLE001 - attribute access may run any code
            return opaque(encoder, value, f"cannot be encoded: {type(error).__name__}")
        if head is None:
            return opaque(encoder, value)
        written = encoder.tagged(head, bodies, depth) if bodies else encoder.flat(head)
        return encoder.remember(value, written, mark, redacted) if kept else written

    return guarded, kind, learn


def opaque(encoder: Encoder, value: Any, why: str = "cannot be encoded") -> Written:
    """What cannot be written: its class, and a repr that is the same in every process."""
    name = class_name(type(value))
    try:
        shown = "" if "nested" in why or "holds itself" in why else _ADDRESS.sub("", repr(value))
    except Exception:  # noqa: BLE001 - repr may run any code
        shown = ""
    encoder.note(f"{name} {why}")
    shown = encoder.redactor.redact_text(shown)
    digest = sha256(f"{name}\n{shown}".encode("utf-8", "surrogatepass")).hexdigest()
    return encoder.flat({TAG: "opaque", "class": name, "repr": shown[:_REPR], "digest": digest})


def _choose(cls: type, registry: Registry) -> tuple[Any, type, bool]:
    if any(class_name(base) in _SECRETS for base in cls.__mro__):
        return _secret, Identical, False
    if issubclass(cls, type):
        return _class, Identical, False
    if issubclass(cls, enum.Enum):
        return _enum, Identical, True
    if hasattr(cls, "__pydantic_fields_set__"):
        return _model, ModelEntry, True
    if issubclass(cls, BaseException):
        return _exception, Never, True
    if dataclasses.is_dataclass(cls):
        return _dataclass, _kind_of_dataclass(cls), True
    return _choose_rest(cls, registry)


def _choose_rest(cls: type, registry: Registry) -> tuple[Any, type, bool]:
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(cls, (numpy.ndarray, numpy.generic)):
        return (_array, Never, False) if issubclass(cls, numpy.ndarray) else (_numpy_scalar, Identical, False)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _namedtuple, Never, True
    if issubclass(cls, _BASES):
        return _subclass, Identical if issubclass(cls, _FIXED) and not _has_dict(cls) else Never, True
    fields = registry.fields_of(cls)
    if fields is not None:
        return _registered(fields), Never, True
    return _unknown, Identical, False


def _kind_of_dataclass(cls: type) -> type:
    if issubclass(cls, _BASES):
        return Never
    if not _has_dict(cls):
        return SlottedEntry
    return Never if slots_of(cls) else InstanceEntry


def _has_dict(cls: type) -> bool:
    return cls.__dictoffset__ != 0


def _unknown(_encoder: Encoder, _value: Any) -> tuple[Any, Any]:
    return None, None


def _secret(encoder: Encoder, value: Any) -> tuple[Any, Any]:
    encoder.redacted += 1
    secret = value.get_secret_value()
    data = secret if isinstance(secret, bytes) else str(secret).encode("utf-8", "surrogatepass")
    return {TAG: "redacted", "rule": "secret", "digest": encoder.redactor.commitment(data)}, None


def _class(encoder: Encoder, value: type) -> tuple[Any, Any]:
    encoder.registry.learn(value)
    return {TAG: "type", "v": class_name(value)}, None


def _enum(_encoder: Encoder, value: enum.Enum) -> tuple[Any, Any]:
    head = {TAG: "enum", "class": class_name(type(value)), "name": value._name_}
    if isinstance(value, enum.Flag) and value._name_ not in type(value).__members__:
        return {**head, "name": None}, {"v": [value._value_]}
    return head, None


def _model(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
    head = {TAG: "pydantic", "class": class_name(type(value)), "set": sorted(value.__pydantic_fields_set__)}
    bodies = {"v": value.__dict__}
    if value.__pydantic_extra__:
        bodies["extra"] = value.__pydantic_extra__
    private = getattr(value, "__pydantic_private__", None)
    if private is not None:
        bodies["private"] = private
    return head, bodies


def _dataclass(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
    missing = object()
    fields = {field.name: getattr(value, field.name, missing) for field in dataclasses.fields(value)}
    fields = {name: found for name, found in fields.items() if found is not missing}
    for name, found in getattr(value, "__dict__", {}).items():
        fields.setdefault(name, found)
    return {TAG: "dataclass", "class": class_name(type(value))}, {"v": fields}


def _exception(_encoder: Encoder, value: BaseException) -> tuple[Any, Any]:
    bodies: dict[str, Any] = {"v": value.args}
    attributes = dict(value.__dict__)
    notes = attributes.pop("__notes__", None)
    if notes:
        bodies["notes"] = list(notes)
    if attributes:
        bodies["attrs"] = attributes
    members = {name: getattr(value, name, None) for name in members_of(type(value))}
    if any(member is not None for member in members.values()):
        bodies["members"] = members
    return {TAG: "exc", "class": class_name(type(value))}, bodies


def members_of(cls: type) -> tuple[str, ...]:
    """What built-in exceptions keep beside their args."""
    if issubclass(cls, OSError):
        own = () if cls.__module__ == "builtins" else ("errno", "strerror")
        return (*own, "filename", "filename2")
    if issubclass(cls, ImportError):
        return ("name", "path")
    return ("name",) if issubclass(cls, (NameError, AttributeError)) else ()


def _namedtuple(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
    names = [str(name) for name in type(value)._fields]
    return {TAG: "namedtuple", "class": class_name(type(value))}, {"v": Pairs(zip(names, tuple(value), strict=False))}


def _array(encoder: Encoder, value: Any) -> tuple[Any, Any]:
    tree = write_array(value)
    if tree is not None and class_name(type(value)) != "numpy.ndarray":
        encoder.note(f"{class_name(type(value))} is kept as an array only")
    return tree, None


def _numpy_scalar(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
    return write_number_of_numpy(value), None


def _registered(names: tuple[str, ...]) -> Any:
    def plan(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
        missing = object()
        wanted = names or (*slots_of(type(value)), *getattr(value, "__dict__", ()))
        fields = {name: getattr(value, name, missing) for name in wanted}
        fields = {name: found for name, found in fields.items() if found is not missing}
        return {TAG: "object", "class": class_name(type(value))}, {"v": fields}

    return plan


def _subclass(_encoder: Encoder, value: Any) -> tuple[Any, Any]:
    base = next(base for base in _BASES if isinstance(value, base))
    head = {TAG: "sub", "class": class_name(type(value)), "base": base.__name__}
    held = plain(base, value)
    bodies: dict[str, Any] = {"v": held if base is dict else One(held)}
    attributes = getattr(value, "__dict__", None)
    if attributes:
        bodies["attrs"] = dict(attributes)
    return head, bodies


def plain(base: type, value: Any) -> Any:
    """The value as its built-in base class has it; no method of the subclass is called."""
    if base is dict:
        return dict(dict.items(value))
    if base in (list, tuple, bytes, bytearray):
        return base.__getitem__(value, slice(None))
    if base is str:
        return str.__getitem__(value, slice(None)) if len(value) else ""
    if base in (set, frozenset):
        return base(base.__iter__(value))
    if base is complex:
        return complex(value.real, value.imag)
    return int.__int__(value) if base is int else float.__float__(value)
