"""A trace of recording format 1 replays for ever."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from langgraph.graph import START, StateGraph

import otel_agent
from otel_agent.replay import replayer
from tests.golden import incident

GOLDEN = Path(__file__).parents[1] / "golden" / "run-v1.json"


def test_the_golden_run_replays_for_ever() -> None:
    """The run recorded with the first version of the format is executed again, exactly, by this version."""
    report = otel_agent.replay_run(incident.graph, otel_agent.load_run(GOLDEN))

    assert report.ok, str(report)
    assert report.effects_served == 3
    assert report.connections == 0


def test_a_defect_of_ours_in_the_replay_of_an_awaited_graph_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that can only be awaited is driven in a thread; what fails there fails here, and is no divergence."""

    async def node(state: incident.State) -> dict[str, str]:
        return {"document": "x"}

    graph = StateGraph(incident.State).add_node("a", node).add_edge(START, "a").compile()
    with tempfile.TemporaryDirectory() as folder:
        with otel_agent.record_run(f"{folder}/run.json"):
            asyncio.run(graph.ainvoke({"document": ""}))
        run = otel_agent.load_run(f"{folder}/run.json")
    monkeypatch.setattr(replayer, "_adrain", lambda _start: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        otel_agent.replay_run(graph, run)
