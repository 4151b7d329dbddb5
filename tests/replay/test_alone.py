"""The exported file and the application's code are enough, in another process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

import otel_agent
from tests.replay import zoo
from tests.replay.conftest import Record, run_scene
from tests.replay.models import RandomModel, bodies

REPLAY = """
import sys
import otel_agent
from tests.replay import zoo
from tests.replay.models import bodies

report = otel_agent.replay_run(zoo.SCENES[sys.argv[1]]().graph, otel_agent.load_run(sys.argv[2]))
assert bodies == [], bodies
print(report.to_json())
"""


@pytest.mark.parametrize("name", ["chat", "agent", "error_handler", "interrupts", "context"])
def test_a_fresh_process_replays_the_file(name: str, tmp_path: Path) -> None:
    """Types come from the graph's own modules: nothing else was imported there."""
    scene = zoo.SCENES[name]()
    if scene.before is not None:
        scene.before(scene.graph)
    path = tmp_path / "run.json"
    with otel_agent.record_run(path):
        run_scene(scene, "invoke")

    told = subprocess.check_output([sys.executable, "-c", REPLAY, name, str(path)])

    assert json.loads(told)["ok"] is True


def test_replays_at_the_same_time_do_not_meet(record: Record) -> None:
    """Many replays in threads of one process, beside live runs, each keep to their own record."""
    scenes = {name: zoo.SCENES[name]() for name in ("sends", "agent", "chat")}
    runs = [(scene, record(scene)) for scene in scenes.values()]

    with ThreadPoolExecutor(4) as pool:
        live = pool.submit(scenes["chat"].graph.invoke, scenes["chat"].input)
        reports = [pool.submit(otel_agent.replay_run, scene.graph, run) for _ in range(4) for scene, run in runs]

        assert all(report.result().ok for report in reports)
        assert live.result()["messages"][1].content.startswith("hello -> ")


async def test_replays_in_one_event_loop_do_not_meet(record: Record) -> None:
    """Concurrent replays in one loop keep apart, too."""
    scene = zoo.sends()
    run = await asyncio.to_thread(record, scene)

    reports = await asyncio.gather(*(otel_agent.areplay_run(scene.graph, run) for _ in range(5)))

    assert all(report.ok for report in reports)


def test_a_thread_of_the_run_does_not_call_outside(record: Record) -> None:
    """A call in a thread that has no context of the run is refused, not made."""

    def careless(state: zoo.State) -> dict[str, Any]:
        thread = threading.Thread(target=lambda: RandomModel().invoke("aside"))
        thread.start()
        thread.join()
        return {"log": [1]}

    graph = StateGraph(zoo.State)
    graph.add_node("careless", careless)
    graph.add_edge(START, "careless")
    scene = zoo.Scene(graph.compile(), {"log": []})
    run = record(scene)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        report = otel_agent.replay_run(scene.graph, run)

    assert bodies == []
    assert report.divergence.kind == "unexpected_effect"


def test_a_sampler_does_not_thin_out_a_replay(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay is whole whatever the environment samples."""
    from otel_agent.export import provider

    scene = zoo.chat()
    run = record(scene)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setattr(provider, "_private", None)

    report = otel_agent.replay_run(scene.graph, run)

    assert report.ok, str(report)
    assert report.run.complete


def test_a_replay_beside_the_instrumentor_is_not_exported(record: Record) -> None:
    """Where the process records its runs, replays are not among them."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    scene = zoo.chat()
    run = record(scene)
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    otel_agent.instrument(tracer_provider=provider)
    try:
        assert otel_agent.replay_run(scene.graph, run).ok
    finally:
        otel_agent.uninstrument()

    assert exporter.get_finished_spans() == ()
