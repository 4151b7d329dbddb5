"""The flight recorder for LLM agents built on LangGraph.

Every run becomes one OpenTelemetry trace, complete enough to be rebuilt by anybody and re-executed by its owner, from
the exported trace alone. The names below are the public API; the rooms behind them are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_agent.api import (
        Recording,
        areplay_run,
        audited,
        current_run_id,
        effect,
        instrument,
        load_run,
        record_run,
        replay_run,
        uninstrument,
        verify_run,
    )
    from otel_agent.codec import Redactor
    from otel_agent.model import AgentRun, Divergence, Effect, NodeExecution
    from otel_agent.rebuild import Verification
    from otel_agent.replay.report import ReplayReport

_HOMES = {
    "Redactor": "otel_agent.codec",
    "AgentRun": "otel_agent.model",
    "Divergence": "otel_agent.model",
    "Effect": "otel_agent.model",
    "NodeExecution": "otel_agent.model",
    "Verification": "otel_agent.rebuild",
    "ReplayReport": "otel_agent.replay.report",
}

__all__ = [
    "AgentRun",
    "Divergence",
    "Effect",
    "NodeExecution",
    "Recording",
    "Redactor",
    "ReplayReport",
    "Verification",
    "areplay_run",
    "audited",
    "current_run_id",
    "effect",
    "instrument",
    "load_run",
    "record_run",
    "replay_run",
    "uninstrument",
    "verify_run",
]


def __getattr__(name: str) -> Any:
    """Load on first use: reading a trace must not need LangGraph, nor pay for importing it."""
    if name not in __all__:
        raise AttributeError(f"module 'otel_agent' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "otel_agent.api")), name)
    globals()[name] = value
    return value
