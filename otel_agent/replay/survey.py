"""What reading a graph's source tells about replay, before anything runs.

Static, so it sees what may be called, not what is: calls through attributes of unknown objects, ``eval`` and code in C
stay unseen, and a call that is harmless where it stands is reported all the same. A replay has the last word.
"""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_agent.boundary.functions import functions_of, is_framework, is_graph
from otel_agent.replay.hazards import ADVICE, WRAP, reached_by
from otel_agent.replay.sources import Source, is_application, names_in, source_of

_SEAMS = {
    "BaseChatModel": "chat model",
    "BaseLLM": "llm",
    "BaseTool": "tool",
    "BaseRetriever": "retriever",
    "Embeddings": "embeddings",
    "BaseStore": "store",
}
"""Base classes whose calls are recorded and served."""
_DEEPEST = 6
_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Hazard:
    """One call that a replay would make again instead of serving it."""

    node: str
    file: str
    line: int
    call: str
    """As the source says it, names resolved: ``time.time``."""
    reaches: str
    advice: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What the source of a graph tells."""

    nodes: tuple[str, ...]
    hazards: tuple[Hazard, ...]
    covered: tuple[str, ...]
    """What is recorded and served: ``chat model ChatOpenAI in decide``."""
    unread: tuple[str, ...]
    """Functions whose source is not there."""


def survey_graph(graph: Any) -> Survey:
    """Read nodes and routers of the graph and its subgraphs, and the functions of the application they call."""
    reading = _Reading()
    reading.graph(graph, "")
    hazards = sorted(reading.hazards, key=lambda hazard: (hazard.file, hazard.line))
    return Survey(tuple(reading.nodes), tuple(hazards), tuple(reading.covered), tuple(reading.unread))


class _Reading:
    """One walk over a graph; dicts keep the order of discovery."""

    def __init__(self) -> None:
        self.nodes: dict[str, None] = {}
        self.hazards: dict[Hazard, None] = {}
        self.covered: dict[str, None] = {}
        self.unread: dict[str, None] = {}
        self._seen: set[tuple[str, types.CodeType]] = set()

    def graph(self, graph: Any, prefix: str) -> None:
        """Every node of a graph, what decides after it, and the graphs inside of it."""
        if not is_graph(graph):
            self._runnable(getattr(graph, "__name__", "graph"), graph)
            return
        branches = getattr(getattr(graph, "builder", None), "branches", None) or {}
        for name, node in graph.nodes.items():
            place = f"{prefix}{name}"
            if not name.startswith("__"):
                self.nodes[place] = None
            self._runnable(place, getattr(node, "bound", node))
            for branch in branches.get(name, {}).values():
                self._runnable(place, branch.path)
            for inner in getattr(node, "subgraphs", None) or ():
                self.graph(inner, f"{place}/")

    def _runnable(self, place: str, runnable: Any) -> None:
        functions = functions_of(runnable)
        tools = list((getattr(runnable, "tools_by_name", None) or {}).values())
        tools += [held for function in functions for held in names_in(function).values() if _seam_of(held) == "tool"]
        for tool in tools:
            self._cover(place, tool)
        served = {inner.__code__ for tool in tools for inner in functions_of(tool)}
        for function in functions:
            if function.__code__ not in served:
                self._function(place, function, 0)

    def _function(self, place: str, function: types.FunctionType, depth: int) -> None:
        if (place, function.__code__) in self._seen or depth > _DEEPEST or not is_application(function):
            return
        self._seen.add((place, function.__code__))
        source = source_of(function)
        if source is None:
            self.unread[f"{function.__module__}.{function.__qualname__}"] = None
            return
        for held in source.known.values():
            if not isinstance(held, type) and _seam_of(held):
                self._cover(place, held)
        for node in ast.walk(source.tree):
            self._note(place, source, node)
            if isinstance(node, ast.Call):
                self._call(place, source.resolve(node.func), depth)

    def _note(self, place: str, source: Source, node: ast.AST) -> None:
        found = reached_by(node, source.name_of)
        if found is not None:
            call, reaches = found
            line = source.line(node.iter if isinstance(node, ast.comprehension) else node)
            self.hazards[Hazard(place, source.file, line, call, reaches, ADVICE.get(reaches, WRAP))] = None

    def _call(self, place: str, target: Any, depth: int) -> None:
        if _is_effect(target):
            self.covered[f"effect {target.__name__} in {place}"] = None
        elif isinstance(target, type) and _seam_of(target):
            self._cover(place, target)
        elif isinstance(target, types.FunctionType):
            self._function(place, target, depth + 1)

    def _cover(self, place: str, held: Any) -> None:
        name = held.__name__ if isinstance(held, type) else getattr(held, "name", None) or type(held).__name__
        self.covered[f"{_seam_of(held)} {name} in {place}"] = None


def _is_effect(held: Any) -> bool:
    """Whether ``@otel_agent.effect`` decorates it: what runs first is code of ours."""
    code = getattr(held, "__code__", None)
    return hasattr(held, "__wrapped__") and code is not None and _OURS in code.co_filename


def _seam_of(held: Any) -> str:
    """Which seam answers for it, by the framework's base class that it has; empty where none does."""
    cls = held if isinstance(held, type) else type(held)
    bases = (base.__name__ for base in cls.__mro__ if is_framework(base.__module__))
    return next((_SEAMS[base] for base in bases if base in _SEAMS), "")
