"""The recorded run as replay asks for it: by address, with what was taken ticked off."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from otel_agent.codec import names
from otel_agent.model import AgentRun, Effect, NodeExecution

CUT = frozenset({"cancelled", "timeout"})
"""Statuses of what was ended from outside: it is not run again, its end is."""
FAILED = frozenset({"failed", "timeout"})
"""Statuses of what raised an error of its own, or was stopped by its own time limit."""
ENDED_EARLY = frozenset({"cancelled", "closed_early"})
"""Statuses of a run that somebody outside ended."""


class Record:
    """Finds what was recorded at an address, and knows what nobody asked for yet. Thread-safe."""

    def __init__(self, run: AgentRun) -> None:
        self.run = run
        self.nodes: dict[str, NodeExecution] = {node.address: node for node in run.all_nodes}
        self.effects: dict[str, Effect] = {effect.address: effect for effect in run.effects}
        self.runs: dict[str, AgentRun] = {inner.address: inner for inner in _all_runs(run)}
        self._taken: set[str] = set()
        self._covered: set[str] = set()
        self._ids: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self.ended_early = run.status in ENDED_EARLY or self._timed_out()
        """Whether somebody outside ended the run: then the record ends where it stands."""

    def take(self, address: str, *, whole: bool = False) -> None:
        """The replay came here; ``whole``: and will not go inside."""
        with self._lock:
            self._taken.add(address)
            if whole:
                self._covered.add(address)

    def take_first(self, addresses: list[str]) -> str | None:
        """The first of these that was not taken yet, now taken."""
        with self._lock:
            for address in addresses:
                if address not in self._taken:
                    self._taken.add(address)
                    return address
        return None

    def is_taken(self, address: str) -> bool:
        """Whether the replay came here."""
        return address in self._taken

    def untaken(self) -> list[NodeExecution | Effect]:
        """What nobody asked for, in the order it began; the inside of what was answered as a whole is left out."""
        every: list[NodeExecution | Effect] = [*self.nodes.values(), *self.effects.values()]
        with self._lock:
            left = [item for item in every if item.address not in self._taken and not self._is_covered(item.address)]
        return sorted(left, key=lambda item: item.seq)

    def _is_covered(self, address: str) -> bool:
        return any(address.startswith(f"{outer}/") for outer in self._covered)

    def untaken_effects(self, scope_address: str, kind: str, name: str) -> list[Effect]:
        """Effects of this kind and name that were recorded in the same place and not asked for yet."""
        prefix = f"{scope_address}/{kind}~{name}~"
        with self._lock:
            return [
                effect
                for address, effect in self.effects.items()
                if address not in self._taken and address.startswith(prefix) and "/" not in address[len(prefix) :]
            ]

    def effects_in(self, scope_address: str) -> list[Effect]:
        """Every effect that was recorded directly in this place."""
        prefix = f"{scope_address}/"
        return [
            effect
            for address, effect in self.effects.items()
            if address.startswith(prefix) and address == f"{prefix}{effect.kind}~{effect.name}~{_tail(address)}"
        ]

    def runs_inside(self, address: str) -> bool:
        """Whether a graph ran below this address: then it is run again, not answered."""
        return any(inner.startswith(f"{address}/") for inner in self.runs)

    def nodes_of_step(self, run_span_id: str, step: int) -> list[NodeExecution]:
        """The node executions of one superstep of one (nested) run."""
        return [node for node in self.nodes.values() if node.run_span_id == run_span_id and node.step == step]

    def failing_step(self, run: AgentRun) -> int | None:
        """The superstep in which a run failed, where one of its nodes did."""
        if run.status not in FAILED:
            return None
        own = (node for node in self.nodes.values() if node.run_span_id == run.span_id)
        return max((node.step for node in own if node.status in FAILED), default=None)

    def ids(self, address: str) -> list[str]:
        """The ids that the framework drew here, in order."""
        known = self._ids.get(address)
        if known is None:
            found = self.nodes.get(address) or self.effects.get(address) or self.runs.get(address)
            drawn = found.payload("ids") if found is not None else None
            known = self._ids[address] = list(drawn or ())
        return known

    def _timed_out(self) -> bool:
        """A graph's step timeout ended it: in LangGraph it raises, and no node of the step failed."""
        kind = str(self.run.attributes.get(names.ERROR_TYPE, ""))
        return self.run.status == "failed" and kind.endswith("TimeoutError") and self.failing_step(self.run) is None


def _all_runs(run: AgentRun) -> Iterator[AgentRun]:
    yield run
    for inner in run.nested:
        yield from _all_runs(inner)


def _tail(address: str) -> str:
    """Digest and occurrence at an effect's address."""
    return "~".join(address.rsplit("~", 2)[1:])
