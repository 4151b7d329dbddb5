"""The inside of one crossing as the recorder sees it: a span, opened and closed with what it must say.

`RunScope`, `NodeScope` and `EffectScope` differ in what they record; opening, sealing and ending is the same.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel_agent.boundary.crossing import Answer, Crossing, current_scope
from otel_agent.boundary.node import status_of
from otel_agent.codec import Encoded, names, payload_fields, seal_of
from otel_agent.model.effect import Outcome, Raised

if TYPE_CHECKING:
    from otel_agent.capture.account import Account
    from otel_agent.capture.recorder import Recorder
    from otel_agent.capture.run import RunScope

ERRORS = ("failed", "cancelled", "timeout")
"""Statuses that are errors; interrupts, parent commands and early-closed streams are not."""
_LEFT = Context()
_MAX_TEXT = 1000
_MAX_STACK = 8000


class RecordedScope:
    """One crossing being recorded. ``leave`` is idempotent: the first outcome counts."""

    kind: ClassVar[str] = "effect"
    span_kind = SpanKind.INTERNAL
    error_payload: ClassVar[str] = names.EFFECT_ERROR

    def __init__(self, recorder: Recorder, crossing: Crossing, parent: RecordedScope | None, account: Account) -> None:
        self.recorder = recorder
        self.crossing = crossing
        self.parent = parent
        self.account = account
        self.answer: Answer | None = None
        self.recorded: dict[str, Encoded] = {}
        self.on_leave: Callable[[Any, Outcome], None] | None = None
        self.address = ""
        self.request: Encoded | None = None
        self.ids: list[str] = []
        self.left = False
        self.otel_context: otel_context.Context
        self.span_id = ""
        self._started_with: dict[str, Any] = {}
        self._attributes: dict[str, Any] = {}
        self._events: list[tuple[str, dict[str, Any]]] = []

    # --- what the kinds fill in ---------------------------------------------------------------------

    def describe_start(self) -> tuple[str, dict[str, Any]]:
        """Address and request are set here. Returns span name and attributes known before the body runs."""
        raise NotImplementedError

    def describe_end(self, outcome: Outcome, status: str) -> None:
        """Record what the body gave, through `payload` and `put`."""
        raise NotImplementedError

    # --- opening ----------------------------------------------------------------------------------------

    @property
    def run(self) -> RunScope:
        """The innermost run it is in."""
        assert self.parent is not None  # noqa: S101 - only a run has none, and it answers for itself
        return self.parent.run

    @property
    def root(self) -> RunScope:
        """The top-level run it is in."""
        return self.run.root

    def open(self) -> None:
        """Start the span and make it current in a Context of our own, which is dropped and never detached."""
        self.seq = self.account.number(self.kind)
        self.account.encoder.touch()
        name, attributes = self.describe_start()
        surrounding = otel_context.get_current()
        if self.parent is not None and trace.get_current_span(surrounding) is trace.INVALID_SPAN:
            surrounding = self.parent.otel_context
        self.started_ns = time.time_ns()
        self.span = self.recorder.tracer.start_span(
            clean(name), surrounding, self.span_kind, attributes, start_time=self.started_ns
        )
        self.name = clean(name)
        self._parent_id = self._span_id_of(surrounding)
        self.span_id = trace.format_span_id(self.span.get_span_context().span_id)
        self._started_with = attributes
        self.otel_context = trace.set_span_in_context(self.span, surrounding)
        self.context: Context = copy_context()
        self.context.run(self._make_current)

    def _span_id_of(self, surrounding: otel_context.Context) -> str | None:
        around = trace.get_current_span(surrounding)
        if self.parent is not None and around is self.parent.span:
            return self.parent.span_id
        context = around.get_span_context()
        return trace.format_span_id(context.span_id) if context.is_valid else None

    def _make_current(self) -> None:
        current_scope.set(self)
        otel_context.attach(self.otel_context)

    # --- while it is open ---------------------------------------------------------------------------

    def emit(self, item: Any) -> None:
        """A streamed item goes by; kinds that record items override this."""

    def put(self, attributes: Mapping[str, Any]) -> None:
        """Attributes for the end of the span; strings are made safe to export."""
        for key, value in attributes.items():
            if value is not None:
                self._attributes[key] = clean(value) if isinstance(value, str) else value

    def payload(self, name: str, value: Any) -> Encoded:
        """Encode a value and write it into the span under this payload name."""
        short = name.rpartition(".")[2]
        encoded = self.account.encode(value, f"{self.address or 'run'} {short}")
        return self.write(name, encoded)

    def write(self, name: str, encoded: Encoded) -> Encoded:
        """Write what is already encoded."""
        self.recorded[name.rpartition(".")[2]] = encoded
        attributes, events = payload_fields(name, encoded)
        self._attributes.update(attributes)
        self._events.extend(events)
        return encoded

    # --- closing ----------------------------------------------------------------------------------------

    def leave(self, outcome: Outcome) -> None:
        """Record the outcome and end the span. Never raises, unless a replay's check does."""
        if self.left:
            return
        self.left = True
        try:
            self._finish(outcome)
        except Exception as error:  # noqa: BLE001 - an error of ours must not reach the application
            self.account.lose(f"{self.kind} {self.crossing.name!r}", error)
            self.span.end()
        self._let_go()
        if self.on_leave is not None:
            self.on_leave(self, outcome)

    def _let_go(self) -> None:
        """Break the cycles with context and crossing: as without us, all is freed without the garbage collector."""
        self.context = _LEFT
        if self.answer is None:
            self.crossing.scope = None

    def _finish(self, outcome: Outcome) -> None:
        self.account.encoder.touch()
        error = outcome.error if isinstance(outcome, Raised) else None
        status = self.status(error)
        self.describe_end(outcome, status)
        if error is not None and self.account.content and status != "closed_early":
            self.payload(self.error_payload, without_token(error))
        if error is not None and status in ERRORS:
            self._record_error(error)
        self._end()

    def status(self, error: BaseException | None) -> str:
        """How it ended, in one word."""
        return "completed" if error is None else status_of(error)

    def _record_error(self, error: BaseException) -> None:
        redact = self.account.redactor.redact_text
        kind = class_name(error)
        self._attributes[names.ERROR_TYPE] = kind
        message = clean(redact(str(error)))[:_MAX_TEXT]
        stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        event = {names.EXCEPTION_TYPE: kind}
        if self.account.content:
            event |= {
                names.EXCEPTION_MESSAGE: message,
                names.EXCEPTION_STACKTRACE: clean(redact(stack))[-_MAX_STACK:],
            }
        self._events.append((names.EXCEPTION_EVENT, event))
        self.span.set_status(Status(StatusCode.ERROR, message[:200] if self.account.content else None))
        self._status = "error"

    _status = "unset"

    def _end(self) -> None:
        ended_ns = time.time_ns()
        span = self.span
        for name, attributes in self._events:
            span.add_event(name, attributes)
        # The application may have recorded exceptions on the current span; a reader cannot tell whose they are.
        events = [(event.name, event.attributes or {}) for event in getattr(span, "events", ())] or self._events
        seal = seal_of(
            self.account.trace_id,
            self.span_id,
            self._parent_id,
            self.name,
            self.started_ns // 1000,
            ended_ns // 1000,
            self._status,
            self._all_attributes(),
            events,
        )
        self._attributes[names.SEAL] = seal
        span.set_attributes(self._attributes)
        held = getattr(span, "attributes", None)
        if held is not None and len(held) < len(self._attributes):
            self.account.blame(f"the SDK's limits dropped attributes of {self.address or 'the run'}")
        self.account.sealed(self.seq, seal)
        span.end(ended_ns)

    def _all_attributes(self) -> Mapping[str, Any]:
        """What the span will hold: the application may have added attributes to it while it was current."""
        held = getattr(self.span, "attributes", None) or {}
        if len(held) <= len(self._started_with):
            held = self._started_with
        return {**held, **self._attributes}


def without_token(error: BaseException) -> BaseException:
    """A cancellation without what it was cancelled with: LangGraph cancels siblings with a private object."""
    return type(error)() if isinstance(error, asyncio.CancelledError) and error.args else error


def clean(text: str) -> str:
    """The text with lone surrogates escaped: one of them would make an exporter drop the whole batch."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def class_name(error: BaseException) -> str:
    """The name that ``error.type`` wants: qualified, builtins without their module."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
