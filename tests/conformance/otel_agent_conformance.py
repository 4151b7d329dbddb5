"""A pytest plugin for LangGraph's own suite: writes every outcome down; instruments first, where it is told to.

Loaded with ``-p otel_agent_conformance``. `OTEL_AGENT_CONFORMANCE_REPORT` is the file for the outcomes;
`OTEL_AGENT_CONFORMANCE_WITH` (1 or 0) says whether to instrument.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

_WORSE = ("passed", "xfailed", "xpassed", "skipped", "failed", "error")


class _Lines(logging.Handler):
    """Counts what OpenTelemetry and we log as a warning or worse: an unharmed context logs nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines[f"{record.name}: {record.getMessage()}"[:300]] += 1


class _Memory:
    """The span exporter's end: keeps a test's spans in memory, counts them, and forgets them after the test."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.seen: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def forget(self, test: str) -> None:
        for span in self.exporter.get_finished_spans():
            attributes: dict[str, Any] = dict(span.attributes or {})
            self.seen["spans"] += 1
            self.seen[f"{attributes.get('agent.record.kind')}s"] += 1
            losses = attributes.get("agent.record.losses", 0)
            self.seen["losses"] += losses
            if losses:
                failed = [reason for reason in attributes["agent.record.reasons"] if "recording failed" in reason]
                self.lost[f"{test}: {'; '.join(failed)}"] += losses
        self.exporter.clear()


class Plugin:
    """Lives in every process; in the one that reports, it also writes the file."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.outcomes: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.totals: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.lines = _Lines()
        self.memory: _Memory | None = None
        if os.environ.get("OTEL_AGENT_CONFORMANCE_WITH") == "1":
            import otel_agent

            self.memory = _Memory()
            otel_agent.instrument(tracer_provider=self.memory.provider)
            for name in ("opentelemetry", "otel_agent"):
                logging.getLogger(name).addHandler(self.lines)

    def pytest_runtest_logreport(self, report: Any) -> None:
        outcome = report.outcome
        if report.when != "call" and outcome == "failed":
            outcome = "error"
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if report.skipped else "xpassed"
        before = self.outcomes.get(report.nodeid, "passed")
        self.outcomes[report.nodeid] = max(before, outcome, key=_WORSE.index)
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if outcome in ("failed", "error"):
            self.reasons[report.nodeid] = str(report.longrepr)[-6000:]

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        if self.memory is not None:
            self.memory.forget(item.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.totals.update(node.workeroutput.get("totals", {}))
        self.lines.lines.update(node.workeroutput.get("lines", {}))
        self.lost.update(node.workeroutput.get("lost", {}))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.memory is not None:
            self.memory.forget("at the end")
            self.totals.update(self.memory.seen)
            self.lost.update(self.memory.lost)
        worker = getattr(self.config, "workeroutput", None)
        if worker is not None:
            worker.update(totals=dict(self.totals), lines=dict(self.lines.lines), lost=dict(self.lost))
            return
        report = {
            "outcomes": self.outcomes,
            "reasons": self.reasons,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "totals": dict(self.totals),
            "log_lines": dict(self.lines.lines),
            "lost": dict(self.lost),
        }
        Path(os.environ["OTEL_AGENT_CONFORMANCE_REPORT"]).write_text(json.dumps(report, indent=1))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Plugin(config), "otel_agent_conformance_plugin")
