"""How values of the built-in types are written, by exact type."""

from __future__ import annotations

import collections
import pathlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from otel_agent.codec.canonical import SORTED, TAG, Ref
from otel_agent.codec.leaves import Leaves
from otel_agent.codec.lists import write_list
from otel_agent.codec.memo import Identical, Never
from otel_agent.codec.registry import class_name
from otel_agent.codec.values import SCALARS, Pairs, write_bytes, write_path, write_regex

if TYPE_CHECKING:
    from otel_agent.codec.encoder import Encoder, Plan
    from otel_agent.codec.ledger import Written

FACTORIES: dict[str, type] = {
    cls.__name__: cls for cls in (list, dict, set, frozenset, tuple, int, float, str, bool, bytes, complex)
}
"""What a defaultdict may make, apart from None."""


def write_plain(_encoder: Encoder, value: Any, _depth: int) -> Written:
    """None and bools."""
    return value, value, 0


def write_dict(encoder: Encoder, value: dict[Any, Any], depth: int) -> Written:
    """A dict."""
    if not value:
        return {}, {}, 1
    if id(value) in encoder.memo and (known := encoder.known(value, depth)) is not None:
        return known
    mark, redacted = len(encoder.lost), encoder.redacted
    written = encoder.mapping(value, depth)
    return encoder.remember(value, written, mark, redacted) if type(written[0]) is Ref else written


def write_tuple(encoder: Encoder, value: tuple[Any, ...], depth: int) -> Written:
    """A tuple; it may hold what can change."""
    known = encoder.known(value, depth)
    if known is not None:
        return known
    mark, redacted = len(encoder.lost), encoder.redacted
    return encoder.remember(value, encoder.tagged({TAG: "tuple"}, {"v": value}, depth), mark, redacted)


def write_set(encoder: Encoder, value: set[Any] | frozenset[Any], depth: int) -> Written:
    """A set, ordered by canonical bytes: two equal sets are written alike."""
    written = [encoder.child(item, depth + 2) for item in value]
    written.sort(key=lambda item: orjson.dumps(item[0], option=SORTED))
    height = max((item[2] for item in written), default=0)
    body = encoder.finish([item[0] for item in written], [item[1] for item in written], height + 1)
    name = "set" if isinstance(value, set) else "frozenset"
    return encoder.finish({TAG: name, "v": body[0]}, {TAG: name, "v": body[1]}, height + 2)


def write_range(encoder: Encoder, value: range | slice, depth: int) -> Written:
    """Start, stop and step of a range or slice."""
    return encoder.tagged({TAG: type(value).__name__}, {"v": [value.start, value.stop, value.step]}, depth)


def write_deque(encoder: Encoder, value: collections.deque[Any], depth: int) -> Written:
    """A deque and its greatest length."""
    return encoder.tagged({TAG: "deque", "maxlen": value.maxlen}, {"v": list(value)}, depth)


def write_ordered(encoder: Encoder, value: dict[Any, Any], depth: int) -> Written:
    """An OrderedDict or Counter: its order is part of it, or of what ``most_common`` gives."""
    tag = "ordered" if isinstance(value, collections.OrderedDict) else "counter"
    return encoder.tagged({TAG: tag}, {"v": Pairs(value.items())}, depth)


def write_default(encoder: Encoder, value: collections.defaultdict[Any, Any], depth: int) -> Written:
    """A defaultdict, if what it makes is a built-in type."""
    factory = value.default_factory
    name = getattr(factory, "__name__", "")
    if factory is not None and FACTORIES.get(name) is not factory:
        encoder.note("the default factory of a defaultdict is not a built-in type")
        name = "?"
    return encoder.tagged({TAG: "default", "factory": name or None}, {"v": Pairs(value.items())}, depth)


def write_type(encoder: Encoder, value: type, _depth: int) -> Written:
    """A class, by its name."""
    encoder.registry.learn(value)
    return encoder.flat({TAG: "type", "v": class_name(value)})


def write_binary(encoder: Encoder, value: bytes | bytearray, _depth: int) -> Written:
    """Bytes; as a whole a secret if one is found in them."""
    if len(value) >= encoder.redactor.shortest:
        text = value.decode("latin-1")
        if encoder.redactor.redact(text)[1]:
            return encoder.hide("bytes", bytes(value))
    return encoder.flat(write_bytes(value, encoder.note))


def write_text(encoder: Encoder, value: Any, _depth: int) -> Written:
    """A path or pattern: a secret in it is replaced."""
    written = (write_regex if isinstance(value, re.Pattern) else write_path)(value, encoder.note)
    if "v" in written:
        written["v"], found = encoder.redactor.redact(written["v"])
        encoder.redacted += found
    return encoder.flat(written)


def _scalar(cls: type) -> Plan:
    write = SCALARS[cls]

    def plan(encoder: Encoder, value: Any, _depth: int) -> Written:
        tree = write(value, encoder.note)
        return encoder.flat(tree) if type(tree) is dict else (tree, tree, 0)

    return plan


PLANS: dict[type, Plan] = {
    **{cls: _scalar(cls) for cls in SCALARS},
    type(None): write_plain,
    bool: write_plain,
    str: Leaves.string,
    list: write_list,
    dict: write_dict,
    tuple: write_tuple,
    set: write_set,
    frozenset: write_set,
    range: write_range,
    slice: write_range,
    bytes: write_binary,
    bytearray: write_binary,
    collections.deque: write_deque,
    collections.OrderedDict: write_ordered,
    collections.Counter: write_ordered,
    collections.defaultdict: write_default,
    type: write_type,
    re.Pattern: write_text,
    pathlib.PurePosixPath: write_text,
    pathlib.PureWindowsPath: write_text,
    type(pathlib.Path()): write_text,
}

KINDS: dict[type, type | None] = {
    **dict.fromkeys((*SCALARS, bytes, range, slice, type, re.Pattern), Identical),
    **dict.fromkeys((pathlib.PurePosixPath, pathlib.PureWindowsPath, type(pathlib.Path())), Identical),
    **dict.fromkeys((bytearray, collections.deque, collections.OrderedDict), Never),
    **dict.fromkeys((collections.Counter, collections.defaultdict), Never),
}
"""How a change of such a value is noticed; dicts, lists, tuples and sets have patterns."""
