"""What every seam of effects has in common: describe the call, cross, serve; and let it through where it is known.

`Seam.prepare` is the only code of ours that runs before the handler, and the one place where it may fail: the call then
goes through unseen and the handler is told (`Handler.lost`). A call made inside a crossing of the same object is the
same call (``super()._generate``, ``_agenerate`` falling back to ``_generate`` in a thread, `embed_query` calling
`embed_documents`), so it goes straight through. The mark for that lives in the scope's own context and is copied with
it into threads and tasks; where no scope was opened, nothing is marked.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from otel_agent.boundary.crossing import (
    Answer,
    Crossing,
    Serve,
    ServeMany,
    acall,
    aiterate,
    call,
    current_scope,
    handler_in_force,
    iterate,
    unwrap,
)
from otel_agent.errors import NotReplayable
from otel_agent.model.effect import Raised


@dataclass(frozen=True, slots=True)
class Entered:
    """The crossing that a context is the inside of."""

    crossing: Crossing
    owner: int
    """``id`` of the object that was called."""
    scope: Any
    """The innermost scope then: another one now means that a node, or another call, lies between."""


entered: ContextVar[Entered | None] = ContextVar("otel_agent_entered", default=None)
UNSEEN = Entered(Crossing("", "", None), 0, None)
"""Set in `entered` by background work that no run waits for: nothing crosses there."""


def entered_by(owner: Any) -> Crossing | None:
    """The crossing that this very call is part of, where ``owner`` was already called by it."""
    here = entered.get()
    if here is None or here.owner != id(owner) or here.scope is not current_scope.get():
        return None
    return here.crossing


def fresh(answer: Answer) -> Any:
    """The answer's value as a copy of its own, or its exception raised: frameworks write into what they are given."""
    value = unwrap(answer)
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - what cannot be copied is served as it is
        return value


def fresh_chunks(answer: Answer) -> Generator[Any, Any, Any]:
    """Copies of the recorded chunks, then what the generator returned or raised."""
    for chunk in answer.chunks or ():
        yield copy.deepcopy(chunk)
    refuse_cut(answer)
    return unwrap(answer)


def refuse_cut(answer: Answer) -> None:
    """Refuse to go on where the consumer of the stream had closed it early: nobody knows what would have come."""
    if isinstance(answer.outcome, Raised) and isinstance(answer.outcome.error, GeneratorExit):
        raise NotReplayable("the stream was closed early when it was recorded, and is now asked for more")


@dataclass(slots=True)
class Asked:
    """One call about to cross, with what depends on how it was asked."""

    crossing: Crossing
    serve: Serve = fresh
    serve_many: ServeMany = fresh_chunks
    served: Callable[[Any], Awaitable[Any]] | None = None
    """Awaited for each chunk that an async stream serves, before it is handed out."""


Prepare = Callable[[str, Any, tuple[Any, ...], dict[str, Any]], Asked]
"""(method, object, args, kwargs) -> the crossing. May raise: see `Seam.ask`."""


@dataclass(frozen=True, slots=True)
class Seam:
    """How the calls of one kind of object cross."""

    kind: str
    prepare: Prepare

    def ask(self, method: str, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked | None:
        """The call as the handler will see it; None where it goes straight through."""
        handler = handler_in_force()
        if handler is None:
            return None
        if entered_by(owner) is not None or entered.get() is UNSEEN:
            return None
        try:
            return self.prepare(method, owner, args, kwargs)
        except Exception as error:  # noqa: BLE001 - an error of ours must not reach the application
            handler.lost(f"{self.kind} {type(owner).__name__}.{method}", error)
            return None


def inside(crossing: Crossing, owner: Any, body: Callable[..., Any]) -> Callable[[], Any]:
    """``body()``, marking the scope's context as the inside of this crossing."""

    def marked() -> Any:
        if crossing.scope is not None:
            entered.set(Entered(crossing, id(owner), current_scope.get()))
        return body()

    return marked


def plain(seam: Seam) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper for methods that return their result."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            asked = seam.ask(original.__name__, self, args, kwargs)
            if asked is None:
                return original(self, *args, **kwargs)
            body = functools.partial(original, self, *args, **kwargs)
            return call(asked.crossing, inside(asked.crossing, self, body), serve=asked.serve)

        return method

    return make


def awaited(seam: Seam) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper for methods whose result is awaited, be they coroutine functions or return an awaitable."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        async def crossed(self: Any, *args: Any, **kwargs: Any) -> Any:
            asked = seam.ask(original.__name__, self, args, kwargs)
            if asked is None:
                return await original(self, *args, **kwargs)
            body = functools.partial(original, self, *args, **kwargs)
            return await acall(asked.crossing, inside(asked.crossing, self, body), serve=asked.serve)

        if inspect.iscoroutinefunction(original):
            return functools.wraps(original)(crossed)

        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return crossed(self, *args, **kwargs)

        return method

    return make


def streamed(seam: Seam) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper for methods that return an iterator, be they generator functions or not."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def crossed(self: Any, *args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            asked = seam.ask(original.__name__, self, args, kwargs)
            if asked is None:
                return (yield from original(self, *args, **kwargs))
            body = functools.partial(original, self, *args, **kwargs)
            marked = inside(asked.crossing, self, body)
            return (yield from iterate(asked.crossing, marked, serve=asked.serve_many))

        if inspect.isgeneratorfunction(original):
            return functools.wraps(original)(crossed)

        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return crossed(self, *args, **kwargs)

        return method

    return make


def astreamed(seam: Seam) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper for methods that return an async iterator, be they async generator functions or not."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        async def crossed(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            asked = seam.ask(original.__name__, self, args, kwargs)
            body = functools.partial(original, self, *args, **kwargs)
            items = body() if asked is None else across(asked, self, body)
            try:
                async for item in items:
                    yield item
            finally:
                close = getattr(items, "aclose", None)
                if close is not None:
                    await close()

        if inspect.isasyncgenfunction(original):
            return functools.wraps(original)(crossed)

        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return crossed(self, *args, **kwargs)

        return method

    return make


async def across(asked: Asked, owner: Any, body: Callable[[], Any]) -> AsyncIterator[Any]:
    """The items of an async stream that crosses."""
    crossing = asked.crossing
    items = aiterate(crossing, inside(crossing, owner, body), serve=asked.serve_many)
    try:
        async for item in items:
            if asked.served is not None and crossing.scope is not None and crossing.scope.answer is not None:
                await asked.served(item)
            yield item
    finally:
        await items.aclose()  # type: ignore[attr-defined]
