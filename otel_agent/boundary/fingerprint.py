"""A digest of a graph's shape and code, the same in every process, and what changed between two of them."""

from __future__ import annotations

import hashlib
import inspect
import json
import textwrap
import types
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from otel_agent.boundary.functions import functions_of, is_framework, is_graph

_PART_DIGITS = 16
_DEEPEST = 6
_cache: weakref.WeakKeyDictionary[Any, dict[str, str]] = weakref.WeakKeyDictionary()


def fingerprint(graph: Any) -> str:
    """SHA-256 over nodes, triggers, branches, channels, reducers, schemas and the source of the nodes.

    Never raises: what cannot be read counts as its type's name. Known limit: code that a node calls, and values in
    closures, are not in it.
    """
    return _sha256(json.dumps(fingerprint_parts(graph), sort_keys=True))


def fingerprint_parts(graph: Any) -> dict[str, str]:
    """The fingerprint by part (``node decide``, ``edges decide``, ``channel messages``...) -> short hash."""
    try:
        if (known := _cache.get(graph)) is None:
            known = _parts(graph, "", 0)
            _cache[graph] = known
        return dict(known)
    except Exception:  # noqa: BLE001 - a graph we cannot read must neither stop a run nor its recording
        return {"graph": _short(_qualified(type(graph)))}


def describe_change(recorded: Mapping[str, str], graph: Any) -> list[str]:
    """One line for each part that was added, removed or changed since ``recorded``; empty where nothing was."""
    now = fingerprint_parts(graph)
    lines = []
    for part in sorted(recorded.keys() | now.keys()):
        if part not in now:
            lines.append(f"{part} was removed")
        elif part not in recorded:
            lines.append(f"{part} was added")
        elif recorded[part] != now[part]:
            lines.append(f"{part} changed")
    return lines


def _parts(graph: Any, prefix: str, depth: int) -> dict[str, str]:
    if not is_graph(graph):
        return {f"function {prefix or getattr(graph, '__name__', 'graph')}": _code_hash(functions_of(graph))}
    found: dict[str, str] = {}
    for name, node in graph.nodes.items():
        found[f"node {prefix}{name}"] = _code_hash(functions_of(getattr(node, "bound", node)), _settings(node))
        found[f"edges {prefix}{name}"] = _short(json.dumps(_edges(graph, name, node)))
        for inner in getattr(node, "subgraphs", None) or ():
            if depth < _DEEPEST:
                found.update(_parts(inner, f"{prefix}{name}/", depth + 1))
    for name, channel in graph.channels.items():
        found[f"channel {prefix}{name}"] = _short(_channel(channel))
    builder = getattr(graph, "builder", None)
    for kind in ("input_schema", "output_schema", "context_schema", "state_schema"):
        if (schema := getattr(builder, kind, None)) is not None:
            found[f"schema {prefix}{kind.removesuffix('_schema')}"] = _short(_schema(schema))
    return found


def _settings(node: Any) -> str:
    """What the node is, beside its functions: its kind, and the tools where it has some."""
    bound = getattr(node, "bound", node)
    tools = getattr(bound, "tools_by_name", None) or {}
    told = [f"{name}: {getattr(tool, 'description', '')}" for name, tool in sorted(tools.items())]
    return "\n".join([_qualified(type(bound)), *told])


def _edges(graph: Any, name: str, node: Any) -> list[Any]:
    builder = getattr(graph, "builder", None)
    branches = (getattr(builder, "branches", None) or {}).get(name, {})
    routes = [
        [label, sorted(map(str, branch.ends.values())) if branch.ends else None, _code_hash(functions_of(branch.path))]
        for label, branch in sorted(branches.items())
    ]
    leads_to = sorted(str(end) for start, end in getattr(builder, "edges", ()) if start == name)
    return [sorted(map(str, getattr(node, "triggers", ()))), leads_to, routes]


def _channel(channel: Any) -> str:
    """Kind of the channel, the type of its values and its reducer, by name."""
    reducer = getattr(channel, "operator", None) or getattr(channel, "reducer", None)
    kind = channel if isinstance(channel, type) else type(channel)
    return f"{_qualified(kind)}({_type_name(getattr(channel, 'typ', None))}, {_qualified(reducer)})"


def _schema(schema: Any) -> str:
    fields = getattr(schema, "__annotations__", {})
    return "\n".join([_qualified(schema), *(f"{name}: {_type_name(kind)}" for name, kind in sorted(fields.items()))])


def _type_name(kind: Any) -> str:
    if kind is None or isinstance(kind, str):
        return str(kind)
    if isinstance(kind, type) and not hasattr(kind, "__args__"):
        return _qualified(kind)
    arguments = ", ".join(_type_name(argument) for argument in getattr(kind, "__args__", ()))
    return f"{getattr(kind, '__name__', type(kind).__name__)}[{arguments}]"


def _qualified(thing: Any) -> str:
    if thing is None:
        return "-"
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', '')}.{name}"


def _code_hash(functions: Iterable[types.FunctionType], settings: str = "") -> str:
    return _short("\n".join([settings, *sorted(_code(function) for function in functions)]))


def _code(function: types.FunctionType) -> str:
    """The function's source, its bytecode where there is none, its name alone where it is the framework's."""
    if is_framework(function.__module__):
        return _qualified(function)
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError):
        return f"{function.__qualname__} {_sha256(_bytecode(function.__code__))}"


def _bytecode(code: types.CodeType) -> str:
    """Instructions and constants without addresses of the moment, file names or line numbers."""
    constants = [
        _bytecode(constant) if isinstance(constant, types.CodeType) else _stable(constant)
        for constant in code.co_consts
    ]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _stable(constant: Any) -> str:
    """``repr`` of a constant; a frozenset's order would change with the hash seed."""
    return repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)


def _short(text: str) -> str:
    return _sha256(text)[:_PART_DIGITS]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
