"""Graphs that the commands are tried with, by path, as a user names them."""

from __future__ import annotations

import operator
import random
import time
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import FakeListChatModel
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

import otel_agent


class State(TypedDict, total=False):
    """What the nodes share."""

    question: str
    found: Annotated[list[str], operator.add]
    answer: str


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} means {random.random()}"  # served in a replay, so chance may play here


@otel_agent.effect
def now() -> float:
    """The time, recorded."""
    return time.time()


def build(prompt: str = "Answer.") -> Any:
    """Two workers at the same time, then a model."""
    model = FakeListChatModel(responses=["forty\ntwo"])

    def plan(state: State) -> Command[Any]:
        return Command(goto=[Send("work", {"question": word}) for word in state["question"].split()])

    def work(state: State) -> State:
        return {"found": [look_up.invoke({"word": state["question"]})]}

    def answer(state: State) -> State:
        if state["question"] == "fail please":
            raise ValueError("asked to fail")
        if state["question"] == "stop please":
            interrupt("go on?")
        return {"answer": model.invoke(f"{prompt} {state['found']} at {now()}").text}

    builder = StateGraph(State)
    builder.add_node("plan", plan, destinations=("work",))
    builder.add_node("work", work)
    builder.add_node("answer", answer)
    builder.add_edge(START, "plan")
    builder.add_edge("work", "answer")
    builder.add_edge("answer", END)
    return builder.compile(name="agent")


graph = build()
changed = build("Answer in rhyme.")
not_a_graph = 42


def build_badly() -> Any:
    """A factory that fails."""
    raise RuntimeError("no database here")


def wild(state: State) -> State:
    """A node that asks the world."""
    if random.random() > 2:
        time.sleep(0)
    return {"answer": str(time.time())}


def _wild_graph() -> Any:
    builder = StateGraph(State)
    builder.add_node("wild", wild)
    builder.add_edge(START, "wild")
    return builder.compile(name="wild")


wild_graph = _wild_graph()
