"""A process that writes spans to the local journal: `python writer.py <count|forever|fork>`."""

from __future__ import annotations

import os
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_agent.export import FileExporter


def main(mode: str) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(FileExporter()))
    tracer = provider.get_tracer("writer")
    written = 0
    while mode == "forever" or written < int(mode if mode.isdigit() else 10):
        span = tracer.start_span(f"span {written}", attributes={"padding": "x" * 2000})
        span.end()
        written += 1
        sys.stdout.write(f"{span.get_span_context().span_id:016x}\n")
        sys.stdout.flush()
        if mode == "fork" and written == 5:
            os.fork()


if __name__ == "__main__":
    main(sys.argv[1])
