"""Builds traces in recording format 1, with fixed ids and times, as the recorder writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_agent.codec import Encoder, names, payload_fields, seal_of
from otel_agent.model import SpanEvent, SpanRecord

EPOCH_NS = 1_800_000_000_000_000_000


@dataclass
class Draft:
    """A span being built; `payloads` by attribute name."""

    kind: str
    name: str
    address: str
    parent: Draft | None
    attributes: dict[str, Any]
    payloads: dict[str, Any]
    seq: int
    span_id: str
    status: str = "unset"
    late: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


class TraceBuilder:
    """One run; spans begin in the order they are added, and the root ends last."""

    def __init__(self, seed: str = "run", *, thread: str | None = "thread-1", status: str = "completed") -> None:
        self.seed = seed
        self.trace_id = self._hex("trace", 32)
        self.drafts: list[Draft] = []
        self.encoder = Encoder()
        self.root_attributes: dict[str, Any] = {}
        self.root = self._add(
            *("run", "invoke_workflow demo", "", None),
            {names.OPERATION: "invoke_workflow", names.RUN_GRAPH: "demo", names.RUN_STATUS: status}
            | ({names.RUN_THREAD: thread, names.CONVERSATION_ID: thread} if thread else {}),
            {},
        )

    @property
    def run_id(self) -> str:
        return f"{self.trace_id}-{self.root.span_id}"

    def node(
        self, name: str, step: int, parent: Draft | None = None, /, *, hidden: bool = False, **payloads: Any
    ) -> Draft:
        parent = parent or self.root
        attributes = {
            names.NODE_NAME: name,
            names.NODE_STEP: step,
            names.NODE_ATTEMPT: 1,
            names.NODE_STATUS: "completed",
        } | ({names.NODE_HIDDEN: True} if hidden else {})
        address = f"{parent.address}/{name}@{step}:pull#1"
        return self._add("node", f"invoke_node {name}", address, parent, attributes, _named("agent.node", payloads))

    def effect(self, kind: str, name: str, parent: Draft, **payloads: Any) -> Draft:
        digest = self.encoder.encode(payloads.get("request")).digest
        attributes = {names.EFFECT_KIND: kind, names.EFFECT_NAME: name, names.EFFECT_STATUS: "completed"}
        address = f"{parent.address}/{kind}~{name}~{digest[:16]}~0"
        return self._add("effect", f"{kind} {name}", address, parent, attributes, _named("agent.effect", payloads))

    def nested(self, name: str, parent: Draft, **payloads: Any) -> Draft:
        attributes = {names.RUN_GRAPH: name, names.RUN_STATUS: "completed", names.OPERATION: "invoke_agent"}
        address = f"{parent.address}/graph~{name}~0"
        return self._add("run", f"invoke_agent {name}", address, parent, attributes, _named("agent.run", payloads))

    def spans(self) -> list[SpanRecord]:
        """The ended spans in the order they end: children first, the root last, late ones after it."""
        encoder = Encoder()
        fields = {draft.seq: self._payloads(draft, encoder) for draft in self.drafts}
        children = [self._span(draft, *fields[draft.seq], {}) for draft in self.drafts[1:]]
        counted = [span for draft, span in zip(self.drafts[1:], children, strict=True) if not draft.late]
        late = [span for draft, span in zip(self.drafts[1:], children, strict=True) if draft.late]
        return [*reversed(counted), self._span(self.root, *fields[0], self._account(counted)), *late]

    def _account(self, counted: list[SpanRecord]) -> dict[str, Any]:
        seals = [str(span.attributes[names.SEAL]) for span in counted]
        return {
            names.RECORD_FORMAT: names.FORMAT,
            names.RECORD_SPANS: len(seals) + 1,
            names.RECORD_NODES: sum(draft.kind == "node" for draft in self.drafts),
            names.RECORD_EFFECTS: sum(draft.kind == "effect" for draft in self.drafts),
            names.RECORD_LOSSES: 0,
            names.RECORD_SEALS: hashlib.sha256("\n".join(seals).encode()).hexdigest(),
            names.REPLAYABLE: True,
            names.REASONS: [],
            names.CONTENT: "full",
            names.VERSIONS: '{"python":"3.11"}',
        } | self.root_attributes

    def _payloads(self, draft: Draft, encoder: Encoder) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
        attributes: dict[str, Any] = {}
        events: list[tuple[str, dict[str, Any]]] = []
        for name, value in draft.payloads.items():
            encoder.touch()
            more, pieces = payload_fields(name, encoder.encode(value))
            attributes |= more
            events += pieces
        return attributes, events

    def _span(
        self, draft: Draft, payloads: Mapping[str, Any], events: list[tuple[str, dict[str, Any]]], extra: dict[str, Any]
    ) -> SpanRecord:
        start = EPOCH_NS + draft.seq * 1_000_000
        end = EPOCH_NS + (2000 if draft.late else 1000 if draft is self.root else 900) * 1_000_000 - draft.seq * 1000
        parent = draft.parent.span_id if draft.parent else None
        attributes = {
            names.RUN_ID: self.run_id,
            names.SEQ: draft.seq,
            names.KIND: draft.kind,
            names.ADDRESS: draft.address,
            **draft.attributes,
            **payloads,
            **extra,
        }
        seal = seal_of(
            *(self.trace_id, draft.span_id, parent, draft.name, start // 1000, end // 1000),
            *(draft.status, attributes, events),
        )
        return SpanRecord(
            trace_id=self.trace_id,
            span_id=draft.span_id,
            parent_id=parent,
            name=draft.name,
            start_ns=start,
            end_ns=end,
            status=draft.status,
            attributes={**attributes, names.SEAL: seal},
            events=tuple(SpanEvent(name, end, held) for name, held in events),
            resource={names.SERVICE_NAME: "demo-service"},
            scope=names.SCOPE,
        )

    def _add(
        self,
        kind: str,
        name: str,
        address: str,
        parent: Draft | None,
        attributes: dict[str, Any],
        payloads: dict[str, Any],
    ) -> Draft:
        seq = len(self.drafts)
        self.drafts.append(Draft(kind, name, address, parent, attributes, payloads, seq, self._hex(f"span {seq}", 16)))
        return self.drafts[-1]

    def _hex(self, what: str, digits: int) -> str:
        return hashlib.sha256(f"{self.seed} {what}".encode()).hexdigest()[:digits]


def _named(prefix: str, payloads: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{short}": value for short, value in payloads.items()}


DOCUMENT = "The quick brown fox jumps over the lazy dog; " * 120
"""Longer than one attribute may be, so that it is cut into pieces."""


def demo(seed: str = "run", **options: Any) -> TraceBuilder:
    """A run with a hidden node, two nodes, a model and a tool, and a nested agent; values small, shared and long."""
    question = {"messages": [{"role": "user", "content": "Which animals? " * 12}], "n": 1, "ratio": 0.5}
    trace = TraceBuilder(seed, **options)
    trace.root.payloads |= {names.RUN_INPUT: question, names.RUN_OUTPUT: {**question, "answer": "fox, dog"}}
    trace.node("__start__", 0, hidden=True, input=question, output=question)
    search = trace.node("search", 1, input=question, output={"document": DOCUMENT})
    trace.effect("tool", "find", search, request={"query": "animals"}, result=DOCUMENT)
    decide = trace.node("decide", 2, input={**question, "document": DOCUMENT}, output={"answer": "fox, dog"})
    inner = trace.nested("writer", decide, input=question, output={"answer": "fox, dog"})
    write = trace.node("write", 0, inner, input=question, output={"answer": "fox, dog"})
    trace.effect("chat", "model", write, request=question, result="fox, dog")
    return trace
