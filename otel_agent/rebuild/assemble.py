"""Spans of a run into an `AgentRun`: nodes, effects and nested runs, each under its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

from otel_agent.codec import names
from otel_agent.errors import RecordError
from otel_agent.model.effect import Effect
from otel_agent.model.node import NodeExecution
from otel_agent.model.run import AgentRun
from otel_agent.model.span import SpanRecord
from otel_agent.rebuild.payloads import Payloads
from otel_agent.rebuild.spans import RunSpans, number_of, seq_of, text_of, texts_of

_Kept = TypeVar("_Kept")

UNFINISHED = "unfinished"
_AGENT = "invoke_agent"


def assemble(run: RunSpans, payloads: Payloads, problems: Iterable[RecordError]) -> AgentRun:
    """The whole run; `problems` are those of all its spans."""
    return _Assembly(run, payloads, tuple(problems)).run()


def status_of(root: SpanRecord | None) -> str:
    """How the run ended, or that it never did."""
    return text_of(root.attributes, names.RUN_STATUS, UNFINISHED) if root is not None else UNFINISHED


def name_of(root: SpanRecord | None) -> str:
    """The graph's name, empty where the root never came."""
    return text_of(root.attributes, names.RUN_GRAPH, subject_of(root)) if root is not None else ""


def subject_of(span: SpanRecord) -> str:
    """What the span's own name says it is about: `invoke_node search` is about `search`."""
    return span.name.partition(" ")[2] or span.name


def thread_of(spans: Iterable[SpanRecord]) -> str | None:
    """LangGraph's thread id: of the first span that says one, so that an unfinished run has it too."""
    for span in spans:
        found = text_of(span.attributes, names.RUN_THREAD) or text_of(span.attributes, names.CONVERSATION_ID)
        if found:
            return found
    return None


def parent_address(address: str, known: Mapping[str, _Kept]) -> str | None:
    """The longest known address that this one lies under; names may hold slashes, so each cut is tried."""
    while address:
        address = address.rpartition("/")[0]
        if address in known:
            return address
    return None


class _Assembly:
    """The spans of one run by kind and address."""

    def __init__(self, run: RunSpans, payloads: Payloads, problems: tuple[RecordError, ...]) -> None:
        self._source = run
        self._payloads = payloads
        self._problems = problems
        self._runs = self._by_address("run", without=run.root)
        self._node_spans = self._by_address("node")
        self._inside: dict[str, list[SpanRecord]] = {address: [] for address in self._runs}
        for span in run.spans:
            for address in self._runs_around(_address(span)):
                self._inside[address].append(span)
        self._effects = {span.span_id: self._effect(span) for span in self._of_kind("effect")}
        self._effects_by_node: dict[str, list[Effect]] = {}
        for effect in self._effects.values():
            self._effects_by_node.setdefault(effect.node, []).append(effect)
        self._nodes = {span.span_id: self._node(span) for span in self._of_kind("node")}
        self._nested_in: dict[str, list[str]] = {}
        for address in self._runs:
            self._nested_in.setdefault(parent_address(address, self._runs) or "", []).append(address)

    def run(self) -> AgentRun:
        source, root = self._source, self._source.root
        started = root.start_ns if root is not None else min(span.start_ns for span in source.spans)
        attributes = root.attributes if root is not None else {}
        return AgentRun(
            run_id=source.run_id,
            trace_id=source.trace_id,
            span_id=source.root_id,
            parent_span_id=root.parent_id if root is not None else None,
            name=name_of(root),
            kind=_kind(root),
            status=status_of(root),
            started_ns=started,
            ended_ns=root.end_ns if root is not None else None,
            thread_id=thread_of(source.spans),
            payloads=self._payloads.of(root) if root is not None else {},
            decode=self._payloads.decode,
            nodes=tuple(node for node in self._nodes.values() if not node.hidden),
            all_nodes=tuple(self._nodes.values()),
            effects=tuple(self._effects.values()),
            nested=self._nested(""),
            attributes=attributes,
            links=root.links if root is not None else (),
            problems=self._problems,
            replayable=root is not None and attributes.get(names.REPLAYABLE) is True,
            reasons=texts_of(attributes, names.REASONS) if root is not None else ("its end was not recorded",),
            spans=source.spans,
        )

    def _of_kind(self, kind: str) -> list[SpanRecord]:
        return [span for span in self._source.spans if text_of(span.attributes, names.KIND) == kind]

    def _by_address(self, kind: str, *, without: SpanRecord | None = None) -> dict[str, SpanRecord]:
        return {_address(span): span for span in self._of_kind(kind) if span is not without}

    def _node(self, span: SpanRecord) -> NodeExecution:
        attributes, address = span.attributes, _address(span)
        owner = parent_address(address, self._runs)
        return NodeExecution(
            name=text_of(attributes, names.NODE_NAME, subject_of(span)),
            address=address,
            step=number_of(attributes, names.NODE_STEP),
            path=path_of(address),
            attempt=number_of(attributes, names.NODE_ATTEMPT, 1),
            status=text_of(attributes, names.NODE_STATUS),
            span_id=span.span_id,
            run_span_id=self._runs[owner].span_id if owner else self._source.root_id,
            parent_span_id=span.parent_id,
            seq=seq_of(span),
            started_ns=span.start_ns,
            ended_ns=span.end_ns,
            hidden=attributes.get(names.NODE_HIDDEN) is True,
            payloads=self._payloads.of(span),
            decode=self._payloads.decode,
            goto=_goto(attributes),
            attributes=attributes,
            effects=tuple(self._effects_by_node.get(address, ())),
        )

    def _effect(self, span: SpanRecord) -> Effect:
        attributes, address = span.attributes, _address(span)
        return Effect(
            kind=text_of(attributes, names.EFFECT_KIND),
            name=text_of(attributes, names.EFFECT_NAME, subject_of(span)),
            address=address,
            span_id=span.span_id,
            node=parent_address(address, self._node_spans) or "",
            parent_span_id=span.parent_id,
            seq=seq_of(span),
            status=text_of(attributes, names.EFFECT_STATUS),
            started_ns=span.start_ns,
            ended_ns=span.end_ns,
            payloads=self._payloads.of(span),
            decode=self._payloads.decode,
            attributes=attributes,
        )

    def _runs_around(self, address: str) -> Iterator[str]:
        """The nested runs that an address lies in, itself included, innermost first."""
        around: str | None = address if address in self._runs else parent_address(address, self._runs)
        while around:
            yield around
            around = parent_address(around, self._runs)

    def _nested(self, address: str) -> tuple[AgentRun, ...]:
        """The runs directly under the run at this address."""
        return tuple(self._nested_run(inner) for inner in self._nested_in.get(address, ()) if inner != address)

    def _nested_run(self, address: str) -> AgentRun:
        span, spans = self._runs[address], tuple(self._inside[address])
        held = {inner.span_id for inner in spans}
        nodes = tuple(self._nodes[inner.span_id] for inner in spans if inner.span_id in self._nodes)
        return AgentRun(
            run_id=f"{span.trace_id}-{span.span_id}",
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_id,
            name=name_of(span),
            kind=_kind(span),
            status=status_of(span),
            started_ns=span.start_ns,
            ended_ns=span.end_ns,
            thread_id=thread_of(spans),
            payloads=self._payloads.of(span),
            decode=self._payloads.decode,
            nodes=tuple(node for node in nodes if not node.hidden),
            all_nodes=nodes,
            effects=tuple(self._effects[inner.span_id] for inner in spans if inner.span_id in self._effects),
            nested=self._nested(address),
            address=address,
            attributes=span.attributes,
            links=span.links,
            problems=tuple(problem for problem in self._problems if problem.span_id in held),
            replayable=False,
            reasons=("it is part of another run",),
            spans=spans,
        )


def _address(span: SpanRecord) -> str:
    return text_of(span.attributes, names.ADDRESS)


def _kind(root: SpanRecord | None) -> str:
    is_agent = root is not None and text_of(root.attributes, names.OPERATION) == _AGENT
    return "agent" if is_agent else "workflow"


def _goto(attributes: Mapping[str, Any]) -> tuple[str, ...] | None:
    if names.NODE_GOTO not in attributes:
        return None
    try:
        found = orjson.loads(text_of(attributes, names.NODE_GOTO))
    except orjson.JSONDecodeError:
        return None
    return tuple(str(node) for node in found) if isinstance(found, list) else None


def path_of(address: str) -> str:
    """The task path in a node's address, ``.../name@step:path#attempt``."""
    return address.rpartition("#")[0].rpartition(":")[2]
