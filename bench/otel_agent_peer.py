"""otel_agent as a peer of the performance harness: content included, everything at its defaults."""

from __future__ import annotations

import os
from typing import Any

REQUIREMENTS: list[str] = [os.environ.get("OTEL_AGENT_REPO", "otel-agent")]
NOTES = "default: content included, values once per run"


def setup(exporter: Any = None, endpoint: str | None = None) -> None:
    from peers import _sdk

    import otel_agent

    otel_agent.instrument(tracer_provider=_sdk.provider(exporter, endpoint))


def flush() -> None:
    from peers import _sdk

    _sdk.flush()


def teardown() -> None:
    from peers import _sdk

    import otel_agent

    otel_agent.uninstrument()
    _sdk.shutdown()
