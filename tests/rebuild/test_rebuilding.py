"""A whole trace comes back as the run it was."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from otel_agent.codec import names
from otel_agent.errors import AmbiguousRun, NewerFormat, RunNotFound
from otel_agent.export import write_trace
from otel_agent.model import Returned, SpanRecord
from otel_agent.read import read_spans
from otel_agent.rebuild import rebuild_run, runs_in, verify_run
from tests.golden import incident
from tests.rebuild.traces import DOCUMENT, TraceBuilder, demo

GOLDEN = Path(__file__).parents[1] / "golden" / "run-v1.json"


def test_a_whole_run_has_no_problem(tmp_path: Path) -> None:
    """Written, read and rebuilt, a run is complete, verified and replayable."""
    run = rebuild_run(read_spans(write_trace(tmp_path / "run.json", demo().spans())))

    assert (run.problems, run.complete, run.replayable) == ((), True, True)
    assert verify_run(run).ok


def test_a_run_says_what_it_was(tmp_path: Path) -> None:
    """Ids, name, kind, status, times, thread, input and output."""
    trace = demo()
    run = rebuild_run(trace.spans())

    assert (run.run_id, run.trace_id, run.span_id) == (trace.run_id, trace.trace_id, trace.root.span_id)
    assert (run.name, run.kind, run.status, run.thread_id) == ("demo", "workflow", "completed", "thread-1")
    assert run.ended_ns is not None
    assert run.ended_ns > run.started_ns
    assert run.input["n"] == 1
    assert run.output["answer"] == "fox, dog"


def test_nodes_come_in_the_order_they_began() -> None:
    """All nodes, those of nested graphs too; LangGraph's hidden ones only in `all_nodes`."""
    run = rebuild_run(list(reversed(demo().spans())))

    assert [node.name for node in run.nodes] == ["search", "decide", "write"]
    assert [node.name for node in run.all_nodes] == ["__start__", "search", "decide", "write"]
    assert [node.seq for node in run.all_nodes] == sorted(node.seq for node in run.all_nodes)
    assert run.nodes[0].output == {"document": DOCUMENT}


def test_effects_stand_under_their_node() -> None:
    """Each effect knows its node and each node its effects."""
    run = rebuild_run(demo().spans())

    assert [(effect.kind, effect.name) for effect in run.effects] == [("tool", "find"), ("chat", "model")]
    assert [effect.node for effect in run.effects] == [run.nodes[0].address, run.nodes[2].address]
    assert run.nodes[0].effects == run.effects[:1]
    assert run.effects[0].outcome == Returned(DOCUMENT)


def test_a_nested_run_is_a_run() -> None:
    """A nested graph's run has its own nodes, effects, input and output."""
    run = rebuild_run(demo().spans())
    [nested] = run.nested

    assert (nested.name, nested.kind, nested.output) == ("writer", "agent", {"answer": "fox, dog"})
    assert [node.name for node in nested.nodes] == ["write"]
    assert [effect.name for effect in nested.effects] == ["model"]
    assert [node.run_span_id for node in run.nodes] == [run.span_id, run.span_id, nested.span_id]


def test_names_may_hold_slashes() -> None:
    """An address is not taken apart at a slash that belongs to a name."""
    trace = TraceBuilder()
    node = trace.node("a/b", 1, input=1, output=2)
    trace.effect("tool", "c/d", node, request=1, result=2)
    run = rebuild_run(trace.spans())

    assert run.effects[0].node == run.nodes[0].address


def test_runs_in_lists_every_run_of_a_source() -> None:
    """Many runs of many traces, one line each, in the order they began."""
    first, second = demo("first"), TraceBuilder("second", thread=None, status="failed")
    spans = [*second.spans(), *first.spans(), SpanRecord("1" * 32, "2" * 16, None, "GET /", 0, 1)]
    listed = {summary.run_id: summary for summary in runs_in(spans)}

    assert set(listed) == {first.run_id, second.run_id}
    summary = listed[first.run_id]
    assert (summary.name, summary.status, summary.nodes, summary.problems) == ("demo", "completed", 3, 0)
    assert (summary.thread_id, summary.service) == ("thread-1", "demo-service")
    assert listed[second.run_id].thread_id is None


@pytest.mark.parametrize("cut", [49, 32, 40, 5])
def test_a_run_is_found_by_any_unique_prefix(cut: int) -> None:
    """The run id, the trace id alone, or a prefix of either; upper case and spaces do not matter."""
    first, second = demo("first"), demo("second")
    spans = [*first.spans(), *second.spans()]

    assert rebuild_run(spans, second.run_id[:cut]).run_id == second.run_id
    assert rebuild_run(spans, f" {second.run_id[:cut].upper()} ").run_id == second.run_id
    assert rebuild_run(spans, second.root.span_id).run_id == second.run_id


def test_an_id_that_fits_several_runs_lists_them() -> None:
    """Nothing is chosen for the caller."""
    first, second = demo("first"), demo("second")
    spans = [*first.spans(), *second.spans()]

    with pytest.raises(AmbiguousRun) as caught:
        rebuild_run(spans)
    assert first.run_id in str(caught.value)
    assert second.run_id in str(caught.value)


def test_an_id_that_fits_no_run_lists_what_is_there() -> None:
    """The message names the runs that there are, or the services where there is none."""
    trace = demo()

    with pytest.raises(RunNotFound, match=trace.run_id):
        rebuild_run(trace.spans(), "ffff")
    foreign = SpanRecord("1" * 32, "2" * 16, None, "GET /", 0, 1, resource={"service.name": "shop"})
    with pytest.raises(RunNotFound, match="shop"):
        rebuild_run([foreign])
    with pytest.raises(RunNotFound, match="no span at all"):
        rebuild_run([])


def test_a_newer_format_is_refused() -> None:
    """A run of a later recording format is not guessed at."""
    trace = demo()
    trace.root_attributes[names.RECORD_FORMAT] = names.FORMAT + 1

    with pytest.raises(NewerFormat, match=f"format {names.FORMAT + 1}"):
        rebuild_run(trace.spans())
    assert len(runs_in(trace.spans())) == 1


def test_foreign_spans_of_the_trace_are_left_out() -> None:
    """Spans of other instrumentation between ours neither count nor disturb."""
    trace = demo()
    foreign = SpanRecord(trace.trace_id, "f" * 16, trace.root.span_id, "GET /", 0, 1)
    run = rebuild_run([*trace.spans(), foreign])

    assert run.complete
    assert foreign not in run.spans


def test_a_span_exported_twice_counts_once() -> None:
    """Exporters retry: an identical copy is no problem, whatever a collector added to its resource."""
    spans = demo().spans()
    run = rebuild_run([*spans, replace(spans[0], resource={"host.name": "collector"})])

    assert run.complete
    assert len(run.spans) == len(spans)


def test_the_golden_run_loads_for_ever() -> None:
    """A run of recording format 1, written once and never edited."""
    run = rebuild_run(read_spans(GOLDEN))

    assert run.problems == ()
    assert verify_run(run).ok
    assert [node.name for node in run.nodes] == ["search", "decide", "write", "write"]
    assert run.nodes[0].output == {"document": incident.DOCUMENT}
    assert run.nodes[2].input["cost"] == Decimal(1)
    assert len(run.effects) == 3
    assert json.loads(GOLDEN.read_text())["resourceSpans"]
