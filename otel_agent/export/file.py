"""The local journal: OTLP/JSON lines as the Collector's file exporter writes them, one file per process.

Where: ``OTEL_AGENT_TRACES_DIR``, else ``./otel-agent-traces``; files are ``<UTC time>-<pid>-<random>.jsonl``.

*One file per process*, and a new one in a forked child, because then nobody shares a file: no lock between processes,
no lines torn by a neighbour, and a line that a crash cut in half is always the last of its file.

*Written while the span ends*: the SDK's ``SimpleSpanProcessor`` hands over each span, and `export` gives it to the
operating system in one ``write``. So when ``span.end()`` has returned, the span survives ``kill -9``: the window is
zero. (A power cut is another thing: nothing is fsynced.) This costs some 30 microseconds a span; a batch would save a
third of it and lose its last spans in exactly the crash that somebody will want to look into.

Known limits: files are never deleted; a process begins a new one after 64 MiB, and a run that lies across two of them
is found by reading the directory.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import weakref
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_agent.export.otlp_json import dump_json, resource_json, scope_json, span_json

TRACES_DIR = "OTEL_AGENT_TRACES_DIR"
DEFAULT_DIR = "otel-agent-traces"
MAX_FILE_BYTES = 64 * 1024 * 1024

_MAX_HEADS = 256
_log = logging.getLogger(__name__)


def traces_dir() -> Path:
    """Where local traces go, and where the reader looks for them."""
    return Path(os.environ.get(TRACES_DIR) or DEFAULT_DIR)


class FileExporter(SpanExporter):
    """Appends spans to this process's own file; never raises, and says once in the log when it cannot write."""

    def __init__(
        self, directory: str | os.PathLike[str] | None = None, *, max_file_bytes: int = MAX_FILE_BYTES
    ) -> None:
        self._directory = Path(directory) if directory is not None else traces_dir()
        self._max_file_bytes = max_file_bytes
        self._lines = _Lines()
        self._warned = False
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._path: Path | None = None
        self._size = 0
        if hasattr(os, "register_at_fork"):
            forked = weakref.WeakMethod(self._after_fork)
            os.register_at_fork(after_in_child=lambda: (method := forked()) and method())

    @property
    def path(self) -> Path | None:
        """The file being written, None before the first span."""
        return self._path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans, one line per resource and scope."""
        try:
            data = b"".join(self._lines.encode(spans))
            with self._lock:
                self._write(data)
        except Exception as error:  # noqa: BLE001 - the write side fails open
            self._warn(error)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file; a later span begins another."""
        with self._lock:
            self._close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """True: what was exported is written."""
        return True

    def _write(self, data: bytes) -> None:
        fd = self._fd
        if fd is None or self._size >= self._max_file_bytes:
            fd = self._open()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError:
            os.ftruncate(fd, self._size)  # a full disk must not leave half a line in front of the next
            raise
        self._size += len(data)

    def _open(self) -> int:
        self._close()
        if not self._directory.exists():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Like pytest's cache: what an agent was told should not be committed by accident.
            (self._directory / ".gitignore").write_text("*\n", encoding="ascii")
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = self._directory / f"{now}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        # Not inheritable by programs that the application starts (PEP 446), and nobody else's to read.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._fd, self._path, self._size = fd, path, 0
        return fd

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def _after_fork(self) -> None:
        # Another thread of the parent may have held the lock at the fork: the child needs its own, and its own file.
        self._lock = threading.Lock()
        self._close()
        self._path = None

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("Spans cannot be written to %s: %s", self._directory, error)


class _Lines:
    """Encodes spans, remembering what every line of the same resource and scope begins and ends with."""

    def __init__(self) -> None:
        self._heads: dict[tuple[int, int], tuple[Resource, InstrumentationScope | None, bytes, bytes]] = {}

    def encode(self, spans: Sequence[ReadableSpan]) -> Iterator[bytes]:
        groups: dict[tuple[int, int], list[ReadableSpan]] = {}
        for span in spans:
            # By identity: hashing a Resource serialises all of it.
            groups.setdefault((id(span.resource), id(span.instrumentation_scope)), []).append(span)
        for key, group in groups.items():
            head, tail = self._around(key, group[0])
            yield head + b",".join([dump_json(span_json(span)) for span in group]) + tail

    def _around(self, key: tuple[int, int], span: ReadableSpan) -> tuple[bytes, bytes]:
        found = self._heads.get(key)
        if found is None:
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            resource, scope = span.resource, span.instrumentation_scope
            # The objects are kept beside their ids, so that the ids cannot be given to others.
            found = self._heads[key] = (resource, scope, *_head_and_tail(resource, scope))
        return found[2], found[3]


def _head_and_tail(resource: Resource, scope: InstrumentationScope | None) -> tuple[bytes, bytes]:
    head = b'{"resourceSpans":[{"resource":%b,"scopeSpans":[{"scope":%b,"spans":['
    return head % (dump_json(resource_json(resource)), dump_json(scope_json(scope))), (
        b"]" + _schema(scope.schema_url if scope else None) + b"}]" + _schema(resource.schema_url) + b"}]}\n"
    )


def _schema(url: str | None) -> bytes:
    return b',"schemaUrl":' + dump_json(url) if url else b""
