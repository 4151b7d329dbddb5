"""Graphs of every kind that a replay must hold for."""

from __future__ import annotations

import asyncio
import operator
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain_core.messages import AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_store
from langgraph.errors import GraphRecursionError, NodeTimeoutError
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.types import CachePolicy, Command, RetryPolicy, Send, TimeoutPolicy, interrupt
from typing_extensions import TypedDict

import otel_agent
from tests.replay.models import RandomModel, StreamingModel, bodies, break_down, look_up, measure


@dataclass(frozen=True)
class Scene:
    """One graph and how to run it."""

    graph: Any
    input: Any
    config: dict[str, Any] = field(default_factory=dict)
    kwargs: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Any], Any] | None = None
    """Run first, unrecorded: what makes the checkpoint to start from."""
    sync: bool = True
    asynchronous: bool = True
    raises: type[BaseException] | None = None


class State(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    log: Annotated[list[Any], operator.add]
    count: Annotated[int, operator.add]
    word: str


@dataclass
class Verdict:
    """A value with a type of the application's own."""

    score: float
    words: tuple[str, ...] = ()


class OutOfLuck(RuntimeError):
    """An exception of the application's own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.code = code


def ask(state: State) -> dict[str, Any]:
    return {"messages": [RandomModel().invoke(state["messages"])], "count": 1}


def chat() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("note", lambda state: {"log": [Verdict(len(state["messages"]), ("a", "b"))], "messages": ["noted"]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "note")
    graph.add_edge("note", END)
    return Scene(graph.compile(), {"messages": [("user", "hello")]})


def loop() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", lambda state: END if state["count"] >= 4 else "ask")
    return Scene(graph.compile(), {"messages": [("user", "hello")], "count": 0})


def branches() -> Scene:
    """Parallel branches with jitter that all ask the same model the same."""
    graph = StateGraph(State)
    for name in ("a", "b", "c"):

        def branch(state: State, name: str = name) -> dict[str, Any]:
            time.sleep(random.random() * 0.005)
            return {"log": [(name, RandomModel().invoke("same").content)], "messages": [("ai", name)]}

        graph.add_node(name, branch)
        graph.add_edge(START, name)
        graph.add_edge(name, "join")
    graph.add_node("join", lambda state: {"word": str(state["log"])})
    return Scene(graph.compile(), {"messages": [], "log": []})


def sends() -> Scene:
    def worker(payload: dict[str, Any]) -> dict[str, Any]:
        answer = RandomModel(jitter_s=0.004).invoke("same question").content
        return {"log": [(payload["number"], answer)]}

    graph = StateGraph(State)
    graph.add_node("worker", worker)
    graph.add_node("join", lambda state: {"count": len(state["log"])})
    graph.add_conditional_edges(START, lambda state: [Send("worker", {"number": n}) for n in range(6)])
    graph.add_edge("worker", "join")
    return Scene(graph.compile(), {"log": []})


def subgraph() -> Scene:
    inner = chat().graph
    graph = StateGraph(State)
    graph.add_node("inner", inner)
    graph.add_node("after", ask)
    graph.add_edge(START, "inner")
    graph.add_edge("inner", "after")
    return Scene(graph.compile(), {"messages": [("user", "hello")]})


def subgraph_in_body() -> Scene:
    inner = chat().graph

    def twice(state: State) -> dict[str, Any]:
        first = inner.invoke({"messages": state["messages"]})
        second = inner.invoke({"messages": first["messages"]})
        return {"messages": second["messages"], "count": 2}

    graph = StateGraph(State)
    graph.add_node("twice", twice)
    graph.add_edge(START, "twice")
    return Scene(graph.compile(), {"messages": [("user", "hello")]})


def commands() -> Scene:
    """Commands whose goto depends on the model alone."""

    def first(state: State) -> Command[Any]:
        even = len(RandomModel().invoke("where to").content) % 2
        return Command(goto="left" if even else "right", update={"log": ["first"]})

    def inner_node(state: State) -> Command[Any]:
        answer = RandomModel().invoke("where to").content
        return Command(graph=Command.PARENT, goto="last", update={"log": [answer]})

    inner = StateGraph(State)
    inner.add_node("inner_node", inner_node)
    inner.add_edge(START, "inner_node")
    graph = StateGraph(State)
    graph.add_node("first", first, destinations=("left", "right"))
    graph.add_node("left", inner.compile(), destinations=("last",))
    graph.add_node("right", inner.compile(), destinations=("last",))
    graph.add_node("last", lambda state: {"count": len(state["log"])})
    graph.add_edge(START, "first")
    return Scene(graph.compile(), {"log": []})


def retries() -> Scene:
    model = RandomModel(fails=2)

    def shaky(state: State) -> dict[str, Any]:
        return {"log": [model.invoke("again").content]}

    graph = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.01, jitter=True, max_attempts=4, retry_on=ConnectionError)
    graph.add_node("shaky", shaky, retry_policy=policy)
    graph.add_edge(START, "shaky")
    return Scene(graph.compile(), {"log": []})


def cached() -> Scene:
    def slow(state: State) -> dict[str, Any]:
        return {"log": [RandomModel().invoke("cached").content]}

    graph = StateGraph(State)
    graph.add_node("slow", slow, cache_policy=CachePolicy(key_func=lambda state: b"one"))
    graph.add_node("after", ask)
    graph.add_edge(START, "slow")
    graph.add_edge("slow", "after")
    compiled = graph.compile(cache=InMemoryCache())
    given = {"messages": [("user", "hello")], "log": []}
    return Scene(compiled, given, before=lambda graph: graph.invoke(given))


def timeouts() -> Scene:
    tries: list[int] = []

    async def slow(state: State) -> dict[str, Any]:
        tries.append(1)
        answer = await RandomModel().ainvoke("slow")
        if len(tries) == 1:
            await asyncio.sleep(30)
        return {"log": [answer.content]}

    graph = StateGraph(State)
    graph.add_node(
        "slow",
        slow,
        timeout=TimeoutPolicy(run_timeout=0.1),
        retry_policy=RetryPolicy(initial_interval=0.01, retry_on=Exception),
    )
    graph.add_edge(START, "slow")
    return Scene(graph.compile(), {"log": []}, sync=False)


def timed_out() -> Scene:
    """A node's time limit ends the run; its sibling is cut with it."""

    async def slow(state: State) -> dict[str, Any]:
        await RandomModel().ainvoke("slow")
        await asyncio.sleep(30)
        return {}

    async def sibling(state: State) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    graph = StateGraph(State)
    graph.add_node("slow", slow, timeout=TimeoutPolicy(run_timeout=0.1))
    graph.add_node("sibling", sibling)
    graph.add_edge(START, "slow")
    graph.add_edge(START, "sibling")
    return Scene(graph.compile(), {"log": []}, sync=False, raises=NodeTimeoutError)


def racing_failures() -> Scene:
    """Two branches fail and one is slow: which exception surfaces, and who is cut, is a race."""

    async def fail(state: State) -> dict[str, Any]:
        await asyncio.sleep(random.random() * 0.01)
        raise OutOfLuck(str((await RandomModel().ainvoke("x")).content), 3)

    async def slow(state: State) -> dict[str, Any]:
        answer = await RandomModel().ainvoke("slow")
        await asyncio.sleep(random.random() * 0.01)
        return {"log": [answer.content]}

    graph = StateGraph(State)
    graph.add_node("one", fail)
    graph.add_node("two", fail)
    graph.add_node("slow", slow)
    for name in ("one", "two", "slow"):
        graph.add_edge(START, name)
    return Scene(graph.compile(), {"log": []}, sync=False, raises=OutOfLuck)


def step_timeout() -> Scene:
    """The graph's own time limit for a superstep."""

    async def quick(state: State) -> dict[str, Any]:
        return {"log": [(await RandomModel().ainvoke("x")).content]}

    async def slow(state: State) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    graph = StateGraph(State)
    graph.add_node("quick", quick)
    graph.add_node("slow", slow)
    graph.add_edge(START, "quick")
    graph.add_edge(START, "slow")
    compiled = graph.compile()
    compiled.step_timeout = 0.1
    return Scene(compiled, {"log": []}, sync=False, raises=asyncio.TimeoutError)


def too_deep() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "ask")
    given = {"messages": [("user", "hello")]}
    return Scene(graph.compile(), given, {"recursion_limit": 4}, raises=GraphRecursionError)


def time_travel() -> Scene:
    """Runs again from a checkpoint in the middle of a thread that has moved on."""
    graph = StateGraph(State)
    graph.add_node("first", ask)
    graph.add_node("second", ask)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    compiled = graph.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t5"}}
    compiled.invoke({"messages": [("user", "hello")]}, config)
    middle = next(state for state in compiled.get_state_history(config) if state.next == ("second",))
    return Scene(compiled, None, middle.config)


def edited_state() -> Scene:
    """Goes on from a state that was edited by hand."""
    scene = second_turn()
    config = {"configurable": {"thread_id": "t6"}}
    scene.graph.invoke({"messages": [("user", "first")]}, config)
    scene.graph.update_state(config, {"messages": [("user", "edited")]}, as_node="__start__")
    return Scene(scene.graph, None, config)


def own_checkpointer() -> Scene:
    """A subgraph that keeps its own history over the calls of one thread."""
    inner = StateGraph(State)
    inner.add_node("ask", ask)
    inner.add_edge(START, "ask")
    graph = StateGraph(State)
    graph.add_node("inner", inner.compile(checkpointer=True))
    graph.add_node("after", ask)
    graph.add_edge(START, "inner")
    graph.add_edge("inner", "after")
    config = {"configurable": {"thread_id": "t7"}}
    compiled = graph.compile(checkpointer=InMemorySaver())
    given = {"messages": [("user", "again")]}
    return Scene(compiled, given, config, before=lambda graph: graph.invoke({"messages": [("user", "first")]}, config))


def two_interrupts() -> Scene:
    """Two nodes stopped to ask; the answers are given by interrupt id."""

    def asks(state: State) -> dict[str, Any]:
        return {"log": [interrupt("what?"), interrupt("and then?")]}

    graph = StateGraph(State)
    graph.add_node("one", asks)
    graph.add_node("two", asks)
    graph.add_edge(START, "one")
    graph.add_edge(START, "two")
    compiled = graph.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t8"}}
    compiled.invoke({"log": []}, config)
    answers = {each.id: number for number, each in enumerate(compiled.get_state(config).interrupts)}
    return Scene(compiled, Command(resume=answers), config)


def breakpoints() -> Scene:
    graph = StateGraph(State)
    graph.add_node("first", ask)
    graph.add_node("second", ask)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    config = {"configurable": {"thread_id": "t9"}}
    given = {"messages": [("user", "hello")]}
    compiled = graph.compile(checkpointer=InMemorySaver())
    return Scene(compiled, given, config, {"interrupt_before": ["second"]})


def asking_tool() -> Scene:
    """A tool that stops the run to ask."""

    @tool
    def confirm(word: str = "w") -> str:
        """Ask a human."""
        return str(interrupt(f"really {word}?"))

    model = RandomModel(tool_calls=[{"name": "confirm", "args": {}}, {"name": "look_up", "args": {}}])
    compiled = create_agent(model, tools=[confirm, look_up], checkpointer=InMemorySaver())
    return Scene(compiled, {"messages": [HumanMessage("go")]}, {"configurable": {"thread_id": "t10"}})


def answered_tool() -> Scene:
    """The same, resumed."""
    scene = asking_tool()
    given = scene.input
    config = scene.config
    return Scene(scene.graph, Command(resume="yes"), config, before=lambda graph: graph.invoke(given, config))


@dataclass
class Context:
    """What the caller gives beside the input."""

    tone: str
    limit: int = 3


def context() -> Scene:
    def ask_in_tone(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        return {"log": [RandomModel().invoke(f"in a {runtime.context.tone} tone").content, runtime.context.limit]}

    graph = StateGraph(State, context_schema=Context)
    graph.add_node("ask", ask_in_tone)
    graph.add_edge(START, "ask")
    return Scene(graph.compile(), {"log": []}, kwargs={"context": Context("dry")})


def threads() -> Scene:
    """A node that asks from threads of its own, with and without its context."""

    def fan_out(state: State) -> dict[str, Any]:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(copy_context().run, RandomModel().invoke, f"question {n}") for n in range(4)]
            return {"log": [future.result().content for future in asked]}

    graph = StateGraph(State)
    graph.add_node("fan_out", fan_out)
    graph.add_edge(START, "fan_out")
    return Scene(graph.compile(), {"log": []})


def defers() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("long", ask)
    graph.add_node("last", lambda state: {"log": [len(state["messages"])]}, defer=True)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "long")
    graph.add_edge("ask", "last")
    graph.add_edge("long", "last")
    return Scene(graph.compile(), {"messages": [("user", "hello")]})


def error_handler() -> Scene:
    def bad(state: State) -> dict[str, Any]:
        answer = RandomModel().invoke("bad").content
        raise OutOfLuck(answer, 7)

    def handle(state: State, error: Any = None) -> dict[str, Any]:
        return {"log": ["handled"]}

    graph = StateGraph(State)
    graph.add_node("bad", bad, error_handler=handle)
    graph.add_edge(START, "bad")
    return Scene(graph.compile(), {"log": []})


def functional() -> Scene:
    @task
    def part(number: int) -> str:
        return str(RandomModel(jitter_s=0.003).invoke("part").content) + str(number)

    @entrypoint()
    def flow(numbers: list[int]) -> dict[str, Any]:
        futures = [part(number) for number in numbers]
        return {"parts": [future.result() for future in futures]}

    return Scene(flow, [1, 2, 3])


def afunctional() -> Scene:
    @task
    async def part(number: int) -> str:
        return str((await RandomModel(jitter_s=0.003).ainvoke("part")).content) + str(number)

    @entrypoint()
    async def flow(numbers: list[int]) -> dict[str, Any]:
        return {"parts": await asyncio.gather(*(part(number) for number in numbers))}

    return Scene(flow, [1, 2, 3], sync=False)


def interrupts() -> Scene:
    """Resumes a run that stopped to ask; a sibling had finished before."""

    def asks(state: State) -> dict[str, Any]:
        before = RandomModel().invoke("before").content
        return {"log": [before, interrupt({"question": "go on?"})]}

    graph = StateGraph(State)
    graph.add_node("asks", asks)
    graph.add_node("sibling", ask)
    graph.add_node("last", ask)
    graph.add_edge(START, "asks")
    graph.add_edge(START, "sibling")
    graph.add_edge("asks", "last")
    config = {"configurable": {"thread_id": "t1"}}
    compiled = graph.compile(checkpointer=InMemorySaver())
    given = {"messages": [("user", "hello")], "log": []}
    return Scene(compiled, Command(resume="yes"), config, before=lambda graph: graph.invoke(given, config))


def stops() -> Scene:
    """The run that stops to ask."""
    scene = interrupts()
    return Scene(scene.graph, {"messages": [("user", "hello")], "log": []}, {"configurable": {"thread_id": "t2"}})


def second_turn() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    config = {"configurable": {"thread_id": "t3"}}
    given = {"messages": [("user", "first")]}
    return Scene(
        graph.compile(checkpointer=InMemorySaver()),
        {"messages": [("user", "second")]},
        config,
        before=lambda graph: graph.invoke(given, config),
    )


def nested_interrupt() -> Scene:
    """Resumes a subgraph in the middle: its checkpoint lies under a namespace with a task id."""

    def asks(state: State) -> dict[str, Any]:
        return {"log": [interrupt("inner question")]}

    inner = StateGraph(State)
    inner.add_node("ask", ask)
    inner.add_node("asks", asks)
    inner.add_edge(START, "ask")
    inner.add_edge("ask", "asks")
    graph = StateGraph(State)
    graph.add_node("inner", inner.compile())
    graph.add_edge(START, "inner")
    config = {"configurable": {"thread_id": "t4"}}
    given = {"messages": [("user", "hello")], "log": []}
    compiled = graph.compile(checkpointer=InMemorySaver())
    return Scene(compiled, Command(resume="yes"), config, before=lambda graph: graph.invoke(given, config))


def agent() -> Scene:
    model = RandomModel(
        tool_calls=[
            {"name": "look_up", "args": {"word": "one"}},
            {"name": "look_up", "args": {"word": "two"}},
            {"name": "measure", "args": {}},
        ]
    )
    return Scene(create_agent(model, tools=[look_up, measure]), {"messages": [HumanMessage("go")]})


def streaming_agent() -> Scene:
    model = StreamingModel(tool_calls=[{"name": "look_up", "args": {}}, {"name": "measure", "args": {}}])
    return Scene(create_agent(model, tools=[look_up, measure]), {"messages": [HumanMessage("go")]})


def failing_tool() -> Scene:
    model = RandomModel(tool_calls=[{"name": "break_down", "args": {}}])
    return Scene(create_agent(model, tools=[break_down]), {"messages": [HumanMessage("go")]}, raises=ValueError)


def command_tool() -> Scene:
    @tool
    def update(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Write into the state."""
        bodies.append("tool")
        return Command(update={"messages": [ToolMessage(f"done {random.random()}", tool_call_id=tool_call_id)]})

    model = RandomModel(tool_calls=[{"name": "update", "args": {}}])
    return Scene(create_agent(model, tools=[update]), {"messages": [HumanMessage("go")]})


def agent_as_tool() -> Scene:
    inner = create_agent(RandomModel(tool_calls=[{"name": "look_up", "args": {}}]), tools=[look_up], name="inner")

    @tool
    def delegate(question: str = "q") -> str:
        """Ask another agent."""
        return str(inner.invoke({"messages": [HumanMessage(question)]})["messages"][-1].content)

    model = RandomModel(tool_calls=[{"name": "delegate", "args": {}}])
    return Scene(create_agent(model, tools=[delegate], name="outer"), {"messages": [HumanMessage("go")]})


def remembers() -> Scene:
    def recall(state: State) -> dict[str, Any]:
        store = get_store()
        store.put(("facts",), f"k{random.randint(0, 0)}", {"v": 1})
        found = store.get(("facts",), "random")
        return {"log": [found.value if found else None, len(store.search(("facts",)))]}

    store = InMemoryStore()
    store.put(("facts",), "random", {"v": random.random()})
    graph = StateGraph(State)
    graph.add_node("recall", recall)
    graph.add_edge(START, "recall")
    return Scene(graph.compile(store=store), {"log": []})


@otel_agent.effect
def roll_dice(sides: int) -> float:
    bodies.append("effect")
    return random.random() * sides


@otel_agent.effect
async def aroll_dice(sides: int) -> float:
    bodies.append("effect")
    return random.random() * sides


def effects() -> Scene:
    graph = StateGraph(State)
    graph.add_node("roll", lambda state: {"log": [roll_dice(6), roll_dice(6), roll_dice(20)]})
    graph.add_edge(START, "roll")
    return Scene(graph.compile(), {"log": []})


def raised() -> Scene:
    def bad(state: State) -> dict[str, Any]:
        raise OutOfLuck(str(RandomModel().invoke("x").content), 3)

    graph = StateGraph(State)
    graph.add_node("bad", bad)
    graph.add_edge(START, "bad")
    return Scene(graph.compile(), {"log": []}, raises=OutOfLuck)


def removes() -> Scene:
    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("forget", lambda state: {"messages": [RemoveMessage(id=state["messages"][0].id)]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "forget")
    return Scene(graph.compile(), {"messages": [("user", "hello")]})


SCENES: dict[str, Callable[[], Scene]] = {
    make.__name__: make
    for make in (
        chat, loop, branches, sends, subgraph, subgraph_in_body, commands, retries, cached, timeouts,
        error_handler, functional, afunctional, interrupts, stops, second_turn, nested_interrupt, agent,
        streaming_agent, timed_out, racing_failures, step_timeout, too_deep, time_travel, edited_state,
        own_checkpointer, two_interrupts, breakpoints, asking_tool, answered_tool, context, threads, defers,
        failing_tool, command_tool, agent_as_tool, remembers, effects, raised, removes,
    )
}  # fmt: skip
