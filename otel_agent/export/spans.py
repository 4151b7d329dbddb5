"""Spans of a run, made at a third of the SDK's price and handed to the SDK's own processors.

A run makes many spans of ours with many attributes, all set at once and all known to be valid. The SDK's `Span` checks
and copies each of them twice, under a lock, and asks the sampler for every span; here the sampler is asked once for a
run, and a span that is over is itself what the processors get. To everybody else it is a span as any other: it can be
made current, takes attributes, events and links, and is read through `ReadableSpan`.

Depends on opentelemetry/sdk/trace/__init__.py: `Tracer` holds ``sampler``, ``resource``, ``id_generator`` and
``span_processor``; `ReadableSpan` keeps what it is given. Where a provider's tracer is another, it is used as it is.
The SDK's limits for the number and length of attributes do not apply: a record that is cut is no record.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)

from otel_agent.codec import names

_ATOMS = frozenset({str, bool, int, float, bytes})
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NEEDED = ("sampler", "resource", "id_generator", "span_processor")


def run_tracer(provider: TracerProvider) -> Tracer:
    """The tracer that our spans are made with: a fast one over an SDK provider, else the provider's own."""
    tracer = provider.get_tracer(names.SCOPE)
    if all(hasattr(tracer, name) for name in _NEEDED) and _enabled(tracer):
        return RunTracer(tracer)
    return tracer


def _enabled(tracer: Any) -> bool:
    is_enabled = getattr(tracer, "_is_enabled", None)
    return is_enabled is None or bool(is_enabled())


class RunSpan(Span, ReadableSpan):
    """A span of a run."""

    def __init__(
        self,
        tracer: RunTracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Mapping[str, Any],
        links: Sequence[Link],
        start_time: int,
    ) -> None:
        ReadableSpan.__init__(
            self,
            name,
            context,
            parent,
            tracer.resource,
            dict(attributes),
            [],
            list(links),
            kind,
            None,
            Status(StatusCode.UNSET),
            start_time,
            None,
            tracer.scope,
        )
        self._tracer = tracer
        self._made = context

    def get_span_context(self) -> SpanContext:
        """Its trace and span id."""
        return self._made

    def is_recording(self) -> bool:
        """True until it has ended."""
        return self._end_time is None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add attributes; a value of a wrong type becomes text."""
        if self._end_time is not None:
            return
        held = cast("dict[str, Any]", self._attributes)
        for key, value in attributes.items():
            held[key] = value if type(value) in _ATOMS else _valid(value)

    def set_attribute(self, key: str, value: Any) -> None:
        """Add one attribute."""
        self.set_attributes({key: value})

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Add an event."""
        if self._end_time is None:
            valid = {key: _valid(value) for key, value in (attributes or {}).items()}
            cast("list[Event]", self._events).append(Event(name, valid, timestamp))

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Add a link."""
        if self._end_time is None:
            cast("list[Link]", self._links).append(Link(context, dict(attributes or {})))

    def update_name(self, name: str) -> None:
        """Rename it."""
        if self._end_time is None:
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status as the specification has it: OK is final, UNSET sets nothing."""
        given = status if isinstance(status, Status) else Status(status, description)
        if (
            self._end_time is None
            and given.status_code is not StatusCode.UNSET
            and self._status.status_code is not StatusCode.OK
        ):
            self._status = given

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an ``exception`` event."""
        cls = type(exception)
        kind = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
        stack = "".join(traceback.format_exception(cls, exception, exception.__traceback__))
        event = {
            names.EXCEPTION_TYPE: kind,
            names.EXCEPTION_MESSAGE: str(exception),
            names.EXCEPTION_STACKTRACE: stack,
            "exception.escaped": str(escaped),
        }
        self.add_event(names.EXCEPTION_EVENT, {**event, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End it, and hand it to the processors."""
        if self._end_time is None:
            self._end_time = time.time_ns() if end_time is None else end_time
            self._tracer.processor.on_end(self)


class RunTracer(Tracer):
    """Makes `RunSpan`s with the sampler, resource, ids and processors of an SDK tracer."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self.resource = tracer.resource
        self.processor = tracer.span_processor
        self.scope = getattr(tracer, "_instrumentation_scope", None)
        self._ids = tracer.id_generator

    def start_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] = (),
        start_time: int | None = None,
        **_: Any,
    ) -> Span:
        """Start a span; one of ours as its parent has decided for it whether the run is sampled."""
        around = trace.get_current_span(context)
        parent = around.get_span_context()
        attributes = attributes or {}
        if type(around) is RunSpan:
            made = SpanContext(
                parent.trace_id,
                self._ids.generate_span_id(),
                is_remote=False,
                trace_flags=parent.trace_flags,
                trace_state=parent.trace_state,
            )
        else:
            sampled, made, added = self._sample(name, context, kind, attributes, links, parent)
            if not sampled:
                return trace.NonRecordingSpan(made)
            attributes = {**attributes, **added}
        started = time.time_ns() if start_time is None else start_time
        span = RunSpan(self, name, made, parent if parent.is_valid else None, kind, attributes, links, started)
        self.processor.on_start(span, parent_context=context)
        return span

    def _sample(
        self, name: str, context: Context | None, kind: SpanKind, attributes: Any, links: Any, parent: SpanContext
    ) -> tuple[bool, SpanContext, Mapping[str, Any]]:
        trace_id = parent.trace_id if parent.is_valid else self._ids.generate_trace_id()
        result = self._tracer.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        flags = _SAMPLED if result.decision.is_sampled() else TraceFlags(TraceFlags.DEFAULT)
        made = SpanContext(
            trace_id, self._ids.generate_span_id(), is_remote=False, trace_flags=flags, trace_state=result.trace_state
        )
        return result.decision.is_recording(), made, result.attributes or {}

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        """Not ours to do: recording never touches anybody's context."""
        return self._tracer.start_as_current_span(*args, **kwargs)


def _valid(value: Any) -> Any:
    """The value as attributes may have it."""
    if type(value) in _ATOMS or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_valid(part) for part in value)
    if isinstance(value, Mapping):
        return {str(key): _valid(part) for key, part in value.items()}
    if isinstance(value, (str, bool, int, float, bytes)):
        return value
    return str(value)
