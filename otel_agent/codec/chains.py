"""Lists that grow: runs of items that an earlier list held are referred to, not written again.

A chain is one list as it grew: its items, their patterns and canonical parts, and a SHA-256 that has read all of them,
so that the digest of the list with k more items costs k. ``heads`` finds the chains that begin with an item, ``where``
a chain that holds it anywhere.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from otel_agent.codec.bulk import Fields
from otel_agent.codec.canonical import LARGE
from otel_agent.codec.memo import NUMBERS, Losses

REF_BYTES = 75
"""Canonical bytes of a reference."""
_CANDIDATES = 6
"""Chains that are tried for one first item; the most recently used are kept."""


class Parts:
    """Canonical parts of a list's items, and the digest of the list."""

    __slots__ = ("_hash", "parts")

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        self._hash = sha256(b"[" + b",".join(parts))

    def extend(self, parts: list[bytes]) -> None:
        """Add items at the end of a list that is not empty."""
        self.parts += parts
        self._hash.update(b"," + b",".join(parts))

    def digest(self) -> str:
        """Digest of the whole list."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()

    def digest_at(self, count: int) -> str:
        """Digest of the first items."""
        return sha256(b"[" + b",".join(self.parts[:count]) + b"]").hexdigest()


class Chain(Parts):
    """One list as it grew while it was written."""

    __slots__ = ("digest_now", "fields", "height", "items", "losses", "patterns")

    def __init__(self, items: list[Any], patterns: list[Any], parts: list[bytes], height: int) -> None:
        super().__init__(parts)
        self.items = items
        self.patterns = patterns
        self.fields = Fields()
        self.fields.grow(items, patterns)
        self.height = height
        self.losses: dict[int, Losses] = {}
        self.digest_now = self.digest()

    def grow(self, items: list[Any], patterns: list[Any], parts: list[bytes], height: int) -> None:
        """Add the items that the list has now."""
        self.extend(parts)
        self.items += items
        self.patterns += patterns
        self.fields.grow(items, patterns)
        self.height = max(self.height, height)
        self.digest_now = self.digest()

    def common(self, at: int, items: list[Any], start: int, count: int) -> int:
        """How many of ``items`` from ``start`` are this chain's from ``at``, unchanged; at most ``count``."""
        if self.fields.unchanged(self.items, at, items, start, count):
            return count
        return common(self.patterns, at, items, start, count)


class Shared:
    """All chains of a run."""

    def __init__(self, written: set[str]) -> None:
        self._written = written
        self._heads: dict[int, list[Chain]] = {}
        self._where: dict[int, tuple[Chain, int]] = {}
        self._parts: dict[bytes, tuple[Chain, int]] = {}

    def find(self, items: list[Any], start: int) -> tuple[Chain, int, int] | None:
        """The longest known run that begins at ``items[start]``: (chain, first, count)."""
        first = items[start]
        best: tuple[Chain, int, int] | None = None
        count = len(items) - start
        if start == 0:
            for chain in self._heads.get(id(first), ()):
                if chain.digest_now in self._written:
                    same = chain.common(0, items, 0, min(count, len(chain.items)))
                    if same and (best is None or same > best[2]):
                        best = (chain, 0, same)
                        if same == count:
                            break
        if best is None or best[2] < count:
            found = self._where.get(id(first))
            if found is not None and found[0].digest_now in self._written and (best is None or found[0] is not best[0]):
                chain, at = found
                same = chain.common(at, items, start, min(count, len(chain.items) - at))
                if same and (best is None or same > best[2]):
                    best = (chain, at, same)
        return best

    def find_equal(self, parts: list[bytes], start: int, end: int) -> tuple[Chain, int, int] | None:
        """The same for items that are equal to known ones, but other objects; never a single one."""
        found = self._parts.get(parts[start])
        if found is None or found[0].digest_now not in self._written:
            return None
        chain, at = found
        count = 1
        known = chain.parts
        while start + count < end and at + count < len(known) and known[at + count] == parts[start + count]:
            count += 1
        return (chain, at, count) if count > 1 else None

    def add(self, chain: Chain, start: int) -> None:
        """Make the items from ``start`` on known."""
        items, parts, where, equal = chain.items, chain.parts, self._where, self._parts
        size = len(items)
        for at in range(start, size):
            item = items[at]
            if type(item) in NUMBERS:
                continue
            known = where.get(id(item))
            if known is None or len(known[0].items) < size:
                where[id(item)] = (chain, at)
                if len(parts[at]) == REF_BYTES:
                    equal[parts[at]] = (chain, at)
        heads = self._heads.setdefault(id(items[0]), [])
        if not heads or heads[0] is not chain:
            if chain in heads:
                heads.remove(chain)
            heads.insert(0, chain)
            del heads[_CANDIDATES:]


def common(patterns: list[Any], at: int, items: list[Any], start: int, count: int) -> int:
    """How many items are the same, at most ``count``: one comparison in C where all are, else by halving."""
    old = patterns if at == 0 and count == len(patterns) else patterns[at : at + count]
    new = items if start == 0 and count == len(items) else items[start : start + count]
    if old == new:
        return count
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle
    return low


def worth(chain: Chain, at: int, count: int) -> bool:
    """Whether a reference to the run is shorter than the run; short ones are never referred to."""
    return count >= LARGE or sum(map(len, chain.parts[at : at + count])) >= LARGE
