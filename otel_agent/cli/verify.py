"""``otel-agent verify``: is the record whole, and is it what was written?"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from otel_agent.cli import console
from otel_agent.cli.source import SourceOption, find_run, newest_first, spans_of
from otel_agent.errors import RunNotFound
from otel_agent.model import AgentRun
from otel_agent.rebuild import Verification, rebuild_run, verify_run


def verify(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Run ids or trace files; without any, all runs.")
    ] = None,
    source: SourceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check completeness, digests and seals. Exit code 0 only if every run is whole and unaltered."""
    verdicts = _verified(_chosen(run or [], source))
    if as_json:
        print(json.dumps([_data(verdict) for verdict in verdicts], ensure_ascii=False, indent=2))
    else:
        for verdict in verdicts:
            console.out().print(str(verdict), style="good" if verdict.ok else "bad")
    if not all(verdict.ok for verdict in verdicts):
        raise typer.Exit(1)


def _chosen(words: list[str], source: str | None) -> list[Callable[[], AgentRun]]:
    """How to get each run: rebuilt one after the other, not all held at once."""
    if words:
        return [partial(find_run, word, source) for word in words]
    spans = spans_of(source)
    chosen = [partial(rebuild_run, spans, summary.run_id) for summary in newest_first(spans)]
    if not chosen:
        raise RunNotFound("there is no run to verify: no span here belongs to one")
    return list(chosen)


def _verified(chosen: list[Callable[[], AgentRun]]) -> list[Verification]:
    verdicts = []
    with console.progress("Verifying", len(chosen)) as bar:
        for get in chosen:
            verdicts.append(verify_run(get()))
            bar.advance(bar.task_ids[0])
    return verdicts


def _data(verdict: Verification) -> dict[str, Any]:
    told = [{"code": found.code, "message": found.message, "span_id": found.span_id} for found in verdict.problems]
    return {
        "run_id": verdict.run_id,
        "ok": verdict.ok,
        "spans": verdict.spans,
        "payloads": verdict.payloads,
        "seal": verdict.seal,
        "problems": told,
    }
