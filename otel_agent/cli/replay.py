"""``otel-agent replay``: run a recorded run again, every effect answered from the record."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from otel_agent.cli import console
from otel_agent.cli.graphs import load_graph
from otel_agent.cli.source import RunArgument, SourceOption, find_run
from otel_agent.model import AgentRun
from otel_agent.replay.report import ReplayReport

GraphOption = Annotated[
    str, typer.Option("--graph", metavar="MODULE:ATTRIBUTE", help="The graph, such as my_app:graph or my_app:build().")
]

_LABEL = 10
"""Columns of the labels that a divergence is printed with."""


def replay(
    run: RunArgument,
    graph: GraphOption,
    source: SourceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run it again from the record alone: no network, no key. Exit code 0 only if nothing diverged."""
    found = find_run(run, source)
    with console.waiting("Replaying"):
        report = replay_with(load_graph(graph), found)
    if as_json:
        print(report.to_json())
    else:
        print_report(report)
    if not report.ok:
        raise typer.Exit(1)


def replay_with(graph: Any, run: AgentRun) -> ReplayReport:
    """Replay, loading the machinery only now: other commands start without LangGraph."""
    from otel_agent.api import replay_run

    return replay_run(graph, run)


def print_report(report: ReplayReport) -> None:
    """The verdict in green or red, the divergence below."""
    first, *details = str(report).splitlines()
    verdict, _, figures = first.partition(": ")
    out = console.out()
    out.print(verdict, style="good" if report.ok else "bad")
    out.print(f"  {figures}", style="quiet")
    for line in details:
        out.print(_hanging(line) if line.startswith("  ") and out.is_terminal else line)


def _hanging(line: str) -> Table:
    """``  label    text``, the text wrapped beside its label and not below it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABEL, no_wrap=True)
    grid.add_column()
    label, text = line[: _LABEL + 1], line[_LABEL + 1 :]
    grid.add_row(Text(label.rstrip(), "label"), Text(text))
    return grid
