"""A graph's fingerprint: the same in every process, another where the graph changed."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from otel_agent.boundary.fingerprint import describe_change, fingerprint, fingerprint_parts


def keep(old: int, new: int) -> int:
    return old + new


def last(old: int, new: int) -> int:
    return new


class State(TypedDict):
    value: Annotated[int, keep]


class Other(TypedDict):
    value: Annotated[int, last]


def write(state: Any) -> dict[str, Any]:
    return {"value": 1}


def rewrite(state: Any) -> dict[str, Any]:
    return {"value": 2}


def build(body: Any = write, name: str = "write", schema: Any = State) -> Any:
    graph = StateGraph(schema)
    graph.add_node(name, body)
    graph.add_edge(START, name)
    return graph.compile()


def test_the_same_graph_has_the_same_fingerprint() -> None:
    """Two builds of one graph agree."""
    assert fingerprint(build()) == fingerprint(build())


def test_the_fingerprint_survives_processes_and_hash_seeds() -> None:
    """Another process with another hash seed computes the same."""
    code = (
        "from tests.boundary.test_fingerprint import build; from otel_agent.boundary.fingerprint import fingerprint;"
        "print(fingerprint(build()))"
    )
    found = {
        subprocess.check_output([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."})
        for seed in ("1", "2")
    }

    assert {f"{fingerprint(build())}\n".encode()} == found


def test_a_changed_node_is_named() -> None:
    """Other source, other hash, and the part is named."""
    assert describe_change(fingerprint_parts(build()), build(rewrite)) == ["node write changed"]


def test_a_renamed_node_is_removed_and_added() -> None:
    """A renamed node counts as one gone and one new."""
    changes = describe_change(fingerprint_parts(build()), build(name="other"))

    assert {"node write was removed", "node other was added"} <= set(changes)


def test_another_reducer_is_named() -> None:
    """A channel's reducer belongs to the graph."""
    assert "channel value changed" in describe_change(fingerprint_parts(build()), build(schema=Other))


def test_a_graph_that_cannot_be_read_has_a_fingerprint() -> None:
    """It never raises, whatever it is given."""

    class Broken:
        @property
        def nodes(self) -> Any:
            raise ValueError("no")

    assert len(fingerprint(Broken())) == 64
