"""A node execution: one attempt of one node in one superstep of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_agent.model.effect import Decode, Effect
from otel_agent.model.payload import Payload


@dataclass(frozen=True, slots=True)
class NodeExecution:
    """One attempt of one node or task."""

    name: str
    address: str
    """Where in the run it happened; the same in every run of the same path."""
    step: int
    """Superstep, counted from the run's first."""
    path: str
    """LangGraph's task path without task ids."""
    attempt: int
    """1 for the first."""
    status: str
    """completed, interrupted, failed, cancelled, timeout, parent_command, cached or resumed."""
    span_id: str
    run_span_id: str
    """Span of the (nested) graph run it belongs to."""
    parent_span_id: str | None
    seq: int
    started_ns: int
    ended_ns: int
    hidden: bool
    """True for LangGraph's own nodes, such as ``__start__``."""
    payloads: Mapping[str, Payload] = field(repr=False)
    """By short name: input, output, writes, error, ids."""
    decode: Decode = field(repr=False, compare=False)
    goto: tuple[str, ...] | None = None
    """Nodes that it triggered, where its writes are the items of its output and these; else `writes` is recorded."""
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    effects: tuple[Effect, ...] = field(default=(), repr=False)
    """The effects that happened in it, in the order they began."""

    def payload(self, name: str) -> Any:
        """The decoded payload, None where the node has none of that name."""
        found = self.payloads.get(name)
        return None if found is None else self.decode(found)

    @property
    def input(self) -> Any:
        """What the node was given, with its Python types."""
        return self.payload("input")

    @property
    def output(self) -> Any:
        """What the node returned, with its Python types."""
        return self.payload("output")

    @property
    def writes(self) -> Any:
        """The (channel, value) pairs it wrote, in order; None where it wrote nothing or that is not recorded."""
        if self.goto is not None and "writes" not in self.payloads:
            return [*self.output.items(), *((f"branch:to:{node}", None) for node in self.goto)]
        found = self.payload("writes")
        return list(found.items()) if isinstance(found, Mapping) else found

    @property
    def error(self) -> BaseException | None:
        """The exception that ended it, rebuilt; None where there was none."""
        found: BaseException | None = self.payload("error")
        return found
