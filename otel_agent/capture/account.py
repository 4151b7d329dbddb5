"""The account of one top-level run: what its spans count up to, and what got lost on the way."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
import threading
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson

from otel_agent.codec import Encoded, Encoder, Redactor, names

_PACKAGES = ("otel-agent", "langgraph", "langchain-core", "langchain", "opentelemetry-api")
_MAX_REASONS = 20


class Account:
    """Numbers, seals, losses and the encoder that all scopes of a run share."""

    def __init__(self, redactor: Redactor, *, content: bool) -> None:
        self.content = content
        self.redactor = redactor
        self.encoder = Encoder(redactor, keep_text=content)
        self.lock = threading.Lock()
        self.run_id = ""
        self.trace_id = ""
        self.closed = False
        self.losses = 0
        self.nodes = 0
        self.effects = 0
        self._next_seq = 0
        self._seals: dict[int, str] = {}
        self._reasons: dict[str, None] = {}
        self._counts: Counter[tuple[Any, ...]] = Counter()

    def number(self, kind: str) -> int:
        """The next sequence number, for a scope of this kind."""
        with self.lock:
            seq = self._next_seq
            self._next_seq += 1
            if kind == "node":
                self.nodes += 1
            elif kind == "effect":
                self.effects += 1
            return seq

    def occurrence(self, *key: Any) -> int:
        """How often this key was asked for before."""
        with self.lock:
            count = self._counts[key]
            self._counts[key] = count + 1
            return count

    def encode(self, value: Any, where: str) -> Encoded:
        """Encode a value; what cannot be replayed from it is noted, with the place."""
        encoded = self.encoder.encode(value)
        if encoded.opaque or encoded.redacted:
            self._complain(encoded, where)
        return encoded

    def _complain(self, encoded: Encoded, where: str) -> None:
        for reason in encoded.opaque:
            self.blame(f"{where}: {reason}")
        if encoded.redacted:
            self.blame(f"{where}: {encoded.redacted} redacted value(s)")

    def encode_apart(self, value: Any, where: str) -> Encoded:
        """Encode a value in full, for a span that ends last: spans that end before it must not refer to it."""
        encoded = Encoder(self.redactor, keep_text=self.content).encode(value)
        self._complain(encoded, where)
        return encoded

    def digest(self, value: Any) -> str:
        """The digest of a value that no span holds."""
        return self.encoder.encode(value, claim=False).digest

    def blame(self, reason: str) -> None:
        """The run cannot be replayed from its trace, for this reason."""
        if len(self._reasons) < _MAX_REASONS:
            self._reasons[self.redactor.redact_text(reason)[:300]] = None

    def lose(self, where: str, error: BaseException) -> None:
        """Recording itself failed here."""
        self.losses += 1
        self.blame(f"recording failed in {where}: {type(error).__name__}: {error}")

    def sealed(self, seq: int, seal: str) -> None:
        """A span has ended with this seal."""
        with self.lock:
            self._seals[seq] = seal

    def close(self) -> dict[str, Any]:
        """The attributes with which the root span closes the account."""
        with self.lock:
            self.closed = True
            seals = [seal for _, seal in sorted(self._seals.items())]
        if not self.content:
            self.blame("content was not captured")
        return {
            names.RECORD_FORMAT: names.FORMAT,
            names.RECORD_SPANS: len(seals) + 1,
            names.RECORD_NODES: self.nodes,
            names.RECORD_EFFECTS: self.effects,
            names.RECORD_LOSSES: self.losses,
            names.RECORD_SEALS: hashlib.sha256("\n".join(seals).encode()).hexdigest(),
            names.REPLAYABLE: not self._reasons,
            names.REASONS: list(self._reasons),
            names.CONTENT: "full" if self.content else "metadata",
            names.VERSIONS: versions(),
        }


@lru_cache(maxsize=1)
def versions() -> str:
    """JSON: what ran, for the day when a replay differs."""
    found: dict[str, str] = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    found["hash_seed"] = os.environ.get("PYTHONHASHSEED", "random" if sys.flags.hash_randomization else "0")
    return orjson.dumps(found).decode()
