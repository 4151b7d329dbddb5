"""The local journal under several processes, forks, crashes and full disks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_agent.export import FileExporter
from otel_agent.read import read_spans

WRITER = str(Path(__file__).with_name("writer.py"))


def start(mode: str, directory: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OTEL_AGENT_TRACES_DIR": str(directory)}
    return subprocess.Popen([sys.executable, WRITER, mode], env=environment, stdout=subprocess.PIPE, text=True)


def provider_for(exporter: FileExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_processes_writing_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes with 50 spans each: every line parses and every span is there."""
    written = [identity for writer in [start("50", tmp_path) for _ in range(4)] for identity in ids_of(writer)]

    assert len(written) == 200
    assert sorted(written) == sorted(span.span_id for span in read_spans(tmp_path))
    assert len(list(tmp_path.glob("*.jsonl"))) == 4


def ids_of(writer: subprocess.Popen[str]) -> list[str]:
    out, _ = writer.communicate()
    assert writer.returncode == 0
    return out.split()


def test_every_ended_span_survives_a_kill(tmp_path: Path) -> None:
    """A process killed with SIGKILL has left every span whose `end()` had returned."""
    with start("forever", tmp_path) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip() for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.read().split()

    assert set(acknowledged) <= {span.span_id for span in read_spans(tmp_path)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_its_own_file(tmp_path: Path) -> None:
    """After a fork parent and child each write to a file of their own, and nothing is lost or doubled."""
    written = ids_of(start("fork", tmp_path))

    assert len(written) == 15
    assert sorted(written) == sorted(span.span_id for span in read_spans(tmp_path))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_full_disk_leaves_no_half_line_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half way is taken back, reported once, and the next line is whole."""
    exporter = FileExporter(tmp_path)
    tracer = provider_for(exporter).get_tracer("test")
    tracer.start_span("before").end()
    write = os.write

    def half(fd: int, data: memoryview) -> int:
        monkeypatch.setattr(os, "write", full)
        return write(fd, data[:20])

    def full(fd: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    tracer.start_span("lost").end()
    monkeypatch.setattr(os, "write", write)
    tracer.start_span("after").end()
    exporter.shutdown()

    assert [span.name for span in read_spans(tmp_path)] == ["before", "after"]


def test_a_place_that_cannot_be_written_never_reaches_the_application(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the directory cannot be made, spans end as ever and the log says so once."""
    (tmp_path / "file").write_text("")
    tracer = provider_for(FileExporter(tmp_path / "file" / "traces")).get_tracer("test")

    tracer.start_span("one").end()
    tracer.start_span("two").end()

    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


def test_lines_are_what_the_collector_writes(tmp_path: Path) -> None:
    """Ids in hex, 64-bit integers as strings, enums as integers, camelCase, resource and scope on every line."""
    exporter = FileExporter(tmp_path)
    with provider_for(exporter).get_tracer("scope", "1.2").start_as_current_span("parent"):
        provider_for(exporter).get_tracer("scope", "1.2").start_span("child", attributes={"n": 2**53 + 1}).end()
    exporter.shutdown()
    assert exporter.path is not None
    child, parent = [json.loads(line)["resourceSpans"][0] for line in exporter.path.read_text().splitlines()]

    span = child["scopeSpans"][0]["spans"][0]
    assert span["parentSpanId"] == parent["scopeSpans"][0]["spans"][0]["spanId"]
    assert span["attributes"] == [{"key": "n", "value": {"intValue": "9007199254740993"}}]
    assert (span["kind"], span["status"], span["startTimeUnixNano"].isdecimal()) == (1, {}, True)
    assert child["scopeSpans"][0]["scope"] == {"name": "scope", "version": "1.2"}
    assert "service.name" in {pair["key"] for pair in child["resource"]["attributes"]}


def test_a_long_file_is_followed_by_another(tmp_path: Path) -> None:
    """A file that has its size is left alone and a new one begun; the directory reads as one."""
    exporter = FileExporter(tmp_path, max_file_bytes=1)
    tracer = provider_for(exporter).get_tracer("test")
    for name in "abc":
        tracer.start_span(name).end()
    exporter.shutdown()

    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert sorted(span.name for span in read_spans(tmp_path)) == ["a", "b", "c"]


def test_what_an_agent_was_told_is_not_for_everybody(tmp_path: Path) -> None:
    """Files and the directory made for them are the owner's alone, and git leaves them out."""
    exporter = FileExporter(tmp_path / "traces")
    provider_for(exporter).get_tracer("test").start_span("a").end()
    exporter.shutdown()
    assert exporter.path is not None

    assert exporter.path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "traces" / ".gitignore").read_text() == "*\n"
