"""The front door: the rooms wired into verbs."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from opentelemetry.trace import TracerProvider

from otel_agent.boundary import crossing as boundary
from otel_agent.boundary.crossing import Crossing, acall, call, handler_in_force
from otel_agent.boundary.effect import effect
from otel_agent.boundary.install import install, uninstall
from otel_agent.boundary.types import register_framework_types
from otel_agent.capture import instrumentor as front
from otel_agent.capture.instrumentor import OtelAgentInstrumentor
from otel_agent.capture.recorder import Recorder, current_run_id, run_attributes
from otel_agent.codec import Redactor, names
from otel_agent.codec.registry import default as default_registry
from otel_agent.errors import ConfigurationError
from otel_agent.export.otlp_json import write_trace
from otel_agent.export.provider import tracer_provider as configured_provider
from otel_agent.export.recording import Bucket, collect
from otel_agent.export.spans import run_tracer
from otel_agent.model import AgentRun
from otel_agent.read import read_spans
from otel_agent.rebuild import rebuild_run, verify_run
from otel_agent.replay.replayer import areplay_run, replay_run

__all__ = [
    "Recording",
    "areplay_run",
    "audited",
    "current_run_id",
    "effect",
    "instrument",
    "load_run",
    "record_run",
    "replay_run",
    "uninstrument",
    "verify_run",
]

F = TypeVar("F", bound=Callable[..., Any])

front.provider_factory = configured_provider
front.tracer_factory = run_tracer


def instrument(
    *, tracer_provider: TracerProvider | None = None, content: str | None = None, redactor: Redactor | None = None
) -> None:
    """Record every LangGraph run of this process from now on.

    Args:
        tracer_provider: where spans go. Without it: the application's own global provider, else a pipeline made from
            the ``OTEL_*`` variables, else files under ``./otel-agent-traces``.
        content: ``"full"`` or ``"metadata"`` (digests and sizes only). Without it the standard variable
            ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` decides, and else it is full.
        redactor: rules for what must not leave the process; the default one knows keys, bearer tokens, passwords.

    Raises:
        ConfigurationError: a setting cannot be honoured.

    """
    OtelAgentInstrumentor().instrument(tracer_provider=tracer_provider, content=content, redactor=redactor)


def uninstrument() -> None:
    """Put back everything that `instrument` replaced."""
    OtelAgentInstrumentor().uninstrument()


@dataclass
class Recording:
    """What `record_run` has written, or is about to."""

    path: str
    run_ids: list[str] = field(default_factory=list)
    """The top-level runs in it, in the order they began; filled when the block ends."""

    @property
    def run_id(self) -> str | None:
        """The id of the run, of the last one where there were several, None before the block has ended."""
        return self.run_ids[-1] if self.run_ids else None


@contextmanager
def record_run(
    path: str | os.PathLike[str],
    *,
    attributes: Mapping[str, Any] | None = None,
    content: str | None = None,
    redactor: Redactor | None = None,
) -> Iterator[Recording]:
    """Record the runs made inside the block into one OTLP/JSON file; no collector, and `instrument` is not needed.

    The file is written when the block ends, also when it ends with an exception; ``.gz`` compresses it.

    Args:
        path: the file; one that is there is replaced.
        attributes: put on the root span of each run.
        content: as for `instrument`.
        redactor: as for `instrument`.

    Raises:
        ConfigurationError: no run was made inside the block.

    """
    recording = Recording(os.fspath(path))
    install()
    try:
        with collect() as bucket:
            recorder = _recorder(bucket.provider, content, redactor)
            in_force, attributes_in_force = boundary.override.set(recorder), run_attributes.set(attributes)
            try:
                yield recording
            finally:
                run_attributes.reset(attributes_in_force)
                boundary.override.reset(in_force)
                _write(recording, bucket)
    finally:
        uninstall()
    if not recording.run_ids:
        raise ConfigurationError(f"no run was made inside record_run({recording.path!r}), so there is nothing to write")


def _write(recording: Recording, bucket: Bucket) -> None:
    spans = bucket.spans
    roots = [span for span in spans if names.RECORD_FORMAT in span.attributes]
    recording.run_ids = [str(span.attributes[names.RUN_ID]) for span in roots]
    if spans:
        write_trace(recording.path, spans)


def load_run(source: str | os.PathLike[str] | bytes, run_id: str | None = None) -> AgentRun:
    """Rebuild a run from a trace, without the application's code.

    Args:
        source: a file or folder of traces in OTLP/JSON, as a document or as lines, also gzipped; or its bytes.
        run_id: the run, its trace id where the trace holds one run, or any unique prefix of either; may be left out
            where the source holds one run.

    Returns:
        The run. Where something is missing or altered, ``run.problems`` says what and at which span.

    Raises:
        SourceNotFound, UnreadableSource: there is no such source, or it is no trace.
        RunNotFound, AmbiguousRun: the source holds no such run, or several.
        NewerFormat: it was written by a later version.

    """
    register_framework_types(default_registry)
    return rebuild_run(read_spans(source), run_id)


def audited(name: str, fn: F) -> F:
    """Wrap any callable so that each call is recorded as an execution of the node ``name``.

    Inside a recorded run it is a node of that run; outside it is a run of its own. Works without `instrument`.
    """
    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with _recorder_in_force():
                body = functools.partial(acall, _audited("node", name, fn, args, kwargs), fn)
                if boundary.current_scope.get() is not None:
                    return await body(*args, **kwargs)
                return await acall(_audited("run", name, fn, args, kwargs), body, *args, **kwargs)
    else:

        @functools.wraps(fn)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with _recorder_in_force():
                body = functools.partial(call, _audited("node", name, fn, args, kwargs), fn)
                if boundary.current_scope.get() is not None:
                    return body(*args, **kwargs)
                return call(_audited("run", name, fn, args, kwargs), body, *args, **kwargs)

    return recorded  # type: ignore[return-value]


def _audited(kind: str, name: str, fn: Callable[..., Any], args: Any, kwargs: Any) -> Crossing:
    try:
        request: Any = dict(inspect.signature(fn).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        request = {"args": list(args), "kwargs": kwargs}
    return Crossing(kind, name, request, method="audited")


@contextmanager
def _recorder_in_force() -> Iterator[None]:
    """The handler in force, else a recorder of our own for the time of the call."""
    if handler_in_force() is not None:
        yield
        return
    token = boundary.override.set(_own_recorder())
    try:
        yield
    finally:
        boundary.override.reset(token)


@functools.lru_cache(maxsize=1)
def _own_recorder() -> Recorder:
    return _recorder(configured_provider(), None, None)


def _recorder(provider: TracerProvider, content: str | None, redactor: Redactor | None) -> Recorder:
    return Recorder(provider, tracer=run_tracer(provider), content=front.content_wanted(content), redactor=redactor)
