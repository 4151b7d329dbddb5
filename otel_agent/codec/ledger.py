"""What was written already, and what was lost on the way: the memory of an `Encoder`."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias

import orjson

from otel_agent.codec.canonical import LARGE, MAX_DEPTH, REF, SORTED, Ref, TooDeep, Tree
from otel_agent.codec.careful import Careful
from otel_agent.codec.chains import Shared
from otel_agent.codec.memo import NO_LOSSES, Clock, Entry, Losses, Patterns

Written: TypeAlias = tuple[Tree, Tree, int]
"""Canonical tree, text tree, levels of JSON."""


class Ledger:
    """Digests that were written, objects that were seen, and what could not be written.

    ``written`` alone decides whether a reference may be made: it holds a digest only if its text was produced, and an
    attempt that fails takes its digests out again.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.kinds: dict[type, Any] = {}
        self.forget()

    def forget(self) -> None:
        """Start anew: everything is written in full again."""
        self.written: set[str] = set()
        self.strings: dict[str, tuple[Ref, int]] = {}
        self.memo: dict[int, Entry] = {}
        self.shared = Shared(self.written)
        self.patterns = Patterns(self.memo, self.clock, self.kinds)
        self.fresh: list[str] = []
        self.lost: list[tuple[str, str]] = []
        self.redacted = 0
        self.careful: Careful | None = None
        self.closed: tuple[Tree, bytes] = (object(), b"")  # None is a tree, too

    def undo(self) -> None:
        """Take back what the call in hand wrote: its text is not used."""
        self.written.difference_update(self.fresh)
        self.fresh, self.lost, self.redacted = [], [], 0

    def finish(self, tree: Tree, text: Tree, height: int) -> Written:
        """Fold a container: a large one is a reference in its parent's canonical form."""
        data = orjson.dumps(tree, option=SORTED)
        if len(data) < LARGE:
            self.closed = (tree, data)
            return tree, text, height
        return self.refer(sha256(data).hexdigest(), text, height)

    def refer(self, digest: str, text: Tree, height: int) -> Written:
        """A large value of this digest: in full the first time, a reference afterwards."""
        ref = Ref({REF: digest})
        if digest in self.written:
            return ref, ref, height
        self.written.add(digest)
        self.fresh.append(digest)
        return ref, text, height

    def digest_of(self, tree: Tree) -> str:
        """Digest of a tree that was just finished."""
        if type(tree) is Ref:
            return tree[REF]
        data = self.closed[1] if self.closed[0] is tree else orjson.dumps(tree, option=SORTED)
        return sha256(data).hexdigest()

    def known(self, value: Any, depth: int) -> Written | None:
        """A reference, where the value was written before and is the same."""
        entry = self.memo.get(id(value))
        if entry is None or self.careful is not None:
            return None
        ref = entry.ref
        if ref is None or ref[REF] not in self.written or entry != value:
            del self.memo[id(value)]
            return None
        if depth + entry.height > MAX_DEPTH:
            raise TooDeep
        self.report(entry.losses)
        return ref, ref, entry.height

    def remember(self, value: Any, written: Written, mark: int, redacted: int) -> Written:
        """Keep what was written of a value, if it is large, with what was lost since the marks."""
        if type(written[0]) is Ref and self.careful is None:
            entry = self.patterns.entry(value)
            entry.ref, entry.height, entry.losses = written[0], written[2], self.losses_since(mark, redacted)
            self.memo[id(value)] = entry
        return written

    def note(self, reason: str) -> None:
        """Something of the value in hand is lost."""
        self.lost.append(("", reason))

    def under(self, key: str, mark: int) -> None:
        """What was lost since ``mark`` was lost under this key."""
        self.lost[mark:] = [(key + path, reason) for path, reason in self.lost[mark:]]

    def report(self, losses: Losses) -> None:
        """Say again what was lost in a value that is referred to."""
        if losses is not NO_LOSSES:
            self.lost += losses.opaque
            self.redacted += losses.redacted

    def losses_since(self, mark: int, redacted: int) -> Losses:
        """What was lost since the marks."""
        if len(self.lost) == mark and self.redacted == redacted:
            return NO_LOSSES
        return Losses(tuple(self.lost[mark:]), self.redacted - redacted)
