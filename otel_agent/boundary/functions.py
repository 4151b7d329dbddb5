"""The plain functions behind a graph's nodes, routers and tools: what a fingerprint hashes and a type search reads."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

_HOLDERS = ("func", "afunc", "coroutine", "bound", "path", "default", "runnable")
"""Attributes under which runnables, tools and branches keep one thing to call."""
_COLLECTIONS = ("steps", "branches", "tools_by_name", "fallbacks")
"""Attributes under which they keep several."""
_DEEPEST = 12

GRAPH_MARKS = ("nodes", "channels", "stream", "get_subgraphs")


def is_graph(thing: Any) -> bool:
    """Whether ``thing`` looks like a compiled LangGraph graph."""
    return not isinstance(thing, type) and all(hasattr(thing, mark) for mark in GRAPH_MARKS)


def functions_of(thing: Any) -> list[types.FunctionType]:
    """The plain functions that calling ``thing`` may run, each once, in the order they are found.

    A graph inside of it is not entered: it has nodes of its own.
    """
    found: dict[int, types.FunctionType] = {}
    for function in _search(thing, set(), 0):
        found.setdefault(id(function), function)
    return list(found.values())


def _search(thing: Any, seen: set[int], depth: int) -> Iterator[types.FunctionType]:
    if thing is None or depth > _DEEPEST or id(thing) in seen or is_graph(thing):
        return
    seen.add(id(thing))
    if isinstance(thing, types.FunctionType):
        yield from _unwrapped(thing, seen, depth)
    elif isinstance(thing, types.MethodType):
        yield from _search(thing.__func__, seen, depth + 1)
    elif isinstance(thing, functools.partial):
        yield from _search(thing.func, seen, depth + 1)
        for argument in (*thing.args, *thing.keywords.values()):
            if callable(argument):
                yield from _search(argument, seen, depth + 1)
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from _search(item, seen, depth + 1)
    elif isinstance(thing, dict):
        for item in thing.values():
            yield from _search(item, seen, depth + 1)
    elif not isinstance(thing, (type, types.BuiltinFunctionType, types.ModuleType, str, bytes, int, float)):
        yield from _inside(thing, seen, depth)


def _unwrapped(function: types.FunctionType, seen: set[int], depth: int) -> Iterator[types.FunctionType]:
    inner = inspect.unwrap(function)
    if inner is not function:
        yield from _search(inner, seen, depth + 1)
    if isinstance(function, types.FunctionType):
        yield function
    for cell in function.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue
        if isinstance(held, (types.FunctionType, types.MethodType, functools.partial)) or hasattr(held, "_run"):
            yield from _search(held, seen, depth + 1)


def _inside(thing: Any, seen: set[int], depth: int) -> Iterator[types.FunctionType]:
    """What a runnable, tool or callable object holds."""
    held = [_attribute(thing, name) for name in (*_HOLDERS, *_COLLECTIONS)]
    known = [item for item in held if item is not None]
    for item in known:
        yield from _search(item, seen, depth + 1)
    for name in ("_run", "_arun", "__call__"):
        method = getattr(type(thing), name, None)
        if isinstance(method, types.FunctionType) and not is_framework(method.__module__):
            yield from _search(method, seen, depth + 1)


def _attribute(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - a property of the application's that raises is none of ours
        return None


_FRAMEWORK = frozenset({"langgraph", "langchain", "langchain_core", "otel_agent", "functools", "asyncio", "contextlib"})


def is_framework(module: str | None) -> bool:
    """Whether a module belongs to LangGraph, LangChain or us: its code is known by version, not by source."""
    return (module or "").partition(".")[0] in _FRAMEWORK
