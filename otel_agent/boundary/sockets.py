"""Sees the sockets that code in this context opens; inert for everybody else.

Python's audit hook reports every connection, name look-up and datagram of the interpreter, whatever the library. A
hook cannot be removed, so ours is added once, at the first use, and does nothing where no watcher is set in the
current context. asyncio looks names up in a worker thread without the caller's context; hence the one patch.

Known limits: threads that the run starts without its context, and loops written in C (uvloop), are not seen.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from otel_agent.boundary.patch import Patches

Watcher: TypeAlias = Callable[[str], None]
"""Called with ``host:port`` before anything leaves; raises to forbid it."""

watcher: ContextVar[Watcher | None] = ContextVar("otel_agent_socket_watcher", default=None)
"""Set in a context to watch the sockets that are opened in it."""

_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"})
_lock = threading.Lock()
_added = False
_watching = 0
_patches = Patches()


@contextmanager
def watched_sockets() -> Iterator[None]:
    """While open, `watcher` is asked; nests, and is shared by everybody who watches."""
    global _added, _watching
    with _lock:
        if not _added:
            sys.addaudithook(_hook)
            _added = True
        if _watching == 0:
            _patches.wrap(asyncio.BaseEventLoop, "getaddrinfo", _wrap_getaddrinfo)
        _watching += 1
    try:
        yield
    finally:
        with _lock:
            _watching -= 1
            if _watching == 0:
                _patches.remove()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS or _watching == 0:
        return
    ask = watcher.get()
    if ask is not None and (place := _place(event, args)):
        ask(place)


def _place(event: str, args: tuple[Any, ...]) -> str:
    """``host:port`` of what is about to be reached; empty where it stays in this process."""
    if event == "socket.getaddrinfo":
        host, port = args[0], args[1]
        return "" if host is None else f"{_text(host)}:{_text(port)}"
    address = args[-1] if event != "socket.gethostbyname" else args[0]
    if isinstance(address, tuple) and len(address) > 1:
        return f"{_text(address[0])}:{_text(address[1])}"
    return _text(address) if address is not None else ""


def _text(part: Any) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)


def _wrap_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def getaddrinfo(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
        ask = watcher.get()
        if ask is not None and host is not None:
            ask(f"{_text(host)}:{_text(port)}")
        return await original(self, host, port, **kwargs)

    return getaddrinfo
