"""The pytest plugin: fixtures that record a run and replay one.

::

    def test_last_nights_incident(assert_replays):
        assert_replays(graph, "incidents/2026-11-21.json")

Loaded into every pytest run of an environment that has the package, so it imports nothing before a fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otel_agent.replay.report import ReplayReport


@pytest.fixture
def assert_replays() -> Callable[..., ReplayReport]:
    """``assert_replays(graph, trace, run_id=None)``: replay strictly, fail with the divergence, return the report.

    ``trace`` is whatever `otel_agent.load_run` takes, or an `AgentRun`.
    """
    from otel_agent import AgentRun, load_run, replay_run

    def check(graph: Any, trace: str | os.PathLike[str] | AgentRun, run_id: str | None = None) -> ReplayReport:
        __tracebackhide__ = True
        run = trace if isinstance(trace, AgentRun) else load_run(trace, run_id)
        report = replay_run(graph, run)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return check


@pytest.fixture
def record_trace(tmp_path: Path) -> Callable[[Callable[[], Any]], Path]:
    """``record_trace(lambda: graph.invoke(...))``: run it, and return the file that holds its trace."""
    from otel_agent import record_run

    def record(run: Callable[[], Any]) -> Path:
        path = tmp_path / f"trace-{len(list(tmp_path.glob('trace-*.json')))}.json"
        with record_run(path):
            run()
        return path

    return record
