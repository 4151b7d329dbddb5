"""``otel-agent show``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli, Traces


def test_tree_holds_nodes_effects_and_values(cli: Cli, traces: Traces) -> None:
    """Every node with its step and status, every effect beneath its node, inputs and outputs."""
    shown = cli("show", traces.completed)

    assert shown.code == 0
    for part in ("agent  completed", "1 plan", "2 work parallel", "3 answer", "tool look_up", "effect now", "forty"):
        assert part in shown.out
    assert shown.out.index("2 work parallel") < shown.out.index("tool look_up") < shown.out.index("3 answer")


def test_newlines_stay_on_one_line_unless_full(cli: Cli, traces: Traces) -> None:
    """Without `--full` each value is one line."""
    assert "forty\\ntwo" in cli("show", traces.completed).out
    assert len(cli("show", traces.completed, "--full").out.splitlines()) > len(
        cli("show", traces.completed).out.splitlines()
    )


def test_json_has_the_values(cli: Cli, traces: Traces) -> None:
    """`--json` is one JSON document with inputs and outputs of run, nodes and effects."""
    shown = json.loads(cli("show", traces.completed, "--json").out)

    assert shown["run_id"] == traces.completed
    assert shown["input"] == {"question": "what why"}
    assert shown["output"]["answer"] == "forty\ntwo"
    assert [node["name"] for node in shown["nodes"]] == ["plan", "work", "work", "answer"]
    assert {effect["kind"] for effect in shown["effects"]} == {"chat", "tool", "effect"}


def test_error_is_shown(cli: Cli, traces: Traces) -> None:
    """A run that failed shows with what, and showing it went well."""
    shown = cli("show", traces.failed)

    assert shown.code == 0
    assert "agent  failed" in shown.out
    assert "ValueError: asked to fail" in shown.out


def test_run_is_found_by_prefix_trace_id_file_and_last(cli: Cli, traces: Traces) -> None:
    """All ways of naming a run lead to the same."""
    file = traces.file(traces.interrupted)
    ways = [traces.interrupted, traces.interrupted[:32], traces.interrupted[:12], file, "last"]

    assert {cli("show", way, "--json").out for way in ways} == {cli("show", traces.interrupted, "--json").out}


def test_incomplete_run_is_shown_and_said(cli: Cli, traces: Traces, tmp_path: Path) -> None:
    """What is there is shown, what is not is named, and the exit code is 1."""
    text = json.loads(traces.file(traces.completed).read_text())
    for scope in text["resourceSpans"][0]["scopeSpans"]:
        scope["spans"] = [span for span in scope["spans"] if "look_up" not in span["name"]]
    (tmp_path / "cut.json").write_text(json.dumps(text))
    shown = cli("show", tmp_path / "cut.json")

    assert shown.code == 1
    assert "3 answer" in shown.out
    assert "[missing-span]" in shown.out


def test_piped_output_is_plain_and_whole(shell: Cli, traces: Traces) -> None:
    """In a pipe: no ANSI, no line cut or wrapped."""
    shown = shell("show", traces.completed)

    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "…" not in shown.out
    assert any(len(line) > 80 for line in shown.out.splitlines())
