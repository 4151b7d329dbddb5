"""``otel-agent show``: one run as a tree, or as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any

import typer

from otel_agent.cli import console
from otel_agent.cli.source import RunArgument, SourceOption, find_run
from otel_agent.cli.values import for_programs
from otel_agent.errors import OtelAgentError
from otel_agent.model import AgentRun, Effect, NodeExecution


def show(
    run: RunArgument,
    source: SourceOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show values whole, on as many lines as they need.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Show a run: its nodes and effects with timing, status, input and output."""
    know_framework_types()
    found = find_run(run, source)
    if as_json:
        print(json.dumps(as_data(found), ensure_ascii=False, indent=2))
    else:
        print_run(found, full=full)
    if not found.complete:
        raise typer.Exit(1)


def know_framework_types() -> None:
    """Messages and documents come back as such where LangChain is installed, as plain records where it is not."""
    from otel_agent.boundary.types import register_framework_types
    from otel_agent.codec.registry import default

    register_framework_types(default)


def print_run(run: AgentRun, *, full: bool = False) -> None:
    """The tree, the run's id, and what is wrong with the record."""
    from otel_agent.cli import tree

    out = console.out()
    out.print(f"run {run.run_id}", style="quiet")
    out.print(tree.draw(run, full=full))
    for problem in run.problems:
        out.print(f"incomplete: {problem} [{problem.code}]", style="bad")
    if not run.replayable:
        for reason in run.reasons or ("the record does not say why",):
            out.print(f"not replayable: {reason}", style="warn")


def as_data(run: AgentRun) -> dict[str, Any]:
    """Everything that ``show`` knows of a run, as plain JSON."""
    return {
        "run_id": run.run_id,
        "name": run.name,
        "kind": run.kind,
        "status": run.status,
        "thread_id": run.thread_id,
        "started_ns": run.started_ns,
        "ended_ns": run.ended_ns,
        "complete": run.complete,
        "problems": [{"code": problem.code, "message": str(problem)} for problem in run.problems],
        "replayable": run.replayable,
        "reasons": list(run.reasons),
        **_payloads(run, "input", "output", "error"),
        "nodes": [_node(node) for node in run.nodes],
        "effects": [_effect(effect) for effect in run.effects],
    }


def _node(node: NodeExecution) -> dict[str, Any]:
    return {
        "name": node.name,
        "address": node.address,
        "step": node.step,
        "attempt": node.attempt,
        "status": node.status,
        "span_id": node.span_id,
        "started_ns": node.started_ns,
        "ended_ns": node.ended_ns,
        **_payloads(node, "input", "output", "error"),
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "kind": effect.kind,
        "name": effect.name,
        "address": effect.address,
        "node": effect.node,
        "status": effect.status,
        "span_id": effect.span_id,
        "started_ns": effect.started_ns,
        "ended_ns": effect.ended_ns,
        **_payloads(effect, "request", "result", "error"),
    }


def _payloads(part: AgentRun | NodeExecution | Effect, *wanted: str) -> dict[str, Any]:
    """The values that can be read; what cannot is named in ``problems``, and None here."""
    values: dict[str, Any] = dict.fromkeys(wanted)
    for name in wanted:
        with suppress(OtelAgentError):
            values[name] = for_programs(part.payload(name))
    return values
