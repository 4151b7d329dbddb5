"""Whether a run is whole and is what was written.

Each span is covered by its seal, and the root's account by count and digest over all seals. What a seal covers: ids,
name, times to the microsecond, status, and our attributes and events. Not covered: span kind, links, resource, scope,
and what others wrote on our spans. A seal has no key: it shows damage and edits, not a forger who seals anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otel_agent.codec import names, seal_of, seal_of_seals
from otel_agent.errors import AlteredRecord, CutAttribute, IncompleteRecord, MissingSpan, RecordError
from otel_agent.model.span import SpanRecord
from otel_agent.rebuild.spans import LAST, RunSpans, named, number_of, seq_of, text_of

_KINDS = ("run", "node", "effect")


def check_account(run: RunSpans) -> list[RecordError]:
    """Is every span there that the root counted, once, and no other? Cheap: nothing is hashed but the seals."""
    if run.root is None:
        return [*run.problems, _no_root(run), *_gaps(run, None)]
    expected = number_of(run.root.attributes, names.RECORD_SPANS) - 1
    sealed = [span for span in run.spans if span is not run.root and _seal(span)]
    counted, late = _split_late(sealed, expected)
    problems = [*run.problems, *_losses(run.root), *(_late(span, run.root) for span in late), *_twins(run.spans)]
    if len(counted) < expected:
        problems += _gaps(run, expected - len(counted))
    elif seal_of_seals(map(_seal, counted)) != text_of(run.root.attributes, names.RECORD_SEALS):
        problems.append(
            AlteredRecord(
                f"The spans of run {run.run_id} are not those that its root {named(run.root)} sealed: "
                "one was altered or exchanged, or the root's digest was.",
                span_id=run.root.span_id,
            )
        )
    return problems


def check_seals(run: RunSpans, damaged: Iterable[str]) -> Iterator[RecordError]:
    """Is each span what was sealed? No seal fits the ``damaged``, of which a part is known to be missing."""
    skipped = set(damaged)
    for span in run.spans:
        if span.span_id not in skipped:
            yield from _check_seal(span, run)


def _check_seal(span: SpanRecord, run: RunSpans) -> Iterator[RecordError]:
    written = _seal(span)
    if not written:
        yield CutAttribute(
            f"{named(span)} has no seal: it was dropped, or recording failed there.", span_id=span.span_id
        )
    elif written != computed_seal(span):
        if span.dropped:
            yield CutAttribute(
                f"{named(span)} is not what was sealed: the SDK dropped {span.dropped} attribute(s) or event(s). "
                "Raise OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and OTEL_SPAN_EVENT_COUNT_LIMIT.",
                span_id=span.span_id,
            )
        else:
            yield AlteredRecord(
                f"{named(span)} is not what was sealed: its name, ids, times, status or an attribute was altered.",
                span_id=span.span_id,
            )
    elif text_of(span.attributes, names.KIND) not in _KINDS or seq_of(span) == LAST or span.trace_id != run.trace_id:
        yield AlteredRecord(f"{named(span)} does not belong to run {run.run_id}.", span_id=span.span_id)


def computed_seal(span: SpanRecord) -> str:
    """The seal of the span as it is now; empty where it holds what no seal can be made of, which we never write."""
    try:
        return seal_of(
            span.trace_id,
            span.span_id,
            span.parent_id,
            span.name,
            span.start_ns // 1000,
            span.end_ns // 1000,
            span.status,
            span.attributes,
            [(event.name, event.attributes) for event in span.events],
        )
    except (TypeError, ValueError, RecursionError):
        return ""


def _seal(span: SpanRecord) -> str:
    return text_of(span.attributes, names.SEAL)


def _split_late(sealed: list[SpanRecord], expected: int) -> tuple[list[SpanRecord], list[SpanRecord]]:
    """The root counts what had ended before it: where there are more, the last to end came after the account."""
    if len(sealed) <= expected:
        return sealed, []
    by_end = sorted(sealed, key=lambda span: span.end_ns)
    late = {span.span_id for span in by_end[max(expected, 0) :]}
    return [span for span in sealed if span.span_id not in late], by_end[max(expected, 0) :]


def _late(span: SpanRecord, root: SpanRecord) -> RecordError:
    return IncompleteRecord(
        f"{named(span)} ended after its run had closed the account ({root.name!r}): work that outlived the run is "
        "there, and not vouched for.",
        span_id=span.span_id,
    )


def _losses(root: SpanRecord) -> Iterator[RecordError]:
    losses = number_of(root.attributes, names.RECORD_LOSSES)
    if losses:
        yield IncompleteRecord(f"Recording itself failed {losses} time(s) in this run.", span_id=root.span_id)


def _twins(spans: Iterable[SpanRecord]) -> Iterator[RecordError]:
    seen: dict[int, SpanRecord] = {}
    for span in spans:
        twin = seen.setdefault(seq_of(span), span)
        if twin is not span and seq_of(span) != LAST:
            text = f"{named(span)} and {named(twin)} have the same number {seq_of(span)}."
            yield AlteredRecord(text, span_id=span.span_id)


def _no_root(run: RunSpans) -> RecordError:
    return MissingSpan(
        f"The root span {run.root_id} of run {run.run_id} is missing: the run was cut short before its end, or that "
        "span was not exported.",
        span_id=run.root_id,
    )


def _gaps(run: RunSpans, missing: int | None) -> Iterator[RecordError]:
    """One problem per stretch of missing numbers, and one for the end where the root counted more.

    Known limit: a span that began and had not ended when the root did has a number and is not counted; where something
    is missing anyway, its number is named as well.
    """
    numbered = [span for span in run.spans if seq_of(span) != LAST]
    absent = _absent_parents(run)
    before: SpanRecord | None = None
    following = 0 if run.root is not None else 1  # a missing root is a problem of its own
    found = 0
    for span in numbered:
        if seq_of(span) > following:
            found += seq_of(span) - following
            yield _missing(run, range(following, seq_of(span)), (before, span), absent.get(span.span_id))
        before, following = span, seq_of(span) + 1
    if missing is not None and found < missing:
        yield _missing(run, range(following, following + missing - found), (before, None), None)


def _absent_parents(run: RunSpans) -> dict[str, str]:
    """Child -> parent, where no span in the whole source is that parent; the root's own belongs to somebody else."""
    held = {span.span_id for span in run.spans} | run.others | {run.root_id}
    children = [span for span in run.spans if span is not run.root]
    return {span.span_id: span.parent_id for span in children if span.parent_id and span.parent_id not in held}


def _missing(
    run: RunSpans, numbers: range, around: tuple[SpanRecord | None, SpanRecord | None], parent: str | None
) -> RecordError:
    one = len(numbers) == 1
    text = f"Span number {numbers[0]}" if one else f"Spans number {numbers[0]} to {numbers[-1]}"
    text += f" of run {run.run_id} {'is' if one else 'are'} missing"
    before, after = around
    if before is not None:
        text += f", begun after {named(before)}"
    if after is not None:
        text += f"{' and' if before is not None else ', begun'} before {named(after)}"
    if parent is not None:
        text += f", whose parent {parent} is not there"
    return MissingSpan(f"{text}.", span_id=parent)
