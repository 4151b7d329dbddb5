"""Golden vectors: what this format version writes, byte for byte, and what every later version must read."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import ipaddress
import json
import os
import pathlib
import re
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np

from otel_agent.codec import Encoder, PayloadTable, Redactor
from otel_agent.model import Payload
from tests.codec.kinds import Bag, Box, Colour, Flags, Model, Name, Point, Trouble, same

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "codec-v1.json"


def _values() -> dict[str, Any]:
    text = "a long text, written once. " * 8
    history = [f"{number}: {text}" for number in range(4)]
    box = Box((1, 2.0))
    return {
        "plain": {"b": [1, -7, 0.5, "ü", None, True], "a": {}},
        "first_sight": {"text": text, "n": 1},
        "reference": [text, {"text": text, "n": 1}],
        "history": history[:2],
        "longer": [*history, "new"],
        "window": ["system", *history[1:3]],
        "tuple": (1, (), (text,)),
        "set": {3, "a", (1, 2)},
        "frozenset": frozenset({1}),
        "bytes": [b"\x00\xff", bytearray(b"a")],
        "int": [2**53 - 1, 2**53, -(2**64), 10**700],
        "float": [1.0, -0.0, 1e300, 1e-5, float("inf"), 0.1],
        "complex": 1 - 2.5j,
        "decimal": decimal.Decimal("1.20"),
        "fraction": fractions.Fraction(1, 3),
        "datetime": [
            dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
            dt.datetime(2024, 1, 2, 3, 4, 5, 6, dt.timezone(dt.timedelta(hours=2))),
            dt.date(2024, 2, 29),
            dt.time(1, 2, tzinfo=dt.timezone.utc),
            dt.timedelta(-1, 5, 7),
            dt.timezone.utc,
        ],
        "uuid": uuid.UUID(int=7),
        "path": [pathlib.PurePosixPath("/a"), pathlib.PureWindowsPath("c:/b")],
        "ip": ipaddress.ip_network("10.0.0.0/8"),
        "regex": [re.compile("a+", re.IGNORECASE), re.compile(b"\xff")],
        "range": [range(1, 9, 2), slice(None, 3)],
        "deque": deque([1], maxlen=2),
        "dicts": [OrderedDict(b=1, a=2), defaultdict(list, a=[1]), Counter("aab"), {1: "a", "$oa": "b"}],
        "surrogates": "\ud800\\",
        "type": [int, Model, ..., NotImplemented],
        "enum": [Colour.RED, Flags.X | Flags.Y],
        "objects": [Point(1, "b"), box, Model(held=(1,)), Name("n"), Bag(a=1)],
        "exc": [KeyError("a"), Trouble(1, "b"), FileNotFoundError(2, "no")],
        "numpy": [np.arange(6, dtype="<i4").reshape(2, 3), np.asfortranarray(np.eye(2, dtype="<f8")), np.float32(1.5)],
        "redacted": {"password": "hunter2", "note": "key sk-abcdefghijklmnopqrstuvwxyz"},
    }


def _vectors() -> dict[str, dict[str, Any]]:
    encoder = Encoder(Redactor(key=b"golden"))
    found = {}
    for name, value in _values().items():
        encoded = encoder.encode(value)
        found[name] = {"text": encoded.text, "digest": encoded.digest, "size": encoded.size}
    return found


def test_format_1_is_written_as_it_was() -> None:
    """Text, digest and size of each vector are those of the file: a change of the format is a new format number."""
    if os.environ.get("OTEL_AGENT_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(_vectors(), indent=1) + "\n", encoding="utf-8")

    assert _vectors() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_format_1_is_read() -> None:
    """Each vector is verified and decoded to the value that it was made from, from the file alone."""
    _vectors()  # so that the registry has seen the classes, as it has in an application
    table, payloads = PayloadTable(), {}
    for number, (name, vector) in enumerate(json.loads(GOLDEN.read_text(encoding="utf-8")).items()):
        payloads[name] = Payload(name, vector["digest"], vector["size"], vector["text"], f"{number:016x}")
        table.add(payloads[name])
    for name, value in _values().items():
        if name != "redacted":
            assert same(table.decode(payloads[name], strict=True), value), name
