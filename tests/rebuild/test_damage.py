"""What is missing, cut or altered is named, never guessed and never passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otel_agent.codec import names
from otel_agent.errors import (
    AlteredRecord,
    CutAttribute,
    IncompleteRecord,
    MissingReference,
    MissingSpan,
    RecordError,
    WrongByteCount,
)
from otel_agent.model import AgentRun, SpanEvent, SpanRecord
from otel_agent.rebuild import rebuild_run, runs_in, verify_run
from tests.rebuild.traces import TraceBuilder, demo


def changed(spans: list[SpanRecord], name: str, /, **fields: Any) -> list[SpanRecord]:
    return [replace(span, **fields) if span.name == name else span for span in spans]


def with_attribute(spans: list[SpanRecord], name: str, key: str, value: Any) -> list[SpanRecord]:
    def attributes(span: SpanRecord) -> dict[str, Any]:
        kept = {other: held for other, held in span.attributes.items() if other != key}
        return kept if value is None else {**kept, key: value}

    return [replace(span, attributes=attributes(span)) if span.name == name else span for span in spans]


def kinds(run: AgentRun) -> set[type[RecordError]]:
    return {type(problem) for problem in run.problems}


def span_named(spans: list[SpanRecord], name: str) -> SpanRecord:
    return next(span for span in spans if span.name == name)


def test_a_missing_span_is_named_by_its_neighbours() -> None:
    """The number that is gone, what began before and after it, and its id where a child names it."""
    spans = demo().spans()
    gone = span_named(spans, "invoke_node write")
    run = rebuild_run([span for span in spans if span is not gone])

    [missing] = [problem for problem in run.problems if isinstance(problem, MissingSpan)]
    assert missing.span_id == gone.span_id
    assert "number 6 " in missing.message
    assert "invoke_agent writer" in missing.message
    assert "chat model" in missing.message


def test_the_last_span_cannot_vanish_either() -> None:
    """The root's count notices a span after which none began."""
    spans = demo().spans()
    run = rebuild_run([span for span in spans if span.name != "chat model"])

    assert MissingSpan in kinds(run)


@pytest.mark.parametrize("name", [span.name for span in demo().spans()[:-1]])
def test_no_single_span_can_vanish(name: str) -> None:
    """Whichever span is gone, loading says that one is missing."""
    run = rebuild_run([span for span in demo().spans() if span.name != name])

    assert MissingSpan in kinds(run)
    assert not verify_run(run).ok


def test_a_run_without_its_end_is_unfinished() -> None:
    """A process was killed: what ended is there, and the run says that its end is not."""
    trace = demo()
    run = rebuild_run([span for span in trace.spans() if span.parent_id])

    assert (run.status, run.ended_ns, run.input, run.replayable) == ("unfinished", None, None, False)
    assert (run.run_id, run.thread_id, len(run.nodes)) == (trace.run_id, None, 3)
    assert kinds(run) <= {MissingSpan, MissingReference}
    assert run.problems[0].span_id == trace.root.span_id
    assert runs_in(run.spans)[0].status == "unfinished"


def test_work_that_outlives_its_run_is_no_tampering() -> None:
    """A span that ended after the account was closed is there, reported, and not called altered."""
    trace = demo()
    late = trace.node("background", 3, input=1, output=2)
    late.late = True
    run = rebuild_run(trace.spans())

    assert [type(problem) for problem in run.problems] == [IncompleteRecord]
    assert run.problems[0].span_id == late.span_id
    assert "background" in [node.name for node in run.nodes]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "invoke_node other"},
        {"trace_id": "1" * 32},
        {"span_id": "1" * 16},
        {"parent_id": "1" * 16},
        {"parent_id": None},
        {"start_ns": 1_800_000_000_002_001_000},
        {"end_ns": 1_800_000_000_002_001_000},
        {"status": "error"},
        {"events": (SpanEvent("exception", 1, {"exception.type": "X"}),)},
    ],
)
def test_an_altered_span_is_named(change: dict[str, Any]) -> None:
    """Name, ids, times to the microsecond, status and events are sealed."""
    run = rebuild_run(changed(demo().spans(), "invoke_node write", **change), demo().run_id)

    altered = [problem for problem in run.problems if isinstance(problem, AlteredRecord)]
    expected = change.get("span_id", span_named(demo().spans(), "invoke_node write").span_id)
    assert expected in {problem.span_id for problem in altered}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (names.NODE_STEP, 7),
        (names.NODE_STEP, True),
        (names.NODE_STATUS, "failed"),
        (names.SEQ, 9),
        (names.SEQ, None),
        (names.KIND, "effect"),
        (names.KIND, None),
        (names.ADDRESS, "/other"),
        (names.SEAL, "0" * 64),
        (names.SEAL, None),
        ("agent.node.extra", "added"),
        ("gen_ai.usage.input_tokens", 5),
    ],
)
def test_an_altered_attribute_is_noticed(key: str, value: Any) -> None:
    """Our attributes cannot be changed, added or taken away."""
    run = rebuild_run(with_attribute(demo().spans(), "invoke_node search", key, value))

    assert not run.complete
    assert not verify_run(run).ok


def test_attributes_of_others_are_not_ours_to_judge() -> None:
    """A collector may add its own attributes to our spans."""
    assert rebuild_run(with_attribute(demo().spans(), "invoke_node search", "k8s.pod.name", "pod-1")).complete


def test_a_payload_cut_by_a_backend_is_named_and_raises_when_asked_for() -> None:
    """The other payloads are still there; the cut one raises its own error, naming the span."""
    spans = demo().spans()
    key = f"{names.NODE_INPUT}.{names.PAYLOAD_JSON}"
    whole = span_named(spans, "invoke_node __start__").attributes[key]
    run = rebuild_run(with_attribute(spans, "invoke_node __start__", key, whole[:50]))

    assert {WrongByteCount, CutAttribute} & kinds(run)
    with pytest.raises(IncompleteRecord) as caught:
        _ = run.all_nodes[0].input
    assert caught.value.span_id == run.all_nodes[0].span_id


def without_events(span: SpanRecord) -> tuple[SpanEvent, ...]:
    return span.events[1:]


def without_last_piece(span: SpanRecord) -> tuple[SpanEvent, ...]:
    event = span.events[-1]
    return (*span.events[:-1], replace(event, attributes=dict(list(event.attributes.items())[:-1])))


@pytest.mark.parametrize("cut", [without_events, without_last_piece])
def test_a_missing_piece_is_named(cut: Callable[[SpanRecord], tuple[SpanEvent, ...]]) -> None:
    """A payload in pieces of which one is gone is cut, not shorter."""
    spans = [replace(span, events=cut(span)) if span.events else span for span in demo().spans()]
    run = rebuild_run(spans)

    assert {CutAttribute, WrongByteCount} & kinds(run)


def test_a_value_nobody_holds_is_a_missing_reference() -> None:
    """Where the span with the first sight of a value is gone, those that refer to it say so."""
    spans = demo().spans()
    holder = next(span for span in spans if span.events)
    run = rebuild_run([span for span in spans if span is not holder])

    assert {MissingSpan, MissingReference} <= kinds(run)


def test_two_versions_of_one_span() -> None:
    """The same span twice with different content is not a retry."""
    spans = demo().spans()
    other = replace(span_named(spans, "chat model"), status="error")

    assert AlteredRecord in kinds(rebuild_run([*spans, other]))


def test_two_spans_with_one_number() -> None:
    """A span put in beside another is noticed."""
    spans = demo().spans()
    forged = replace(span_named(spans, "chat model"), span_id="f" * 16)

    assert AlteredRecord in kinds(rebuild_run([*spans, forged]))


def test_a_span_exchanged_for_one_with_a_good_seal() -> None:
    """A span of the same number, sealed anew, does not fit the root's account."""
    other = TraceBuilder()
    forged = other.node("search", 1, input="forged", output="forged")
    assert forged.seq == 1
    genuine = TraceBuilder()
    genuine.node("search", 1, input="true", output="true")
    run = rebuild_run([other.spans()[0], genuine.spans()[-1]])

    assert kinds(run) == {AlteredRecord}
    assert run.problems[0].span_id == run.span_id


def test_what_the_sdk_dropped_is_said() -> None:
    """An SDK limit that took an attribute of ours is named as what it is."""
    spans = changed(demo().spans(), "chat model", dropped=3)
    key = names.EFFECT_STATUS
    run = rebuild_run(with_attribute(spans, "chat model", key, None))

    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in str(next(p for p in run.problems if isinstance(p, CutAttribute)))


def test_losses_of_the_recorder_are_problems() -> None:
    """Where recording itself failed, the run is not whole."""
    trace = demo()
    trace.root_attributes[names.RECORD_LOSSES] = 2

    assert [type(problem) for problem in rebuild_run(trace.spans()).problems] == [IncompleteRecord]


def test_a_verification_reads_well() -> None:
    """One line when all is well, else one a problem with its code."""
    trace = demo()
    good = verify_run(rebuild_run(trace.spans()))
    bad = verify_run(rebuild_run(changed(trace.spans(), "chat model", status="error")))

    assert str(good).startswith(f"run {trace.run_id}: 8 spans, ")
    assert "complete and unaltered" in str(good)
    assert "[altered] span 'chat model'" in str(bad)


def test_a_nested_run_is_verified_with_the_run_around_it() -> None:
    """A part has no account of its own."""
    with pytest.raises(RecordError, match="nested run"):
        verify_run(rebuild_run(demo().spans()).nested[0])
