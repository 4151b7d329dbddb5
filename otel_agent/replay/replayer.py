"""Deterministic replay: the application's real graph again, every effect answered from the record, nothing outside."""

from __future__ import annotations

import asyncio
import contextvars
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from otel_agent.boundary import crossing as boundary
from otel_agent.boundary.backoff import waits_held_back
from otel_agent.boundary.fingerprint import describe_change
from otel_agent.boundary.install import install, uninstall
from otel_agent.boundary.sockets import watched_sockets, watcher
from otel_agent.boundary.threads import contexts_carried
from otel_agent.boundary.types import register_framework_types, register_types
from otel_agent.capture.recorder import Recorder
from otel_agent.codec.registry import default as registry
from otel_agent.errors import ConfigurationError, NotReplayable, OtelAgentError, RecordError
from otel_agent.export import Bucket, collect, private_provider
from otel_agent.export.spans import run_tracer
from otel_agent.model import AgentRun
from otel_agent.rebuild import rebuild_run
from otel_agent.replay.compare import UNREDACTED
from otel_agent.replay.divergences import Diverged, RecordEnds, Words
from otel_agent.replay.guard import NetworkGuard
from otel_agent.replay.record import Record
from otel_agent.replay.report import ReplayReport
from otel_agent.replay.responder import Responder
from otel_agent.replay.start import Start, restore_start

_DEFAULT_MODE = ("updates", "values")
"""What `Pregel.invoke` streams."""


def replay_run(graph: Any, run: AgentRun, *, context: Any = None, store: Any = None) -> ReplayReport:
    """Run the graph again from the record alone; no call leaves, and the first divergence ends it.

    Works for runs recorded with any way of running. A graph with nodes that can only be awaited is run in an event
    loop of its own.

    Args:
        graph: the compiled graph that was recorded, or one changed since.
        run: the recorded run.
        context: for the ``context`` argument, where the recorded one cannot be decoded.
        store: for a graph whose store is not configured here; it is answered from the record and never asked.

    Raises:
        IncompleteRecord, AlteredRecord: the trace is not whole; nothing was run.
        NotReplayable: the record says so itself, and why; nothing was run.
        ConfigurationError: OpenTelemetry's SDK is switched off.

    """
    replay = _prepare(graph, run, context, store)
    if not _is_awaited_only(graph):
        replay.inside(lambda: _drain(replay.start))
    else:
        # A thread has no event loop of its own, whatever runs in the caller's; its future raises here what it raised.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(replay.inside, lambda: asyncio.run(_adrain(replay.start))).result()
    return replay.report()


async def areplay_run(graph: Any, run: AgentRun, *, context: Any = None, store: Any = None) -> ReplayReport:
    """`replay_run` in the caller's event loop, by `astream`."""
    replay = _prepare(graph, run, context, store)
    await replay.ainside(lambda: _adrain(replay.start))
    return replay.report()


def check_replayable(run: AgentRun) -> None:
    """Refuse a run that is not whole, or cannot be replayed, before anything runs.

    Raises:
        RecordError: what is missing or altered; the first problem, and how many there are.
        NotReplayable: the record says so itself, and why.

    """
    if run.problems:
        first = run.problems[0]
        others = "".join(f"\n  and: {problem}" for problem in run.problems[1:])
        raise type(first)(f"{first}{others}", span_id=first.span_id)
    if run.status == "unfinished":
        raise NotReplayable(f"run {run.run_id} never ended: what came after its last span is not known")
    if not run.replayable or run.reasons:
        raise NotReplayable(f"run {run.run_id} cannot be replayed: {'; '.join(run.reasons) or 'no reason is given'}")
    if "input" not in run.payloads or run.payloads["input"].text is None:
        raise NotReplayable(f"run {run.run_id} cannot be replayed: its content was not captured")


def graph_changes(graph: Any, run: AgentRun) -> list[str]:
    """What the graph has changed in since the run was recorded."""
    recorded = run.payload("fingerprint")
    return describe_change(recorded, graph) if isinstance(recorded, dict) else []


def _prepare(graph: Any, run: AgentRun, context: Any, store: Any) -> _Replay:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        raise ConfigurationError("a replay is recorded itself: unset OTEL_SDK_DISABLED for it")
    register_framework_types(registry)
    register_types(graph, registry)
    check_replayable(run)
    changes = graph_changes(graph, run)
    start = restore_start(graph, run, context=context, store=store)
    return _Replay(run, start, Record(run), Words(run.run_id, changes), tuple(changes))


@dataclass
class _Replay:
    """One replay from its start to its report."""

    run: AgentRun
    start: Start
    record: Record
    words: Words
    changes: tuple[str, ...]
    bucket: Bucket | None = None
    duration_s: float = 0.0

    def __post_init__(self) -> None:
        provider = private_provider()
        self.recorder = Recorder(provider, tracer=run_tracer(provider), content=True, redactor=UNREDACTED)
        self.responder = Responder(self.recorder, self.record, self.words)
        self.guard = NetworkGuard(self.responder.refuse_connection)

    def inside(self, drive: Callable[[], Any]) -> None:
        """Drive the graph in a context where this replay's handler is in force."""
        with self._in_force() as context:
            try:
                context.run(drive)
            except BaseException as error:  # noqa: BLE001 - told apart from the run's own outcome
                self._outcome(error)

    async def ainside(self, drive: Callable[[], Any]) -> None:
        """The same for a coroutine, in a task of its own."""
        with self._in_force() as context:
            task = context.run(asyncio.ensure_future, drive())
            try:
                await task
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError) and not task.done():
                    task.cancel()
                    raise
                self._outcome(error)

    @contextmanager
    def _in_force(self) -> Iterator[contextvars.Context]:
        """Seams, guard and recording for the time of the replay, in a context of its own."""
        install()
        started = time.perf_counter()
        try:
            with ExitStack() as stack:
                for held in (waits_held_back, watched_sockets, contexts_carried):
                    stack.enter_context(held())
                self.bucket = stack.enter_context(collect(private_provider()))
                context = contextvars.copy_context()
                context.run(self._enter)
                yield context
        finally:
            self.duration_s = time.perf_counter() - started
            uninstall()
        self.responder.finish()
        if self.responder.failure is not None:
            raise self.responder.failure

    def _enter(self) -> None:
        otel_context.attach(Context())
        boundary.override.set(self.responder)
        boundary.current_scope.set(None)
        watcher.set(self.guard)

    def _outcome(self, error: BaseException) -> None:
        """What ended the run: a divergence, the record's end, or what ended it when it was recorded."""
        if isinstance(error, (Diverged, RecordEnds)) or self.responder.divergence is not None:
            return
        if self.run.error is None:  # neither the record's nor a divergence: a defect, of ours or of the interpreter
            raise error

    def report(self) -> ReplayReport:
        """What was found."""
        divergence = self.responder.divergence
        ended_ns = self.run.ended_ns
        return ReplayReport(
            ok=divergence is None and self.guard.connections == 0,
            run_id=self.run.run_id,
            status=self.run.status,
            run=self._rebuilt(),
            divergence=divergence,
            nodes_replayed=self.responder.nodes_replayed,
            effects_served=self.responder.effects_served,
            connections=self.guard.connections,
            graph_changes=self.changes,
            duration_s=self.duration_s,
            recorded_duration_s=(ended_ns - self.run.started_ns) / 1e9 if ended_ns is not None else None,
        )

    def _rebuilt(self) -> AgentRun | None:
        """The replay as a run; None where it was stopped before it had a root span."""
        try:
            return rebuild_run(self.bucket.spans) if self.bucket is not None else None
        except (RecordError, OtelAgentError):
            return None


def _drain(start: Start) -> None:
    for _ in start.graph.stream(start.input, start.config, **_streamed(start)):
        pass


async def _adrain(start: Start) -> None:
    async for _ in start.graph.astream(start.input, start.config, **_streamed(start)):
        pass


def _streamed(start: Start) -> dict[str, Any]:
    """Stream as the run was streamed: a handler for message tokens gives ids to messages, for instance."""
    return {"stream_mode": list(_DEFAULT_MODE), **start.kwargs}


def _is_awaited_only(graph: Any) -> bool:
    """Whether a node of the graph has no synchronous function."""
    for node in getattr(graph, "nodes", {}).values():
        bound = getattr(node, "bound", None)
        if getattr(bound, "afunc", None) is not None and getattr(bound, "func", None) is None:
            return True
        if any(_is_awaited_only(inner) for inner in getattr(node, "subgraphs", None) or ()):
            return True
    return False
