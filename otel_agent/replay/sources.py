"""The source of one function, its names resolved to what they mean in the running program."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from otel_agent.boundary.functions import is_framework

_PUBLIC = {"posix": "os", "nt": "os", "_io": "io", "concurrent.futures.thread": "concurrent.futures"}
"""Where people import from what C modules define."""


@dataclass(frozen=True)
class _Unloaded:
    """A module, or a name in one, that the function would import."""

    name: str


class Source:
    """One function's syntax tree, and the objects its names stand for."""

    def __init__(self, function: types.FunctionType, tree: ast.AST) -> None:
        self.tree = tree
        self.file = function.__code__.co_filename
        self.known = names_in(function)
        self._first_line = function.__code__.co_firstlineno
        _resolve_imports(tree, self.known)

    def line(self, node: ast.AST) -> int:
        """The node's line in its file; that of the function where it has none."""
        return self._first_line + int(getattr(node, "lineno", 1)) - 1

    def name_of(self, node: ast.expr) -> str:
        """``datetime.datetime.now`` for what the source may call ``dt.now``; empty where it cannot be known."""
        if isinstance(node, ast.Attribute):
            found = self.resolve(node)
            if isinstance(found, types.ModuleType):
                return found.__name__
            base = self.name_of(node.value)
            return f"{base}.{node.attr}" if base else ""
        if not isinstance(node, ast.Name):
            return ""
        if node.id not in self.known:
            return node.id if node.id == "open" else ""
        return _name_of(self.known[node.id])

    def resolve(self, node: ast.expr) -> Any:
        """The object that names and dots mean, None where that is not known before it runs."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            if isinstance(base, (types.ModuleType, type)):
                return inspect.getattr_static(base, node.attr, None)
        return None


def source_of(function: types.FunctionType) -> Source | None:
    """The function's source, None where there is none to read."""
    try:
        return Source(function, ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError):
        return None


def is_application(function: types.FunctionType) -> bool:
    """Whether the application wrote it: no framework, standard library or installed package did."""
    root = (function.__module__ or "").partition(".")[0]
    return not (
        is_framework(root) or root in sys.stdlib_module_names or "site-packages" in function.__code__.co_filename
    )


def names_in(function: types.FunctionType) -> dict[str, Any]:
    """What the names in the function mean: its closure's, then its module's."""
    known = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        with suppress(ValueError):  # a cell that is not filled yet
            known[name] = cell.cell_contents
    return known


def _resolve_imports(tree: ast.AST, known: dict[str, Any]) -> None:
    """Imports inside of the function; a module that is not loaded yet stands for itself by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                known[name] = sys.modules.get(alias.name if alias.asname else name, _Unloaded(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            module = sys.modules.get(node.module)
            for alias in node.names:
                known[alias.asname or alias.name] = getattr(
                    module, alias.name, _Unloaded(f"{node.module}.{alias.name}")
                )


def _name_of(thing: Any) -> str:
    if isinstance(thing, _Unloaded):
        return thing.name
    if isinstance(thing, types.ModuleType):
        return thing.__name__
    bound_to = getattr(thing, "__self__", None)
    if type(bound_to).__module__ == "random":  # random.random is a method of a hidden random.Random
        return f"random.{thing.__name__}"
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    return f"{_PUBLIC.get(module, module)}.{name}" if module and name else ""
