"""Finds the words for a divergence: what happened, the shortest diff, the nearest candidate, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_agent.capture.node import NodeScope
from otel_agent.capture.scope import RecordedScope
from otel_agent.model import Divergence, Effect, NodeExecution

_CHANGED_CODE = "the graph has changed since ({}): replay the code that was recorded, or fork the run here"
_SAME_CODE = (
    "look for another prompt or helper, clock, randomness, environment or set order, and wrap what comes from outside "
    "in @otel_agent.effect"
)
_MOST_CHANGES = 2


class Diverged(BaseException):
    """Ends a replay. No `Exception`, so that the application's own handlers, retries and tools cannot swallow it."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(str(divergence))
        self.divergence = divergence


class RecordEnds(BaseException):
    """Ends a replay where the record of a run that was ended from outside ends."""


class Words:
    """Makes divergences for one replay."""

    def __init__(self, run_id: str, graph_changes: Sequence[str]) -> None:
        self._run_id = run_id
        self._changes = tuple(graph_changes)

    def at(self, kind: str, what: str, scope: RecordedScope | None, *, difference: str = "", nearest: str = "",
           advice: str = "", effect: str = "") -> Divergence:  # fmt: skip
        """A divergence at a scope."""
        node = node_of(scope)
        return Divergence(
            kind=kind,
            what=what,
            run_id=self._run_id,
            node=node.crossing.name if node is not None else "",
            step=node.step if node is not None else None,
            effect=effect or (_effect_of(scope) if scope is not None and scope.kind == "effect" else ""),
            address=scope.address if scope is not None else "",
            difference=difference,
            nearest=nearest,
            advice=advice or self.advice(node.crossing.name if node is not None else ""),
        )

    def missing(self, item: NodeExecution | Effect, node: NodeExecution | None) -> Divergence:
        """Something recorded that nobody asked for."""
        if isinstance(item, NodeExecution):
            what = f"Node {item.name!r} was recorded in superstep {item.step} and did not run again"
            return Divergence(
                "missing_node", what, self._run_id, item.name, item.step, address=item.address, advice=self.advice("")
            )
        name = f"{item.kind} {item.name}"
        what = f"A recorded call of {name} was not made again"
        inside = node.name if node is not None else ""
        return Divergence(
            "missing_effect", what, self._run_id, inside, node.step if node is not None else None, effect=name,
            address=item.address, advice=self.advice(inside),
        )  # fmt: skip

    def advice(self, node: str) -> str:
        """What to do next: it depends on whether the code is the same."""
        own = [change for change in self._changes if node and f" {node}" in f" {change}"]
        changes = own or list(self._changes)
        if changes:
            return _CHANGED_CODE.format("; ".join(changes[:_MOST_CHANGES]))
        return f"{f'node {node!r}' if node else 'the graph'} has the source it had: {_SAME_CODE}"


def node_of(scope: RecordedScope | None) -> NodeScope | None:
    """The node execution that a scope is or is in."""
    while scope is not None and not isinstance(scope, NodeScope):
        scope = scope.parent
    return scope


def order_of(scope: RecordedScope | None) -> tuple[tuple[int, str], ...]:
    """Where a scope stands in the run: superstep and path of each node around it, outermost first."""
    steps: list[tuple[int, str]] = []
    while scope is not None:
        if isinstance(scope, NodeScope):
            steps.append((scope.step, scope.path))
        scope = scope.parent
    return tuple(reversed(steps))


def _effect_of(scope: RecordedScope) -> str:
    occurrence: Any = getattr(scope, "occurrence", 0)
    return f"{scope.crossing.kind} {scope.crossing.name}" + (f" #{occurrence + 1}" if occurrence else "")
