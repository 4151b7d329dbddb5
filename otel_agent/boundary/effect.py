"""``@effect``: a function whose result comes from outside. Recorded as it runs, then served.

Works on functions, coroutine functions, generators and async generators, on methods, ``staticmethod``s and
``classmethod``s; what `inspect` says of the function stays true. Outside of a run it costs one look at a variable.

Known limit: values sent or thrown into an async generator do not reach it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, TypeVar, overload

from otel_agent.boundary.crossing import Crossing, acall, call, handler_in_force, iterate
from otel_agent.boundary.seam import Asked, across, fresh, fresh_chunks

F = TypeVar("F", bound=Callable[..., Any])


@overload
def effect(function: F, /) -> F: ...
@overload
def effect(*, name: str | None = None) -> Callable[[F], F]: ...
def effect(function: Any = None, /, *, name: str | None = None) -> Any:
    """Declare that a function's result comes from outside the run: recorded, and in replay served.

    What is asked is the arguments by name, without ``self`` or ``cls``; they must be values that can be recorded.
    ``name`` is what the record calls it, its qualified name by default. ``@effect`` and ``@effect(name="...")``.
    """
    if function is None:
        return functools.partial(_effect, name=name)
    return _effect(function, name=name)


def _effect(function: Any, *, name: str | None) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_effect(function.__func__, name=name))
    asking = _Asking(function, name or str(getattr(function, "__qualname__", type(function).__qualname__)))
    return functools.wraps(function)(_wrapper(function, asking))


class _Asking:
    """Makes the crossings of one function."""

    def __init__(self, function: Any, name: str) -> None:
        self.name = name
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):  # some built-in functions have none
            self.signature = None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked | None:
        """The crossing of one call; None where nobody watches, or it cannot be described."""
        handler = handler_in_force()
        if handler is None:
            return None
        try:
            return Asked(Crossing("effect", self.name, self._request(args, kwargs), details={"span_name": self.name}))
        except Exception as error:  # noqa: BLE001 - wrong arguments are the function's to complain of
            if not isinstance(error, TypeError):
                handler.lost(f"effect {self.name}", error)
            return None

    def _request(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if self.signature is None:
            return {"args": list(args), "kwargs": kwargs}
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
        first = next(iter(self.signature.parameters), None)
        if first in ("self", "cls"):
            del named[first]
        return named


def _wrapper(function: Any, asking: _Asking) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, asking)
    if inspect.isgeneratorfunction(function):
        return _generator(function, asking)
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, asking)
    return _function(function, asking)


def _function(function: Any, asking: _Asking) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        asked = asking(args, kwargs)
        if asked is None:
            return function(*args, **kwargs)
        return call(asked.crossing, functools.partial(function, *args, **kwargs), serve=fresh)

    return wrapper


def _coroutine(function: Any, asking: _Asking) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        asked = asking(args, kwargs)
        if asked is None:
            return await function(*args, **kwargs)
        return await acall(asked.crossing, functools.partial(function, *args, **kwargs), serve=fresh)

    return wrapper


def _generator(function: Any, asking: _Asking) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        asked = asking(args, kwargs)
        if asked is None:
            return (yield from function(*args, **kwargs))
        body = functools.partial(function, *args, **kwargs)
        return (yield from iterate(asked.crossing, body, serve=fresh_chunks))

    return wrapper


def _async_generator(function: Any, asking: _Asking) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        asked = asking(args, kwargs)
        body = functools.partial(function, *args, **kwargs)
        items = body() if asked is None else across(asked, asking, body)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()  # type: ignore[union-attr]

    return wrapper
