"""Waits of LangGraph are held back for handlers that keep no time, and for nobody else."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from langgraph.pregel import _retry

from otel_agent.boundary.backoff import waits_held_back
from otel_agent.boundary.crossing import override


class Timeless:
    """A handler that keeps no time."""

    keeps_time = False


@pytest.fixture
def timeless() -> contextvars.Context:
    """A context in which no time is kept."""
    context = contextvars.copy_context()
    context.run(override.set, Timeless())
    return context


def test_no_sleep_between_attempts(timeless: contextvars.Context) -> None:
    """Both retry loops go on at once."""
    with waits_held_back():
        timeless.run(_retry.time.sleep, 3600)
        timeless.run(asyncio.run, _retry.asyncio.sleep(3600))


@pytest.mark.skipif(not hasattr(_retry, "_run_timeout_watchdog"), reason="this LangGraph has no node timeouts")
def test_a_watchdog_never_barks(timeless: contextvars.Context) -> None:
    """A node's timeout comes from the record, not from the clock."""

    async def watch() -> Any:
        done, pending = await asyncio.wait([asyncio.ensure_future(_retry._run_timeout_watchdog(0.0))], timeout=0.02)
        for task in pending:
            task.cancel()
        return len(done)

    with waits_held_back():
        assert timeless.run(asyncio.run, watch()) == 0


def test_others_sleep() -> None:
    """Where no handler says otherwise the real functions are called."""
    slept: list[float] = []
    with waits_held_back(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("otel_agent.boundary.backoff.time.sleep", slept.append)
        _retry.time.sleep(0.5)

    assert slept == [0.5]


def test_everything_is_put_back() -> None:
    """Afterwards LangGraph's module holds the real modules."""
    with waits_held_back():
        pass

    import time

    assert (time, asyncio) == (_retry.time, _retry.asyncio)
