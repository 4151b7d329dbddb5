"""Small graphs, one for each thing LangGraph can do; every body opens a probe span named after its node."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, TypedDict

from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

Probe = Callable[[str], AbstractContextManager[None]]


class Log(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    n: int


def body(probe: Probe, name: str, *, is_async: bool = False, then: Callable[[], Any] | None = None) -> Any:
    """A node that logs its name inside a probe; ``then`` may return another update, raise or interrupt."""

    def node(state: Any) -> Any:
        with probe(name):
            return then() if then is not None else {"log": [name]}

    async def anode(state: Any) -> Any:
        with probe(name):
            await asyncio.sleep(0)
            with probe(name):
                return then() if then is not None else {"log": [name]}

    return anode if is_async else node


def line(probe: Probe, *, is_async: bool = False, **compile_options: Any) -> Any:
    """START -> a -> (b, c in parallel) -> d -> END."""
    builder = StateGraph(Log)
    for name in "abcd":
        builder.add_node(name, body(probe, name, is_async=is_async))
    builder.add_edge(START, "a")
    builder.add_edge("a", "b")
    builder.add_edge("a", "c")
    builder.add_edge(["b", "c"], "d")
    builder.add_edge("d", END)
    return builder.compile(name="line", **compile_options)


LINE = {"a": 1, "b": 1, "c": 1, "d": 1}


def one(probe: Probe, name: str = "a", *, node_options: dict[str, Any] | None = None, **options: Any) -> Any:
    """A graph of one node; ``then`` and ``is_async`` as for `body`, the rest goes to compile."""
    builder = StateGraph(Log)
    made = body(probe, name, is_async=options.pop("is_async", False), then=options.pop("then", None))
    builder.add_node(name, made, **(node_options or {}))
    builder.add_edge(START, name)
    builder.add_edge(name, END)
    return builder.compile(name="one", **options)


def fan(probe: Probe, *, is_async: bool = False) -> Any:
    """Three Sends to one worker and a deferred join."""
    builder = StateGraph(Log)
    builder.add_node("plan", body(probe, "plan", is_async=is_async))
    builder.add_node("worker", body(probe, "worker", is_async=is_async))
    builder.add_node("last", body(probe, "last", is_async=is_async), defer=True)
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", lambda _: [Send("worker", {"n": i}) for i in range(3)], ["worker"])
    builder.add_edge("worker", "last")
    return builder.compile(name="fan")


def commands(probe: Probe) -> Any:
    """goto with update, then a subgraph which sends a command to its parent."""
    inner = StateGraph(Log)
    leave = Command(goto="after", graph=Command.PARENT, update={"log": ["left"]})
    inner.add_node("leave", body(probe, "leave", then=lambda: leave))
    inner.add_edge(START, "leave")
    outer = StateGraph(Log)
    outer.add_node("go", body(probe, "go", then=lambda: Command(goto="inner", update={"log": ["go"]})))
    outer.add_node("inner", inner.compile(name="inner_graph"))
    outer.add_node("after", body(probe, "after"))
    outer.add_edge(START, "go")
    return outer.compile(name="commands")


def nested(probe: Probe, *, is_async: bool = False) -> Any:
    """A subgraph as a node, then another called twice inside a node's body."""
    child = one(probe, "child", is_async=is_async)

    def calls(state: Any) -> Any:
        with probe("calls"):
            child.invoke({"log": []})
            child.invoke({"log": []})
        return {"log": ["calls"]}

    async def acalls(state: Any) -> Any:
        with probe("calls"):
            await child.ainvoke({"log": []})
            await child.ainvoke({"log": []})
        return {"log": ["calls"]}

    builder = StateGraph(Log)
    builder.add_node("sub", child)
    builder.add_node("calls", acalls if is_async else calls)
    builder.add_edge(START, "sub")
    builder.add_edge("sub", "calls")
    return builder.compile(name="nested")


def approval(probe: Probe, checkpointer: Any) -> Any:
    """ask interrupts beside a sibling that finishes; end follows."""
    builder = StateGraph(Log)
    builder.add_node("ask", body(probe, "ask", then=lambda: {"log": [str(interrupt("ok?"))]}))
    builder.add_node("sibling", body(probe, "sibling"))
    builder.add_node("end", body(probe, "end"))
    builder.add_edge(START, "ask")
    builder.add_edge(START, "sibling")
    builder.add_edge(["ask", "sibling"], "end")
    return builder.compile(name="approval", checkpointer=checkpointer)


def functional(probe: Probe, *, is_async: bool = False) -> Any:
    """An entrypoint that calls a task twice, in parallel."""
    if is_async:

        @task
        async def work(n: int) -> int:
            with probe("work"):
                await asyncio.sleep(0)
                return n * 2

        @entrypoint()
        async def flow(n: int) -> int:
            with probe("flow"):
                return sum(await asyncio.gather(work(n), work(n + 1)))
    else:

        @task
        def work(n: int) -> int:
            with probe("work"):
                return n * 2

        @entrypoint()
        def flow(n: int) -> int:
            with probe("flow"):
                return sum(future.result() for future in [work(n), work(n + 1)])

    return flow
