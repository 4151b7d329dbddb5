"""Strings and tagged objects without children: where the redactor looks."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from otel_agent.codec.canonical import LARGE, REF, TAG, Ref, Tree
from otel_agent.codec.ledger import Ledger, Written
from otel_agent.codec.redact import Redactor
from otel_agent.codec.values import is_valid, write_surrogates

SHORT = 20
"""No ASCII string of that length can be large, however it is escaped."""
_LOOKED_UP = 24
"""Shorter strings are written again rather than looked up."""


class Leaves(Ledger):
    """Writes strings, each large one once."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self.redactor = redactor
        self.shortest = redactor.shortest

    def string(self, text: str, _depth: int = 0) -> Written:
        """A string of the user's."""
        count = len(text)
        if count >= _LOOKED_UP and (known := self.strings.get(text)) is not None and known[0][REF] in self.written:
            self.redacted += known[1]
            return known[0], known[0], 0
        found, clean = 0, text
        if count >= self.shortest:
            clean, found = self.redactor.redact(text)
            self.redacted += found
        written = self.raw(clean)
        if type(written[0]) is Ref:
            self.strings[text] = (written[0], found)
        return written

    def raw(self, text: str) -> Written:
        """A string that the redactor need not see."""
        if not text.isascii():
            if not is_valid(text):
                return self.flat(write_surrogates(text))
        elif len(text) <= SHORT:
            return text, text, 0
        data = orjson.dumps(text)
        if len(data) < LARGE:
            return text, text, 0
        return self.refer(sha256(data).hexdigest(), text, 0)

    def leaf(self, leaf: Tree) -> Written:
        """Part of a tagged object that the redactor need not see."""
        if type(leaf) is str:
            return self.raw(leaf) if len(leaf) > SHORT else (leaf, leaf, 0)
        if type(leaf) is list and len(orjson.dumps(leaf)) >= LARGE:
            parts = [self.leaf(part) for part in leaf]
            return self.finish([part[0] for part in parts], [part[1] for part in parts], 1)
        return leaf, leaf, 0

    def flat(self, tree: dict[str, Any]) -> Written:
        """A tagged object of leaves and short lists of leaves."""
        tags = {key: self.leaf(leaf) for key, leaf in tree.items()}
        folded = {key: leaf[0] for key, leaf in tags.items()}
        return self.finish(folded, {key: leaf[1] for key, leaf in tags.items()}, 1)

    def hide(self, rule: str, known: bytes) -> Written:
        """A commitment in place of a secret."""
        self.redacted += 1
        return self.flat({TAG: "redacted", "rule": rule, "digest": self.redactor.commitment(known)})
