"""Every error is one message on standard error, with what to do, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Traces

AGENTS = "tests.cli.agents"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "missing.json"), 2, "no file missing.json"),
        (("show", "no-such-thing"), 2, "is no file here, and no run id"),
        (("show", "0123456789abcdef"), 2, "no run '0123456789abcdef'"),
        (("runs", "--source", "nowhere"), 2, "no file nowhere"),
        (("replay", "last", "--graph", "agents"), 2, "give it as module:attribute"),
        (("replay", "last", "--graph", "no_such_module:graph"), 2, "there is no module 'no_such_module'"),
        (("replay", "last", "--graph", f"{AGENTS}.none:graph"), 2, f"there is no module '{AGENTS}.none'"),
        (("replay", "last", "--graph", f"{AGENTS}:grph"), 2, "it holds the graphs graph, changed"),
        (("replay", "last", "--graph", f"{AGENTS}:build"), 2, f"did you mean {AGENTS}:build()?"),
        (("replay", "last", "--graph", f"{AGENTS}:not_a_graph"), 2, "is a int, which cannot be invoked"),
        (("replay", "last", "--graph", f"{AGENTS}:build_badly()"), 2, "RuntimeError: no database here"),
        (("replay", "last"), 2, "--graph"),
        (("show",), 2, "RUN"),
        (("dance",), 2, "dance"),
    ],
)
def test_message_and_exit_code(cli: Cli, words: tuple[str, ...], code: int, said: str) -> None:
    """What is wrong is named, and 2 says that the command could not be done as given."""
    result = cli(*words)

    assert result.code == code
    assert said.lower() in " ".join(result.err.split()).lower()
    assert "Traceback" not in result.err
    assert result.out == ""


def test_ambiguous_id(cli: Cli, traces: Traces, tmp_path: Path) -> None:
    """A file with several runs asks which, and lists them."""
    lines = [traces.file(run_id).read_text() for run_id in (traces.completed, traces.failed)]
    (tmp_path / "two.jsonl").write_text("".join(line.replace("\n", "") + "\n" for line in lines))
    shown = cli("show", tmp_path / "two.jsonl")

    assert shown.code == 2
    assert traces.completed in shown.err
    assert traces.failed in shown.err
    assert cli("show", traces.failed, "--source", tmp_path / "two.jsonl").code == 0


@pytest.mark.parametrize("text", ["", "{", "<html>", '{"a": 1}', "\x00\x01"])
def test_damaged_file(cli: Cli, tmp_path: Path, text: str) -> None:
    """Bytes that are no trace are refused by name, without a guess."""
    (tmp_path / "bad.json").write_text(text)
    shown = cli("show", tmp_path / "bad.json")

    assert shown.code in (1, 2)
    assert "bad.json" in shown.err or "no recorded run" in shown.err
    assert "Traceback" not in shown.err


def test_module_that_fails_to_import(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own error is shown with its file and line."""
    (tmp_path / "broken_agent.py").write_text("x = 1\n1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    replayed = cli("replay", "last", "--graph", "broken_agent:graph")

    assert replayed.code == 2
    assert "ZeroDivisionError" in replayed.err
    assert "broken_agent.py:2" in replayed.err


def test_no_traces_yet(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first run, the message says how to record one."""
    monkeypatch.delenv("OTEL_AGENT_TRACES_DIR")
    monkeypatch.chdir(tmp_path)
    listed = cli("runs")

    assert listed.code == 2
    assert "otel_agent.instrument()" in listed.err


def test_debug_shows_the_traceback(shell: Cli) -> None:
    """`--debug` works after the command too."""
    assert "Traceback" not in shell("show", "missing.json").err
    assert "Traceback" in shell("show", "missing.json", "--debug").err


def test_version(cli: Cli) -> None:
    """`--version` prints name and number."""
    assert cli("--version").out.startswith("otel-agent ")
