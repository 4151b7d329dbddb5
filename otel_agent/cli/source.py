"""What the word RUN on a command line means: a trace file, or an id looked up where the traces are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from otel_agent.cli import console
from otel_agent.errors import RunNotFound, SourceNotFound
from otel_agent.export.file import DEFAULT_DIR, TRACES_DIR, traces_dir
from otel_agent.model import AgentRun, SpanRecord
from otel_agent.read import read_spans
from otel_agent.rebuild import RunSummary, rebuild_run, runs_in

NEWEST = "last"
"""Instead of an id: the run that began last."""

RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help=f"Run id, trace id, a unique beginning of one, '{NEWEST}', or a trace file."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="FILE|DIR", help=f"Where to look; else ${TRACES_DIR}, else ./{DEFAULT_DIR}."),
]

_ID = re.compile(r"[0-9a-fA-F]{1,32}(-[0-9a-fA-F]{0,16})?")
_SUFFIXES = (".json", ".jsonl", ".gz")


def find_run(word: str, source: str | None) -> AgentRun:
    """The run that ``word`` names, whole or not.

    Raises:
        SourceNotFound: There is no such file, and it is no id either.
        RunNotFound: No run there has such an id.
        AmbiguousRun: Several have.

    """
    if source is None and _is_source(word):
        return rebuild_run(spans_of(word))
    if word != NEWEST and not _ID.fullmatch(word):
        raise SourceNotFound(
            f"{word!r} is no file here, and no run id; `otel-agent runs` lists the runs that there are"
        )
    spans = spans_of(source)
    return rebuild_run(spans, _newest(spans, source) if word == NEWEST else word)


def spans_of(source: str | None) -> Sequence[SpanRecord]:
    """All spans of the source, by default of the local traces; what was left out of them is said on standard error."""
    if source is None and not traces_dir().exists():
        raise SourceNotFound(
            f"no traces here: {traces_dir()} does not exist; record a run first (otel_agent.instrument()), "
            f"set {TRACES_DIR}, or give --source FILE"
        )
    with console.waiting("Reading"):
        spans = read_spans(str(traces_dir()) if source is None else source)
    for warning in spans.warnings:
        console.err().print(f"warning: {warning}", style="warn")
    return spans


def newest_first(spans: Sequence[SpanRecord]) -> list[RunSummary]:
    """The runs of the source."""
    return sorted(runs_in(spans), key=lambda run: run.started_ns, reverse=True)


def _is_source(word: str) -> bool:
    return "://" in word or word == "-" or os.sep in word or Path(word).suffix in _SUFFIXES or Path(word).is_file()


def _newest(spans: Sequence[SpanRecord], source: str | None) -> str:
    runs = newest_first(spans)
    if not runs:
        raise RunNotFound(f"no runs in {source or traces_dir()}")
    return runs[0].run_id
