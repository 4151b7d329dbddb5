"""Puts a graph back to where the recorded run started: checkpoint, pending writes, configuration, context."""

from __future__ import annotations

import copy
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import ChannelVersions
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from otel_agent.errors import NotReplayable
from otel_agent.model import AgentRun

_CALL = ("durability", "interrupt_before", "interrupt_after", "stream_mode", "output_keys", "subgraphs")
_CONFIG = ("tags", "metadata", "recursion_limit", "run_name", "max_concurrency", "configurable")
_EVENTS = "__pregel_stream_messages_v2"
"""How LangGraph tells itself that messages are streamed as content blocks (pregel/main.py, `_pregel_stream_v3`)."""
_NO_THREAD = "replay"


@dataclass(frozen=True, slots=True)
class Start:
    """Everything that the graph is called with."""

    graph: Any
    input: Any
    config: dict[str, Any]
    kwargs: dict[str, Any]


def restore_start(graph: Any, run: AgentRun, *, context: Any = None, store: Any = None) -> Start:
    """A copy of the graph and the arguments with which to run it again.

    The copy has no node cache and a checkpointer of its own, holding what the recorded run and its nested runs started
    from, so nothing of the application's is read or written. A graph that a node calls with a checkpointer of its own
    is lent this one by LangGraph, as any graph that runs inside a node (pregel/main.py, `_resolve_checkpointer`).
    """
    call = dict(run.payload("config") or {})
    saver = _saver(run) if call.get("checkpointer") else None
    update: dict[str, Any] = {"checkpointer": saver, "cache": None}
    if store is not None or (graph.store is None and any(effect.kind == "store" for effect in run.effects)):
        update["store"] = store if store is not None else InMemoryStore()
    config = {key: call[key] for key in _CONFIG if call.get(key) is not None}
    if saver is not None:
        config["configurable"] = {"thread_id": _NO_THREAD, **(config.get("configurable") or {})}
    kwargs = {key: call[key] for key in _CALL if call.get(key) is not None}
    if call.get("events"):
        kwargs["version"] = "v2"
        config["configurable"] = {**(config.get("configurable") or {}), _EVENTS: True}
    if saver is None:
        kwargs.pop("durability", None)  # LangGraph warns where it has no effect
    recorded_context = run.payload("context") if context is None else context
    if recorded_context is not None:
        kwargs["context"] = recorded_context
    return Start(_copy(graph, update), run.input, config, kwargs)


def _copy(graph: Any, update: dict[str, Any]) -> Any:
    try:
        return graph.copy(update=update)
    except (TypeError, AttributeError) as error:
        raise NotReplayable(f"{type(graph).__name__} is no compiled LangGraph graph: {error}") from error


def _saver(run: AgentRun) -> InMemorySaver:
    saver = _ReplaySaver()
    seen: set[tuple[str, str]] = set()
    for each in _runs(run):
        start = each.payload("start")
        if start is None:
            continue
        configurable = dict(start.get("config") or {})
        place = (str(configurable.get("thread_id", _NO_THREAD)), str(configurable.get("checkpoint_ns", "")))
        if place not in seen:  # the second run in a namespace starts from what the first left there
            seen.add(place)
            saver.seed(place, start)
    return saver


def _runs(run: AgentRun) -> Iterator[AgentRun]:
    yield run
    for inner in run.nested:
        yield from _runs(inner)


class _ReplaySaver(InMemorySaver):
    """Keeps Python objects as they are: what comes back is what was recorded, whatever the first saver was."""

    def __init__(self) -> None:
        super().__init__(serde=_Copies())
        self._whole_versions = False

    def seed(self, place: tuple[str, str], start: Mapping[str, Any]) -> None:
        """Put a recorded checkpoint and its pending writes, through the public methods of every saver."""
        checkpoint = dict(start["checkpoint"])
        versions: ChannelVersions = checkpoint.get("channel_versions") or {}
        self._whole_versions = any(isinstance(version, int) for version in versions.values())
        configurable: dict[str, Any] = {"thread_id": place[0], "checkpoint_ns": place[1]}
        if start.get("parent"):
            configurable["checkpoint_id"] = start["parent"]
        metadata: Any = start.get("metadata") or {}
        saved = self.put({"configurable": configurable}, checkpoint, metadata, versions)  # type: ignore[arg-type]
        if start.get("superseded"):
            newer = {**checkpoint, "id": str(uuid.UUID(int=uuid.UUID(checkpoint["id"]).int + 1))}
            self.put(saved, newer, metadata, {})  # type: ignore[arg-type]
        by_task: defaultdict[str, list[tuple[str, Any]]] = defaultdict(list)
        for task_id, channel, value in start.get("pending_writes") or ():
            by_task[task_id].append((channel, value))
        for task_id, writes in by_task.items():
            self.put_writes(saved, writes, task_id)

    def get_next_version(self, current: Any, channel: None) -> Any:
        """Versions of the recorded kind: they are compared with recorded ones."""
        if self._whole_versions or isinstance(current, int):
            return int(current or 0) + 1
        return super().get_next_version(current, channel)


class _Copies:
    """A serializer that copies instead."""

    def dumps_typed(self, obj: Any) -> tuple[str, Any]:
        return "copy", _copied(obj)

    def loads_typed(self, data: tuple[str, Any]) -> Any:
        return _copied(data[1])


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - what cannot be copied is kept as it is
        return value
