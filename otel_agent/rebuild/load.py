"""Which runs a trace holds, and one of them rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from otel_agent.codec import Registry, names
from otel_agent.errors import AmbiguousRun, IncompleteRecord, RecordError, RunNotFound
from otel_agent.model.run import AgentRun
from otel_agent.model.span import SpanRecord
from otel_agent.rebuild.assemble import assemble, name_of, status_of, thread_of
from otel_agent.rebuild.checks import check_account, check_seals
from otel_agent.rebuild.payloads import Payloads
from otel_agent.rebuild.spans import RunSpans, group_runs, text_of

_LISTED = 10


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of a listing."""

    run_id: str
    name: str
    """The graph's name, empty where the run's end never came."""
    status: str
    started_ns: int
    duration_ns: int | None
    """None where the run's end never came."""
    thread_id: str | None
    nodes: int
    """Node executions that are there, LangGraph's hidden ones left out."""
    problems: int
    """Spans missing, doubled or late. Payloads and seals are not looked at here: `rebuild_run` does."""
    service: str

    def __str__(self) -> str:
        started = datetime.fromtimestamp(self.started_ns / 1e9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.run_id}  {self.name or '?'}  {self.status}  {started}Z"


def runs_in(spans: Iterable[SpanRecord]) -> list[RunSummary]:
    """Every run that the spans hold a part of, in the order they began. Cheap: no payload is read."""
    return [_summary(run) for run in group_runs(spans).values()]


def rebuild_run(spans: Sequence[SpanRecord], run_id: str | None = None, registry: Registry | None = None) -> AgentRun:
    """The run of that id, whole or not; what is missing, cut or altered stands in its ``problems``.

    Args:
        spans: All spans that there are; those of other runs and other instrumentation may be among them.
        run_id: A run id, a trace id, or any unique prefix of either. None where the spans hold one run.
        registry: The types that values may be decoded to; the process's own by default.

    Raises:
        RunNotFound: the spans hold no such run.
        AmbiguousRun: the id fits several runs; the message lists them.
        NewerFormat: the run was written by a later recording format than this version reads.

    """
    run = _select(spans, run_id)
    run.refuse_newer_format()
    payloads = Payloads(run.spans, registry)
    return assemble(run, payloads, check_run(run, payloads))


def check_run(run: RunSpans, payloads: Payloads) -> list[RecordError]:
    """All that is wrong with the run."""
    torn = [fault.span_id for fault in payloads.problems if isinstance(fault, IncompleteRecord) and fault.span_id]
    return [*check_account(run), *payloads.problems, *check_seals(run, torn)]


def _select(spans: Sequence[SpanRecord], run_id: str | None) -> RunSpans:
    runs = group_runs(spans)
    if not runs:
        others = sorted({text_of(span.resource, names.SERVICE_NAME, "?") for span in spans})
        held = f"{len(spans)} span(s) of {', '.join(others)}" if spans else "no span at all"
        raise RunNotFound(f"There is no recorded run here, but {held}. Was otel_agent.instrument() called?")
    fitting = list(runs.values()) if run_id is None else [run for run in runs.values() if _fits(run, run_id)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise RunNotFound(f"There is no run {run_id!r} here. There {_listed(list(runs.values()))}")
    what = "Several runs are here" if run_id is None else f"{run_id!r} fits several runs"
    raise AmbiguousRun(f"{what}; say which. There {_listed(fitting)}")


def _fits(run: RunSpans, asked: str) -> bool:
    asked = asked.strip().lower()
    return bool(asked) and (run.run_id.startswith(asked) or run.root_id == asked)


def _listed(runs: list[RunSpans]) -> str:
    lines = [f"\n  {_summary(run)}" for run in runs[:_LISTED]]
    more = f"\n  ... and {len(runs) - _LISTED} more" if len(runs) > _LISTED else ""
    return ("is" if len(runs) == 1 else "are") + ":" + "".join(lines) + more


def _summary(run: RunSpans) -> RunSummary:
    root, first = run.root, min(run.spans, key=lambda span: span.start_ns)
    return RunSummary(
        run_id=run.run_id,
        name=name_of(root),
        status=status_of(root),
        started_ns=(root or first).start_ns,
        duration_ns=root.end_ns - root.start_ns if root is not None else None,
        thread_id=thread_of(run.spans),
        nodes=sum(_is_visible_node(span) for span in run.spans),
        problems=len(check_account(run)),
        service=text_of(first.resource, names.SERVICE_NAME),
    )


def _is_visible_node(span: SpanRecord) -> bool:
    return span.attributes.get(names.KIND) == "node" and span.attributes.get(names.NODE_HIDDEN) is not True
