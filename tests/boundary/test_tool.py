from __future__ import annotations

import asyncio
import inspect
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import (
    BaseTool,
    InjectedToolArg,
    InjectedToolCallId,
    StructuredTool,
    Tool,
    ToolException,
    tool,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, InjectedStore, ToolNode
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from otel_agent.boundary.install import install, uninstall
from otel_agent.codec import names
from otel_agent.model.effect import Raised, Returned
from tests.boundary.handlers import Recording, Serving

RAN: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


@tool
def plus(a: int, b: int = 1) -> int:
    """Add."""
    RAN.append("plus")
    return a + b


@tool
async def aplus(a: int) -> int:
    """Add, async only."""
    RAN.append("aplus")
    return a + 1


@tool
def failing(a: int) -> int:
    """Fail."""
    RAN.append("failing")
    raise ValueError(f"no {a}")


@tool
def refusing(a: int) -> int:
    """Refuse."""
    RAN.append("refusing")
    raise ToolException(f"not {a}")


refusing.handle_tool_error = True


@tool(response_format="content_and_artifact")
def with_artifact(a: int) -> tuple[str, dict[str, int]]:
    """Content and artifact."""
    RAN.append("with_artifact")
    return f"see {a}", {"a": a}


@tool
def moving(a: int, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """A Command."""
    RAN.append("moving")
    return Command(update={"messages": [ToolMessage(f"moved {a}", tool_call_id=tool_call_id)]})


@tool
def injected(
    a: int,
    state: Annotated[dict[str, Any], InjectedState],
    store: Annotated[Any, InjectedStore()],
    secret: Annotated[str, InjectedToolArg] = "unseen",
) -> str:
    """With injected arguments."""
    RAN.append("injected")
    return f"{a} of {len(state['messages'])}"


class Shouting(BaseTool):
    name: str = "shout"
    description: str = "Shout."

    def _run(self, text: str, run_manager: Any = None) -> str:
        RAN.append("shout")
        return text.upper()


class Louder(Shouting):
    def _run(self, text: str, run_manager: Any = None) -> str:
        return super()._run(text, run_manager) + "!"


older = Tool("older", lambda text: RAN.append("older") or f"<{text}>", "Older")
ALL = (plus, aplus, failing, refusing, with_artifact, moving, injected, Shouting(), older)
CALLS = [
    {"name": "plus", "args": {"a": 1}, "id": "c1"},
    {"name": "plus", "args": {"a": 1}, "id": "c2"},
    {"name": "failing", "args": {"a": 3}, "id": "c3"},
    {"name": "refusing", "args": {"a": 4}, "id": "c4"},
    {"name": "with_artifact", "args": {"a": 5}, "id": "c5"},
    {"name": "moving", "args": {"a": 6}, "id": "c6"},
    {"name": "injected", "args": {"a": 7}, "id": "c7"},
    {"name": "shout", "args": {"text": "hey"}, "id": "c8"},
    {"name": "older", "args": {"__arg1": "x"}, "id": "c9"},
    {"name": "plus", "args": {"a": "not a number"}, "id": "c10"},
]


def agent(calls: list[dict[str, Any]]) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda _state: {"messages": [AIMessage("", tool_calls=calls, id="m1")]})
    builder.add_node("tools", ToolNode(list(ALL), handle_tool_errors=True))
    builder.add_edge(START, "model")
    builder.add_edge("model", "tools")
    builder.add_edge("tools", END)
    return builder.compile(store=InMemoryStore())


def shown(state: dict[str, Any]) -> list[Any]:
    return [{**message.model_dump(), "id": None} for message in state["messages"]]


@pytest.mark.parametrize("asked", ["invoke", "ainvoke"])
@pytest.mark.parametrize("recorded", ["invoke", "ainvoke"])
async def test_parallel_tools_are_served_with_the_node_kept_real(handled, recorded: str, asked: str) -> None:
    """Every kind of tool in one ToolNode: messages come out equal, and no tool's body runs."""
    calls = CALLS + ([{"name": "aplus", "args": {"a": 2}, "id": "c11"}] if recorded == asked == "ainvoke" else [])

    async def run(way: str) -> list[Any]:
        if way == "invoke":
            return shown(await asyncio.to_thread(agent(calls).invoke, {"messages": ["go"]}))
        return shown(await agent(calls).ainvoke({"messages": ["go"]}))

    with handled(Recording("tool")) as recording:
        first = await run(recorded)
    assert len(recording.seen) == len(calls)
    ran = list(RAN)
    with handled(Serving(recording)) as serving:
        second = await run(asked)

    assert second == first
    assert ran == RAN
    assert len(serving.seen) == len(calls)
    assert all(seen.outcome is not None for seen in serving.seen)


async def test_what_the_body_gave_is_recorded(handled) -> None:
    """Content, artifact, Command and exception are recorded raw, before the framework dresses them."""
    with handled(Recording("tool")) as recording:
        agent(CALLS).invoke({"messages": ["go"]})
    raw = {seen.crossing.details["tool_call_id"]: seen.outcome for seen in recording.seen}

    assert raw["c1"] == Returned(2)
    assert isinstance(raw["c3"], Raised)
    assert isinstance(raw["c3"].error, ValueError)
    assert isinstance(raw["c4"].error, ToolException)
    assert raw["c5"] == Returned(("see 5", {"a": 5}))
    assert isinstance(raw["c6"].value, Command)
    assert type(raw["c10"].error).__name__ == "ValidationError"


async def test_the_request_is_what_the_model_chose(handled) -> None:
    """State, store, runtime and the call's id are not asked with; the id is told beside."""
    with handled(Recording("tool")) as recording:
        agent(CALLS).invoke({"messages": ["go"]})
    by_id = {seen.crossing.details["tool_call_id"]: seen for seen in recording.seen}

    assert by_id["c7"].crossing.request == {"a": 7}
    assert by_id["c6"].crossing.request == {"a": 6}
    assert by_id["c1"].crossing.request == by_id["c2"].crossing.request == {"a": 1}
    assert by_id["c1"].crossing.attributes == {
        names.OPERATION: "execute_tool",
        names.TOOL_NAME: "plus",
        names.TOOL_TYPE: "function",
        names.TOOL_DESCRIPTION: "Add.",
        names.TOOL_CALL_ID: "c1",
    }
    assert by_id["c1"].attributes[names.TOOL_ARGUMENTS] == '{"a":1}'
    assert by_id["c1"].attributes[names.TOOL_RESULT] == "2"
    assert by_id["c1"].crossing.details["span_name"] == "execute_tool plus"


@pytest.mark.parametrize("which", [plus, Shouting(), Louder(), older])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_call_is_one_crossing(handled, which: Any, asynchronous: bool) -> None:
    """`super()._run`, and `arun` falling back to `_run` in a thread, are the same call."""
    argument = {"a": 1} if which is plus else "text"

    async def run() -> Any:
        return await which.ainvoke(argument) if asynchronous else which.invoke(argument)

    with handled(Recording()) as recording:
        first = await run()
    ran = list(RAN)
    with handled(Serving(recording)):
        second = await run()

    assert first == second
    assert len(recording.seen) == 1
    assert recording.seen[0].outcome == Returned(first)
    assert len(ran) == 1
    assert ran == RAN


async def test_an_async_only_tool_is_served(handled) -> None:
    """A tool with only a coroutine is answered at `_arun`."""
    with handled(Recording()) as recording:
        first = await aplus.ainvoke({"a": 1})
    with handled(Serving(recording)):
        assert await aplus.ainvoke({"a": 1}) == first == 2

    assert RAN == ["aplus"]


async def test_interrupt_in_a_tool_is_raised_again(handled) -> None:
    """A tool that interrupts its graph does so when served, with the same question."""

    @tool
    def ask(question: str) -> str:
        """Ask a person."""
        RAN.append("ask")
        return str(interrupt(question))

    def graph() -> Any:
        builder = StateGraph(MessagesState)
        builder.add_node("tools", ToolNode([ask]))
        builder.add_edge(START, "tools")
        return builder.compile(checkpointer=InMemorySaver())

    asked = {"messages": [AIMessage("", tool_calls=[{"name": "ask", "args": {"question": "Sure?"}, "id": "c"}])]}
    config = {"configurable": {"thread_id": "1"}}
    with handled(Recording("tool")) as recording:
        first = graph().invoke(asked, config)
    assert isinstance(recording.seen[0].outcome.error, GraphInterrupt)
    with handled(Serving(recording)):
        second = graph().invoke(asked, config)

    assert [one.value for one in second["__interrupt__"]] == [one.value for one in first["__interrupt__"]] == ["Sure?"]
    assert RAN == ["ask"]


async def test_a_tool_within_a_graph_within_the_same_tool_crosses_too(handled) -> None:
    """Where a node lies between, the same tool called again is another call."""
    node_scope: Any = None

    @tool
    def deep(depth: int) -> int:
        """Recurse through something that opens a scope of its own."""
        if depth == 0:
            return 0
        from contextvars import copy_context

        from otel_agent.boundary.crossing import current_scope

        context = copy_context()
        context.run(current_scope.set, object())
        return context.run(deep.invoke, {"depth": depth - 1}) + 1

    with handled(Recording()) as recording:
        assert deep.invoke({"depth": 2}) == 2

    assert [seen.crossing.request for seen in recording.seen] == [{"depth": 2}, {"depth": 1}, {"depth": 0}]
    assert node_scope is None


async def test_a_handler_may_leave_a_tool_to_run(handled) -> None:
    """Without an answer the body runs and what is inside it crosses for itself."""

    @tool
    def outer(a: int) -> int:
        """Call another tool."""
        return plus.invoke({"a": a})

    class Reexecuting(Serving):
        def enter(self, crossing):
            scope = super().enter(crossing)
            if crossing.name == "outer":
                scope.answer = None
            return scope

    with handled(Recording()) as recording:
        first = outer.invoke({"a": 1})
    with handled(Reexecuting(recording)):
        assert outer.invoke({"a": 1}) == first

    assert RAN == ["plus"]


def test_what_is_inspected_of_tools_stays() -> None:
    """Argument schemas are inferred from `_run`; they come out the same with the seams in place."""

    def looks() -> list[Any]:
        fresh = [Shouting(), Louder(), StructuredTool.from_function(lambda a: a, name="x", description="y")]
        return [
            [
                one.args,
                one.get_input_schema().model_json_schema(),
                one.is_single_input,
                str(inspect.signature(one._run)),
            ]
            for one in fresh
        ]

    methods = (BaseTool.run, BaseTool.arun, BaseTool._run, BaseTool._arun, StructuredTool._run, StructuredTool._arun)
    before = looks()
    install({"tool"})
    try:
        during = looks()
        assert BaseTool._arun is methods[3]
        assert Shouting._arun is BaseTool._arun
        assert inspect.signature(BaseTool.run) == inspect.signature(methods[0])
        assert inspect.iscoroutinefunction(BaseTool.arun)
    finally:
        uninstall({"tool"})

    assert during == before
    now = (BaseTool.run, BaseTool.arun, BaseTool._run, BaseTool._arun, StructuredTool._run, StructuredTool._arun)
    assert now == methods


async def test_a_cancelled_tool_is_recorded_as_cancelled(handled) -> None:
    """Cancellation reaches the body, and is what is recorded."""
    started = asyncio.Event()

    @tool
    async def slow(a: int) -> int:
        """Wait for ever."""
        started.set()
        await asyncio.Event().wait()
        return a

    with handled(Recording()) as recording:
        task = asyncio.create_task(slow.ainvoke({"a": 1}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert isinstance(recording.seen[0].outcome.error, asyncio.CancelledError)


async def test_a_tool_whose_schema_is_injected_into_by_annotation(handled) -> None:
    """Arguments that a schema hides from the model are not part of what is asked."""

    class Schema(BaseModel):
        query: str
        user: Annotated[str, InjectedToolArg]

    hidden = StructuredTool.from_function(
        lambda query, user: f"{query} for {user}", name="hidden", description="d", args_schema=Schema
    )
    with handled(Recording()) as recording:
        hidden.invoke({"query": "q", "user": "ada"})

    assert recording.seen[0].crossing.request == {"query": "q"}
