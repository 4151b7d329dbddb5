"""One way through the boundary: ask the handler in force, then run the body or serve its answer.

Every seam describes what crosses (`Crossing`) and goes through one of four drivers: `call`, `acall`, `iterate`,
`aiterate`. The body always runs inside the scope's own `contextvars.Context`, step by step, so that a span can be
current in it and is never attached to, or detached from, anybody else's context (research: hooks.md section 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from otel_agent.boundary.drive import drive, drive_in
from otel_agent.model.effect import Outcome, Raised, Returned


@dataclass(slots=True)
class Crossing:
    """What is about to cross the boundary."""

    kind: str
    """run, node, chat, llm, tool, retriever, embeddings, store or effect."""
    name: str
    """Graph, node, model, tool, retriever or function name."""
    request: Any
    """What is asked: encoded, recorded, and in replay compared."""
    method: str = ""
    """The method intercepted, for the record only."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Span attributes known before the call (names from codec.names)."""
    describe: Callable[[Outcome], Mapping[str, Any]] | None = None
    """Span attributes known after it. May read, must not change, the outcome."""
    merge: Callable[[list[Any]], Any] | None = None
    """Streamed chunks -> the result that the call without streaming would give."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What a handler needs beside: task, config, run_manager..., never recorded as such."""
    scope: Scope | None = None
    """The scope that a handler opened for it, once it has."""
    snapshot: Callable[[Any], Any] | None = None
    """A streamed chunk -> a copy of it as it is now, for the framework writes into the chunks it is handed."""
    is_last: Callable[[Any], bool] | None = None
    """Whether nothing comes after this streamed item, so that the call is over before its consumer closes it."""
    left: bool = False
    """The scope of a stream was left."""
    answered_inside: bool = False
    """The body runs in any case: a seam within it serves ``scope.answer`` and puts its own outcome into `outcome`."""
    outcome: Outcome | None = None
    """What is recorded in place of what the body gave, where a seam within the body put it here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler serves instead of the body."""

    outcome: Outcome
    chunks: list[Any] | None = None
    """The recorded chunks, where the call was streamed when it was recorded."""
    run_id: str | None = None
    """The LangChain run id drawn when it was recorded."""
    writes: list[tuple[str, Any]] | None = None
    """For a node that is not run: the (channel, value) pairs it wrote."""
    waits: bool = False
    """The call never came back by itself: wait (async) until it is cancelled, as it was when recorded."""


class Scope(Protocol):
    """The inside of one crossing."""

    context: Context
    """Run the body in it."""
    answer: Answer | None
    """Served instead of the body, where not None."""

    def emit(self, item: Any) -> None:
        """A streamed chunk goes by."""

    def leave(self, outcome: Outcome) -> None:
        """The body is over. Called exactly once."""


class Handler(Protocol):
    """Decides at each crossing: the recorder calls through, the responder answers."""

    def enter(self, crossing: Crossing) -> Scope | None:
        """Open a scope, or None to let the call through unseen."""

    def draw(self, kind: str, real: Callable[[], Any]) -> Any:
        """An id that the framework is about to draw: ``real()`` while recording, the recorded one in replay."""

    def lost(self, where: str, error: BaseException) -> None:
        """A seam could not describe a call, which now goes through unseen. Raises only if nothing may."""

    def observe(self, event: str, subject: Any) -> None:
        """Something happened in the current run that is no call: see `boundary.loop`."""

    def recall(self, crossing: Crossing) -> Answer | None:
        """The writes of a node that a node cache answered when it was recorded; None while recording."""


_process_wide: Handler | None = None
_override: ContextVar[Handler | None] = ContextVar("otel_agent_handler", default=None)
current_scope: ContextVar[Any] = ContextVar("otel_agent_scope", default=None)
"""The innermost scope in this context; set inside a scope's own Context only."""


def handler_in_force() -> Handler | None:
    """The handler of this context, else the process-wide one, else None."""
    return _override.get() or _process_wide


def set_process_handler(handler: Handler | None) -> None:
    """Install or remove the process-wide handler."""
    global _process_wide
    _process_wide = handler


override = _override
"""Set in a context to put another handler in force there (a replay, `record_run`)."""

Serve = Callable[[Answer], Any]


def unwrap(answer: Answer) -> Any:
    """The answer's value, or its exception raised."""
    if isinstance(answer.outcome, Raised):
        raise answer.outcome.error
    return answer.outcome.value


def call(crossing: Crossing, body: Callable[..., Any], *args: Any, serve: Serve = unwrap, **kwargs: Any) -> Any:
    """Cross with a plain function."""
    handler = handler_in_force()
    scope = crossing.scope = handler.enter(crossing) if handler is not None else None
    if scope is None:
        return body(*args, **kwargs)
    try:
        if scope.answer is not None and not crossing.answered_inside:
            result = scope.context.run(serve, scope.answer)
        else:
            result = scope.context.run(body, *args, **kwargs)
    except BaseException as error:
        scope.leave(crossing.outcome or Raised(error))
        raise
    scope.leave(crossing.outcome or Returned(result))
    return result


async def acall(
    crossing: Crossing, body: Callable[..., Awaitable[Any]], *args: Any, serve: Serve = unwrap, **kwargs: Any
) -> Any:
    """Cross with a coroutine function; it stays in the caller's asyncio Task."""
    handler = handler_in_force()
    scope = crossing.scope = handler.enter(crossing) if handler is not None else None
    if scope is None:
        return await body(*args, **kwargs)
    try:
        if scope.answer is not None and not crossing.answered_inside:
            if scope.answer.waits:
                await asyncio.get_running_loop().create_future()
            result = scope.context.run(serve, scope.answer)
        else:
            result = await drive(scope.context, scope.context.run(body, *args, **kwargs))
    except BaseException as error:
        scope.leave(crossing.outcome or Raised(error))
        raise
    scope.leave(crossing.outcome or Returned(result))
    return result


ServeMany = Callable[[Answer], Iterator[Any]]


def unwrap_chunks(answer: Answer) -> Iterator[Any]:
    """The recorded chunks one by one, or the whole value as one."""
    if answer.chunks is not None:
        yield from answer.chunks
        if isinstance(answer.outcome, Raised):
            raise answer.outcome.error
    else:
        yield unwrap(answer)


def iterate(
    crossing: Crossing, body: Callable[..., Iterator[Any]], *args: Any, serve: ServeMany = unwrap_chunks, **kwargs: Any
) -> Generator[Any, Any, Any]:
    """Cross with a generator: nothing happens before the first item is asked for."""
    handler = handler_in_force()
    scope = crossing.scope = handler.enter(crossing) if handler is not None else None
    if scope is None:
        return (yield from body(*args, **kwargs))
    answer = scope.answer
    run = scope.context.run
    try:
        source = run(serve, answer) if answer is not None else run(body, *args, **kwargs)
        try:
            value = yield from _steps(crossing, scope, source)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                run(close)
    except BaseException as error:
        _leave(crossing, scope, Raised(error))
        raise
    _leave(crossing, scope, Returned(value))
    return value


def _steps(crossing: Crossing, scope: Scope, source: Iterator[Any]) -> Generator[Any, Any, Any]:
    """Each item drawn inside the scope and handed out outside of it; `send` and `throw` reach the source."""
    run = scope.context.run
    source = iter(source)
    step: Callable[[], Any] = source.__next__
    while True:
        try:
            item = run(step)
        except StopIteration as stop:
            return stop.value
        _emit(crossing, scope, item)
        try:
            sent = yield item
        except GeneratorExit:
            raise
        except BaseException as error:
            throw = getattr(source, "throw", None)
            if throw is None:
                raise
            thrown = error
            step = lambda: throw(thrown)  # noqa: E731, B023
            continue
        step = source.__next__ if sent is None else (lambda: source.send(sent))  # type: ignore[attr-defined] # noqa: B023


async def aiterate(
    crossing: Crossing,
    body: Callable[..., AsyncIterator[Any]],
    *args: Any,
    serve: ServeMany = unwrap_chunks,
    **kwargs: Any,
) -> AsyncIterator[Any]:
    """Cross with an async generator; every step stays in the consumer's asyncio Task."""
    handler = handler_in_force()
    scope = crossing.scope = handler.enter(crossing) if handler is not None else None
    context = scope.context if scope is not None else None
    try:
        if scope is not None and scope.answer is not None:
            if scope.answer.waits:
                await asyncio.get_running_loop().create_future()
            for item in scope.context.run(serve, scope.answer):
                _emit(crossing, scope, item)
                yield item
        else:
            source = body(*args, **kwargs) if context is None else context.run(body, *args, **kwargs)
            try:
                while True:
                    try:
                        item = await drive_in(context, source.__anext__())
                    except StopAsyncIteration:
                        break
                    if scope is not None:
                        _emit(crossing, scope, item)
                    yield item
            finally:
                close = getattr(source, "aclose", None)
                if close is not None:
                    await drive_in(context, close())
    except BaseException as error:
        if scope is not None:
            _leave(crossing, scope, Raised(error))
        raise
    if scope is not None:
        _leave(crossing, scope, Returned(None))


def _emit(crossing: Crossing, scope: Scope, item: Any) -> None:
    scope.emit(item)
    if crossing.is_last is not None and crossing.is_last(item):
        _leave(crossing, scope, Returned(None))


def _leave(crossing: Crossing, scope: Scope, outcome: Outcome) -> None:
    """Leave, unless the stream's last item has done so: whoever has that need not ask whether more comes."""
    if not crossing.left:
        crossing.left = True
        scope.leave(outcome)
