"""What a replay found: one frozen object, a few clear lines, and JSON for machines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from otel_agent.errors import DivergenceError
from otel_agent.model import AgentRun, Divergence

_MOST_CHANGES = 3


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of one replay. "The run failed" and "the replay diverged" are two things."""

    ok: bool
    """True where the replay did what the record says, to the end."""
    run_id: str
    """The recorded run."""
    status: str
    """How the recorded run ended."""
    run: AgentRun | None = field(repr=False)
    """The replay itself, recorded as any run is; None where it could not be rebuilt."""
    divergence: Divergence | None
    """The first place where the replay asked for what the record does not hold."""
    nodes_replayed: int
    """Node executions that ran again."""
    effects_served: int
    """Effects answered from the record."""
    connections: int
    """Connections that the run tried to open; each was stopped."""
    graph_changes: tuple[str, ...]
    """What the graph has changed in since it was recorded; no divergence by itself."""
    duration_s: float
    recorded_duration_s: float | None
    result: Any = field(default=None, repr=False, compare=False)
    """What the graph returned in the replay; None where it raised."""
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What the graph raised in the replay, as it did when it was recorded."""

    def raise_if_diverged(self) -> None:
        """Raise `DivergenceError` where the replay diverged."""
        if self.divergence is not None:
            raise DivergenceError(self.divergence)

    def to_json(self) -> str:
        """The report as JSON, without the run itself."""
        told = {
            "ok": self.ok,
            "run_id": self.run_id,
            "status": self.status,
            "replay_run_id": self.run.run_id if self.run is not None else None,
            "divergence": asdict(self.divergence) if self.divergence is not None else None,
            "nodes_replayed": self.nodes_replayed,
            "effects_served": self.effects_served,
            "connections": self.connections,
            "graph_changes": list(self.graph_changes),
            "duration_s": round(self.duration_s, 6),
            "recorded_duration_s": self.recorded_duration_s and round(self.recorded_duration_s, 6),
        }
        return json.dumps(told, indent=2)

    def __str__(self) -> str:
        lines = [self._verdict()]
        if self.divergence is not None:
            lines.append(str(self.divergence))
        if self.graph_changes:
            shown = "; ".join(self.graph_changes[:_MOST_CHANGES])
            more = len(self.graph_changes) - _MOST_CHANGES
            lines.append(f"  graph    {shown}{f'; and {more} more' if more > 0 else ''}")
        return "\n".join(lines)

    def _verdict(self) -> str:
        took = f"{self.duration_s:.2f} s"
        if self.recorded_duration_s is not None:
            took += f" (recorded: {self.recorded_duration_s:.2f} s)"
        did = f"{_count(self.nodes_replayed, 'node execution')}, {_count(self.effects_served, 'effect')} served, "
        did += f"{_count(self.connections, 'connection')}, {took}"
        if self.ok:
            return f"Replay of run {self.run_id} is exact ({self.status}): {did}"
        return f"Replay of run {self.run_id} diverged: {did}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
