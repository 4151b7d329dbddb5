"""Chat models: the six provider methods, wherever a model's class defines them.

Depends on langchain_core/language_models/chat_models.py (1.0 - 1.7): everything that calls a chat model ends in
``_generate``, ``_agenerate``, ``_stream`` or ``_astream``, or in ``_(a)stream_chat_model_events`` where a class has it.
They are the contract for authors of models, so all that LangChain does around them stays real: token callbacks, message
ids, stream modes, rate limits. ``_(a)generate_with_cache`` is where a run manager is known even for methods that take
none, and where LangChain's own cache may answer in the provider's place: that answer crosses the boundary too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from otel_agent.boundary.chat_chunks import (
    ID_PREFIX,
    announcing,
    is_last_event,
    result_of,
    served_chunks,
    served_events,
    served_result,
    snapshot_of,
)
from otel_agent.boundary.crossing import Crossing, acall, call, handler_in_force
from otel_agent.boundary.params import model_name, model_params
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.seam import Asked, Seam, astreamed, awaited, plain, streamed
from otel_agent.boundary.semconv import describe_chat, input_content, model_attributes
from otel_agent.boundary.subclasses import wrap_subclasses
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Raised, Returned

_EVENTS = ("_stream_chat_model_events", "_astream_chat_model_events")


class Generation:
    """One ``_generate_with_cache``: its run manager, and the crossing of the provider method that it reached."""

    __slots__ = ("crossing", "model", "reached", "run_manager")

    def __init__(self, model: Any, run_manager: Any) -> None:
        self.model = model
        self.run_manager = run_manager
        self.reached = False
        self.crossing: Crossing | None = None

    def restore_ids(self, result: Any) -> None:
        """Give a served message its recorded id where the framework drew a new one: it makes those of events itself."""
        scope = self.crossing.scope if self.crossing is not None else None
        answer = scope.answer if scope is not None else None
        if answer is None or answer.run_id is None or isinstance(answer.outcome, Raised):
            return
        drawn = f"{ID_PREFIX}-{getattr(self.run_manager, 'run_id', None)}"
        for generation in result.generations:
            if generation.message.id == drawn:
                generation.message.id = served_result(answer).generations[0].message.id


_generation: ContextVar[Generation | None] = ContextVar("otel_agent_generation", default=None)


def patch_chat_models(patches: Patches) -> None:
    """Put the seam for chat models in place."""
    methods = {
        "_generate": plain(_SEAM),
        "_agenerate": awaited(_SEAM),
        "_stream": streamed(_SEAM),
        "_astream": astreamed(_SEAM),
        "_stream_chat_model_events": streamed(_SEAM),
        "_astream_chat_model_events": astreamed(_SEAM),
    }
    wrap_subclasses(patches, BaseChatModel, methods, optional=frozenset(_EVENTS))
    patches.wrap(BaseChatModel, "_generate_with_cache", _wrap_generate_with_cache)
    patches.wrap(BaseChatModel, "_agenerate_with_cache", _wrap_agenerate_with_cache)


def _prepare(method: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    messages, stop, run_manager, rest = _bind(args, kwargs)
    generation = _generation.get()
    manager = run_manager
    if generation is not None and generation.model is model:
        generation.reached = True
        manager = run_manager or generation.run_manager
    run_id = getattr(manager, "run_id", None)
    streams = "stream" in method
    crossing = _crossing(model, method, messages, stop, rest, None if run_id is None else str(run_id))
    if generation is not None and generation.model is model:
        generation.crossing = crossing
    asked = Asked(crossing, serve=served_result)
    if streams:
        watched = _Watched(crossing)
        crossing.snapshot, crossing.describe, crossing.merge = watched.snapshot, watched.describe, result_of
        asked.serve_many = served_events if method in _EVENTS else served_chunks
        if method in _EVENTS:
            crossing.is_last = is_last_event
        if run_manager is not None and method == "_stream":
            asked.serve_many = announcing(served_chunks, run_manager)
        elif run_manager is not None and method == "_astream":
            asked.served = lambda chunk: run_manager.on_llm_new_token(chunk.text, chunk=chunk)
    return asked


_SEAM = Seam("chat", _prepare)


def _bind(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any, Any, dict[str, Any]]:
    """The three arguments that all provider methods share, and the rest."""
    rest = dict(kwargs)
    given = dict(zip(("messages", "stop", "run_manager"), args, strict=False))
    messages, stop, run_manager = (
        given[name] if name in given else rest.pop(name, None) for name in ("messages", "stop", "run_manager")
    )
    return messages, stop, run_manager, rest


def _crossing(
    model: Any, method: str, messages: Any, stop: Any, kwargs: Mapping[str, Any], run_id: str | None
) -> Crossing:
    name = model_name(model, kwargs)
    params = model_params(model, name, kwargs)
    return Crossing(
        "chat",
        name,
        {"messages": messages, "stop": stop, "params": params},
        method=method,
        attributes=model_attributes("chat", model, name, params, stop, streamed="stream" in method),
        describe=functools.partial(_describe, run_id),
        details={
            "run_id": run_id,
            "owner": model,
            "span_name": f"chat {name}",
            "content": input_content(messages),
        },
    )


def _describe(run_id: str | None, outcome: Outcome) -> dict[str, Any]:
    attributes = describe_chat(outcome)
    if run_id is not None:
        attributes[names.EFFECT_RUN_ID] = run_id
    return attributes


class _Watched:
    """The chunks of one stream: as they were given, and the first as the framework left it.

    LangChain does not hand its run manager to ``_stream``, but writes its run id into the chunks it is given.
    """

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        self._chunks: list[Any] = []
        self._first: Any = None

    def snapshot(self, chunk: Any) -> Any:
        copy = snapshot_of(chunk)
        if not self._chunks:
            self._first = chunk
        self._chunks.append(copy)
        return copy

    def describe(self, outcome: Outcome) -> dict[str, Any]:
        whole = Returned(result_of(self._chunks)) if self._chunks else outcome
        return _describe(self._crossing.details["run_id"] or self._run_id(), whole)

    def _run_id(self) -> str | None:
        given = getattr(getattr(self._first, "message", None), "id", None)
        ours = isinstance(given, str) and given.startswith(f"{ID_PREFIX}-") and self._chunks[0].message.id is None
        return str(given).removeprefix(f"{ID_PREFIX}-") if ours else None


def _wrap_generate_with_cache(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def generate_with_cache(self: Any, *args: Any, **kwargs: Any) -> Any:
        if handler_in_force() is None:
            return original(self, *args, **kwargs)
        generation = Generation(self, _bind(args, kwargs)[2])
        token = _generation.set(generation)
        try:
            result = original(self, *args, **kwargs)
        finally:
            _generation.reset(token)
        generation.restore_ids(result)
        asked = None if generation.reached else _SEAM.ask("cache", self, args, kwargs)
        return result if asked is None else call(asked.crossing, lambda: result, serve=asked.serve)

    return generate_with_cache


def _wrap_agenerate_with_cache(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def agenerate_with_cache(self: Any, *args: Any, **kwargs: Any) -> Any:
        if handler_in_force() is None:
            return await original(self, *args, **kwargs)
        generation = Generation(self, _bind(args, kwargs)[2])
        token = _generation.set(generation)
        try:
            result = await original(self, *args, **kwargs)
        finally:
            _generation.reset(token)
        generation.restore_ids(result)
        asked = None if generation.reached else _SEAM.ask("cache", self, args, kwargs)

        async def hit() -> Any:
            return result

        return result if asked is None else await acall(asked.crossing, hit, serve=asked.serve)

    return agenerate_with_cache
