"""Node executions: every attempt of every node and task, once.

Depends on langgraph/pregel/_runner.py looking up `run_with_retry` and `arun_with_retry` by these names, and on
_retry.py running each attempt as ``task.proc.invoke/ainvoke/astream(task.input, config)``. The task handed on is a
copy whose ``proc`` is ours: the retry loop, its back-off and its timeouts stay LangGraph's own, and each attempt
crosses the boundary by itself. Everything else of the task, its ``writes`` above all, is shared with the original.
"""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import Any

from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand

from otel_agent.boundary.crossing import (
    Answer,
    Crossing,
    acall,
    aiterate,
    call,
    handler_in_force,
    unwrap,
)
from otel_agent.boundary.patch import Patches
from otel_agent.model.effect import Raised

HIDDEN_TAG = "langsmith:hidden"


def patch_nodes(patches: Patches) -> None:
    """Put the seams for node executions in place, in the runner and where a distributed executor finds them."""
    for module in ("_runner", "_retry"):
        owner = importlib.import_module(f"langgraph.pregel.{module}")
        patches.wrap(owner, "run_with_retry", _wrap_run)
        patches.wrap(owner, "arun_with_retry", _wrap_arun)


def node_crossing(task: Any, attempt: int) -> Crossing:
    """Describe one attempt of a node; ``task`` is LangGraph's `PregelExecutableTask`."""
    return Crossing("node", task.name, task.input, details={"task": task, "attempt": attempt})


def is_hidden(task: Any) -> bool:
    """True for LangGraph's own nodes, which it hides from tracers itself."""
    return HIDDEN_TAG in (task.config.get("tags") or ()) or task.name == "__start__"


def status_of(error: BaseException) -> str:
    """How an execution ended that raised: interrupt and parent command are no errors."""
    name = type(error).__name__
    if isinstance(error, GraphInterrupt):
        return "interrupted"
    if isinstance(error, ParentCommand):
        return "parent_command"
    if isinstance(error, GraphBubbleUp):
        return "completed"
    if isinstance(error, GeneratorExit):
        return "closed_early"
    if name == "CancelledError":
        return "cancelled"
    return "timeout" if name == "NodeTimeoutError" else "failed"


class Attempts:
    """Stands in for a task's ``proc``: each call of it is one attempt."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self._proc = task.proc
        self._count = 0
        self._last: Crossing | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._proc, name)

    def invoke(self, value: Any, config: Any = None, **kwargs: Any) -> Any:
        """Cross with `proc.invoke`."""
        return call(self._next(), self._proc.invoke, value, config, serve=self._serve, **kwargs)

    async def ainvoke(self, value: Any, config: Any = None, **kwargs: Any) -> Any:
        """Cross with `proc.ainvoke`."""
        return await acall(self._next(), self._proc.ainvoke, value, config, serve=self._serve, **kwargs)

    async def astream(self, value: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Cross with `proc.astream`, which LangGraph uses under `astream_events`."""
        items = aiterate(self._next(), self._proc.astream, value, config, serve=self._serve_many, **kwargs)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()  # type: ignore[attr-defined]

    def finish(self, error: BaseException | None = None) -> None:
        """The retry loop is over: end an attempt that is still open, as one is after a timeout."""
        scope = self._last.scope if self._last is not None else None
        settle = getattr(scope, "settle", None)
        if settle is not None:
            settle(Raised(error) if error is not None else None)

    def _next(self) -> Crossing:
        if self._last is not None:
            self.finish(self._timeout_error())
        self._count += 1
        self._started = time.monotonic()
        self._last = node_crossing(self.task, self._count)
        return self._last

    def _timeout_error(self) -> BaseException | None:
        """A second attempt begins while the first is open: only a timeout leaves one behind (_retry.py:500)."""
        policy = getattr(self.task, "timeout", None)
        if policy is None:
            return None
        from langgraph.errors import NodeTimeoutError

        run_s, idle_s = getattr(policy, "run_timeout", None), getattr(policy, "idle_timeout", None)
        elapsed = time.monotonic() - self._started
        kind: Any = "idle" if idle_s is not None and run_s is None else "run"
        return NodeTimeoutError(self.task.name, elapsed, kind=kind, idle_timeout=idle_s, run_timeout=run_s)

    def _serve(self, answer: Answer) -> Any:
        if answer.writes is not None:
            self.task.writes.extend(answer.writes)
        return unwrap(answer)

    def _serve_many(self, answer: Answer) -> Any:
        yield self._serve(answer)


def _wrap_run(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run_with_retry(task: Any, *args: Any, **kwargs: Any) -> Any:
        if handler_in_force() is None:
            return original(task, *args, **kwargs)
        watched, attempts = _watched(task)
        try:
            result = original(watched, *args, **kwargs)
        except BaseException as error:
            attempts.finish(error)
            raise
        attempts.finish()
        return result

    return run_with_retry


def _wrap_arun(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def arun_with_retry(task: Any, *args: Any, **kwargs: Any) -> Any:
        if handler_in_force() is None:
            return await original(task, *args, **kwargs)
        watched, attempts = _watched(task)
        try:
            result = await original(watched, *args, **kwargs)
        except BaseException as error:
            attempts.finish(error)
            raise
        attempts.finish()
        return result

    return arun_with_retry


def _watched(task: Any) -> tuple[Any, Attempts]:
    """The task with a ``proc`` that counts attempts; all else is the original's, its deque of writes above all."""
    attempts = Attempts(task)
    return _copy_of(task, attempts), attempts


def _copy_of(task: Any, proc: Any) -> Any:
    """`dataclasses.replace(task, proc=proc)` without its checks: this is done for every task."""
    cls: Any = type(task)
    names = _fields.get(cls)
    if names is None:
        names = _fields[cls] = tuple(field.name for field in fields(cls))
    copied = cls.__new__(cls)
    for name in names:
        object.__setattr__(copied, name, getattr(task, name))
    object.__setattr__(copied, "proc", proc)
    return copied


_fields: dict[type, tuple[str, ...]] = {}
