"""A record that is not whole is refused before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otel_agent
from otel_agent.errors import NotReplayable, RecordError
from tests.replay import zoo
from tests.replay.conftest import run_scene
from tests.replay.models import bodies


def spans_of(document: Any) -> list[dict[str, Any]]:
    """The span list of an OTLP/JSON document."""
    return [span for part in document["resourceSpans"] for scope in part["scopeSpans"] for span in scope["spans"]]


def drop_a_node(document: Any) -> None:
    """Lose one span."""
    for part in document["resourceSpans"]:
        for scope in part["scopeSpans"]:
            scope["spans"] = [span for span in scope["spans"] if span["name"] != "invoke_node note"]


def alter_an_answer(document: Any) -> None:
    """Change a model's answer."""
    for span in spans_of(document):
        for attribute in span["attributes"]:
            if attribute["key"] == "agent.effect.result.json":
                attribute["value"]["stringValue"] = attribute["value"]["stringValue"].replace("hello", "jello")


@pytest.mark.parametrize("harm", [drop_a_node, alter_an_answer])
def test_a_harmed_trace_is_refused(harm: Callable[[Any], None], tmp_path: Path) -> None:
    """A span lost or a value altered: nothing runs, and the span is named."""
    path = tmp_path / "run.json"
    scene = zoo.chat()
    with otel_agent.record_run(path):
        run_scene(scene, "invoke")
    document = json.loads(path.read_text())
    harm(document)
    path.write_text(json.dumps(document))
    bodies.clear()

    with pytest.raises(RecordError) as found:
        otel_agent.replay_run(scene.graph, otel_agent.load_run(path))

    assert bodies == []
    assert str(found.value)


def test_a_run_without_content_is_refused(tmp_path: Path) -> None:
    """Digests alone cannot be replayed; the reason is given."""
    path = tmp_path / "run.json"
    scene = zoo.chat()
    with otel_agent.record_run(path, content="metadata"):
        run_scene(scene, "invoke")

    with pytest.raises(NotReplayable, match="content"):
        otel_agent.replay_run(scene.graph, otel_agent.load_run(path))


def test_a_run_with_an_opaque_value_is_refused(tmp_path: Path) -> None:
    """What could not be recorded is not guessed."""
    import threading

    path = tmp_path / "run.json"
    scene = zoo.chat()
    with otel_agent.record_run(path):
        scene.graph.invoke({"messages": [("user", "hello")], "word": threading.Lock()})

    with pytest.raises(NotReplayable, match="lock"):
        otel_agent.replay_run(scene.graph, otel_agent.load_run(path))
