"""``otel-agent verify``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli, Traces


def test_all_runs_of_a_source(cli: Cli, traces: Traces) -> None:
    """Without a run, every run of the source is checked."""
    verified = cli("verify", "--json")

    assert verified.code == 0
    assert {verdict["run_id"] for verdict in json.loads(verified.out)} == {
        traces.completed,
        traces.failed,
        traces.interrupted,
    }


def test_altered_value(cli: Cli, traces: Traces, tmp_path: Path) -> None:
    """A changed answer is found, named, and the exit code is 1."""
    text = traces.file(traces.completed).read_text()
    (tmp_path / "altered.json").write_text(text.replace("what why", "what who"))
    verified = cli("verify", tmp_path / "altered.json")

    assert verified.code == 1
    assert "[altered]" in verified.out


def test_one_bad_run_among_good_ones(cli: Cli, traces: Traces, tmp_path: Path) -> None:
    """One altered run makes the whole verdict a no."""
    for run_id in (traces.completed, traces.failed):
        text = traces.file(run_id).read_text()
        (tmp_path / f"{run_id}.json").write_text(text.replace("asked to fail", "asked to pass"))
    verified = cli("verify", "--source", tmp_path)

    assert verified.code == 1
    assert "complete and unaltered" in verified.out
    assert "[altered]" in verified.out
