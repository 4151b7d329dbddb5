"""The demo, with the real model, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_agent.cli.demo import QUESTIONS, find_gateway
from tests.examples.conftest import ROOT


@pytest.mark.slow
def test_all_as_promised(tmp_path: Path) -> None:
    """Three runs of a real model are recorded, replay equal without it, and a changed prompt diverges at its call."""
    command = [sys.executable, "-m", "otel_agent.cli", "demo", "--traces", str(tmp_path)]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENAI_"))}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(QUESTIONS)} of {len(QUESTIONS)} replays are equal" in done.stdout
    assert "input_changed" in done.stdout
    assert "All as promised" in done.stdout
    assert "\x1b" not in done.stdout
    assert list(tmp_path.glob("*.jsonl"))


def test_gateway_is_found() -> None:
    """The demo runs the example of this repository."""
    assert find_gateway() == ROOT


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message says what to install."""
    monkeypatch.setattr("otel_agent.cli.demo.find_spec", lambda name: None if name == "xllamacpp" else True)

    with pytest.raises(Exception, match=r"needs xllamacpp: pip install"):
        find_gateway()


def test_outside_of_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package without the examples folder says where to run it."""
    monkeypatch.setattr("otel_agent.__file__", str(tmp_path / "site" / "otel_agent" / "__init__.py"))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Exception, match="run it from the root of a clone"):
        find_gateway()
