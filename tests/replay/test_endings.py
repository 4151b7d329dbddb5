"""Runs that somebody outside ended are replayed up to where their record ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

import otel_agent
from otel_agent.model import AgentRun
from tests.replay.models import RandomModel, StreamingModel, bodies
from tests.replay.zoo import State


def three_steps(wait_s: float = 0.0) -> Any:
    """Ask, ask and wait, ask."""

    async def ask(state: State) -> dict[str, Any]:
        return {"log": [(await RandomModel().ainvoke("go on")).content]}

    async def wait(state: State) -> dict[str, Any]:
        answer = await RandomModel().ainvoke("before the wait")
        await asyncio.sleep(wait_s)
        return {"log": [answer.content]}

    graph = StateGraph(State)
    graph.add_node("first", ask)
    graph.add_node("wait", wait)
    graph.add_node("beside", ask)
    graph.add_node("last", ask)
    graph.add_edge(START, "first")
    graph.add_edge("first", "wait")
    graph.add_edge("first", "beside")
    graph.add_edge("wait", "last")
    return graph.compile()


def recorded(path: Path, run: Any) -> AgentRun:
    """Record what the coroutine function does."""
    with otel_agent.record_run(path) as recording:
        asyncio.run(run())
    bodies.clear()
    return otel_agent.load_run(path, recording.run_id)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_cancelled_run_is_replayed_to_its_cut(how: str, tmp_path: Path) -> None:
    """What had ended runs again, what was cut does not, and the replay ends there."""
    graph = three_steps(30)

    async def cancelled() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(graph.ainvoke({"log": []}), 0.3)

    run = recorded(tmp_path / "run.json", cancelled)

    replay = otel_agent.replay_run(graph, run) if how == "sync" else asyncio.run(otel_agent.areplay_run(graph, run))

    assert run.status == "cancelled"
    assert replay.ok, str(replay)
    assert replay.status == "cancelled"
    assert bodies == []


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_stream_closed_early_is_replayed_to_its_end(steps: int, tmp_path: Path) -> None:
    """Where the consumer went away, the record ends, and so does the replay."""
    graph = three_steps()

    async def broken_off() -> None:
        items = graph.astream({"log": []}, stream_mode="updates")
        for _ in range(steps):
            await items.__anext__()
        await items.aclose()

    run = recorded(tmp_path / "run.json", broken_off)

    report = otel_agent.replay_run(graph, run)

    assert run.status == "closed_early"
    assert report.ok, str(report)
    assert bodies == []


def test_a_call_that_was_given_up_waits_to_be_given_up_again(tmp_path: Path) -> None:
    """A node that gives up waiting for a model gives up in the replay, too."""

    class Slow(RandomModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            bodies.append("model")
            await asyncio.sleep(30)

    async def impatient(state: State) -> dict[str, Any]:
        try:
            await asyncio.wait_for(Slow().ainvoke("slow"), 0.05)
        except asyncio.TimeoutError:
            return {"log": ["gave up"]}
        return {"log": ["answered"]}

    graph = StateGraph(State)
    graph.add_node("impatient", impatient)
    graph.add_edge(START, "impatient")
    compiled = graph.compile()

    async def ran() -> None:
        await compiled.ainvoke({"log": []})

    run = recorded(tmp_path / "run.json", ran)

    report = asyncio.run(otel_agent.areplay_run(compiled, run))

    assert report.ok, str(report)
    assert report.run.output["log"] == ["gave up"]
    assert bodies == []


def test_a_token_stream_left_early_is_left_again(tmp_path: Path) -> None:
    """A node that stops reading a model's stream gets the chunks it read."""

    def glance(state: State) -> dict[str, Any]:
        chunks = StreamingModel().stream("one two three")
        seen = [next(chunks).content, next(chunks).content]
        chunks.close()
        return {"log": seen}

    graph = StateGraph(State)
    graph.add_node("glance", glance)
    graph.add_edge(START, "glance")
    compiled = graph.compile()

    async def ran() -> None:
        compiled.invoke({"log": []})

    run = recorded(tmp_path / "run.json", ran)

    report = otel_agent.replay_run(compiled, run)

    assert report.ok, str(report)
    assert bodies == []


def test_an_interrupt_from_the_keyboard_is_raised_again_as_recorded(tmp_path: Path) -> None:
    """A run that a KeyboardInterrupt ended is replayed without ending the caller."""

    def stop(state: State) -> dict[str, Any]:
        RandomModel().invoke("x")
        raise KeyboardInterrupt

    graph = StateGraph(State)
    graph.add_node("stop", stop)
    graph.add_edge(START, "stop")
    compiled = graph.compile()

    path = tmp_path / "run.json"
    with otel_agent.record_run(path), pytest.raises(KeyboardInterrupt):
        compiled.invoke({"log": []})
    bodies.clear()

    report = otel_agent.replay_run(compiled, otel_agent.load_run(path))

    assert report.ok, str(report)
    assert bodies == []
