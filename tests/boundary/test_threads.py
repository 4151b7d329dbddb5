"""While a replay is in force, threads of the run stay in it, and nobody else's do."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from otel_agent.boundary.crossing import override
from otel_agent.boundary.threads import contexts_carried


def in_force(body: Callable[[], Any]) -> Any:
    """Run under a handler."""
    context = contextvars.copy_context()
    context.run(override.set, "handler")
    return context.run(body)


def seen_in_thread() -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(override.get()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_begun_in_a_replay_stays_in_it() -> None:
    """A node's own threads see the handler in force."""
    with contexts_carried():
        assert in_force(seen_in_thread) == "handler"


def test_a_pool_serves_replay_and_others_apart() -> None:
    """A pool's thread that was begun in a replay does not carry it to what others submit."""
    with contexts_carried(), ThreadPoolExecutor(1) as pool:
        assert in_force(lambda: pool.submit(override.get).result()) == "handler"
        assert pool.submit(override.get).result() is None


def test_threads_of_others_are_left_alone() -> None:
    """Outside of a replay's context, and after it, threads start as ever."""
    before = threading.Thread.start
    with contexts_carried():
        assert seen_in_thread() is None

    assert before is threading.Thread.start
    assert in_force(seen_in_thread) is None
