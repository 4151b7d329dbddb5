"""Collect the spans of some runs in memory while they go wherever they go anyway.

::

    with collect() as bucket:
        graph.invoke(...)        # traced with bucket.provider
    bucket.spans

A span belongs to a bucket if it began inside the ``with`` block's context (also in tasks and copied contexts made
there), or if its parent belongs. Never by trace id alone: two recordings may share one request's trace.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Link as SdkLink

from otel_agent.export.provider import global_sdk_provider, private_provider
from otel_agent.model.span import Link, SpanEvent, SpanRecord


class Bucket:
    """The spans of one recording; filled while its ``with`` block runs."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        """Trace with this one, or nothing will be collected."""
        self._begun: set[int] = set()
        self._ended: list[ReadableSpan] = []

    @property
    def spans(self) -> list[SpanRecord]:
        """The ended spans, in the order they began."""
        return sorted((to_record(span) for span in list(self._ended)), key=lambda span: span.start_ns)

    @property
    def unfinished(self) -> int:
        """Spans that began and have not ended; after the ``with`` block they never will, here."""
        return len(self._begun) - len(self._ended)

    def begin(self, span: Span, *, inside: bool) -> None:
        """Take the span in if it began inside the block, or if its parent was taken in."""
        if inside or (span.parent is not None and span.parent.span_id in self._begun):
            self._begun.add(span.context.span_id)

    def end(self, span: ReadableSpan) -> None:
        """Keep the span if it was taken in."""
        if span.context.span_id in self._begun:
            self._ended.append(span)


_inside: ContextVar[tuple[Bucket, ...]] = ContextVar("otel_agent_buckets", default=())


class _Tee(SpanProcessor):
    """Hands each span to the recordings it belongs to; one per provider, and idle without recordings."""

    def __init__(self) -> None:
        self.open: tuple[Bucket, ...] = ()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - SDK's signature
        for bucket in self.open:
            bucket.begin(span, inside=bucket in _inside.get())

    def on_end(self, span: ReadableSpan) -> None:
        for bucket in self.open:
            bucket.end(span)


_tees: WeakKeyDictionary[TracerProvider, _Tee] = WeakKeyDictionary()
_lock = threading.Lock()


@contextmanager
def collect(provider: TracerProvider | None = None) -> Iterator[Bucket]:
    """Collect the spans begun inside the block, from `provider`, else the global one, else a private one."""
    chosen = provider or global_sdk_provider() or private_provider()
    bucket = Bucket(chosen)
    tee = _tee_of(chosen)
    with _lock:
        tee.open = (*tee.open, bucket)
    token = _inside.set((*_inside.get(), bucket))
    try:
        yield bucket
    finally:
        with _lock:
            tee.open = tuple(other for other in tee.open if other is not bucket)
        # Entered and left in different contexts, as async fixtures are: a closed bucket takes nothing anyway.
        with suppress(ValueError):
            _inside.reset(token)


def _tee_of(provider: TracerProvider) -> _Tee:
    with _lock:
        tee = _tees.get(provider)
        if tee is None:
            tee = _tees[provider] = _Tee()
            provider.add_span_processor(tee)
        return tee


def to_record(span: ReadableSpan) -> SpanRecord:
    """An ended span of the SDK as every reader gives it."""
    return SpanRecord(
        trace_id=f"{span.context.trace_id:032x}",
        span_id=f"{span.context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        kind=span.kind.name.lower(),
        status=span.status.status_code.name.lower(),
        status_message=span.status.description or "",
        attributes=_plain(span.attributes),
        events=tuple(_event(event) for event in span.events),
        links=tuple(_link(link) for link in span.links),
        resource=_plain(span.resource.attributes),
        scope="" if span.instrumentation_scope is None else span.instrumentation_scope.name,
        dropped=_dropped(span),
    )


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: _listed(value) for key, value in (attributes or {}).items()}


def _listed(value: Any) -> Any:
    """Sequences as lists, as they come back from JSON."""
    if isinstance(value, (tuple, list)):
        return [_listed(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _listed(item) for key, item in value.items()}
    return value


def _event(event: Event) -> SpanEvent:
    return SpanEvent(event.name, event.timestamp, _plain(event.attributes))


def _link(link: SdkLink) -> Link:
    return Link(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", _plain(link.attributes))


def _dropped(span: ReadableSpan) -> int:
    own = span.dropped_attributes + span.dropped_events + span.dropped_links
    inside = [part.dropped_attributes for part in span.events] + [part.dropped_attributes for part in span.links]
    return own + sum(inside)
