"""Values without children: how each is written. ``decode.py`` reads them back, tag by tag in the same order.

Every function gives the tagged object; the encoder replaces long strings in it by their digests. ``note`` takes the
reason where something of the value is lost.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, TypeAlias

from otel_agent.codec.canonical import SAFE_INT, TAG, is_plain_float

Note: TypeAlias = Callable[[str], None]
Scalar: TypeAlias = Callable[[Any, Note], Any]


class Pairs(list[tuple[Any, Any]]):
    """Keys and values of a mapping, written as a JSON array of [key, value]."""


class One:
    """A single value in a tagged object."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


_DECIMAL_BITS = 2048
"""Longer ints are written in hex, which is read in linear time and under any ``sys.set_int_max_str_digits``."""


def write_number(value: int) -> str:
    """Decimal digits, or hex for the very long."""
    return str(value) if value.bit_length() <= _DECIMAL_BITS else hex(value)


def write_int(value: int, _note: Note) -> Any:
    """Ints beyond 2**53-1 are strings: JSON readers would round them."""
    return value if -SAFE_INT <= value <= SAFE_INT else {TAG: "int", "v": write_number(value)}


def write_float(value: float, _note: Note) -> Any:
    """Floats that are integral, very small, very large or not finite are strings."""
    return value if is_plain_float(value) else {TAG: "float", "v": repr(value)}


def write_complex(value: complex, _note: Note) -> Any:
    """Both parts as ``repr`` gives them."""
    return {TAG: "complex", "re": repr(value.real), "im": repr(value.imag)}


def write_decimal(value: decimal.Decimal, _note: Note) -> Any:
    """Exponent and trailing zeros are kept."""
    return {TAG: "decimal", "v": str(value)}


def write_fraction(value: fractions.Fraction, _note: Note) -> Any:
    """Numerator and denominator."""
    return {TAG: "fraction", "n": write_number(value.numerator), "d": write_number(value.denominator)}


def write_bytes(value: bytes | bytearray, _note: Note) -> Any:
    """Base64."""
    return {TAG: type(value).__name__, "v": base64.b64encode(value).decode()}


def write_datetime(value: dt.datetime, note: Note) -> Any:
    """Wall clock, fold, and the zone's key or fixed offset."""
    return {TAG: "datetime", "v": value.replace(tzinfo=None, fold=0).isoformat(), **_zone(value, note)}


def write_time(value: dt.time, note: Note) -> Any:
    """As datetime."""
    return {TAG: "time", "v": value.replace(tzinfo=None, fold=0).isoformat(), **_zone(value, note)}


def write_date(value: dt.date, _note: Note) -> Any:
    """ISO."""
    return {TAG: "date", "v": value.isoformat()}


def write_timedelta(value: dt.timedelta, _note: Note) -> Any:
    """The three numbers that Python keeps."""
    return {TAG: "timedelta", "days": value.days, "seconds": value.seconds, "us": value.microseconds}


def write_timezone(value: dt.tzinfo, note: Note) -> Any:
    """A zone that stands alone."""
    return {TAG: "zone", **_tzinfo(value, None, note)}


def write_uuid(value: uuid.UUID, _note: Note) -> Any:
    """With hyphens."""
    return {TAG: "uuid", "v": str(value)}


def write_path(value: pathlib.PurePath, _note: Note) -> Any:
    """The class's short name and the path."""
    return {TAG: "path", "class": type(value).__name__, "v": str(value)}


def write_ip(value: Any, _note: Note) -> Any:
    """The class's short name and the address."""
    return {TAG: "ip", "class": type(value).__name__, "v": str(value)}


def write_regex(value: re.Pattern[Any], _note: Note) -> Any:
    """Pattern and flags; base64 for patterns of bytes."""
    if isinstance(value.pattern, str):
        return {TAG: "regex", "v": value.pattern, "flags": value.flags}
    return {TAG: "regex", "bytes": base64.b64encode(value.pattern).decode(), "flags": value.flags}


def write_constant(value: object, _note: Note) -> Any:
    """``...`` and ``NotImplemented``."""
    return {TAG: "ellipsis" if value is ... else "notimplemented"}


def is_valid(text: str) -> bool:
    """False for strings with lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_surrogates(text: str) -> Any:
    """A string that is not valid Unicode: lone surrogates escaped as in JSON, backslashes doubled."""
    escaped = text.replace("\\", "\\\\")
    return {TAG: "str", "v": re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", escaped)}


def write_number_of_numpy(value: Any) -> Any:
    """A numpy scalar: its type and its bytes."""
    if value.dtype.hasobject or value.dtype.names is not None:
        return None
    return {TAG: "npscalar", "dtype": value.dtype.str, "v": base64.b64encode(value.tobytes()).decode()}


def write_array(value: Any) -> Any:
    """A numpy array: type, shape, order in memory and bytes; None where it holds objects."""
    dtype = value.dtype
    if dtype.hasobject or dtype.names is not None:
        return None
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    data = base64.b64encode(value.tobytes(order=order)).decode()
    return {TAG: "ndarray", "dtype": dtype.str, "shape": list(value.shape), "order": order, "v": data}


def _zone(value: dt.datetime | dt.time, note: Note) -> dict[str, Any]:
    fold = {"fold": 1} if value.fold else {}
    return fold if value.tzinfo is None else {**fold, **_tzinfo(value.tzinfo, value, note)}


def _tzinfo(zone: dt.tzinfo, at: Any, note: Note) -> dict[str, Any]:
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return {"zone": zone.key}
    offset = zone.utcoffset(None) if at is None else at.utcoffset()
    if type(zone) is not dt.timezone or offset is None:
        note(f"the time zone {type(zone).__name__} is kept as its offset only")
    offset = offset or dt.timedelta()
    written: dict[str, Any] = {"offset": offset // dt.timedelta(microseconds=1)}
    name = zone.tzname(None) if type(zone) is dt.timezone else None
    if name is not None and name != dt.timezone(offset).tzname(None):
        written["name"] = name
    return written


SCALARS: dict[type, Scalar] = {
    int: write_int,
    float: write_float,
    complex: write_complex,
    decimal.Decimal: write_decimal,
    fractions.Fraction: write_fraction,
    dt.datetime: write_datetime,
    dt.date: write_date,
    dt.time: write_time,
    dt.timedelta: write_timedelta,
    dt.timezone: write_timezone,
    zoneinfo.ZoneInfo: write_timezone,
    uuid.UUID: write_uuid,
    ipaddress.IPv4Address: write_ip,
    ipaddress.IPv6Address: write_ip,
    ipaddress.IPv4Network: write_ip,
    ipaddress.IPv6Network: write_ip,
    ipaddress.IPv4Interface: write_ip,
    ipaddress.IPv6Interface: write_ip,
    types.EllipsisType: write_constant,
    types.NotImplementedType: write_constant,
}
"""By exact type. Strings, bytes, paths and patterns are not here: they pass through the redactor first."""
