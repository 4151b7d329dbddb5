"""Runs: `Pregel.stream` and `Pregel.astream`, the only roots of a LangGraph run.

Depends on langgraph/pregel/main.py (1.0 - 1.2.22): `invoke` loops over `stream`, `ainvoke` over `astream`, and the
event streams end there too, so `StateGraph`, `@entrypoint`, `create_agent` and subgraphs all pass here. Both are
(async) generator functions: nothing may happen before the first item is asked for, and nothing does.
`bulk_update_state` changes a thread without a run of the graph; it is recorded as a run of its own.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import Any

from langgraph.pregel import Pregel

from otel_agent.boundary.crossing import Crossing, acall, aiterate, call, handler_in_force, iterate
from otel_agent.boundary.loop import patch_loop
from otel_agent.boundary.node import patch_nodes
from otel_agent.boundary.patch import Patches

AGENT_INTEGRATION = "langchain_create_agent"
"""What `create_agent` writes into its graph's metadata as ``ls_integration`` (langchain/agents/factory.py)."""


def patch_graph(patches: Patches) -> None:
    """Put the seams for runs, nodes and the loop in place."""
    patches.wrap(Pregel, "stream", _wrap_stream)
    patches.wrap(Pregel, "astream", _wrap_astream)
    patches.wrap(Pregel, "bulk_update_state", _wrap_update)
    patches.wrap(Pregel, "abulk_update_state", _wrap_aupdate)
    patch_nodes(patches)
    patch_loop(patches)


def run_crossing(graph: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Crossing:
    """Describe the run of a graph; ``args`` are `stream`'s positional ones: input, then config."""
    request = args[0] if args else kwargs.get("input")
    config = args[1] if len(args) > 1 else kwargs.get("config")
    details = {"graph": graph, "config": config or {}, "kwargs": kwargs}
    return Crossing("run", graph_name(graph, config), request, method=method, details=details)


def graph_name(graph: Any, config: Mapping[str, Any] | None = None) -> str:
    """The name LangGraph itself gives the run (main.py: ``config.get("run_name", self.get_name())``)."""
    return str((config or {}).get("run_name") or graph.get_name())


def is_agent(graph: Any) -> bool:
    """True for graphs made by `create_agent`."""
    metadata = (getattr(graph, "config", None) or {}).get("metadata") or {}
    return bool(metadata.get("ls_integration") == AGENT_INTEGRATION)


def _wrap_stream(original: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(original)
    def stream(self: Any, *args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if handler_in_force() is None:
            return (yield from original(self, *args, **kwargs))
        return (yield from iterate(run_crossing(self, "stream", args, kwargs), original, self, *args, **kwargs))

    return stream


def _wrap_astream(original: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    @functools.wraps(original)
    async def astream(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        crossing = run_crossing(self, "astream", args, kwargs)
        items = aiterate(crossing, original, self, *args, **kwargs)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()  # type: ignore[attr-defined]

    return astream


def _update_crossing(graph: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Crossing:
    config = args[0] if args else kwargs.get("config")
    supersteps = args[1] if len(args) > 1 else kwargs.get("supersteps")
    details = {"graph": graph, "config": config or {}, "kwargs": {}}
    return Crossing("run", graph_name(graph), supersteps, method="update_state", details=details)


def _wrap_update(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def bulk_update_state(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(_update_crossing(self, args, kwargs), original, self, *args, **kwargs)

    return bulk_update_state


def _wrap_aupdate(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def abulk_update_state(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await acall(_update_crossing(self, args, kwargs), original, self, *args, **kwargs)

    return abulk_update_state
