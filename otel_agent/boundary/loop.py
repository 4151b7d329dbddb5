"""What a run does between its nodes: where it started, what each superstep left, which nodes did not run.

Depends on langgraph/pregel/_loop.py: `PregelLoop._first` (the loaded checkpoint is at hand), `after_tick` (writes
are applied), `_reapply_writes_to_succeeded_nodes` (writes handed back on resume; `_match_writes` before 1.2), and
`(a)match_cached_writes` (node-cache hits). Each hook is small and optional: where one is missing, runs and nodes are
recorded all the same.

Events given to `Handler.observe`: ``loop`` (a loop is about to take its first step), ``state`` (the input or a
superstep was applied), ``resumed`` and ``cached`` (tasks whose writes came from elsewhere than their body).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from langgraph.pregel import _loop

from otel_agent.boundary.crossing import handler_in_force
from otel_agent.boundary.node import node_crossing
from otel_agent.boundary.patch import Patches

_REAPPLY, _MATCH = "_reapply_writes_to_succeeded_nodes", "_match_writes"


def patch_loop(patches: Patches) -> None:
    """Put the observers of the loop in place."""
    patches.wrap(_loop.PregelLoop, "_first", _wrap_first)
    patches.wrap(_loop.PregelLoop, "after_tick", _wrap_after_tick)
    patches.wrap(_loop.PregelLoop, _MATCH if hasattr(_loop.PregelLoop, _MATCH) else _REAPPLY, _wrap_reapply)
    patches.wrap(_loop.SyncPregelLoop, "match_cached_writes", _wrap_match)
    patches.wrap(_loop.AsyncPregelLoop, "amatch_cached_writes", _wrap_amatch)


def _observe(event: str, subject: Any) -> None:
    handler = handler_in_force()
    if handler is not None:
        handler.observe(event, subject)


def _wrap_first(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def _first(self: Any, **kwargs: Any) -> Any:
        _observe("loop", self)
        result = original(self, **kwargs)
        _observe("state", self)
        return result

    return _first


def _wrap_after_tick(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def after_tick(self: Any) -> Any:
        result = original(self)
        _observe("state", self)
        return result

    return after_tick


def _wrap_reapply(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def _reapply_writes_to_succeeded_nodes(self: Any, tasks: Any) -> Any:
        before = {key for key, task in tasks.items() if task.writes}
        result = original(self, tasks)
        resumed = [task for key, task in tasks.items() if task.writes and key not in before]
        if resumed:
            _observe("resumed", resumed)
        return result

    return _reapply_writes_to_succeeded_nodes


def _recalled(loop: Any) -> list[Any]:
    """Tasks that a node cache answered when this run was recorded (replay only)."""
    handler = handler_in_force()
    found: list[Any] = []
    if handler is None:
        return found
    for task in loop.tasks.values():
        if not task.writes and (answer := handler.recall(node_crossing(task, 1))) is not None:
            task.writes.extend(answer.writes or ())
            found.append(task)
    return found


def _wrap_match(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def match_cached_writes(self: Any) -> Any:
        recalled = _recalled(self)
        matched = [*recalled, *original(self)] if recalled else original(self)
        if matched:
            _observe("cached", matched)
        return matched

    return match_cached_writes


def _wrap_amatch(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def amatch_cached_writes(self: Any) -> Any:
        recalled = _recalled(self)
        matched = [*recalled, *(await original(self))] if recalled else await original(self)
        if matched:
            _observe("cached", matched)
        return matched

    return amatch_cached_writes
