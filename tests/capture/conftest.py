"""A recorder on an in-memory pipeline, and probes that say which span was current where."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_agent.boundary.crossing import set_process_handler
from otel_agent.boundary.install import install, uninstall
from otel_agent.capture.recorder import Recorder
from otel_agent.codec import names
from otel_agent.export.spans import run_tracer


class Watch:
    """What the spans of a test say."""

    def __init__(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        self.provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("probe")

    @contextmanager
    def probe(self, node: str) -> Iterator[None]:
        """Stand in for an HTTP or database span in the body of ``node``."""
        with self._tracer.start_as_current_span("probe", attributes={"probe.node": node}):
            yield

    def consume(self, _item: Any = None) -> None:
        """Stand in for a span of whoever consumes a stream."""
        with self._tracer.start_as_current_span("consumer"):
            pass

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def of(self, kind: str) -> list[ReadableSpan]:
        """Our spans of one kind: run, node or effect."""
        return [span for span in self.spans if span.attributes.get(names.KIND) == kind]

    def nodes(self) -> Counter[str]:
        """How often each node of the application was executed, hidden ones left out."""
        return Counter(
            str(span.attributes[names.NODE_NAME])
            for span in self.of("node")
            if not span.attributes.get(names.NODE_HIDDEN)
        )

    def node(self, name: str) -> list[ReadableSpan]:
        """The executions of one node, in order of their start."""
        found = [span for span in self.of("node") if span.attributes[names.NODE_NAME] == name]
        return sorted(found, key=lambda span: span.start_time)

    def root(self) -> ReadableSpan:
        """The only top-level run."""
        (root,) = [span for span in self.of("run") if names.RECORD_FORMAT in span.attributes]
        return root

    def check(self, expected: dict[str, int]) -> None:
        """Every probe hangs on its own node's span, every execution has one span, no consumer saw any."""
        by_id = {span.context.span_id: span for span in self.spans}
        for span in self.spans:
            if span.name == "consumer":
                assert span.parent is None, "a span of the stream's consumer hangs under the graph"
            if span.name == "probe":
                assert span.parent is not None, f"a span made in {span.attributes['probe.node']} has no parent"
                parent = by_id[span.parent.span_id]
                while parent.name == "probe" or parent.attributes.get(names.KIND) == "effect":
                    parent = by_id[parent.parent.span_id]
                assert parent.attributes.get(names.NODE_NAME) == span.attributes["probe.node"]
        places = [(span.attributes[names.RUN_ID], span.attributes[names.ADDRESS]) for span in self.of("node")]
        assert len(places) == len(set(places))
        assert dict(self.nodes()) == expected
        for root in self.of("run"):
            assert root.attributes.get(names.RECORD_LOSSES, 0) == 0, root.attributes.get(names.REASONS)
        assert not trace.get_current_span().get_span_context().is_valid


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """Record into memory; afterwards nothing of OpenTelemetry's or ours may have been logged."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    install()
    set_process_handler(Recorder(provider, tracer=run_tracer(provider)))
    try:
        with caplog.at_level(logging.WARNING):
            yield Watch(provider, exporter)
    finally:
        set_process_handler(None)
        uninstall()
        provider.shutdown()
    logged = [r.getMessage() for r in caplog.records if r.name.startswith(("opentelemetry", "otel_agent"))]
    assert logged == []
