"""The OpenTelemetry front door: what `opentelemetry-instrument` loads, and what `otel_agent.instrument` calls."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Collection
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.trace import Tracer, TracerProvider

from otel_agent.boundary.crossing import set_process_handler
from otel_agent.boundary.install import install, uninstall
from otel_agent.capture.recorder import Recorder
from otel_agent.codec import Redactor, names
from otel_agent.errors import ConfigurationError

logger = logging.getLogger("otel_agent")

CONTENT_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CONTENT_OFF = ("NO_CONTENT", "FALSE", "0")
_OTHERS = {
    "openinference.instrumentation.langchain": ("LangChainInstrumentor", "OpenInference"),
    "opentelemetry.instrumentation.langchain": ("LangchainInstrumentor", "Traceloop (or Splunk)"),
    "opentelemetry.instrumentation.genai.langchain": ("LangChainInstrumentor", "OpenTelemetry GenAI"),
}

provider_factory: Callable[[], TracerProvider] = trace.get_tracer_provider
"""Where spans go when nobody says; the front door replaces it by the export room's pipeline."""
tracer_factory: Callable[[TracerProvider], Tracer] = lambda provider: provider.get_tracer(names.SCOPE)  # noqa: E731
"""How spans are made; the front door replaces it by the export room's fast way."""


class OtelAgentInstrumentor(BaseInstrumentor):  # type: ignore[misc] # upstream is not typed
    """Records every LangGraph run of this process. One per process, as all of OpenTelemetry's."""

    recorder: Recorder | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """What must be installed for it to make sense."""
        return ("langgraph >= 1.0",)

    def _instrument(self, **kwargs: Any) -> None:
        provider = kwargs.get("tracer_provider") or provider_factory()
        content = content_wanted(kwargs.get("content"))
        redactor = _redactor(kwargs.get("redactor"))
        self.recorder = Recorder(provider, tracer=tracer_factory(provider), content=content, redactor=redactor)
        install()
        set_process_handler(self.recorder)
        for name in other_instrumentations():
            logger.warning(
                "%s also instruments LangChain in this process: each run will make two sets of spans. "
                "Uninstall one, or name it in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS.",
                name,
            )

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        set_process_handler(None)
        uninstall()
        self.recorder = None


def content_wanted(setting: str | None) -> bool:
    """Whether values are recorded (``full``) or only digests and sizes (``metadata``).

    The argument wins over the standard environment variable; without either, content is recorded: a flight recorder
    that records nothing is of no use.

    Raises:
        ConfigurationError: the setting is neither ``full`` nor ``metadata``.

    """
    if setting is None:
        return os.environ.get(CONTENT_VARIABLE, "").strip().upper() not in _CONTENT_OFF
    if setting not in ("full", "metadata"):
        raise ConfigurationError(f"content={setting!r} is not known; use 'full' or 'metadata'")
    return setting == "full"


def other_instrumentations() -> list[str]:
    """Names of other instrumentations of LangChain at work in this process; none is imported to find out."""
    found = []
    for module, (class_name, name) in _OTHERS.items():
        instrumentor = getattr(sys.modules.get(module), class_name, None)
        if instrumentor is not None and instrumentor().is_instrumented_by_opentelemetry:
            found.append(name)
    if os.environ.get("LANGSMITH_OTEL_ENABLED", "").lower() == "true":
        found.append("LangSmith's OpenTelemetry mode")
    return found


def _redactor(given: Any) -> Redactor | None:
    if given is None or isinstance(given, Redactor):
        return given
    raise ConfigurationError(f"redactor must be an otel_agent Redactor, not {type(given).__name__}")
