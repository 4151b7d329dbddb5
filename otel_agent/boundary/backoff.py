"""LangGraph's waits between attempts and its node timeouts, held back where the handler in force keeps no time.

Depends on langgraph/pregel/_retry.py (1.0 - 1.2.22) calling ``time.sleep`` and ``asyncio.sleep`` through its own
module globals: `run_with_retry` and `arun_with_retry` sleep before the next attempt, the watchdogs of a timed attempt
sleep until it is due. Where `Handler.keeps_time` is False (a replay), the first return at once and the second never:
which attempt timed out is the record's business, and a breakpoint may last.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from otel_agent.boundary.crossing import handler_in_force
from otel_agent.boundary.patch import Patches

_MODULES = (
    "langgraph.pregel._retry",
    "langchain.agents.middleware.model_retry",
    "langchain.agents.middleware.tool_retry",
)
_lock = threading.Lock()
_holding = 0
_patches = Patches()


@contextmanager
def waits_held_back() -> Iterator[None]:
    """While open, handlers that keep no time are obeyed; nests, and is shared by all replays of the process."""
    global _holding
    with _lock:
        if _holding == 0:
            _patch()
        _holding += 1
    try:
        yield
    finally:
        with _lock:
            _holding -= 1
            if _holding == 0:
                _patches.remove()


def _patch() -> None:
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is None:
            continue
        if hasattr(module, "time"):
            _patches.wrap(module, "time", _Time)
        if hasattr(module, "asyncio"):
            _patches.wrap(module, "asyncio", _Asyncio)


def keeps_time() -> bool:
    """Whether waits are real: False in a replay."""
    handler = handler_in_force()
    return handler is None or getattr(handler, "keeps_time", True)


class _Module:
    """A module as its importer sees it, one function apart."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _Time(_Module):
    def sleep(self, seconds: float) -> None:
        """Sleep, where time is kept."""
        if keeps_time():
            time.sleep(seconds)


class _Asyncio(_Module):
    async def sleep(self, delay: float, result: Any = None) -> Any:
        """Sleep, where time is kept; else at once between attempts, and without end in a watchdog."""
        if keeps_time():
            return await asyncio.sleep(delay, result)
        if _awaited_by_watchdog():
            await asyncio.get_running_loop().create_future()
        return result


def _awaited_by_watchdog() -> bool:
    """The frame that awaits `sleep` is two up: this function's, `sleep`'s, then its."""
    return "timeout" in sys._getframe(2).f_code.co_name  # noqa: SLF001 - the only way to tell the two apart
