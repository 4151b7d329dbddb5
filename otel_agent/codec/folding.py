"""Digests of trees as they stand in payloads, references and lists in parts included."""

from __future__ import annotations

from typing import Any

import orjson

from otel_agent.codec.canonical import (
    LARGE,
    MAX_DEPTH,
    REF,
    SAFE_INT,
    SORTED,
    TAG,
    Ref,
    TooDeep,
    Tree,
    digest_of,
    is_plain_float,
    is_plain_key,
)
from otel_agent.codec.chains import Parts
from otel_agent.codec.decode import SLACK, Malformed

_HEX = frozenset("0123456789abcdef")
_DEEPEST = MAX_DEPTH + 54
"""What orjson writes at most: lists in parts have levels of their own."""


class Missing(Exception):
    """A value is referred to, and not known (yet)."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


class Run(Parts):
    """The items of a list, which longer lists may share."""

    __slots__ = ("items", "sizes")

    def __init__(self, items: list[Tree], parts: list[bytes]) -> None:
        super().__init__(parts)
        self.items = items
        self.sizes: list[tuple[int, int]] = [(0, 0)]


class Folder:
    """Knows every large value by the digest it computed."""

    def __init__(self, max_items: int) -> None:
        self.nodes: dict[str, Tree] = {}
        self._runs: dict[str, tuple[Run, int]] = {}
        self._folded: dict[str, list[Tree]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._budget = max_items
        self._refs: list[str] = []

    def digest(self, tree: Tree, refs: list[str]) -> str:
        """The digest of a payload; ``refs`` takes what it refers to. Raises `Missing`, `Malformed`, `TooDeep`."""
        self._refs = refs
        folded = self.fold(tree, 0)
        if type(folded) is Ref:
            return folded[REF]
        return digest_of(orjson.dumps(folded, option=SORTED))

    def fold(self, tree: Tree, depth: int) -> Tree:
        """The tree as it stands in its parent's canonical form."""
        kind = type(tree)
        if kind is str:
            return tree if len(tree) * 6 + 2 < LARGE else self._close(tree, tree)
        if tree is None or kind is bool:
            return tree
        if kind is int or kind is float:
            return self._number(tree)
        if depth > _DEEPEST:
            raise TooDeep
        if kind is list:
            return self._close([self.fold(child, depth + 1) for child in tree], tree)
        if REF in tree:
            return self._reference(tree)
        if tree.get(TAG) == "cat":
            return self._cat(tree, depth)
        if not all(map(is_plain_key, tree)):
            raise Malformed("a key that must stand in a map")
        return self._close({key: self.fold(child, depth + 1) for key, child in tree.items()}, tree)

    def resolve(self, digest: str) -> Tree:
        """The tree of that digest."""
        try:
            return self.nodes[digest]
        except (KeyError, TypeError):
            raise Missing(str(digest)) from None

    def expand(self, tree: Tree) -> list[Tree]:
        """The items of a list in parts that was folded before."""
        found: list[Tree] = []
        for part in tree["v"]:
            if isinstance(part, list):
                found += part
            else:
                run, _ = self._run(part[REF])
                found += run.items[part["from"] : part["to"]]
        return found

    def measure(self, tree: Tree, depth: int = 0) -> tuple[int, int]:
        """How many values, and levels, a tree has with its references resolved."""
        if not isinstance(tree, (dict, list)):
            return 1, 0
        if depth > MAX_DEPTH + SLACK:
            raise TooDeep
        if isinstance(tree, list):
            return self._sum(tree, depth)
        if REF in tree:
            digest = tree[REF]
            known = self._sizes.get(digest)
            if known is None:
                known = self._sizes[digest] = self.measure(self.resolve(digest), depth)
            if depth + known[1] > MAX_DEPTH + SLACK:
                raise TooDeep
            return known
        if tree.get(TAG) == "cat":
            return self._measure_parts(tree, depth)
        return self._sum(tree.values(), depth)

    # --- inside -----------------------------------------------------------------------------------

    def _close(self, folded: Tree, tree: Tree) -> Tree:
        data = orjson.dumps(folded, option=SORTED)
        if len(data) < LARGE:
            return folded
        digest = digest_of(data)
        if self.nodes.setdefault(digest, tree) is tree and type(folded) is list:
            self._folded[digest] = folded
        return Ref({REF: digest})

    @staticmethod
    def _number(number: float) -> Tree:
        if type(number) is int:
            if not -SAFE_INT <= number <= SAFE_INT:
                raise Malformed("a number beyond 2**53 - 1")
        elif not is_plain_float(number):
            raise Malformed(f"the number {number!r}")
        return number

    def _reference(self, tree: dict[str, Any]) -> Ref:
        digest = tree[REF]
        if len(tree) != 1 or not is_digest(digest):
            raise Malformed("a reference with something beside it")
        self._refs.append(digest)
        return Ref({REF: digest})

    def _run(self, digest: str) -> tuple[Run, int]:
        found = self._runs.get(digest)
        if found is None:
            folded = self._folded.get(digest)
            if folded is None:
                if digest in self.nodes:
                    raise Malformed("a part of something that is not a list")
                raise Missing(digest)
            run = Run(list(self.nodes[digest]), [orjson.dumps(part, option=SORTED) for part in folded])
            found = self._runs[digest] = (run, len(folded))
        return found

    def _cat(self, tree: dict[str, Any], depth: int) -> Tree:
        shown = tree.get("v")
        if len(tree) != 2 or type(shown) is not list:
            raise Malformed("a list in parts that has no parts")
        items: list[Tree] = []
        parts: list[bytes] = []
        base: tuple[Run, int] | None = None
        for number, part in enumerate(shown):
            if type(part) is list:
                items += part
                parts += [orjson.dumps(self.fold(child, depth + 1), option=SORTED) for child in part]
                continue
            run, first, last = self._slice(part)
            if number == 0 and first == 0 and last == len(run.items):
                base = (run, last)
                continue
            self._budget -= last - first
            if self._budget < 0:
                raise Malformed("more items in parts than can be read")
            items += run.items[first:last]
            parts += run.parts[first:last]
        return self._close_parts(tree, base, items, parts)

    def _slice(self, part: Any) -> tuple[Run, int, int]:
        if type(part) is not dict or set(part) != {REF, "from", "to"} or not is_digest(part[REF]):
            raise Malformed("a part that is neither items nor a slice")
        run, count = self._run(part[REF])
        first, last = part["from"], part["to"]
        if type(first) is not int or type(last) is not int or not 0 <= first <= last <= count:
            raise Malformed(f"a slice beyond the {count} items of a list")
        return run, first, last

    def _close_parts(self, tree: Tree, base: tuple[Run, int] | None, items: list[Tree], parts: list[bytes]) -> Tree:
        if base is None:
            if sum(map(len, parts)) + len(parts) + 1 < LARGE:
                return [orjson.Fragment(part) for part in parts]
            run = Run(items, parts)
        else:
            run = base[0]
            if parts:
                run.extend(parts)
                run.items += items
        digest = run.digest()
        self.nodes.setdefault(digest, tree)
        self._runs.setdefault(digest, (run, len(run.items)))
        return Ref({REF: digest})

    def _sum(self, children: Any, depth: int) -> tuple[int, int]:
        count, height = 1, 0
        for child in children:
            if isinstance(child, (dict, list)):
                size, levels = self.measure(child, depth + 1)
                count += size
                if levels > height:
                    height = levels
            else:
                count += 1
        return count, height + 1

    def _measure_parts(self, tree: Tree, depth: int) -> tuple[int, int]:
        count, height = 1, 0
        for part in tree["v"]:
            if isinstance(part, list):
                size, levels = self._sum(part, depth)
                count, height = count + size, max(height, levels - 1)
                continue
            run, _ = self._run(part[REF])
            for item in run.items[len(run.sizes) - 1 : part["to"]]:
                size, levels = self.measure(item, depth + 1)
                total, highest = run.sizes[-1]
                run.sizes.append((total + size, max(highest, levels)))
            first, last = run.sizes[part["from"]], run.sizes[part["to"]]
            count, height = count + last[0] - first[0], max(height, last[1])
        if depth + height + 1 > MAX_DEPTH + SLACK:
            raise TooDeep
        return count, height + 1


def is_digest(text: Any) -> bool:
    """64 hex digits."""
    return isinstance(text, str) and len(text) == 64 and _HEX.issuperset(text)
