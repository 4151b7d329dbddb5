"""The payloads of one run: read from their spans, verified, decoded when asked for.

A damaged payload does not stop the rest from being read: it becomes a problem of the run, and asking for its value
raises that problem.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from otel_agent.codec import PayloadTable, Registry, names, read_payload
from otel_agent.codec.layout import digest_and_size
from otel_agent.errors import CutAttribute, RecordError
from otel_agent.model.payload import Payload
from otel_agent.model.span import SpanRecord
from otel_agent.rebuild.spans import text_of

RUN_PAYLOADS = {
    "input": names.RUN_INPUT,
    "output": names.RUN_OUTPUT,
    "config": names.RUN_CONFIG,
    "context": names.RUN_CONTEXT,
    "start": names.RUN_START,
    "interrupts": names.RUN_INTERRUPTS,
    "error": names.RUN_ERROR,
    "ids": names.RUN_IDS,
    "fingerprint": names.RUN_FINGERPRINT,
}
NODE_PAYLOADS = {
    "input": names.NODE_INPUT,
    "output": names.NODE_OUTPUT,
    "writes": names.NODE_WRITES,
    "error": names.NODE_ERROR,
    "ids": names.NODE_IDS,
}
EFFECT_PAYLOADS = {
    "request": names.EFFECT_REQUEST,
    "result": names.EFFECT_RESULT,
    "chunks": names.EFFECT_CHUNKS,
    "error": names.EFFECT_ERROR,
}
PAYLOADS_BY_KIND: Mapping[str, Mapping[str, str]] = {
    "run": RUN_PAYLOADS,
    "node": NODE_PAYLOADS,
    "effect": EFFECT_PAYLOADS,
}


class Payloads:
    """All payloads of one run, by span and short name."""

    def __init__(self, spans: Sequence[SpanRecord], registry: Registry | None = None) -> None:
        self._table = PayloadTable(registry)
        self._is_full = any(span.attributes.get(names.CONTENT) == "full" for span in spans)
        self._lock = threading.Lock()
        self._held: dict[str, dict[str, Payload]] = {}
        self._faults: dict[tuple[str, str], RecordError] = {}
        for span in spans:
            self._held[span.span_id] = self._read(span)
        self._verify()

    @property
    def problems(self) -> tuple[RecordError, ...]:
        """What is missing, cut or altered, in the order of the spans."""
        return tuple(self._faults.values())

    @property
    def count(self) -> int:
        """How many payloads there are, damaged ones included."""
        return sum(len(held) for held in self._held.values())

    def of(self, span: SpanRecord) -> Mapping[str, Payload]:
        """The span's payloads by short name."""
        return self._held.get(span.span_id, {})

    def decode(self, payload: Payload) -> Any:
        """The payload's value with its Python types.

        Raises:
            RecordError: it is damaged or was not captured.

        """
        fault = self._faults.get((payload.span_id, payload.name))
        if fault is not None:
            raise type(fault)(fault.message, span_id=fault.span_id)
        with self._lock:  # a replay asks from the threads of its nodes
            return self._table.decode(payload)

    def _read(self, span: SpanRecord) -> dict[str, Payload]:
        held: dict[str, Payload] = {}
        for short, name in PAYLOADS_BY_KIND.get(text_of(span.attributes, names.KIND), {}).items():
            try:
                payload = read_payload(name, span)
            except RecordError as fault:
                payload = self._damaged(name, span, fault)
            if payload is not None:
                held[short] = payload
                self._take(payload)
        return held

    def _damaged(self, name: str, span: SpanRecord, fault: RecordError) -> Payload:
        self._faults[span.span_id, name] = fault
        digest, size = digest_and_size(span.attributes.get(f"{name}.{names.PAYLOAD_DIGEST}"))
        return Payload(name, digest, size or 0, None, span.span_id)

    def _take(self, payload: Payload) -> None:
        key = (payload.span_id, payload.name)
        if payload.text is not None:
            self._table.add(payload)
        elif self._is_full and key not in self._faults:
            # Metadata alone is what a run without content has; this one says that it has all.
            text = f"span {payload.span_id}: the text of {payload.name} is gone"
            self._faults[key] = CutAttribute(text, span_id=payload.span_id)

    def _verify(self) -> None:
        # After all were added: parallel branches may refer to what a later span holds.
        for payload in (payload for held in self._held.values() for payload in held.values()):
            if (payload.span_id, payload.name) not in self._faults:
                try:
                    self._table.verify(payload)
                except RecordError as fault:
                    self._faults[payload.span_id, payload.name] = fault
