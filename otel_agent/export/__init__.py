"""Where spans go: the provider, the local journal, OTLP/JSON files, recordings. The only importer of the SDK."""

from otel_agent.export.file import FileExporter, traces_dir
from otel_agent.export.otlp_json import write_trace
from otel_agent.export.provider import flush, private_provider, tracer_provider
from otel_agent.export.recording import Bucket, collect, to_record

__all__ = [
    "Bucket",
    "FileExporter",
    "collect",
    "flush",
    "private_provider",
    "to_record",
    "tracer_provider",
    "traces_dir",
    "write_trace",
]
