"""How lists are written: inline, as a reference, or as runs of earlier lists and what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from otel_agent.codec.canonical import LARGE, MAX_DEPTH, REF, SORTED, TAG, Ref, TooDeep, Tree
from otel_agent.codec.chains import Chain, worth
from otel_agent.codec.memo import NO_LOSSES, Entry, Losses

if TYPE_CHECKING:
    from otel_agent.codec.encoder import Encoder, Written


class ListEntry(Entry):
    """A list that was written: the first items of a chain."""

    __slots__ = ("chain", "count")
    __hash__ = None  # type: ignore[assignment]

    def unchanged(self, other: Any) -> bool:
        patterns, count = self.chain.patterns, self.count
        return bool((patterns if len(patterns) == count else patterns[:count]) == other)


class Draft:
    """A list while it is being written."""

    __slots__ = ("fresh", "height", "losses", "parts", "runs", "shown")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.shown: list[Tree] = []
        self.runs: list[tuple[Chain, int, int]] = []
        self.fresh: list[int] = []
        self.height = 0
        self.losses: dict[int, Losses] = {}

    def add_run(self, encoder: Encoder, chain: Chain, at: int, count: int) -> None:
        """Items that an earlier list holds."""
        start = len(self.parts)
        self.height = max(self.height, chain.height)
        if worth(chain, at, count):
            self.shown.append(Ref({REF: chain.digest_now, "from": at, "to": at + count}))  # type: ignore[dict-item]
        else:
            self.inline(start).extend(map(orjson.Fragment, chain.parts[at : at + count]))
        self.parts += chain.parts if at == 0 and count == len(chain.parts) else chain.parts[at : at + count]
        self.runs.append((chain, at, count))
        if chain.losses:
            for index, losses in chain.losses.items():
                if at <= index < at + count:
                    self.losses[start + index - at] = losses
                    mark = len(encoder.lost)
                    encoder.report(losses)
                    encoder.under(f"[{start + index - at}]", mark)

    def add_item(self, encoder: Encoder, value: Any, depth: int) -> None:
        """An item that no earlier list holds."""
        index, mark, redacted = len(self.parts), len(encoder.lost), encoder.redacted
        tree, text, height = encoder.child(value, depth)
        losses = encoder.losses_since(mark, redacted)
        if losses is not NO_LOSSES:
            self.losses[index] = losses
            encoder.under(f"[{index}]", mark)
        self.inline(index).append(text)
        self.parts.append(orjson.dumps(tree, option=SORTED))
        self.fresh.append(index)
        if height > self.height:
            self.height = height

    def inline(self, _index: int) -> list[Tree]:
        """The array at the end of what is shown."""
        if not self.shown or type(self.shown[-1]) is not list:
            self.shown.append([])
        array: list[Tree] = self.shown[-1]
        return array

    def text(self) -> Tree:
        """What stands in the text."""
        if len(self.shown) == 1 and type(self.shown[0]) is list:
            return self.shown[0]
        return {TAG: "cat", "v": self.shown}


def write_list(encoder: Encoder, values: list[Any], depth: int) -> Written:
    """A list; what it shares with an earlier list is referred to."""
    if not values:
        return [], [], 1
    if encoder.careful is not None:
        return encoder.items(values, depth)
    known = encoder.known(values, depth)
    if known is not None:
        return known
    if depth >= MAX_DEPTH:
        raise TooDeep
    draft, at, count = Draft(), 0, len(values)
    find = encoder.shared.find
    while at < count:
        run = find(values, at)
        if run is None:
            draft.add_item(encoder, values[at], depth + 1)
            at += 1
        else:
            draft.add_run(encoder, *run)
            at += run[2]
    if depth + draft.height >= MAX_DEPTH:
        raise TooDeep
    if sum(map(len, draft.parts)) + count + 1 < LARGE:
        return [orjson.Fragment(part) for part in draft.parts], draft.text(), draft.height + 1
    return _keep(encoder, values, draft)


def _keep(encoder: Encoder, values: list[Any], draft: Draft) -> Written:
    chain, count, digest = _chain_of(encoder, values, draft)
    written = encoder.refer(digest, draft.text(), draft.height + 1)
    entry = ListEntry(values, None, encoder.patterns.clock)
    entry.chain, entry.count = chain, count
    entry.ref, entry.height = written[0], written[2]
    if draft.losses:
        opaque = [(f"[{index}]{path}", why) for index, lost in draft.losses.items() for path, why in lost.opaque]
        entry.losses = Losses(tuple(opaque), sum(lost.redacted for lost in draft.losses.values()))
    encoder.memo[id(values)] = entry
    return written


def _chain_of(encoder: Encoder, values: list[Any], draft: Draft) -> tuple[Chain, int, str]:
    """The chain that holds the list, how many of its items, and the list's digest."""
    count = len(values)
    first = draft.runs[0] if draft.runs and (not draft.fresh or draft.fresh[0] > 0) else None
    if first is not None and first[1] == 0:
        chain, size = first[0], len(first[0].items)
        if first[2] == count:
            return chain, count, chain.digest_now if size == count else chain.digest_at(count)
        if first[2] == size:
            chain.grow(values[size:], _patterns(encoder, values, draft, size), draft.parts[size:], draft.height)
            chain.losses.update(draft.losses)
            encoder.shared.add(chain, size)
            return chain, count, chain.digest_now
    chain = Chain(list(values), _patterns(encoder, values, draft, 0), draft.parts, draft.height)
    chain.losses = draft.losses
    encoder.shared.add(chain, 0)
    return chain, count, chain.digest_now


def _patterns(encoder: Encoder, values: list[Any], draft: Draft, start: int) -> list[Any]:
    """Patterns of the items from ``start`` on: taken from the chains where they have them."""
    patterns: list[Any] = [None] * len(values)
    for index in draft.fresh:
        patterns[index] = encoder.patterns.of(values[index])
    at, fresh = 0, set(draft.fresh)
    for chain, first, count in draft.runs:
        while at in fresh:
            at += 1
        patterns[at : at + count] = chain.patterns[first : first + count]
        at += count
    return patterns[start:]
