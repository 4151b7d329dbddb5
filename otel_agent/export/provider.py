"""The tracer provider that runs are recorded with: the application's own, else one made from the ``OTEL_*`` variables.

What is honoured when we make it (the SDK itself reads samplers, limits, resource, headers, timeouts, TLS):

1. ``OTEL_SDK_DISABLED=true``: nothing is recorded.
2. ``OTEL_TRACES_EXPORTER``: ``none``, ``console``, ``otlp``, ``otel_agent_file`` (the local journal), or any installed
   exporter's entry point; several with commas.
3. ``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` alone mean ``otlp``. The protocol is
   ``OTEL_EXPORTER_OTLP_TRACES_PROTOCOL``, else ``OTEL_EXPORTER_OTLP_PROTOCOL``, else gRPC as in the Python SDK; only
   where the endpoint's port is 4318, on which nobody speaks gRPC, it is HTTP.
4. None of them: the local journal. ``OTEL_AGENT_TRACES_DIR`` beside an endpoint means both, and with a journal a slow
   or absent collector loses nothing.

The service is named by ``OTEL_SERVICE_NAME`` or ``OTEL_RESOURCE_ATTRIBUTES``, else the SDK says ``unknown_service``.
"""

from __future__ import annotations

import os
import threading
from importlib.metadata import entry_points
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otel_agent.errors import ConfigurationError
from otel_agent.export.file import TRACES_DIR, FileExporter

FILE_EXPORTER = "otel_agent_file"

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_BY_PROTOCOL = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_HTTP_PORT = 4318

# The SDK's 2,048 spans in a queue that drops the oldest lose the beginning of a long run, and 512 spans with payloads
# exceed the 4 MiB that a gRPC receiver takes. Used where no OTEL_BSP_* variable says otherwise.
_QUEUE_SIZE, _BATCH_SIZE, _DELAY_MS = 16384, 64, 1000

_lock = threading.Lock()
_built: TracerProvider | None = None
_private: TracerProvider | None = None


def tracer_provider() -> TracerProvider:
    """The global SDK provider where one is set, which is never replaced; else one of ours, made once and set globally.

    Where the global provider is another vendor's, ours stays private beside it. Ask at the first run rather than at
    import, so that the application can set its own before.

    Raises:
        ConfigurationError: an ``OTEL_*`` variable asks for what is not there.

    """
    found = global_sdk_provider()
    if found is not None:
        return found
    global _built
    with _lock:
        if _built is None:
            _built = _build()
            if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                trace.set_tracer_provider(_built)
    return global_sdk_provider() or _built


def global_sdk_provider() -> TracerProvider | None:
    """The global provider where it is the SDK's, else None."""
    provider = trace.get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def private_provider() -> TracerProvider:
    """A provider that exports nowhere, for recordings where no SDK provider is set."""
    global _private
    with _lock:
        if _private is None:
            # OTEL_TRACES_SAMPLER thins out what is sent somewhere; a recording or a replay that was asked for is whole.
            _private = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False, span_limits=_span_limits())
        return _private


def flush(timeout_ms: int = 30000) -> bool:
    """Hand everything recorded so far to its exporters; at exit the SDK does so by itself."""
    provider = global_sdk_provider() or _built
    return True if provider is None else provider.force_flush(timeout_ms)


def _build() -> TracerProvider:
    if _is_true("OTEL_SDK_DISABLED"):
        return TracerProvider(shutdown_on_exit=False)
    # Exporters first: a variable that asks for what is not there must not leave half a provider behind.
    processors = [_processor(_exporter(name)) for name in exporter_names()]
    provider = TracerProvider(span_limits=_span_limits())
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def exporter_names() -> list[str]:
    """Which exporters the environment asks for."""
    asked = [name.strip() for name in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip()]
    if not asked:
        asked = ["otlp"] if _first_set(_ENDPOINTS) else [FILE_EXPORTER]
    if [name.lower() for name in asked] == ["none"]:
        return []
    if os.environ.get(TRACES_DIR) and FILE_EXPORTER not in asked:
        asked.append(FILE_EXPORTER)
    return [otlp_exporter_name() if name == "otlp" else name for name in asked]


def otlp_exporter_name() -> str:
    """The entry point of the OTLP exporter that the protocol variables ask for."""
    protocol = _first_set(_PROTOCOLS)
    if not protocol:
        endpoint = _first_set(_ENDPOINTS)
        is_http = bool(endpoint) and urlsplit(endpoint).port == _HTTP_PORT
        return _BY_PROTOCOL["http/protobuf" if is_http else "grpc"]
    if protocol not in _BY_PROTOCOL:
        raise ConfigurationError(f"OTLP protocol {protocol!r} is not supported; set one of {', '.join(_BY_PROTOCOL)}.")
    return _BY_PROTOCOL[protocol]


def _exporter(name: str) -> SpanExporter:
    if name == FILE_EXPORTER:
        return FileExporter()
    if name == "console":
        return ConsoleSpanExporter()
    found = next(iter(entry_points(group="opentelemetry_traces_exporter", name=name)), None)
    if found is None:
        raise ConfigurationError(f"OTEL_TRACES_EXPORTER asks for {name!r}, and no installed package has that exporter.")
    exporter: SpanExporter = found.load()()
    return exporter


def _processor(exporter: SpanExporter) -> SpanProcessor:
    if isinstance(exporter, (FileExporter, ConsoleSpanExporter)):
        return SimpleSpanProcessor(exporter)
    if any(name.startswith("OTEL_BSP_") for name in os.environ):
        return BatchSpanProcessor(exporter)
    return BatchSpanProcessor(exporter, _QUEUE_SIZE, _DELAY_MS, _BATCH_SIZE)


def _span_limits() -> SpanLimits:
    # A payload of some MB is more than 128 events of pieces; the oldest would go. A variable of the user still wins.
    asked = "OTEL_SPAN_EVENT_COUNT_LIMIT" in os.environ
    return SpanLimits(max_events=None if asked else SpanLimits.UNSET)


def _first_set(names: tuple[str, ...]) -> str:
    return next((value.strip() for name in names if (value := os.environ.get(name))), "")


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() == "true"
