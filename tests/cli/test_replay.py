"""``otel-agent replay`` and ``python -m otel_agent.replay``."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli, Traces

GRAPH = ("--graph", "tests.cli.agents:graph")


@pytest.mark.parametrize("which", ["completed", "failed", "interrupted"])
def test_exact_replay(cli: Cli, traces: Traces, which: str) -> None:
    """A run that did not diverge is well, however the run itself ended."""
    replayed = cli("replay", getattr(traces, which), *GRAPH)

    assert replayed.code == 0, replayed.err
    assert f"is exact ({which})" in replayed.out
    assert "0 connections" in replayed.out


def test_divergence(cli: Cli, traces: Traces) -> None:
    """A changed prompt diverges at the model's call, and the exit code is 1."""
    replayed = cli("replay", traces.completed, "--graph", "tests.cli.agents:changed", "--json")
    found = json.loads(replayed.out)["divergence"]

    assert replayed.code == 1
    assert found["node"] == "answer"
    assert found["effect"].startswith("chat")


def test_factory(cli: Cli, traces: Traces) -> None:
    """`module:build()` calls it."""
    assert cli("replay", traces.completed, "--graph", "tests.cli.agents:build()").code == 0


def test_file_and_module(shell: Cli, traces: Traces) -> None:
    """`python -m otel_agent.replay` takes what the command takes, a file too, and prints no ANSI."""
    replayed = shell(traces.file(traces.completed), *GRAPH, module="otel_agent.replay")

    assert (replayed.code, replayed.err) == (0, "")
    assert "is exact" in replayed.out
    assert "\x1b" not in replayed.out
