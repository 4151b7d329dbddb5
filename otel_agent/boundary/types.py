"""The Python types that a run's values can have, taken from the running graph and from the frameworks: never by name.

A record names types as text. Decoding looks them up among these, so a trace can make nothing be imported.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from otel_agent.boundary.functions import functions_of, is_framework, is_graph

_DEEPEST = 8
_MOST_MODULES = 400


class TypeRegistry(Protocol):
    """What decoding looks types up in."""

    def add(self, cls: type, /) -> Any:
        """Let values of this type be decoded."""


def types_of(graph: Any) -> list[type]:
    """Types reachable from the live graph: schemas and their fields, tool arguments, and what its modules define.

    The graph's modules are those where its nodes, routers, tools and schemas are defined, and those of the same
    top-level package that they name.
    """
    search = _Search()
    search.graph(graph, 0)
    search.modules()
    return [cls for cls in search.found if is_value_type(cls) or _is_own_data(cls)]


def register_types(graph: Any, registry: TypeRegistry) -> None:
    """Make the graph's own types decodable."""
    for cls in types_of(graph):
        _add(registry, cls)


def register_framework_types(registry: TypeRegistry) -> None:
    """Make LangChain's and LangGraph's value types and exceptions decodable, and those of clients already imported."""
    for cls in _framework_types():
        _add(registry, cls)


def _add(registry: TypeRegistry, cls: type) -> None:
    try:
        registry.add(cls)
    except (TypeError, ValueError):  # a type that the codec cannot rebuild: its values are recorded as opaque
        return


class _Search:
    """Walks a graph once; `found` keeps the order of discovery."""

    def __init__(self) -> None:
        self.found: dict[type, None] = {}
        self._seen: set[int] = set()
        self._modules: dict[str, None] = {}

    def graph(self, graph: Any, depth: int) -> None:
        """Everything that one graph, its subgraphs included, names."""
        if depth > _DEEPEST or id(graph) in self._seen:
            return
        self._seen.add(id(graph))
        if not is_graph(graph):
            self._functions(graph)
            return
        builder = getattr(graph, "builder", None)
        for name in ("state_schema", "input_schema", "output_schema", "context_schema"):
            self.annotation(getattr(builder, name, None))
        self.annotation(vars(graph).get("context_schema"))
        for schema in (*(getattr(builder, "schemas", None) or ()), *(getattr(graph, "schema_to_mapper", None) or ())):
            self.annotation(schema)
        for channel in graph.channels.values():
            self.annotation(getattr(channel, "typ", None))
        for branches in (getattr(builder, "branches", None) or {}).values():
            for branch in branches.values():
                self._functions(getattr(branch, "path", None))
        for node in graph.nodes.values():
            bound = getattr(node, "bound", node)
            self._functions(bound)
            for tool in (getattr(bound, "tools_by_name", None) or {}).values():
                self.tool(tool)
            for inner in getattr(node, "subgraphs", None) or ():
                self.graph(inner, depth + 1)

    def tool(self, tool: Any) -> None:
        """A tool's argument schema, its own class and the functions it runs."""
        self.annotation(getattr(tool, "args_schema", None))
        self._module(type(tool).__module__)
        self._functions(tool)

    def _functions(self, thing: Any) -> None:
        for function in functions_of(thing):
            self._module(function.__module__)
            for annotation in _hints(function).values():
                self.annotation(annotation)
            for cell in function.__closure__ or ():
                try:
                    held = cell.cell_contents
                except ValueError:
                    continue
                if isinstance(held, type):
                    self.annotation(held)
                elif is_graph(held):
                    self.graph(held, 1)

    def annotation(self, annotation: Any, depth: int = 0) -> None:
        """A type annotation: the classes in it, and those in their fields."""
        if annotation is None or isinstance(annotation, (str, typing.ForwardRef)) or depth > _DEEPEST:
            return
        for argument in getattr(annotation, "__args__", None) or ():
            self.annotation(argument, depth + 1)
        metadata = getattr(annotation, "__metadata__", None)
        if metadata is not None:
            self.annotation(getattr(annotation, "__origin__", None), depth + 1)
        origin = typing.get_origin(annotation)
        cls = annotation if isinstance(annotation, type) and origin is None else origin
        if not isinstance(cls, type) or cls in self.found or cls.__module__ in ("builtins", "typing"):
            return
        self.found[cls] = None
        if depth == 0:
            self._module(cls.__module__)
        for field in _hints(cls).values():
            self.annotation(field, depth + 1)
        for base in cls.__mro__[1:]:
            self.annotation(base, depth + 1)

    def _module(self, name: str | None) -> None:
        if name and not _is_foreign(name):
            self._modules.setdefault(name)

    def modules(self) -> None:
        """The classes that the graph's modules hold, and those of modules of the same package that they name."""
        pending = list(self._modules)
        homes = {name.partition(".")[0] for name in pending}
        done: set[str] = set()
        while pending and len(done) < _MOST_MODULES:
            name = pending.pop(0)
            module = sys.modules.get(name)
            if name in done or not isinstance(module, types.ModuleType):
                continue
            done.add(name)
            for held in list(vars(module).values()):
                if isinstance(held, type):
                    self._classes(held)
                    pending.append(held.__module__)
                elif isinstance(held, types.FunctionType):
                    pending.append(held.__module__)
                elif isinstance(held, types.ModuleType):
                    pending.append(held.__name__)
            pending = [other for other in pending if other.partition(".")[0] in homes and other not in done]

    def _classes(self, cls: type) -> None:
        if is_value_type(cls):
            self.annotation(cls)
        for inner in list(vars(cls).values()):
            if isinstance(inner, type) and inner.__qualname__.startswith(f"{cls.__qualname__}."):
                self.annotation(inner)


def _is_foreign(module: str) -> bool:
    """Whether a module is the framework's or Python's own: not searched for the application's types."""
    return is_framework(module) or module.partition(".")[0] in sys.stdlib_module_names


def _is_own_data(cls: type) -> bool:
    """A plain class that a schema of the application names."""
    return not _is_foreign(cls.__module__) and not hasattr(cls, "invoke") and not hasattr(cls, "_run")


def is_value_type(cls: type) -> bool:
    """Whether values of the class are data: an exception, enum, dataclass, pydantic model, NamedTuple or the like.

    What can be run (models, tools, graphs) is not: a trace must not be able to make one.
    """
    if hasattr(cls, "invoke") or hasattr(cls, "_run"):
        return False
    return (
        issubclass(cls, (BaseException, enum.Enum))
        or dataclasses.is_dataclass(cls)
        or hasattr(cls, "model_fields")
        or hasattr(cls, "__attrs_attrs__")
        or hasattr(cls, "__struct_fields__")
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
        or issubclass(cls, (str, int, float, list, dict, set, tuple))
    )


def _hints(thing: Any) -> dict[str, Any]:
    """Resolved annotations; those as written where a name in them cannot be resolved."""
    try:
        return typing.get_type_hints(thing, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating annotations runs the application's code, which may raise anything
        return dict(getattr(thing, "__annotations__", None) or {})


_FRAMEWORK_MODULES = (
    "langchain_core.messages",
    "langchain_core.messages.tool",
    "langchain_core.messages.ai",
    "langchain_core.documents",
    "langchain_core.outputs",
    "langchain_core.exceptions",
    "langchain_core.prompt_values",
    "langchain_core.agents",
    "langchain_core.tools",
    "langgraph.types",
    "langgraph.errors",
    "langgraph.store.base",
    "langgraph.graph.ui",
    "langgraph.runtime",
    "langgraph.checkpoint.base",
    "langchain.agents.middleware.types",
    "langchain.agents.structured_output",
    "langchain.agents.middleware",
    "asyncio",
    "asyncio.exceptions",
    "concurrent.futures",
    "json",
    "socket",
    "ssl",
    "pydantic",
    "pydantic_core",
    "httpx",
    "httpx2",
    "httpcore",
    "openai",
    "anthropic",
    "requests.exceptions",
    "aiohttp",
)
"""Searched where already imported, the first few in any case: a record names their types often."""
_ALWAYS = 12
_PLAIN_CLASSES = {"langgraph.types": ("Send",), "langgraph.store.base": ("Item", "SearchItem")}
"""Values of the frameworks that are plain classes."""


def _framework_types() -> Iterator[type]:
    for number, name in enumerate(_FRAMEWORK_MODULES):
        if number < _ALWAYS:
            try:
                importlib.import_module(name)
            except ImportError:
                continue
        module = sys.modules.get(name)
        if module is not None:
            yield from _values(module)
    for name, names in _PLAIN_CLASSES.items():
        for plain in names:
            if isinstance(held := getattr(sys.modules.get(name), plain, None), type):
                yield held


def _values(module: types.ModuleType) -> Iterable[type]:
    """The value types that a module offers; lazily loaded ones are asked for by the names it lists."""
    names = dict.fromkeys([*getattr(module, "__all__", ()), *vars(module)])
    for name in names:
        try:
            held = getattr(module, name, None)
        except Exception:  # noqa: BLE001, S112 - a lazy attribute whose optional dependency is missing
            continue
        if isinstance(held, type) and typing.get_origin(held) is None and is_value_type(held):
            yield held
