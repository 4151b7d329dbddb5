"""Spans into runs: selected, rebuilt, checked for completeness and integrity."""

from otel_agent.rebuild.load import RunSummary, rebuild_run, runs_in
from otel_agent.rebuild.verify import Verification, verify_run

__all__ = ["RunSummary", "Verification", "rebuild_run", "runs_in", "verify_run"]
