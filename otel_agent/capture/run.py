"""What is recorded of a run: the request, where it started from, what each superstep left, and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from opentelemetry import trace

from otel_agent.boundary.graph import is_agent
from otel_agent.capture.links import checkpoints
from otel_agent.capture.node import thread_of
from otel_agent.capture.scope import RecordedScope
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Returned

_CALL = ("durability", "interrupt_before", "interrupt_after", "stream_mode", "output_keys", "subgraphs", "version")
_CONFIG = ("tags", "metadata", "recursion_limit", "run_name", "max_concurrency")
_EVENTS = "__pregel_stream_messages_v2"
"""LangGraph's mark of `stream_events(version="v3")`, under which models give content blocks (pregel/main.py)."""
_INTERNAL = ("__", "checkpoint_map", "checkpoint_ns")
_NOT_STATE = ("__", "branch:", "join:", "start:")


class RunScope(RecordedScope):
    """One run of a graph, top-level or nested."""

    kind: ClassVar[str] = "run"
    error_payload: ClassVar[str] = names.RUN_ERROR

    def describe_start(self) -> tuple[str, dict[str, Any]]:
        """The graph, its input, and how it was called."""
        crossing = self.crossing
        details, name = crossing.details, crossing.name
        self.graph = details.get("graph")
        self.loop: Any = None
        self._state: str | None = None
        self._state_is_old = False
        self.interrupts: list[Any] = []
        self._first_step: int | None = None
        self.config: Mapping[str, Any] = details.get("config") or {}
        self.thread_id = thread_of(self.config) or thread_of(getattr(self.graph, "config", None) or {})
        self.address = self._address(name)
        encode = self.account.encode_apart if self.parent is None else self.account.encode
        self.request = encode(crossing.request, f"{self.address or 'run'} input")
        agent = is_agent(self.graph)
        operation = "invoke_agent" if agent else "invoke_workflow"
        attributes: dict[str, Any] = {
            names.OPERATION: operation,
            (names.AGENT_NAME if agent else names.WORKFLOW_NAME): name,
            names.KIND: "run",
            names.SEQ: self.seq,
            names.ADDRESS: self.address,
            names.RUN_GRAPH: name,
            names.RUN_METHOD: crossing.method,
            names.RUN_ASYNC: crossing.method.startswith("a") and crossing.method != "audited",
        }
        if self.thread_id is not None:
            attributes |= {names.CONVERSATION_ID: self.thread_id, names.RUN_THREAD: self.thread_id}
        if self.account.run_id:
            attributes[names.RUN_ID] = self.account.run_id
        if self.config.get("run_id") is not None:
            attributes[names.RUN_CALLER_ID] = str(self.config["run_id"])
        attributes |= self.recorder.run_attributes() if self.parent is None else {}
        return f"{operation} {name}", attributes

    @property
    def run(self) -> RunScope:
        """Itself."""
        return self

    @property
    def root(self) -> RunScope:
        """The top-level run it is in, or itself."""
        return self if self.parent is None else self.parent.run.root

    def open(self) -> None:
        """Start the span; the root's ids make the run id."""
        super().open()
        if self.parent is None:
            account = self.account
            account.trace_id = trace.format_trace_id(self.span.get_span_context().trace_id)
            account.run_id = f"{account.trace_id}-{self.span_id}"
            self.put({names.RUN_ID: account.run_id})

    def _address(self, name: str) -> str:
        if self.parent is None:
            return ""
        return f"{self.parent.address}/graph~{name}~{self.account.occurrence(self.parent.seq, 'run', name)}"

    def relative_step(self, step: int) -> int:
        """The superstep, counted from the first that this run takes."""
        if self._first_step is None:
            self._first_step = step
        return step - self._first_step

    # --- what the loop tells --------------------------------------------------------------------------

    def begin(self, loop: Any) -> None:
        """The loop has loaded what it starts from; keep it before the first step changes it."""
        self.loop = loop
        checkpoint = loop.checkpoint
        if not checkpoint.get("channel_versions"):
            return
        kind = self._start_kind(loop)
        origin = checkpoints.origin(checkpoint["id"])
        if origin is not None:
            self.span.add_link(origin, {names.RUN_LINK: kind})
        start: dict[str, Any] = {
            "kind": kind,
            "checkpoint": dict(checkpoint),
            "metadata": dict(loop.checkpoint_metadata),
            "pending_writes": [list(write) for write in loop.checkpoint_pending_writes],
            "config": _public(loop.checkpoint_config.get("configurable") or {}, keep_ns=True),
        }
        before = getattr(loop, "prev_checkpoint_config", None) or {}
        if (parent := (before.get("configurable") or {}).get("checkpoint_id")) is not None:
            start["parent"] = parent
        if getattr(loop, "_addressed_checkpoint_superseded", False):  # LangGraph then reruns tasks that had finished
            start["superseded"] = True
        self.payload(names.RUN_START, start)

    def _start_kind(self, loop: Any) -> str:
        if (self.config.get("configurable") or {}).get("checkpoint_id"):
            return "fork"
        resumes = loop.input is None or getattr(loop.input, "resume", None) is not None
        return "resume" if resumes or self.parent is not None else "continue"

    def take_state(self, loop: Any) -> None:
        """The input or a superstep was applied; remember which run made the checkpoint."""
        self._state_is_old = True
        if loop.checkpointer:
            checkpoints.made(loop.checkpoint["id"], self.root.span.get_span_context())

    @property
    def state(self) -> str | None:
        """Digest of the state in force."""
        return self.state_given(None, "")

    def state_given(self, known: Any, digest: str) -> str | None:
        """The same, right after ``known`` of this digest was encoded: most nodes are given the whole state."""
        if self._state_is_old:
            self._state_is_old = False
            values = {
                name: channel.get()
                for name, channel in self.loop.channels.items()
                if not name.startswith(_NOT_STATE) and channel.is_available()
            }
            self._state = digest if _is_same(known, values) else self.account.digest(values)
        return self._state

    # --- the end ------------------------------------------------------------------------------------------

    def status(self, error: BaseException | None) -> str:
        """A root run ends normally on an interrupt; the loop tells."""
        status = super().status(error)
        loop_status = getattr(self.loop, "status", "done")
        asked = self.interrupts and loop_status not in ("done", "out_of_steps")
        stopped = loop_status.startswith("interrupt") or asked
        return "interrupted" if status == "completed" and stopped else status

    def describe_end(self, outcome: Outcome, status: str) -> None:
        """Output, status, and for a root the closed account."""
        self.put({names.RUN_STATUS: status})
        assert self.request is not None  # noqa: S101 - set in describe_start
        self.write(names.RUN_INPUT, self.account.encoder.again(self.request))
        if self.loop is not None:
            namespace = (self.loop.config.get("configurable") or {}).get("checkpoint_ns")
            self.put({names.RUN_CHECKPOINT_NS: namespace or None})
            if status in ("completed", "interrupted"):
                self.payload(names.RUN_OUTPUT, getattr(self.loop, "output", None))
        elif isinstance(outcome, Returned):
            self.payload(names.RUN_OUTPUT, outcome.value)
        self.put({names.RUN_STATE: self.state})
        if self.interrupts:
            self.payload(names.RUN_INTERRUPTS, self.interrupts)
        if self.ids:
            self.payload(names.RUN_IDS, self.ids)
        if self.parent is None:
            self._describe_call()

    def leave(self, outcome: Outcome) -> None:
        """Nested interrupts belong to the run around them too."""
        super().leave(outcome)
        self.loop = None  # else it lives until the garbage collector comes by: a scope and its Context are a cycle
        if self.parent is None:
            self.recorder.ended(self)

    def _describe_call(self) -> None:
        kwargs = self.crossing.details.get("kwargs") or {}
        call: dict[str, Any] = {key: kwargs[key] for key in _CALL if kwargs.get(key) is not None}
        call |= {key: self.config[key] for key in _CONFIG if self.config.get(key) is not None}
        configurable = self.config.get("configurable") or {}
        call["configurable"] = _public(configurable)
        if configurable.get(_EVENTS):
            call["events"] = True
        if self.graph is not None:
            call["checkpointer"] = bool(getattr(self.loop, "checkpointer", None))
            self.write(names.RUN_FINGERPRINT, self.recorder.fingerprint_of(self.graph))
        self.payload(names.RUN_CONFIG, call)
        if kwargs.get("context") is not None:
            self.payload(names.RUN_CONTEXT, kwargs["context"])
        if self.crossing.method not in ("stream", "astream"):
            self.account.blame(f"a run by {self.crossing.method} has no graph to run again")

    def _end(self) -> None:
        if self.parent is None:
            self._attributes.update(self.account.close())
        super()._end()


def _is_same(known: Any, values: dict[str, Any]) -> bool:
    """Whether it is a dict of the very same values."""
    if type(known) is not dict or len(known) != len(values):
        return False
    return all(known.get(key, values) is value for key, value in values.items())


def _public(configurable: Mapping[str, Any], *, keep_ns: bool = False) -> dict[str, Any]:
    """What the caller gave, without what LangGraph keeps there for itself."""
    internal = _INTERNAL[:2] if keep_ns else _INTERNAL
    return {key: value for key, value in configurable.items() if not key.startswith(internal)}
