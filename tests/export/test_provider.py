"""Which provider runs are recorded with, and what the OTEL_* variables make of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util._once import Once

from otel_agent.errors import ConfigurationError
from otel_agent.export import flush, provider, tracer_provider
from otel_agent.export.provider import exporter_names
from otel_agent.read import read_spans


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No global provider, no OTEL_* variable, and an empty working directory."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(provider, "_built", None)
    monkeypatch.chdir(tmp_path)
    yield
    found = provider._built
    if found is not None:
        found.shutdown()


class Sink(HTTPServer):
    """An OTLP/HTTP receiver on 127.0.0.1."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[ExportTraceServiceRequest] = []


class Receiver(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_provider_of_the_application_is_used_and_never_replaced() -> None:
    """Where the application has set an SDK provider, that one is ours too."""
    theirs = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(theirs)

    assert tracer_provider() is theirs
    assert trace.get_tracer_provider() is theirs


def test_without_a_provider_ours_is_made_once_and_set(tmp_path: Path) -> None:
    """Without anything configured, spans go to ./otel-agent-traces, by the one global provider."""
    ours = tracer_provider()
    ours.get_tracer("test").start_span("a").end()

    assert trace.get_tracer_provider() is ours is tracer_provider()
    assert [span.name for span in read_spans(tmp_path / "otel-agent-traces")] == ["a"]


def test_another_vendors_provider_is_left_alone() -> None:
    """A global provider that is not the SDK's stays; ours is private beside it."""
    theirs = trace.NoOpTracerProvider()
    trace.set_tracer_provider(theirs)

    assert isinstance(tracer_provider(), TracerProvider)
    assert trace.get_tracer_provider() is theirs


def test_an_endpoint_means_the_otlp_exporter(sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spans arrive as protobuf at the endpoint, under the service's name, and no journal is written."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{sink.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-agent")

    tracer_provider().get_tracer("test").start_span("a").end()
    flush()

    [resource_spans] = sink.received[0].resource_spans
    assert [span.name for span in resource_spans.scope_spans[0].spans] == ["a"]
    assert "my-agent" in {pair.value.string_value for pair in resource_spans.resource.attributes}
    assert not list(tmp_path.glob("**/*.jsonl"))


def test_a_place_for_traces_beside_an_endpoint_means_both(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With OTEL_AGENT_TRACES_DIR beside an endpoint, each span is in the journal and at the endpoint."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{sink.server_port}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_AGENT_TRACES_DIR", str(tmp_path / "journal"))

    tracer_provider().get_tracer("test").start_span("a").end()
    flush()

    assert len(sink.received) == 1
    assert [span.name for span in read_spans(tmp_path / "journal")] == ["a"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["otel_agent_file"]),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_TRACES_EXPORTER": "console"}, ["console"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp_proto_grpc"]),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ["otlp_proto_grpc", "console"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, ["otlp_proto_grpc"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, ["otlp_proto_grpc"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ["otlp_proto_http"]),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            },
            ["otlp_proto_grpc"],
        ),
    ],
)
def test_variables_choose_the_exporters(
    environment: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard variables mean what they mean to the SDK's own configurator."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert exporter_names() == expected


def test_no_exporter_still_makes_spans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OTEL_TRACES_EXPORTER=none exports nowhere, and recordings in memory still work."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")

    assert tracer_provider().get_tracer("test").start_span("a").is_recording()
    assert list(tmp_path.iterdir()) == []


def test_a_disabled_sdk_records_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OTEL_SDK_DISABLED=true: no span records and nothing is written."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert not tracer_provider().get_tracer("test").start_span("a").is_recording()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_TRACES_EXPORTER": "carrier_pigeon"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
    ],
)
def test_what_is_not_there_is_a_configuration_error(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter or protocol that nobody has is named, and no provider is set."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=r"carrier_pigeon|http/json"):
        tracer_provider()
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
