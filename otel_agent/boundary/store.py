"""LangGraph's store: ``batch`` and ``abatch`` of every store class, where get, put, search, delete and list end.

Depends on langgraph/store/base/__init__.py and batch.py (checkpoint 3.0 - 4.3). The request is the list of operations
and the effect's name is the same for every class of store, so a run recorded with a database replays with any store.

``AsyncBatchedBaseStore`` hands its ``aget``, ``aput``... to a background task and calls ``abatch`` there, in the
context of whoever came first. So its async methods cross themselves, as a batch of one, and ``abatch`` in that task
does not.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from langgraph.store.base import BaseStore
from langgraph.store.base.batch import AsyncBatchedBaseStore

from otel_agent.boundary.crossing import Crossing, acall
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.seam import UNSEEN, Asked, Seam, entered, fresh, inside
from otel_agent.boundary.seam import awaited as awaited_method
from otel_agent.boundary.seam import plain as plain_method
from otel_agent.boundary.subclasses import Make, wrap_subclasses
from otel_agent.codec import names

_QUEUED = ("aget", "asearch", "aput", "adelete", "alist_namespaces")


def patch_stores(patches: Patches) -> None:
    """Put the seam for stores in place."""
    wrap_subclasses(patches, BaseStore, {"batch": _listed(plain_method(_SEAM)), "abatch": _unqueued})
    for name in _QUEUED:
        patches.wrap(AsyncBatchedBaseStore, name, _as_batch_of_one)


def store_crossing(store: Any, method: str, ops: Any) -> Crossing:
    """Describe a batch of operations on a store."""
    if not isinstance(ops, list):
        raise TypeError("operations that can be read only once cannot be recorded")
    operation = _operation(ops)
    return Crossing(
        "store",
        "store",
        ops,
        method=method,
        attributes={names.OPERATION: operation, names.MEMORY_STORE: type(store).__name__},
        details={"owner": store, "span_name": operation},
    )


def _operation(ops: list[Any]) -> str:
    if ops and all(type(op).__name__ == "PutOp" and op.value is None for op in ops):
        return "delete_memory"
    writes = [op for op in ops if type(op).__name__ == "PutOp"]
    return "upsert_memory" if writes else "search_memory"


def _prepare(method: str, store: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return Asked(store_crossing(store, method, args[0] if args else kwargs["ops"]))


_SEAM = Seam("store", _prepare)


def _listed(make: Make) -> Make:
    """Operations may come as an iterator: read them once, for the record and for the store."""

    def listed(original: Callable[..., Any]) -> Callable[..., Any]:
        method = make(original)

        @functools.wraps(original)
        def batch(self: Any, ops: Any) -> Any:
            return method(self, ops if isinstance(ops, list) else list(ops))

        return batch

    return listed


def _unqueued(original: Callable[..., Any]) -> Callable[..., Any]:
    method = awaited_method(_SEAM)(original)

    @functools.wraps(original)
    async def abatch(self: Any, ops: Any) -> Any:
        if isinstance(self, AsyncBatchedBaseStore) and _in_queue(self):
            entered.set(UNSEEN)
            return await original(self, ops)
        return await method(self, ops if isinstance(ops, list) else list(ops))

    return abatch


def _in_queue(store: Any) -> bool:
    return asyncio.current_task() is getattr(store, "_task", None)


def _as_batch_of_one(original: Callable[..., Any]) -> Callable[..., Any]:
    name = original.__name__

    def prepare(_method: str, store: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        return Asked(store_crossing(store, name, [_operation_asked(store, name, args, kwargs)]))

    seam = Seam("store", prepare)

    @functools.wraps(original)
    async def queued(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = seam.ask(name, self, args, kwargs)
        if asked is None:
            return await original(self, *args, **kwargs)

        async def body() -> list[Any]:
            return [await original(self, *args, **kwargs)]

        return (await acall(asked.crossing, inside(asked.crossing, self, body), serve=fresh))[0]

    return queued


def _operation_asked(store: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The operation that `BaseStore`'s own method of this name would put into a batch."""
    asked: list[Any] = []
    recorder = _Asking(store, asked)
    coroutine = getattr(BaseStore, name)(recorder, *args, **kwargs)
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    finally:
        coroutine.close()
    return asked[0]


class _Asking:
    """Stands in for a store to see which operation a method asks for, without asking the store."""

    def __init__(self, store: Any, asked: list[Any]) -> None:
        self.ttl_config = store.ttl_config
        self.supports_ttl = store.supports_ttl
        self._asked = asked

    async def abatch(self, ops: Any) -> list[Any]:
        """Note the operation; nothing is done."""
        self._asked.extend(ops)
        return [None]
