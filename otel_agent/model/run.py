"""A run: one invocation of a compiled graph until end, interrupt or failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_agent.errors import RecordError
from otel_agent.model.effect import Decode, Effect
from otel_agent.model.node import NodeExecution
from otel_agent.model.payload import Payload
from otel_agent.model.span import Link, SpanRecord


@dataclass(frozen=True, slots=True)
class AgentRun:
    """Everything that a trace holds of one run."""

    run_id: str
    """``<trace id>-<span id of the run's root span>``."""
    trace_id: str
    span_id: str
    parent_span_id: str | None
    """The span around it, such as a server span or, for a nested run, a node; None at a trace's root."""
    name: str
    """The graph's name."""
    kind: str
    """workflow or agent."""
    status: str
    """completed, interrupted, failed, cancelled, closed_early, or unfinished where its end never came."""
    started_ns: int
    ended_ns: int | None
    thread_id: str | None
    payloads: Mapping[str, Payload] = field(repr=False)
    """By short name: input, output, config, context, start, interrupts, error, ids, fingerprint."""
    decode: Decode = field(repr=False, compare=False)
    nodes: tuple[NodeExecution, ...] = field(default=(), repr=False)
    """All node executions, those of nested graphs too, in the order they began; hidden ones left out."""
    all_nodes: tuple[NodeExecution, ...] = field(default=(), repr=False)
    """The same with LangGraph's hidden nodes."""
    effects: tuple[Effect, ...] = field(default=(), repr=False)
    """All effects in the order they began."""
    nested: tuple[AgentRun, ...] = field(default=(), repr=False)
    """Runs of nested graphs, in the order they began."""
    address: str = ""
    """Empty for the root run."""
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    links: tuple[Link, ...] = ()
    problems: tuple[RecordError, ...] = ()
    """Why it is incomplete or altered; empty when it is whole."""
    replayable: bool = True
    reasons: tuple[str, ...] = ()
    """Why it says of itself that it cannot be replayed."""
    spans: tuple[SpanRecord, ...] = field(default=(), repr=False)
    """The raw spans of the run, ordered as they began."""

    def payload(self, name: str) -> Any:
        """The decoded payload, None where the run has none of that name."""
        found = self.payloads.get(name)
        return None if found is None else self.decode(found)

    @property
    def complete(self) -> bool:
        """True when nothing is missing and nothing was altered."""
        return not self.problems

    @property
    def input(self) -> Any:
        """What the graph was given, with its Python types."""
        return self.payload("input")

    @property
    def output(self) -> Any:
        """What the graph returned, with its Python types."""
        return self.payload("output")

    @property
    def error(self) -> BaseException | None:
        """The exception that ended it, rebuilt; None where there was none."""
        found: BaseException | None = self.payload("error")
        return found
