"""What is recorded of a node execution."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import orjson

from otel_agent.boundary.node import is_hidden
from otel_agent.capture.scope import RecordedScope, clean
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Raised, Returned

_UNKNOWN = object()


class NodeScope(RecordedScope):
    """One attempt of one node or task."""

    kind: ClassVar[str] = "node"
    error_payload: ClassVar[str] = names.NODE_ERROR
    step = 0
    path = ""
    attempt = 1
    goto: list[str] | None = None
    """Nodes that it triggered, where its writes are the items of its output and these triggers."""
    forced_status: str | None = None
    """cached or resumed: the body did not run, and its writes are known all the same."""

    def status(self, error: BaseException | None) -> str:
        """How it ended, or that it did not run at all."""
        return self.forced_status or super().status(error)

    def describe_start(self) -> tuple[str, dict[str, Any]]:
        """The node, where it is in the run, and its input."""
        details, run, name = self.crossing.details, self.run, self.crossing.name
        self.task = task = details.get("task")
        self.attempt = details.get("attempt", 1)
        self._pending: Outcome | None = None
        self._items: list[Any] = []
        self._policy = _policy_of(task)
        parent = self.parent if task is None and self.parent is not None else run
        if task is not None:
            metadata = task.config.get("metadata") or {}
            self.step = run.relative_step(metadata.get("langgraph_step", 0))
            self.path = path_text(task.path)
            self.recorder.active[task.id] = self
        else:
            self.path = f"audited{self.account.occurrence(parent.seq, 'audited', name)}"
        self.address = f"{parent.address}/{name}@{self.step}:{self.path}#{self.attempt}"
        self.request = self._encode_input()
        self._state = run.state_given(self.crossing.request if self._policy is None else None, self.request.digest)
        late: dict[str, Any] = {
            names.RUN_ID: self.account.run_id,
            names.KIND: "node",
            names.SEQ: self.seq,
            names.ADDRESS: self.address,
            names.NODE_STEP: self.step,
            names.NODE_ATTEMPT: self.attempt,
        }
        if run.thread_id is not None:
            late[names.CONVERSATION_ID] = run.thread_id
        if task is not None and is_hidden(task):
            late[names.NODE_HIDDEN] = True
        self.put(late)
        return f"invoke_node {name}", {names.OPERATION: "invoke_node", names.NODE_NAME: clean(name)}

    def _encode_input(self) -> Any:
        process = getattr(self._policy, "process_inputs", None)
        value = self.crossing.request
        return self.account.encode(value if process is None else process(value), f"{self.address} input")

    def emit(self, item: Any) -> None:
        """Under `astream_events` a node's result comes as items; one item is the whole result."""
        if len(self._items) < 2:
            self._items.append(item)

    def leave(self, outcome: Outcome) -> None:
        """Two endings are settled by the retry loop: a command to the parent, for which the writers may still write,
        and a cancelled attempt of a node with a timeout, which the loop may have cancelled itself.
        """
        status = self.status(outcome.error if isinstance(outcome, Raised) else None)
        timed = getattr(self.task, "timeout", None) is not None
        if status == "parent_command" or (status == "cancelled" and timed):
            self._pending = outcome
        else:
            super().leave(outcome)

    def settle(self, outcome: Outcome | None) -> None:
        """The retry loop is over; what is still open ends now, with the outcome it is known to have."""
        if not self.left:
            super().leave(outcome or self._pending or Returned(None))

    def describe_end(self, outcome: Outcome, status: str) -> None:
        """Status, output and writes."""
        if self.task is not None:
            self.recorder.active.pop(self.task.id, None)
        self.put({names.NODE_STATUS: status, names.NODE_STATE: self._state_beside_input()})
        assert self.request is not None  # noqa: S101 - set in describe_start
        self.write(names.NODE_INPUT, self.request)
        process = getattr(self._policy, "process_outputs", None)
        value = self._output(outcome)
        if value is not _UNKNOWN:
            self.payload(names.NODE_OUTPUT, value if process is None else process(value))
        if self.task is not None and process is None:
            self._record_writes(value, self.task.writes)
        if status == "interrupted" and isinstance(outcome, Raised) and outcome.error.args:
            self.run.interrupts.extend(outcome.error.args[0])
        if self.ids:
            self.payload(names.NODE_IDS, self.ids)

    def _state_beside_input(self) -> str | None:
        """The state's digest, unless the node was given the whole state: then its input has the same."""
        assert self.request is not None  # noqa: S101 - set in describe_start
        return self._state if self._state != self.request.digest else None

    def _record_writes(self, output: Any, writes: Collection[tuple[str, Any]]) -> None:
        """Most nodes write the items of the dict they return and trigger others; that is said in a few bytes."""
        self.goto = goto_of(output, writes)
        if self.goto is not None:
            self.put({names.NODE_GOTO: orjson.dumps(self.goto).decode()})
        elif writes:
            self.payload(names.NODE_WRITES, _by_channel(writes))

    def _output(self, outcome: Outcome) -> Any:
        if isinstance(outcome, Raised):
            return _UNKNOWN
        if self.forced_status is not None or self._items == [None]:
            return update_of(self.task.writes) if self.task is not None else None
        if not self._items:
            return outcome.value
        return self._items[0] if len(self._items) == 1 else _UNKNOWN


def update_of(writes: Iterable[tuple[str, Any]]) -> Any:
    """The state update that a node's writes amount to: `RunnableSeq.astream` hides what the node returned."""
    update = {}
    for channel, value in writes:
        if channel in ("__return__", "__end__"):
            return value
        if not channel.startswith(("__", "branch:", "join:", "start:")):
            update[channel] = value
    return update or None


def _policy_of(task: Any) -> Any:
    """The node's `TracePolicy`, where it has one that hides something."""
    policy = getattr(getattr(task, "proc", None), "trace_policy", None)
    hides = getattr(policy, "process_inputs", None) or getattr(policy, "process_outputs", None)
    return policy if hides else None


_TRIGGER = "branch:to:"


def goto_of(output: Any, writes: Collection[tuple[str, Any]]) -> list[str] | None:
    """The nodes triggered, if the writes are the very items of the output, in order, and triggers; else None."""
    if type(output) is not dict or len(writes) < len(output):
        return None
    rest = list(writes)
    for (key, item), (channel, value) in zip(output.items(), rest, strict=False):
        if channel != key or value is not item:
            return None
    targets = rest[len(output) :]
    if all(value is None and channel.startswith(_TRIGGER) for channel, value in targets):
        return [channel[len(_TRIGGER) :] for channel, _ in targets]
    return None


def _by_channel(writes: Collection[tuple[str, Any]]) -> Any:
    by_channel = dict(writes)
    return by_channel if len(by_channel) == len(writes) else [list(write) for write in writes]


def path_text(path: Any) -> str:
    """A task path without the ids in it: ``pull``, ``send3``, ``call(pull)0``.

    Shapes: langgraph/pregel/_algo.py, `prepare_single_task` and the three it calls.
    """
    head, *rest = path
    if head == "__pregel_pull":
        return "pull"
    if head != "__pregel_push":
        return ".".join(_plain(part) for part in path)
    if rest and isinstance(rest[0], tuple):
        return f"call({path_text(rest[0])}){rest[1]}" if len(rest) > 1 else f"call({path_text(rest[0])})"
    return "send" + ".".join(_plain(part) for part in rest if not isinstance(part, bool))


def _plain(part: Any) -> str:
    return path_text(part) if isinstance(part, tuple) and part else str(part)


def thread_of(config: Mapping[str, Any]) -> str | None:
    """The thread id of a config, as text."""
    thread = (config.get("configurable") or {}).get("thread_id")
    return None if thread is None else str(thread)
