"""``otel-agent runs``."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli, Traces


def test_newest_first(cli: Cli, traces: Traces) -> None:
    """The run that began last is the first line."""
    listed = json.loads(cli("runs", "--json").out)

    assert [run["run_id"] for run in listed] == [traces.interrupted, traces.failed, traces.completed]
    assert [run["status"] for run in listed] == ["interrupted", "failed", "completed"]


def test_piped_list_has_tabs(cli: Cli, traces: Traces) -> None:
    """In a pipe each run is a line of columns for `cut` and `awk`."""
    header, *lines = cli("runs").out.splitlines()

    assert header.split("\t")[0] == "run"
    assert [line.split("\t")[0] for line in lines][-1] == traces.completed[:8]
    assert lines[-1].split("\t")[3:] == ["completed", lines[-1].split("\t")[4], "4", "4", "yes"]


def test_filters(cli: Cli, traces: Traces) -> None:
    """By status, by age, by number."""
    assert [run["status"] for run in json.loads(cli("runs", "--status", "failed", "--json").out)] == ["failed"]
    assert json.loads(cli("runs", "--since", "0s", "--json").out) == []
    assert len(json.loads(cli("runs", "--since", "1d", "--json").out)) == 3
    limited = cli("runs", "--limit", "1", "--json")
    assert len(json.loads(limited.out)) == 1
    assert "2 more" in limited.err


def test_bad_age(cli: Cli) -> None:
    """An age that is none is refused, with the form it should have."""
    listed = cli("runs", "--since", "yesterday")

    assert listed.code == 2
    assert "write 30s, 15m, 2h or 7d" in listed.err
