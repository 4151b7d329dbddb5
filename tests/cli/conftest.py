"""Recorded runs, and the command line tried on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import otel_agent
from otel_agent.cli.main import app
from tests.cli.agents import graph

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Traces:
    """A folder of three runs, one file each."""

    folder: Path
    completed: str
    failed: str
    interrupted: str

    def file(self, run_id: str) -> Path:
        """The file of one of them."""
        return self.folder / f"{run_id}.json"


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    folder = tmp_path_factory.mktemp("traces")
    return Traces(folder, *(_record(folder, question) for question in ("what why", "fail please", "stop please")))


def _record(folder: Path, question: str) -> str:
    with otel_agent.record_run(folder / "run.json") as recording, suppress(ValueError):
        graph.invoke({"question": question})
    assert recording.run_id is not None
    (folder / "run.json").rename(folder / f"{recording.run_id}.json")
    return recording.run_id


@pytest.fixture
def cli(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process, with the recorded runs as the local traces."""
    monkeypatch.setenv("OTEL_AGENT_TRACES_DIR", str(traces.folder))

    def run(*words: object) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        return Result(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def shell(traces: Traces) -> Cli:
    """Run a command in a process of its own, its output in pipes."""
    env = {**os.environ, "OTEL_AGENT_TRACES_DIR": str(traces.folder), "PYTHONPATH": str(ROOT)}

    def run(*words: object, module: str = "otel_agent.cli") -> Result:
        command = [sys.executable, "-m", module, *(str(word) for word in words)]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(autouse=True)
def no_terminal_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width of whoever runs the tests is none of theirs: pytest-xdist sets COLUMNS in its workers."""
    monkeypatch.delenv("COLUMNS", raising=False)
