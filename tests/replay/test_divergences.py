"""A replay that asks for something else says where, what was recorded, what was asked, and what to do."""

from __future__ import annotations

import random
import socket
from typing import Annotated, Any

import pytest
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

import otel_agent
from otel_agent.errors import DivergenceError
from tests.replay import zoo
from tests.replay.conftest import Record
from tests.replay.models import RandomModel, bodies
from tests.replay.zoo import Scene, State


class Random(TypedDict):
    """A state whose reducer is random, which no node reads."""

    value: Annotated[float, lambda old, new: random.random()]
    seen: int


class Knobs:
    """What the tests turn between recording and replay."""

    def __init__(self) -> None:
        self.prompt = "What is the capital of France?"
        self.calls = 1
        self.route = "left"
        self.note = "same"
        self.port: int | None = None
        self.swallow = False
        self.reduced: Any = 0


@pytest.fixture
def knobs() -> Knobs:
    """Knobs in the position in which runs are recorded."""
    return Knobs()


@pytest.fixture
def scene(knobs: Knobs) -> Scene:
    """A graph whose behaviour the knobs change without changing its code."""

    def decide(state: State) -> dict[str, Any]:
        log: list[Any] = []
        for _ in range(knobs.calls):
            try:
                log.append(RandomModel().invoke(knobs.prompt).content)
            except Exception:
                if not knobs.swallow:
                    raise
        if knobs.port is not None:
            with socket.create_connection(("127.0.0.1", knobs.port)):
                pass
        return {"log": [*log, knobs.note], "word": knobs.route}

    graph = StateGraph(State)
    graph.add_node("decide", decide)
    graph.add_node("left", lambda state: {"count": 1})
    graph.add_node("right", lambda state: {"count": 2})
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", lambda state: state["word"], {"left": "left", "right": "right"})
    graph.add_edge("left", END)
    return Scene(graph.compile(), {"log": [], "count": 0})


def test_a_changed_prompt_is_named_with_both_texts(scene: Scene, knobs: Knobs, record: Record) -> None:
    """Where a model is asked something else, the divergence shows recorded against asked."""
    run = record(scene)
    knobs.prompt = "What is the capital of Spain?"

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert (found.kind, found.node, found.step) == ("input_changed", "decide", 1)
    assert "France" in found.difference
    assert "Spain" in found.difference
    assert found.effect.startswith("chat ")
    assert bodies == []
    assert len(str(found).splitlines()) <= 5


def test_another_call_is_unexpected(scene: Scene, knobs: Knobs, record: Record) -> None:
    """A call more than recorded is refused, and what was recorded there is named."""
    run = record(scene)
    knobs.calls = 2

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert (found.kind, found.node) == ("unexpected_effect", "decide")
    assert "recorded here" in found.nearest
    assert bodies == []


def test_a_call_less_is_missing(scene: Scene, knobs: Knobs, record: Record) -> None:
    """What was recorded and not asked for is a divergence, too."""
    run = record(scene)
    knobs.calls = 0

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert found.kind in ("missing_effect", "output_changed")
    assert found.node == "decide"


def test_an_unused_call_is_missing(knobs: Knobs, record: Record) -> None:
    """A call whose answer nobody used is missed all the same."""

    def decide(state: State) -> dict[str, Any]:
        for _ in range(knobs.calls):
            RandomModel().invoke("aside")
        return {"log": [1]}

    graph = StateGraph(State)
    graph.add_node("decide", decide)
    graph.add_edge(START, "decide")
    scene = Scene(graph.compile(), {"log": []})
    run = record(scene)
    knobs.calls = 0

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert (found.kind, found.node) == ("missing_effect", "decide")


def test_a_changed_output_is_named(scene: Scene, knobs: Knobs, record: Record) -> None:
    """A node that returns something else is named with the pointer to the first difference."""
    run = record(scene)
    knobs.note = "different"

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert (found.kind, found.node) == ("output_changed", "decide")
    assert "same" in found.difference
    assert "different" in found.difference


def test_changed_routing_is_named(scene: Scene, knobs: Knobs, record: Record) -> None:
    """A router that goes elsewhere is found at the node whose writes say so."""
    run = record(scene)
    knobs.route = "right"

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert found.node == "decide"
    assert "left" in found.difference
    assert "right" in found.difference


def test_an_opened_socket_is_refused_and_counted(scene: Scene, knobs: Knobs, record: Record) -> None:
    """No connection leaves a replay; the divergence names host, port and what to do."""
    run = record(scene)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        knobs.port = server.getsockname()[1]
        report = otel_agent.replay_run(scene.graph, run)

        assert (report.divergence.kind, report.divergence.node) == ("network", "decide")
        assert f"127.0.0.1:{knobs.port}" in report.divergence.what
        assert "@otel_agent.effect" in report.divergence.advice
        assert report.connections == 1
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_swallowed_divergence_is_reported(scene: Scene, knobs: Knobs, record: Record) -> None:
    """An application that catches every Exception around its calls does not hide a divergence."""
    run = record(scene)
    knobs.swallow, knobs.prompt = True, "something else"

    report = otel_agent.replay_run(scene.graph, run)

    assert not report.ok
    assert report.divergence.kind == "input_changed"
    with pytest.raises(DivergenceError):
        report.raise_if_diverged()


def test_a_random_reducer_changes_the_state(record: Record) -> None:
    """Where every node wrote the same and the state is another, the state is named."""
    graph = StateGraph(Random)
    graph.add_node("write", lambda state: {"value": 1.0})
    graph.add_edge(START, "write")
    scene = Scene(graph.compile(), {"value": 0.0})
    run = record(scene)

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert found.kind in ("input_changed", "state_changed", "output_changed")


def test_another_exception_is_another_outcome(knobs: Knobs, record: Record) -> None:
    """A node that raises something else ended differently."""

    def fail(state: State) -> dict[str, Any]:
        raise ValueError(knobs.note)

    graph = StateGraph(State)
    graph.add_node("fail", fail)
    graph.add_edge(START, "fail")
    scene = Scene(graph.compile(), {"log": []}, raises=ValueError)
    run = record(scene)
    knobs.note = "another"

    found = otel_agent.replay_run(scene.graph, run).divergence

    assert (found.kind, found.node) == ("outcome_changed", "fail")
    assert "another" in found.difference


def test_changed_code_is_told_and_no_divergence_by_itself(record: Record) -> None:
    """A node's source may change; the report says so, and a divergence in it names the change."""

    def build(change: bool) -> Scene:
        graph = StateGraph(State)
        if change:
            graph.add_node("write", lambda state: {"log": [1 + 0]})
        else:
            graph.add_node("write", lambda state: {"log": [1]})
        graph.add_edge(START, "write")
        return Scene(graph.compile(), {"log": []})

    run = record(build(change=False))

    report = otel_agent.replay_run(build(change=True).graph, run)

    assert report.ok
    assert report.graph_changes == ("node write changed",)


def test_another_graph_is_unexpected_at_its_first_node(record: Record) -> None:
    """A graph with other nodes diverges where it first runs one."""
    run = record(zoo.chat())

    report = otel_agent.replay_run(zoo.effects().graph, run)

    assert not report.ok
    assert any("was removed" in change for change in report.graph_changes)
