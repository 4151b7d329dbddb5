"""The tags of values: in the same order as `values` and `plans`, which write them."""

from __future__ import annotations

import base64
import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from otel_agent.codec.canonical import MAX_DIGITS, Tree
from otel_agent.codec.plans import FACTORIES
from otel_agent.codec.redact import Redacted
from otel_agent.codec.unresolved import Opaque, Unresolved

if TYPE_CHECKING:
    from otel_agent.codec.decode import Decoder, Read

_ZONE = re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,3}")
_SURROGATE = re.compile(r"\\(\\|u[0-9a-f]{4})")
_PATHS: dict[str, type[pathlib.PurePath]] = {"PurePosixPath": pathlib.PurePosixPath}
_PATHS["PureWindowsPath"] = pathlib.PureWindowsPath
_PATHS[type(pathlib.Path()).__name__] = type(pathlib.Path())
_IPS: dict[str, Callable[[str], Any]] = {
    cls.__name__: cls
    for cls in (
        *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
        *(ipaddress.IPv4Interface, ipaddress.IPv6Interface),
    )
}


def number(text: str) -> int:
    """Decimal digits or hex; hex is read in linear time."""
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    if text.lstrip("-").startswith("0x"):
        return int(text, 16)
    if len(text) > 1000:
        raise ValueError("a long number that is not in hex")
    return int(text)


def binary(decoder: Decoder, tree: Tree) -> bytes:
    """Base64."""
    return base64.b64decode(decoder.text(tree), validate=True)


def _decimal(decoder: Decoder, tree: Tree) -> decimal.Decimal:
    text = decoder.text(tree["v"])
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return decimal.Decimal(text)


def _zone(decoder: Decoder, tree: Tree) -> dt.tzinfo | None:
    key = tree.get("zone")
    if key is not None:
        if not _ZONE.fullmatch(decoder.text(key)):
            raise ValueError("no name of a time zone")
        return zoneinfo.ZoneInfo(key)
    if "offset" not in tree:
        return None
    offset = dt.timedelta(microseconds=tree["offset"])
    if "name" in tree:
        return dt.timezone(offset, decoder.text(tree["name"]))
    return dt.timezone.utc if not offset else dt.timezone(offset)


def _datetime(decoder: Decoder, tree: Tree) -> dt.datetime:
    found = dt.datetime.fromisoformat(decoder.text(tree["v"]))
    return found.replace(tzinfo=_zone(decoder, tree), fold=tree.get("fold", 0))


def _time(decoder: Decoder, tree: Tree) -> dt.time:
    found = dt.time.fromisoformat(decoder.text(tree["v"]))
    return found.replace(tzinfo=_zone(decoder, tree), fold=tree.get("fold", 0))


def _path(decoder: Decoder, tree: Tree) -> pathlib.PurePath:
    name, text = tree["class"], decoder.text(tree["v"])
    other = {"PosixPath": pathlib.PurePosixPath, "WindowsPath": pathlib.PureWindowsPath}
    return _PATHS[name](text) if name in _PATHS else other[name](text)


def _regex(decoder: Decoder, tree: Tree) -> re.Pattern[Any]:
    if "bytes" in tree:
        return re.compile(binary(decoder, tree["bytes"]), tree["flags"])
    text = decoder.text(tree["v"])
    return re.compile(text, tree["flags"])


def _surrogates(decoder: Decoder, tree: Tree) -> str:
    def unescape(match: re.Match[str]) -> str:
        return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))

    return _SURROGATE.sub(unescape, decoder.text(tree["v"]))


def _range(decoder: Decoder, tree: Tree) -> range:
    start, stop, step = decoder.items(tree["v"])
    return range(start, stop, step)


def _slice(decoder: Decoder, tree: Tree) -> slice:
    start, stop, step = decoder.items(tree["v"])
    return slice(start, stop, step)


def _default(decoder: Decoder, tree: Tree) -> Any:
    name = tree["factory"]
    factory = None if name is None else FACTORIES.get(decoder.text(name))
    return collections.defaultdict(factory, decoder.pairs(tree["v"]))


def _counter(decoder: Decoder, tree: Tree) -> Any:
    found: collections.Counter[Any] = collections.Counter()
    dict.update(found, decoder.pairs(tree["v"]))
    return found


def _type(decoder: Decoder, tree: Tree) -> Any:
    name = decoder.text(tree["v"])
    return decoder.find(name) or Unresolved("type", name, None)


def _opaque(decoder: Decoder, tree: Tree) -> Opaque:
    return Opaque(decoder.text(tree["class"]), decoder.text(tree["repr"]), decoder.text(tree["digest"]))


VALUES: dict[str, Read] = {
    "int": lambda decoder, tree: number(decoder.text(tree["v"])),
    "float": lambda decoder, tree: float(decoder.text(tree["v"])),
    "complex": lambda decoder, tree: complex(float(decoder.text(tree["re"])), float(decoder.text(tree["im"]))),
    "decimal": _decimal,
    "fraction": lambda decoder, tree: fractions.Fraction(
        number(decoder.text(tree["n"])), number(decoder.text(tree["d"]))
    ),
    "bytes": lambda decoder, tree: binary(decoder, tree["v"]),
    "bytearray": lambda decoder, tree: bytearray(binary(decoder, tree["v"])),
    "datetime": _datetime,
    "time": _time,
    "date": lambda decoder, tree: dt.date.fromisoformat(decoder.text(tree["v"])),
    "timedelta": lambda _decoder, tree: dt.timedelta(tree["days"], tree["seconds"], tree["us"]),
    "zone": _zone,
    "uuid": lambda decoder, tree: uuid.UUID(decoder.text(tree["v"])),
    "path": _path,
    "ip": lambda decoder, tree: _IPS[tree["class"]](decoder.text(tree["v"])),
    "regex": _regex,
    "ellipsis": lambda _decoder, _tree: ...,
    "notimplemented": lambda _decoder, _tree: NotImplemented,
    "str": _surrogates,
    "map": lambda decoder, tree: dict(decoder.pairs(tree["v"])),
    "tuple": lambda decoder, tree: tuple(decoder.items(tree["v"])),
    "set": lambda decoder, tree: set(decoder.items(tree["v"])),
    "frozenset": lambda decoder, tree: frozenset(decoder.items(tree["v"])),
    "range": _range,
    "slice": _slice,
    "deque": lambda decoder, tree: collections.deque(decoder.items(tree["v"]), tree["maxlen"]),
    "ordered": lambda decoder, tree: collections.OrderedDict(decoder.pairs(tree["v"])),
    "counter": _counter,
    "default": _default,
    "type": _type,
    "opaque": _opaque,
    "redacted": lambda decoder, tree: Redacted(decoder.text(tree["rule"]), decoder.text(tree["digest"])),
}
"""By tag. ``tree`` is the tagged object; what it lacks is a KeyError, which the decoder reports."""
