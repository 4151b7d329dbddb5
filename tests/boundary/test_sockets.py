"""Sockets are seen in the context that watches them, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from collections.abc import Iterator

import pytest

from otel_agent.boundary.sockets import watched_sockets, watcher


class Refused(Exception):
    """The watcher's."""


@pytest.fixture
def port() -> Iterator[int]:
    """A port that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refuse(place: str) -> None:
    raise Refused(place)


def connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        pass


def test_a_connection_is_refused_before_it_is_made(port: int) -> None:
    """The watcher is told host and port, and may forbid it."""
    with watched_sockets():
        context = contextvars.copy_context()
        context.run(watcher.set, refuse)
        with pytest.raises(Refused, match=f"127.0.0.1:{port}"):
            context.run(connect, port)


def test_others_are_not_watched(port: int) -> None:
    """Code outside of the watching context connects as ever."""
    with watched_sockets():
        contextvars.copy_context().run(watcher.set, refuse)
        connect(port)


def test_nothing_is_watched_afterwards(port: int) -> None:
    """The hook cannot be removed; it is inert."""
    with watched_sockets():
        pass
    context = contextvars.copy_context()
    context.run(watcher.set, refuse)
    context.run(connect, port)


def test_an_event_loop_is_no_connection() -> None:
    """asyncio's own socket pair stays inside the process."""
    with watched_sockets():
        context = contextvars.copy_context()
        context.run(watcher.set, refuse)
        context.run(asyncio.run, asyncio.sleep(0))


def test_a_name_looked_up_by_asyncio_is_seen() -> None:
    """Name look-ups in asyncio's worker thread are refused in the caller's context."""

    async def look_up() -> None:
        await asyncio.open_connection("nowhere.invalid", 80)

    with watched_sockets():
        context = contextvars.copy_context()
        context.run(watcher.set, refuse)
        with pytest.raises(Refused, match=r"nowhere\.invalid:80"):
            context.run(asyncio.run, look_up())
