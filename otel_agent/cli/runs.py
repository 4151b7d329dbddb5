"""``otel-agent runs``: the runs of a source, newest first."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from otel_agent.cli import console
from otel_agent.cli.source import SourceOption, newest_first, spans_of
from otel_agent.cli.words import duration, local_time, short_id, style_of
from otel_agent.codec import names
from otel_agent.errors import ConfigurationError
from otel_agent.model import SpanRecord
from otel_agent.rebuild import RunSummary

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_HEADER = ("run", "started", "graph", "status", "took", "nodes", "effects", "replay")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list."""

    run: RunSummary
    effects: int
    replayable: str
    """yes, no, or incomplete."""


def runs(
    source: SourceOption = None,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only completed, failed, interrupted...")] = None,
    since: Annotated[str | None, typer.Option(metavar="AGE", help="Only younger than 30s, 15m, 2h, 7d.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List recorded runs, newest first."""
    oldest_ns = time.time_ns() - _seconds(since) * 10**9 if since is not None else 0
    found = [
        line
        for line in _lines(spans_of(source))
        if status in (None, line.run.status) and line.run.started_ns >= oldest_ns
    ]
    shown = found[: limit or None]
    if as_json:
        print(json.dumps([_summary(line) for line in shown], ensure_ascii=False, indent=2))
    else:
        _print(shown)
    if len(found) > len(shown):
        console.err().print(f"{len(found) - len(shown)} more; --limit 0 shows all", style="quiet")


def _lines(spans: Sequence[SpanRecord]) -> list[Line]:
    roots = {span.span_id: span.attributes for span in spans if names.RECORD_FORMAT in span.attributes}
    return [_line(run, roots.get(run.run_id.rpartition("-")[2], {})) for run in newest_first(spans)]


def _line(run: RunSummary, account: Any) -> Line:
    replayable = "incomplete" if run.problems else "yes" if account.get(names.REPLAYABLE) else "no"
    return Line(run, int(account.get(names.RECORD_EFFECTS, 0)), replayable)


def _print(shown: list[Line]) -> None:
    """A table on a terminal; in a pipe the same with tabs."""
    out = console.out()
    if not out.is_terminal:
        for row in (_HEADER, *map(_row, shown)):
            print("\t".join(row))
        return
    table = Table(box=None, header_style="label", padding=(0, 2, 0, 0))
    for title in _HEADER:
        right = title in ("took", "nodes", "effects")
        table.add_column(title, no_wrap=title != "graph", justify="right" if right else "left")
    for line in shown:
        *cells, status, took, nodes, effects, replayable = _row(line)
        well = "good" if line.replayable == "yes" else "bad"
        table.add_row(*cells, Text(status, style_of(status)), took, nodes, effects, Text(replayable, well))
    out.print(table)


def _row(line: Line) -> tuple[str, ...]:
    run = line.run
    counts = (str(run.nodes), str(line.effects))
    took = duration(run.duration_ns)
    return (short_id(run.run_id), local_time(run.started_ns), run.name, run.status, took, *counts, line.replayable)


def _summary(line: Line) -> dict[str, Any]:
    run = line.run
    return {
        "run_id": run.run_id,
        "name": run.name,
        "status": run.status,
        "service": run.service,
        "thread_id": run.thread_id,
        "started_ns": run.started_ns,
        "duration_ns": run.duration_ns,
        "nodes": run.nodes,
        "effects": line.effects,
        "problems": run.problems,
        "replayable": line.replayable == "yes",
    }


def _seconds(age: str) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", age)
    if match is None:
        raise ConfigurationError(f"--since {age!r} is no age: write 30s, 15m, 2h or 7d")
    return int(match[1]) * _UNITS[match[2]]
