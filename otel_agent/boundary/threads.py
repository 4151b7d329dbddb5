"""Carries the context of a replay into the threads that the run starts.

Python gives a new thread an empty context, so a node that starts threads would leave the replay in them: its calls
would go outside. While a replay is in force, threads and executor work begun in its context keep that context. What was
recorded without it is then asked for in another place and refused, which is what strict mode means.

Known limit: daemon threads are left alone, for exporters and other background workers are such.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from otel_agent.boundary.crossing import override
from otel_agent.boundary.patch import Patches

_lock = threading.Lock()
_carrying = 0
_patches = Patches()


@contextmanager
def contexts_carried() -> Iterator[None]:
    """While open, threads begun under `override` keep the context they were begun in; nests."""
    global _carrying
    with _lock:
        if _carrying == 0:
            _patches.wrap(threading.Thread, "start", _wrap_start)
            _patches.wrap(ThreadPoolExecutor, "submit", _wrap_submit)
        _carrying += 1
    try:
        yield
    finally:
        with _lock:
            _carrying -= 1
            if _carrying == 0:
                _patches.remove()


def _wrap_start(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start(self: threading.Thread) -> Any:
        if override.get() is not None and not self.daemon and not _is_worker(self):
            context, run = contextvars.copy_context(), self.run
            self.run = lambda: context.run(run)  # type: ignore[method-assign]
        return original(self)

    return start


def _is_worker(thread: threading.Thread) -> bool:
    """A pool's thread outlives the replay and serves others; what is submitted to it carries its own context."""
    return str(getattr(getattr(thread, "_target", None), "__module__", "")).startswith("concurrent.futures")


def _wrap_submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(self: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if override.get() is None or getattr(function, "__self__", None).__class__ is contextvars.Context:
            return original(self, function, *args, **kwargs)
        return original(self, contextvars.copy_context().run, function, *args, **kwargs)

    return submit
