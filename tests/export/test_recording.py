"""Collecting the spans of some runs while others go on."""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import threading
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otel_agent.export import collect, write_trace
from otel_agent.read import read_spans


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False)


def names(spans: object) -> list[str]:
    return [span.name for span in spans]  # type: ignore[attr-defined]


def test_a_bucket_takes_what_began_in_its_block(provider: TracerProvider) -> None:
    """Spans begun inside the block are in, ordered as they began; those before and after are not."""
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("request"):
        with collect(provider) as bucket, tracer.start_as_current_span("run"):
            tracer.start_span("node").end()
        tracer.start_span("after").end()

    assert names(bucket.spans) == ["run", "node"]
    assert bucket.unfinished == 0


async def test_concurrent_requests_of_one_trace_do_not_mix(provider: TracerProvider) -> None:
    """Two recordings at once, in one trace, each get their own spans."""
    tracer = provider.get_tracer("test")

    async def request(name: str) -> list[str]:
        with collect(provider) as bucket, tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            tracer.start_span(f"{name}.node").end()
            await asyncio.sleep(0)
        return names(bucket.spans)

    with tracer.start_as_current_span("request"):
        found = await asyncio.gather(request("a"), request("b"))

    assert found == [["a", "a.node"], ["b", "b.node"]]


def test_children_made_in_bare_threads_belong(provider: TracerProvider) -> None:
    """A thread without our context belongs by its parent span; without a parent it does not."""
    tracer = provider.get_tracer("test")
    with collect(provider) as bucket, tracer.start_as_current_span("run") as run:
        parent = trace.set_span_in_context(run)
        work = [
            threading.Thread(target=lambda: tracer.start_span("child", context=parent).end()),
            threading.Thread(target=contextvars.Context().run, args=(lambda: tracer.start_span("stranger").end(),)),
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()

    assert "child" in names(bucket.spans)
    assert "stranger" not in names(bucket.spans)


def test_recordings_nest(provider: TracerProvider) -> None:
    """An inner recording's spans are the outer one's too."""
    tracer = provider.get_tracer("test")
    with collect(provider) as outer:
        tracer.start_span("first").end()
        with collect(provider) as inner:
            tracer.start_span("second").end()

    assert (names(outer.spans), names(inner.spans)) == (["first", "second"], ["second"])


def test_what_did_not_end_is_counted(provider: TracerProvider) -> None:
    """A span that outlives the block is not in the bucket, and the bucket says how many there are."""
    with collect(provider) as bucket:
        span = provider.get_tracer("test").start_span("background")
    span.end()

    assert (bucket.spans, bucket.unfinished) == ([], 1)


@pytest.mark.parametrize("name", ["run.json", "run.json.gz", "deep/run.json"])
def test_a_written_trace_reads_back_equal(provider: TracerProvider, tmp_path: Path, name: str) -> None:
    """Collected spans, written and read, are equal in every field and type."""
    with collect(provider) as bucket:
        link = trace.Link(trace.SpanContext(1, 2, is_remote=True), {"k": "v"})
        attributes = {"i": 2**53 + 1, "f": 1.0, "b": True, "list": ["a", 1, None, 1.5], "map": {"a": [1]}, "raw": b"\0"}
        span = provider.get_tracer("test").start_span("a", attributes=attributes, links=[link])
        span.add_event("e", {"x": "\ud800", "none": None})
        span.set_status(trace.StatusCode.ERROR, "boom")
        span.end()

    path = write_trace(tmp_path / name, bucket.spans)

    assert read_spans(path) == bucket.spans
    assert type(read_spans(path)[0].attributes["f"]) is float
    assert path.read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_a_write_that_fails_leaves_the_old_file(
    provider: TracerProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing is all or nothing: no half file, and no temporary one left."""
    path = write_trace(tmp_path / "run.json.gz", [])
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError):
        write_trace(path, [])

    assert path.read_bytes() == before
    assert gzip.decompress(before) == b'{"resourceSpans":[]}\n'
    assert list(tmp_path.iterdir()) == [path]
