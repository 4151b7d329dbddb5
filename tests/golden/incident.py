"""The graph that ``run-v1.json`` was recorded from; a released recording is never edited. As a script it records anew.

python -m tests.golden.incident tests/golden/run-v1.json
"""

import sys
from decimal import Decimal
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, Send
from typing_extensions import TypedDict

DOCUMENT = "The collector was restarted at 03:12. " * 80


class State(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    document: str
    cost: Decimal


class Model(BaseChatModel):
    """Answers what it was told to answer: the record is what matters."""

    answer: str = "restarted at 03:12"

    @property
    def _llm_type(self) -> str:
        return "golden"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.answer, usage_metadata=usage))])


@tool
def read_log(line: int) -> str:
    """Read a log."""
    return DOCUMENT


def search(state: State) -> dict[str, Any]:
    return {"document": read_log.invoke({"line": 1})}


def decide(state: State) -> Command[str]:
    return Command(
        update={"cost": Decimal("0.10")}, goto=[Send("write", {**state, "cost": Decimal(n)}) for n in (1, 2)]
    )


def write(state: State) -> dict[str, Any]:
    prompt = [SystemMessage(f"part {state['cost']}"), *state["messages"]]
    return {"messages": [Model().invoke(prompt)]}


def build() -> Any:
    builder = StateGraph(State)
    builder.add_node("search", search)
    builder.add_node("decide", decide, destinations=("write",))
    builder.add_node("write", write)
    builder.add_edge(START, "search")
    builder.add_edge("search", "decide")
    builder.add_edge("write", END)
    return builder.compile(name="incident")


graph = build()

if __name__ == "__main__":
    from otel_agent import record_run

    with record_run(sys.argv[1]):
        graph.invoke({"messages": [HumanMessage("what happened?")]}, {"configurable": {"thread_id": "golden"}})
