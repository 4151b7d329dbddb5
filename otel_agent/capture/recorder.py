"""The handler that lets every call through and writes it down.

It fails open: whatever goes wrong in here is counted and named on the run's root span, and never reaches the
application. This and `capture.scope` hold the only broad ``except`` of the write side.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.trace import Tracer, TracerProvider

from otel_agent.boundary.crossing import Answer, Crossing, current_scope
from otel_agent.boundary.fingerprint import fingerprint_parts
from otel_agent.boundary.node import node_crossing
from otel_agent.capture.account import Account
from otel_agent.capture.effect import EffectScope
from otel_agent.capture.node import NodeScope
from otel_agent.capture.run import RunScope
from otel_agent.capture.scope import RecordedScope
from otel_agent.codec import Encoded, Encoder, Redactor, names
from otel_agent.model.effect import Returned

logger = logging.getLogger("otel_agent")

run_attributes: ContextVar[Mapping[str, Any] | None] = ContextVar("otel_agent_run_attributes", default=None)
"""Attributes for the root spans of runs that begin in this context (`record_run(attributes=...)`)."""
_last_run_id: ContextVar[str | None] = ContextVar("otel_agent_last_run_id", default=None)

_TASK_ID = "__pregel_task_id"


class Recorder:
    """Records runs, nodes and effects as spans of one tracer provider."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        *,
        tracer: Tracer | None = None,
        content: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        provider = tracer_provider or trace.get_tracer_provider()
        self.tracer: Tracer = tracer or provider.get_tracer(names.SCOPE)
        self.content = content
        self.redactor = redactor or Redactor()
        self.active: dict[str, NodeScope] = {}
        """Node executions in progress by LangGraph's task id, for threads that carry a config but no context."""
        self._fingerprints: WeakKeyDictionary[Any, Encoded] = WeakKeyDictionary()
        self._warned = False

    # --- Handler ------------------------------------------------------------------------------------

    def enter(self, crossing: Crossing) -> RecordedScope | None:
        """Open a scope; None outside of any run, in a run that is not sampled, and when recording fails."""
        try:
            return self._open(crossing)
        except Exception as error:  # noqa: BLE001 - an error of ours must not reach the application
            self.lost(f"{crossing.kind} {crossing.name!r}", error)
            return None

    def draw(self, kind: str, real: Callable[[], Any]) -> Any:
        """Draw for real, and note what came."""
        drawn = real()
        scope = current_scope.get()
        if isinstance(scope, RecordedScope) and kind == "uuid4":
            scope.ids.append(str(drawn))
        return drawn

    def observe(self, event: str, subject: Any) -> None:
        """Take in what the loop does between nodes."""
        scope = current_scope.get()
        if not isinstance(scope, RecordedScope):
            return
        try:
            self._observe(event, subject, scope)
        except Exception as error:  # noqa: BLE001 - an error of ours must not reach the application
            self.lost(event, error)

    def recall(self, crossing: Crossing) -> Answer | None:  # noqa: ARG002
        """Nothing is recalled while recording."""
        return None

    def lost(self, where: str, error: BaseException) -> None:
        """Count a failure of recording on the run in force, and say it once per process."""
        scope = current_scope.get()
        if isinstance(scope, RecordedScope):
            scope.account.lose(where, error)
        if not self._warned:
            self._warned = True
            logger.warning("recording failed in %s; the run is marked, the application goes on", where, exc_info=error)

    # --- what scopes ask ------------------------------------------------------------------------------

    def run_attributes(self) -> Mapping[str, Any]:
        """The attributes that `record_run` asked for in this context."""
        return run_attributes.get() or {}

    def fingerprint_of(self, graph: Any) -> Encoded:
        """The graph's fingerprint, encoded once: it is the same for each of its runs."""
        known = self._fingerprints.get(graph)
        if known is None:
            known = Encoder(self.redactor, keep_text=self.content).encode(fingerprint_parts(graph))
            self._fingerprints[graph] = known
        return known

    def ended(self, scope: RunScope) -> None:
        """A top-level run is over."""
        _last_run_id.set(scope.account.run_id)

    # --- inside -----------------------------------------------------------------------------------------

    def _open(self, crossing: Crossing) -> RecordedScope | None:
        parent = self._parent(crossing)
        if parent is not None and (not parent.span.is_recording() or _is_same_node(crossing, parent)):
            return None
        scope: RecordedScope
        if crossing.kind == "run":
            account = parent.account if parent else Account(self.redactor, content=self.content)
            scope = RunScope(self, crossing, parent, account)
        elif parent is None:
            return None
        elif crossing.kind == "node":
            scope = NodeScope(self, crossing, parent, parent.account)
        else:
            scope = EffectScope(self, crossing, parent, parent.account)
        scope.open()
        return scope

    def _parent(self, crossing: Crossing) -> RecordedScope | None:
        scope = current_scope.get()
        if isinstance(scope, RecordedScope):
            return scope if scope.recorder is self and not scope.left else self._still_open(scope)
        return self._by_task(crossing.details)

    def _still_open(self, scope: RecordedScope | None) -> RecordedScope | None:
        """Work that outlives the node which began it belongs to the nearest scope still open."""
        while scope is not None and (scope.left or scope.recorder is not self):
            scope = scope.parent
        return scope

    def _by_task(self, details: Mapping[str, Any]) -> RecordedScope | None:
        """A thread without our context: the config or the callback metadata names the task it works for."""
        if not self.active:
            return None
        task_id = ((details.get("config") or {}).get("configurable") or {}).get(_TASK_ID)
        if task_id is None:
            metadata = getattr(details.get("run_manager"), "metadata", None) or {}
            task_id = str(metadata.get("langgraph_checkpoint_ns", "")).rpartition(":")[2]
        return self.active.get(task_id)

    def _observe(self, event: str, subject: Any, scope: RecordedScope) -> None:
        if event == "loop" and isinstance(scope, RunScope):
            scope.begin(subject)
        elif event == "state":
            scope.run.take_state(subject)
        elif event in ("cached", "resumed"):
            for task in subject:
                self._without_body(task, event)

    def _without_body(self, task: Any, status: str) -> None:
        """A span for a node whose writes came from elsewhere than its body."""
        scope = self._open(node_crossing(task, 1))
        if isinstance(scope, NodeScope):
            scope.forced_status = status
            scope.leave(Returned(None))


def _is_same_node(crossing: Crossing, parent: RecordedScope) -> bool:
    """An `audited` function that is the body of the node being recorded is that node."""
    return (
        crossing.kind == "node"
        and crossing.method == "audited"
        and isinstance(parent, NodeScope)
        and parent.crossing.name == crossing.name
    )


def current_run_id() -> str | None:
    """The id of the run in force here, else of the last one that ended in this context, else None."""
    scope = current_scope.get()
    if isinstance(scope, RecordedScope):
        return scope.account.run_id
    return _last_run_id.get()
