"""What a run leaves behind in memory: nothing, as without us."""

import gc
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from tests.capture.conftest import Watch


@tool
def lookup(word: str) -> str:
    """Look a word up."""
    return word.upper()


def agent() -> Any:
    """A model that calls a tool, and then answers."""
    call = {"name": "lookup", "args": {"word": "x"}, "id": "1"}
    model = GenericFakeChatModel(messages=iter([AIMessage("", tool_calls=[call])] * 3))
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode([lookup]))
    builder.add_edge(START, "model").add_edge("model", "tools")
    return builder.compile()


@pytest.fixture
def collected_by_hand() -> Any:
    """No collection of garbage but the test's own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_run_leaves_no_garbage(watch: Watch, collected_by_hand: None) -> None:
    """All that a run made is freed when it ends; LangGraph makes no reference cycles, and neither do we."""
    graph = agent()
    graph.invoke({"messages": [("human", "first: caches are filled")]})
    gc.collect()

    graph.invoke({"messages": [("human", "second")]})

    assert gc.collect() == 0
