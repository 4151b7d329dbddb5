"""Whatever way a run was started, its record replays."""

from __future__ import annotations

import asyncio
import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ModelRetryMiddleware, SummarizationMiddleware
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.types import Command, interrupt

import otel_agent
from tests.replay import zoo
from tests.replay.models import RandomModel, bodies, look_up

GO = {"messages": [HumanMessage("go")]}
THREAD: Any = {"configurable": {"thread_id": "one"}}


@pytest.fixture
def replays(tmp_path: Path) -> Callable[..., None]:
    """``replays(graph, run)`` records what ``run`` does and replays each run of it both ways."""

    def check(graph: Any, run: Callable[[], Any]) -> None:
        path = tmp_path / "run.json"
        with otel_agent.record_run(path) as recording:
            run()
        for run_id in recording.run_ids:
            found = otel_agent.load_run(path, run_id)
            bodies.clear()
            for report in (otel_agent.replay_run(graph, found), asyncio.run(otel_agent.areplay_run(graph, found))):
                assert report.ok, str(report)
            assert bodies == []

    return check


@pytest.mark.parametrize("name", ["chat", "subgraph", "agent", "streaming_agent"])
def test_event_streams(name: str, replays: Callable[..., None]) -> None:
    """`astream_events`, where nodes return piece by piece, and `stream_events`, where models give content blocks."""
    scene = zoo.SCENES[name]()

    async def second() -> None:
        async for _ in scene.graph.astream_events(scene.input, version="v2"):
            pass

    def third() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in scene.graph.stream_events(scene.input, version="v3"):
                pass

    replays(scene.graph, lambda: asyncio.run(second()))
    replays(scene.graph, third)


def test_batches_and_debug_streams(replays: Callable[..., None]) -> None:
    """Each run of a batch is a run by itself; all stream modes replay."""
    scene = zoo.agent()

    replays(scene.graph, lambda: scene.graph.batch([copy.deepcopy(scene.input), copy.deepcopy(scene.input)]))
    replays(scene.graph, lambda: list(scene.graph.stream(scene.input, stream_mode=["debug", "tasks"], subgraphs=True)))


def test_a_functional_flow_that_stops_and_goes_on(replays: Callable[..., None]) -> None:
    """`interrupt` in an entrypoint; its finished tasks are handed back on resume."""

    @task
    def step(number: int) -> str:
        return str(RandomModel().invoke(str(number)).content)

    @entrypoint(checkpointer=InMemorySaver())
    def flow(number: int) -> list[Any]:
        return [step(number).result(), interrupt("go on?"), step(2).result()]

    replays(flow, lambda: flow.invoke(1, THREAD))
    replays(flow, lambda: flow.invoke(Command(resume="yes"), THREAD))
    replays(flow, lambda: flow.invoke(1, THREAD))


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_durability(durability: Any, replays: Callable[..., None]) -> None:
    """How the application persists its checkpoints makes no difference."""
    scene = zoo.second_turn()

    replays(scene.graph, lambda: scene.graph.invoke(scene.input, THREAD, durability=durability))
    replays(scene.graph, lambda: scene.graph.invoke(scene.input, THREAD, durability=durability))


def test_middleware(replays: Callable[..., None]) -> None:
    """Retried models, summaries with ids of their own, and a human in the loop."""
    retry = ModelRetryMiddleware(max_retries=3, initial_delay=0.05)
    summary = SummarizationMiddleware(model=RandomModel(), trigger=("messages", 3), keep=("messages", 1))
    human = HumanInTheLoopMiddleware(interrupt_on={"look_up": True})
    calls = [{"name": "look_up", "args": {}}]
    retried = create_agent(RandomModel(fails=2), tools=[look_up], middleware=[retry])
    summed = create_agent(RandomModel(), tools=[look_up], middleware=[summary])
    asked = create_agent(
        RandomModel(tool_calls=calls), tools=[look_up], middleware=[human], checkpointer=InMemorySaver()
    )

    replays(retried, lambda: retried.invoke(GO))
    replays(summed, lambda: summed.invoke({"messages": [HumanMessage(str(number)) for number in range(4)]}))
    replays(asked, lambda: asked.invoke(GO, THREAD))
    replays(asked, lambda: asked.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD))


def test_another_event_loop(replays: Callable[..., None]) -> None:
    """What ran under uvloop replays under asyncio."""
    uvloop = pytest.importorskip("uvloop")
    scene = zoo.sends()

    replays(scene.graph, lambda: uvloop.run(scene.graph.ainvoke(scene.input)))


def test_time_travel_to_before_a_subgraph(replays: Callable[..., None]) -> None:
    """A run from the first checkpoint of a thread that has moved on."""
    scene = zoo.nested_interrupt()
    scene.before(scene.graph)
    scene.graph.invoke(scene.input, scene.config)
    first = list(scene.graph.get_state_history(scene.config))[-1]

    replays(scene.graph, lambda: scene.graph.invoke(None, first.config))
