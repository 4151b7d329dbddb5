"""How lists are written: inline, as a reference, or as runs of earlier lists and what is new."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from otel_agent.codec.canonical import LARGE, MAX_DEPTH, REF, SAFE_INT, SORTED, TAG, TooDeep, Tree
from otel_agent.codec.chains import REF_BYTES, Chain, worth
from otel_agent.codec.memo import NO_LOSSES, Clock, Entry, Losses

if TYPE_CHECKING:
    from otel_agent.codec.encoder import Encoder
    from otel_agent.codec.ledger import Written

_NUMBERS = 16
"""Numbers in a row that are worth writing at once."""


_FEW = 3
"""Lists of so few numbers are written item by item: looking for what they share costs more than it saves."""
_SCALARS = frozenset((int, float, bool, type(None)))


class ListEntry(Entry):
    """A list that was written: the first items of a chain."""

    __slots__ = ("chain", "count")
    __hash__ = None

    def __init__(self, obj: list[Any], clock: Clock, chain: Chain, count: int) -> None:
        super().__init__(obj, None, clock)
        self.chain = chain
        self.count = count

    def unchanged(self, other: Any) -> bool:
        """Whether it holds the same items, and they are as they were."""
        return len(other) == self.count and self.chain.common(0, other, 0, self.count) == self.count


class Draft:
    """A list while it is being written: runs of earlier lists, and items in between with what they look like."""

    __slots__ = ("encoder", "height", "losses", "parts", "runs", "texts", "values")

    def __init__(self, encoder: Encoder, values: list[Any]) -> None:
        self.encoder = encoder
        self.values = values
        self.parts: list[bytes] = []
        self.texts: dict[int, Tree] = {}
        self.runs: list[tuple[int, Chain, int, int]] = []
        self.height = 0
        self.losses: dict[int, Losses] = {}

    def add_run(self, chain: Chain, at: int, count: int) -> None:
        """Items that an earlier list holds."""
        start = len(self.parts)
        self.height = max(self.height, chain.height)
        self.parts += chain.parts if at == 0 and count == len(chain.parts) else chain.parts[at : at + count]
        self.runs.append((start, chain, at, count))
        for index, losses in chain.losses.items():
            if at <= index < at + count:
                mark = len(self.encoder.lost)
                self.losses[start + index - at] = losses
                self.encoder.report(losses)
                self.encoder.under(f"[{start + index - at}]", mark)

    def add_item(self, depth: int) -> None:
        """An item that no earlier list holds."""
        encoder, index = self.encoder, len(self.parts)
        mark, redacted = len(encoder.lost), encoder.redacted
        tree, self.texts[index], height = encoder.child(self.values[index], depth)
        losses = encoder.losses_since(mark, redacted)
        if losses is not NO_LOSSES:
            self.losses[index] = losses
            encoder.under(f"[{index}]", mark)
        self.parts.append(orjson.dumps(tree, option=SORTED))
        if height > self.height:
            self.height = height

    def add_numbers(self, numbers: list[float]) -> None:
        """The rest of the list, all of it plain numbers."""
        self.texts.update(enumerate(numbers, len(self.parts)))
        self.parts += orjson.dumps(numbers)[1:-1].split(b",")

    def share_equal(self) -> None:
        """Runs of new items that are equal to those of an earlier list."""
        runs: list[tuple[int, Chain, int, int]] = []
        index, count = 0, len(self.parts)
        known = {run[0]: run for run in self.runs}
        while index < count:
            run = known.get(index)
            if run is None and len(self.parts[index]) == REF_BYTES:
                end = index
                while end < count and end in self.texts:
                    end += 1
                found = self.encoder.shared.find_equal(self.parts, index, end)
                run = None if found is None else (index, *found)
            if run is None:
                index += 1
            else:
                runs.append(run)
                index += run[3]
        self.runs = runs

    def text(self) -> Tree:
        """What stands in the text."""
        shown: list[Tree] = []
        at = 0
        for start, chain, first, count in self.runs:
            if not worth(chain, first, count):
                continue
            if at < start:
                shown.append([self._text(index) for index in range(at, start)])
            shown.append({REF: chain.digest_now, "from": first, "to": first + count})
            at = start + count
        if at < len(self.parts):
            shown.append([self._text(index) for index in range(at, len(self.parts))])
        return shown[0] if len(shown) == 1 and type(shown[0]) is list else {TAG: "cat", "v": shown}

    def _text(self, index: int) -> Tree:
        return self.texts[index] if index in self.texts else orjson.Fragment(self.parts[index])

    def patterns(self, start: int) -> list[Any]:
        """Patterns of the items from ``start`` on: taken from the chains where these are the same objects."""
        patterns: list[Any] = [None] * len(self.values)
        for at, chain, first, count in self.runs:
            if at not in self.texts:
                patterns[at : at + count] = chain.patterns[first : first + count]
        of = self.encoder.patterns.of
        for index in self.texts:
            patterns[index] = of(self.values[index])
        return patterns[start:]


def write_list(encoder: Encoder, values: list[Any], depth: int) -> Written:
    """A list; what it shares with an earlier list is referred to."""
    if not values:
        return [], [], 1
    if encoder.careful is not None or (len(values) <= _FEW and _SCALARS.issuperset(map(type, values))):
        return encoder.items(values, depth)
    if id(values) in encoder.memo and (known := encoder.known(values, depth)) is not None:
        return known
    if depth >= MAX_DEPTH:
        raise TooDeep
    draft, count = Draft(encoder, values), len(values)
    while (at := len(draft.parts)) < count:
        run = encoder.shared.find(values, at)
        if run is not None:
            draft.add_run(*run)
        elif count - at >= _NUMBERS and type(values[at]) in (int, float) and are_plain(values[at:]):
            draft.add_numbers(values[at:])
        else:
            draft.add_item(depth + 1)
    if depth + draft.height >= MAX_DEPTH:
        raise TooDeep
    if count < LARGE and sum(map(len, draft.parts)) + count + 1 < LARGE:
        return [orjson.Fragment(part) for part in draft.parts], draft.text(), draft.height + 1
    return _keep(encoder, values, draft)


def are_plain(numbers: list[Any]) -> bool:
    """Whether all are ints, or all floats, that are written as JSON numbers. Decided in C."""
    kinds = set(map(type, numbers))
    if kinds == {int}:
        return bool(min(numbers) >= -SAFE_INT and max(numbers) <= SAFE_INT)
    if kinds != {float} or not math.isfinite(math.fsum(map(abs, numbers))):
        return False
    sizes = list(map(abs, numbers))
    return min(sizes) >= 1e-4 and max(sizes) < 1e15 and not any(map(float.is_integer, numbers))


def _keep(encoder: Encoder, values: list[Any], draft: Draft) -> Written:
    draft.share_equal()
    text = draft.text()  # now: a chain that grows has another digest afterwards
    chain, count, digest = _chain_of(encoder, values, draft)
    written = encoder.refer(digest, text, draft.height + 1)
    entry = ListEntry(values, encoder.clock, chain, count)
    entry.ref, entry.height = written[0], written[2]
    if draft.losses:
        opaque = [(f"[{index}]{path}", why) for index, lost in draft.losses.items() for path, why in lost.opaque]
        entry.losses = Losses(tuple(opaque), sum(lost.redacted for lost in draft.losses.values()))
    encoder.memo[id(values)] = entry
    return written


def _chain_of(encoder: Encoder, values: list[Any], draft: Draft) -> tuple[Chain, int, str]:
    """The chain that holds the list, how many of its items, and the list's digest."""
    count = len(values)
    if draft.runs and draft.runs[0][0] == 0 and draft.runs[0][2] == 0 and 0 not in draft.texts:
        _, chain, _, shared = draft.runs[0]
        size = len(chain.items)
        if shared == count:
            return chain, count, chain.digest_now if size == count else chain.digest_at(count)
        if shared == size:
            chain.grow(values[size:], draft.patterns(size), draft.parts[size:], draft.height)
            chain.losses.update(draft.losses)
            encoder.shared.add(chain, size)
            return chain, count, chain.digest_now
    chain = Chain(list(values), draft.patterns(0), draft.parts, draft.height)
    chain.losses = draft.losses
    encoder.shared.add(chain, 0)
    return chain, count, chain.digest_now
