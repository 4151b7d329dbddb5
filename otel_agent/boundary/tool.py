"""Tools: a crossing around ``run`` and ``arun``, answered at ``_run`` and ``_arun``.

Depends on langchain_core/tools/base.py (1.0 - 1.7): ``invoke``, ``ainvoke`` and LangGraph's ToolNode all reach
``BaseTool.run`` or ``arun``, which know the tool call's id and validate the arguments; those call ``_run`` or ``_arun``
of the tool's class (StructuredTool, Tool, the application's own). So a call that is answered from a record still
validates, fires callbacks, formats its ToolMessage and meets ToolNode's error handling. What is recorded is what
``_run`` or ``_arun`` gave: content, artifact, Command, exception; where validation stopped the call, what ``run`` gave.

``_arun`` is wrapped where a class defines it, for ``arun`` compares it with the base's own.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.tools.base import FILTERED_ARGS, BaseTool

from otel_agent.boundary.crossing import Answer, Crossing
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.seam import Asked, Seam, awaited, entered_by, fresh, plain
from otel_agent.boundary.semconv import describe_tool, tool_attributes, tool_content
from otel_agent.boundary.subclasses import wrap_subclasses
from otel_agent.model.effect import Raised, Returned

_injected: weakref.WeakKeyDictionary[type, frozenset[str]] = weakref.WeakKeyDictionary()
"""Per argument schema: the arguments that the framework puts in, which nobody asked with."""


def patch_tools(patches: Patches) -> None:
    """Put the seams for tools in place."""
    patches.wrap(BaseTool, "run", plain(_SEAM))
    patches.wrap(BaseTool, "arun", awaited(_SEAM))
    wrap_subclasses(patches, BaseTool, {"_run": _answered, "_arun": _aanswered})


def _prepare(method: str, tool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    tool_input = args[0] if args else kwargs["tool_input"]
    tool_call_id = kwargs.get("tool_call_id")
    request = _asked_with(tool, tool_input)
    crossing = Crossing(
        "tool",
        tool.name,
        request,
        method=method,
        attributes=tool_attributes(tool, tool_call_id),
        describe=describe_tool,
        details={
            "owner": tool,
            "tool_call_id": tool_call_id,
            "config": kwargs.get("config"),
            "span_name": f"execute_tool {tool.name}",
            "content": tool_content(request),
        },
        answered_inside=True,
    )
    return Asked(crossing)


_SEAM = Seam("tool", _prepare)


def _asked_with(tool: Any, tool_input: Any) -> Any:
    """The arguments that the caller chose: without state, store, runtime, config, callbacks and the call's id."""
    if not isinstance(tool_input, Mapping):
        return tool_input
    left_out = {*FILTERED_ARGS, *getattr(tool, "_injected_args_keys", ()), *_injected_by_schema(tool)}
    return {key: value for key, value in tool_input.items() if key not in left_out}


def _injected_by_schema(tool: Any) -> frozenset[str]:
    schema = tool.args_schema
    if not isinstance(schema, type):
        return frozenset()
    known = _injected.get(schema)
    if known is None:
        known = _injected[schema] = _not_shown(tool, schema)
    return known


def _not_shown(tool: Any, schema: Any) -> frozenset[str]:
    """Whatever the schema declares and the model is not shown, the framework injects."""
    shown = getattr(tool.tool_call_schema, "model_fields", None)
    fields = getattr(schema, "model_fields", None)
    return frozenset() if shown is None or fields is None else frozenset(fields) - frozenset(shown)


def _current(tool: Any) -> Crossing | None:
    """The crossing of this very call, where ``_run`` was reached through ``run``."""
    crossing = entered_by(tool)
    return crossing if crossing is not None and crossing.answered_inside else None


def _answer(crossing: Crossing) -> Answer | None:
    return crossing.scope.answer if crossing.scope is not None else None


def _answered(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def _run(self: Any, *args: Any, **kwargs: Any) -> Any:
        crossing = _current(self)
        if crossing is None:
            return original(self, *args, **kwargs)
        answer = _answer(crossing)
        try:
            result = original(self, *args, **kwargs) if answer is None else fresh(answer)
        except BaseException as error:
            crossing.outcome = Raised(error)
            raise
        crossing.outcome = Returned(result)
        return result

    return _run


def _aanswered(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def _arun(self: Any, *args: Any, **kwargs: Any) -> Any:
        crossing = _current(self)
        if crossing is None:
            return await original(self, *args, **kwargs)
        answer = _answer(crossing)
        try:
            if answer is not None and answer.waits:
                await asyncio.get_running_loop().create_future()
            result = await original(self, *args, **kwargs) if answer is None else fresh(answer)
        except BaseException as error:
            crossing.outcome = Raised(error)
            raise
        crossing.outcome = Returned(result)
        return result

    return _arun
