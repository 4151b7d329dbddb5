"""What was recorded runs again, equal in everything but time, and without any call outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import otel_agent
from otel_agent.model import AgentRun
from otel_agent.replay.compare import are_same
from tests.replay import zoo
from tests.replay.conftest import Record
from tests.replay.models import bodies

WAYS = ("invoke", "stream", "ainvoke", "astream")


CUT_SHORT = ("step_timeout",)
"""Ended from outside of their nodes: the replay ends where the record ends."""
RACES = ("racing_failures",)
"""LangGraph itself leaves to chance which of several exceptions it raises, and which siblings it cuts."""


def cases() -> list[Any]:
    """Every scene, recorded in every way it can run, replayed both ways where it can."""
    found = []
    for name, make in zoo.SCENES.items():
        scene = make()
        for way in WAYS:
            if way.startswith("a") or scene.sync:
                found += [pytest.param(name, way, replay, id=f"{name}-{way}-{replay}") for replay in ("sync", "async")]
    return found


def replayed(graph: Any, run: AgentRun, how: str) -> Any:
    """Replay by `replay_run` or `areplay_run`."""
    if how == "sync":
        return otel_agent.replay_run(graph, run)
    return asyncio.run(otel_agent.areplay_run(graph, run))


@pytest.mark.parametrize(("name", "way", "how"), cases())
def test_a_replay_is_equal_to_its_record(name: str, way: str, how: str, record: Record) -> None:
    """Same nodes, inputs, outputs, ids and exceptions, and no body of a model, tool or effect runs."""
    scene = zoo.SCENES[name]()
    run = record(scene, way)

    report = replayed(scene.graph, run, how)

    assert report.ok, str(report)
    assert bodies == []
    assert report.connections == 0
    if name not in RACES:
        assert sorted(node.address for node in run.all_nodes) == sorted(node.address for node in report.run.all_nodes)
    assert are_same(run.output, report.run.output)
    if name not in CUT_SHORT:
        assert type(run.error) is type(report.run.error)
        assert str(run.error) == str(report.run.error) or name in RACES


def test_message_ids_are_the_recorded_ones(record: Record) -> None:
    """Ids that the framework draws are served, so the messages of the replay have those of the run."""
    scene = zoo.chat()
    run = record(scene)

    report = otel_agent.replay_run(scene.graph, run)

    ids = [message.id for message in run.output["messages"]]
    assert len(ids) == 3
    assert ids == [message.id for message in report.run.output["messages"]]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_parallel_workers_get_their_own_answers(how: str, record: Record) -> None:
    """Workers that ask one model the same are answered each with its own, whatever order they run in."""
    scene = zoo.sends()
    run = record(scene)

    for _ in range(25):
        assert replayed(scene.graph, run, how).ok


def test_a_replay_can_be_replayed(record: Record) -> None:
    """A replay is itself a whole run, and as good a record as the first."""
    scene = zoo.agent()
    run = record(scene)

    second = otel_agent.replay_run(scene.graph, run).run

    assert second.complete, second.problems
    assert otel_agent.replay_run(scene.graph, second).ok


def test_a_replay_touches_nothing_of_the_application(record: Record) -> None:
    """The application's checkpointer, store and cache are neither read nor written."""
    scene = zoo.second_turn()
    run = record(scene)
    before = len(list(scene.graph.get_state_history(scene.config)))

    assert otel_agent.replay_run(scene.graph, run).ok

    assert before == len(list(scene.graph.get_state_history(scene.config)))


def test_a_replay_leaves_the_boundary_as_it_was(record: Record) -> None:
    """What a replay patches is put back, also where `instrument` was never called."""
    from langgraph.pregel import Pregel, _retry

    before = (Pregel.stream, _retry.time, _retry.asyncio)
    scene = zoo.chat()

    otel_agent.replay_run(scene.graph, record(scene))

    assert before == (Pregel.stream, _retry.time, _retry.asyncio)
