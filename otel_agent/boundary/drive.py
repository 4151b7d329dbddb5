"""Awaiting inside a given context, in the caller's own asyncio Task."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from typing import Any


def drive_in(context: Context | None, awaitable: Awaitable[Any]) -> Awaitable[Any]:
    """`drive`, where there is a context to await in."""
    return awaitable if context is None else drive(context, awaitable)


@types.coroutine
def drive(context: Context, awaitable: Awaitable[Any]) -> Generator[Any, Any, Any]:
    """Await inside ``context`` without a new Task, so cancellation, timeouts and anyio scopes are untouched."""
    steps = awaitable.__await__()
    send = getattr(steps, "send", None)
    step: Callable[[], Any] = (lambda: send(None)) if send is not None else steps.__next__
    while True:
        try:
            yielded = context.run(step)
        except StopIteration as stop:
            return stop.value
        try:
            sent = yield yielded
        except BaseException as error:  # noqa: BLE001 - thrown into the awaitable, whatever it is
            thrown = error
            step = lambda: steps.throw(thrown)  # noqa: E731, B023
        else:
            step = (lambda: send(sent)) if send is not None else steps.__next__  # noqa: B023
