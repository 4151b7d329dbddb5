"""Record a scene into a file and load it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otel_agent
from otel_agent.model import AgentRun
from tests.replay.models import bodies
from tests.replay.zoo import Scene

Record = Callable[..., AgentRun]


def run_scene(scene: Scene, way: str) -> Any:
    """Run a scene by one of LangGraph's ways of running, to its end."""
    graph, given = scene.graph, (scene.input, scene.config)
    if way == "invoke":
        return graph.invoke(*given, **scene.kwargs)
    if way == "stream":
        return list(graph.stream(*given, stream_mode=["messages", "values"], **scene.kwargs))
    if way == "ainvoke":
        return asyncio.run(graph.ainvoke(*given, **scene.kwargs))

    async def drain() -> list[Any]:
        return [item async for item in graph.astream(*given, stream_mode=["updates", "messages"], **scene.kwargs)]

    return asyncio.run(drain())


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """``record(scene, way)`` -> the run, rebuilt from the exported file."""

    def recorded(scene: Scene, way: str = "invoke") -> AgentRun:
        if scene.before is not None:
            scene.before(scene.graph)
        path = tmp_path / "run.json"
        with otel_agent.record_run(path) as recording:
            if scene.raises is None:
                run_scene(scene, way)
            else:
                with pytest.raises(scene.raises):
                    run_scene(scene, way)
        bodies.clear()
        return otel_agent.load_run(path, recording.run_id)

    return recorded
