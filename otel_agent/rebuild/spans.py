"""What our attributes say on one span, whatever a damaged trace holds there, and which spans make up which run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otel_agent.codec import names
from otel_agent.errors import AlteredRecord, NewerFormat, RecordError
from otel_agent.model.span import SpanRecord

LAST = 2**63
"""Stands for the sequence number of a span that has none: after all others."""


def text_of(attributes: Mapping[str, Any], name: str, default: str = "") -> str:
    """The attribute where it is a string, else the default."""
    found = attributes.get(name)
    return found if isinstance(found, str) else default


def number_of(attributes: Mapping[str, Any], name: str, default: int = 0) -> int:
    """The attribute where it is an integer, else the default."""
    found = attributes.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def texts_of(attributes: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The attribute where it is a list, as strings."""
    found = attributes.get(name)
    return tuple(str(item) for item in found) if isinstance(found, (list, tuple)) else ()


def seq_of(span: SpanRecord) -> int:
    """The span's sequence number within its run."""
    return number_of(span.attributes, names.SEQ, LAST)


def named(span: SpanRecord) -> str:
    """The span in words, for messages."""
    return f"span {span.name!r} ({span.span_id})"


@dataclass(frozen=True, slots=True)
class RunSpans:
    """The spans of one run as a trace holds them: each once, ordered as they began."""

    run_id: str
    spans: tuple[SpanRecord, ...]
    root: SpanRecord | None
    """None where the run's end never came."""
    problems: tuple[RecordError, ...] = ()
    """Spans that came twice and differ."""
    others: frozenset[str] = frozenset()
    """Ids of all spans of the source that belong to no run."""

    @property
    def trace_id(self) -> str:
        """The first half of the run id."""
        return self.run_id.partition("-")[0]

    @property
    def root_id(self) -> str:
        """The second half of the run id."""
        return self.run_id.partition("-")[2]

    def refuse_newer_format(self) -> None:
        """Raise `NewerFormat` where the run was written by a later recording format than we read."""
        written = number_of(self.root.attributes, names.RECORD_FORMAT) if self.root else 0
        if written > names.FORMAT:
            raise NewerFormat(
                f"Run {self.run_id} is in recording format {written}; this version reads up to {names.FORMAT}. "
                "Install a newer otel-agent.",
                span_id=self.root_id,
            )


def group_runs(spans: Iterable[SpanRecord]) -> dict[str, RunSpans]:
    """The runs among the spans by run id, in the order they began; spans of other instrumentation are left out."""
    groups: dict[str, list[SpanRecord]] = {}
    for span in spans:
        groups.setdefault(text_of(span.attributes, names.RUN_ID), []).append(span)
    others = frozenset(span.span_id for span in groups.pop("", ()))
    runs = [_run_spans(run_id, group, others) for run_id, group in groups.items()]
    return {run.run_id: run for run in sorted(runs, key=lambda run: min(span.start_ns for span in run.spans))}


def _run_spans(run_id: str, group: list[SpanRecord], others: frozenset[str]) -> RunSpans:
    problems: list[RecordError] = []
    kept: dict[str, SpanRecord] = {}
    for span in group:
        twin = kept.setdefault(span.span_id, span)
        # Exporters retry, so a span may come twice; a collector may have added to its resource, and to nothing else.
        if twin is not span and not _is_same(twin, span):
            problems.append(AlteredRecord(f"{named(span)} came twice, and the two differ.", span_id=span.span_id))
    ordered = tuple(sorted(kept.values(), key=lambda span: (seq_of(span), span.start_ns, span.span_id)))
    return RunSpans(run_id, ordered, _root(run_id, ordered), tuple(problems), others)


def _is_same(one: SpanRecord, other: SpanRecord) -> bool:
    return (
        one.trace_id,
        one.parent_id,
        one.name,
        one.start_ns,
        one.end_ns,
        one.status,
        one.attributes,
        one.events,
    ) == (
        *(other.trace_id, other.parent_id, other.name, other.start_ns, other.end_ns),
        *(other.status, other.attributes, other.events),
    )


def _root(run_id: str, ordered: tuple[SpanRecord, ...]) -> SpanRecord | None:
    root_id = run_id.partition("-")[2]
    for span in ordered:
        if span.span_id == root_id:
            return span
    # Where its own id was altered it is still the one that closes the account; its seal will tell.
    return next((span for span in ordered if names.RECORD_SEALS in span.attributes), None)
