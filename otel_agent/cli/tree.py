"""A run as a tree: nodes under their graph, effects under their node, with timing, status, input and output."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import indent
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from otel_agent.cli.values import many_lines, one_line
from otel_agent.cli.words import duration, style_of
from otel_agent.codec import names
from otel_agent.errors import OtelAgentError
from otel_agent.model import AgentRun, Effect, NodeExecution

Part: TypeAlias = AgentRun | NodeExecution | Effect
_LABELS = {
    "input": "input",
    "output": "output",
    "request": "asked",
    "result": "got",
    "interrupts": "asks",
    "error": "error",
}
_SHOWN = {
    "run": ("input", "output", "interrupts", "error"),
    "node": ("input", "output", "error"),
    "effect": ("request", "result", "error"),
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One part of a run and what happened inside of it."""

    part: Part
    inside: list[Branch] = field(default_factory=list)


def branches(run: AgentRun) -> Branch:
    """The run's parts, each under the one it happened in, in the order they began."""
    every: list[Part] = [*run.nested, *run.nodes, *run.effects]
    parts = sorted(every, key=_seq)
    by_address = {part.address: Branch(part) for part in parts if not isinstance(part, Effect)}
    by_span = {branch.part.span_id: branch for branch in by_address.values()}
    root = Branch(run)
    for part in parts:
        if isinstance(part, Effect):
            home = by_address.get(part.node, root)
            home.inside.append(Branch(part))
        elif isinstance(part, NodeExecution):
            by_span.get(part.run_span_id, root).inside.append(by_address[part.address])
        else:
            by_address.get(part.address.rpartition("/")[0], root).inside.append(by_address[part.address])
    return root


def draw(run: AgentRun, *, full: bool) -> RenderableType:
    """The tree; ``full`` shows values whole, on as many lines as they need."""
    root = branches(run)
    tree = Tree(_drawn(root.part, full=full, together=False), guide_style="quiet")
    _grow(tree, root, full)
    return tree


def _grow(tree: Tree, branch: Branch, full: bool) -> None:
    together = _parallel(branch)
    for inner in branch.inside:
        _grow(tree.add(_drawn(inner.part, full=full, together=inner.part.address in together)), inner, full)


def _parallel(branch: Branch) -> set[str]:
    """Addresses of the nodes that shared their superstep with others."""
    steps: dict[int, Counter[str]] = defaultdict(Counter)
    for inner in branch.inside:
        if isinstance(inner.part, NodeExecution):
            steps[inner.part.step][inner.part.address.partition("#")[0]] += 1
    shared = {step for step, tasks in steps.items() if len(tasks) > 1}
    return {
        inner.part.address
        for inner in branch.inside
        if isinstance(inner.part, NodeExecution) and inner.part.step in shared
    }


def _drawn(part: Part, *, full: bool, together: bool) -> RenderableType:
    return Group(_title(part, together), *_values(part, full))


def _title(part: Part, together: bool) -> Text:
    title = Text(no_wrap=True, overflow="ellipsis")
    if isinstance(part, NodeExecution):
        title.append(f"{part.step} ", "quiet").append(part.name, "name")
        title.append(f" #{part.attempt}" if part.attempt > 1 else "").append(" parallel" if together else "", "quiet")
    elif isinstance(part, Effect):
        title.append(f"{part.kind} ", "kind").append(part.name)
    else:
        title.append(f"{part.kind} ", "kind").append(part.name, "name")
    title.append(f"  {part.status}", style_of(part.status)).append(f"  {duration(_took_ns(part))}", "quiet")
    return title.append(_tokens(part), "quiet")


def _tokens(part: Part) -> str:
    asked, given = part.attributes.get(names.USAGE_INPUT), part.attributes.get(names.USAGE_OUTPUT)
    return "" if not isinstance(part, Effect) or given is None else f"  {asked} tokens in, {given} out"


def _values(part: Part, full: bool) -> Iterator[Text]:
    kind = "node" if isinstance(part, NodeExecution) else "effect" if isinstance(part, Effect) else "run"
    for name in _SHOWN[kind]:
        if name in part.payloads:
            yield _value(part, name, full)


def _value(part: Part, name: str, full: bool) -> Text:
    payload = part.payloads[name]
    label = f"{_LABELS[name]:<6} "
    if payload.text is None:
        return Text(no_wrap=True).append(label, "label").append(f"not recorded; {payload.size} bytes", "quiet")
    try:
        value = part.payload(name)
    except OtelAgentError as error:
        return Text().append(label, "label").append(f"cannot be read: {error}", "bad")
    return _whole(label, many_lines(value)) if full else _cut(label, one_line(value))


def _cut(label: str, text: str) -> Text:
    return Text(no_wrap=True, overflow="ellipsis").append(label, "label").append(text.replace("\n", "\\n"))


def _whole(label: str, text: str) -> Text:
    if "\n" not in text:
        return Text().append(label, "label").append(text)
    return Text().append(label.rstrip(), "label").append("\n" + indent(text, "  "))


def _took_ns(part: Part) -> int | None:
    return None if part.ended_ns is None else part.ended_ns - part.started_ns


def _seq(part: Part) -> int:
    if isinstance(part, AgentRun):
        seq = part.attributes.get(names.SEQ, 0)
        return seq if isinstance(seq, int) else 0
    return part.seq
