"""The second attempt at a value that is too deep or holds itself: slower, and it always ends.

What is nested too deep, or is its own ancestor, becomes opaque. Nothing is remembered across calls, because what is cut
depends on where it was met; within the call every object is written once for each depth, so that a value whose paths
are exponentially many takes linear time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_agent.codec.canonical import MAX_DEPTH

if TYPE_CHECKING:
    from otel_agent.codec.encoder import Encoder, Plan
    from otel_agent.codec.ledger import Written

_LEAVES = frozenset((str, int, float, bool, type(None), bytes))


class Careful:
    """State of one careful call."""

    def __init__(self) -> None:
        self._path: set[int] = set()
        self._done: dict[tuple[int, int], tuple[Any, Written]] = {}

    def guard(self, encoder: Encoder, plan: Plan, value: Any, depth: int) -> Written:
        """Write a value, unless it is its own ancestor or too deep."""
        if type(value) in _LEAVES:
            return plan(encoder, value, depth)
        if id(value) in self._path:
            return encoder.opaque(value, "holds itself")
        if depth >= MAX_DEPTH:
            return encoder.opaque(value, f"is nested deeper than {MAX_DEPTH} levels")
        done = self._done.get((id(value), depth))
        if done is not None:
            return done[1]
        self._path.add(id(value))
        try:
            written = plan(encoder, value, depth)
        finally:
            self._path.discard(id(value))
        self._done[id(value), depth] = (value, (written[0], written[0], written[2]))
        return written
