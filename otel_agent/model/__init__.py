"""The words everybody uses; standard library only."""

from otel_agent.model.divergence import Divergence
from otel_agent.model.effect import Effect, Outcome, Raised, Returned
from otel_agent.model.node import NodeExecution
from otel_agent.model.payload import Payload
from otel_agent.model.run import AgentRun
from otel_agent.model.span import Link, SpanEvent, SpanRecord

__all__ = [
    "AgentRun",
    "Divergence",
    "Effect",
    "Link",
    "NodeExecution",
    "Outcome",
    "Payload",
    "Raised",
    "Returned",
    "SpanEvent",
    "SpanRecord",
]
