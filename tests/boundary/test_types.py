"""The types that a trace may be decoded to come from the running graph, never from names in the trace."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import langgraph.errors
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from otel_agent.boundary.types import register_framework_types, types_of


class Colour(enum.Enum):
    RED = 1


@dataclass
class Inner:
    colour: Colour


class Point(NamedTuple):
    x: int


class Outer(BaseModel):
    inner: list[Inner]
    point: Point | None = None


class Trouble(Exception):
    """Raised by a node."""


class State(TypedDict):
    value: Annotated[Outer, "anything"]


def write(state: State) -> dict[str, Any]:
    raise Trouble


def graph() -> Any:
    built = StateGraph(State)
    built.add_node("write", write)
    built.add_edge(START, "write")
    return built.compile()


def test_types_of_fields_are_found() -> None:
    """Schemas are followed into dataclasses, models, enums and NamedTuples."""
    assert {Outer, Inner, Colour, Point} <= set(types_of(graph()))


def test_exceptions_of_the_module_are_found() -> None:
    """What a node's module defines may be raised there."""
    assert Trouble in types_of(graph())


def test_types_of_tool_arguments_are_found() -> None:
    """A tool's arguments are values of the run."""

    @tool
    def point_at(point: Point) -> str:
        """Point."""
        return ""

    agent = create_agent(GenericFakeChatModel(messages=iter([])), tools=[point_at])

    assert Point in types_of(agent)


def test_what_can_be_run_is_no_value() -> None:
    """A trace must not be able to make models, tools or graphs."""
    assert GenericFakeChatModel not in types_of(create_agent(GenericFakeChatModel(messages=iter([])), tools=[]))


def test_framework_types_are_registered() -> None:
    """Messages, documents, commands, sends, errors and store items can be decoded."""

    class Names(list[str]):
        def add(self, cls: type) -> None:
            self.append(cls.__name__)

    names = Names()
    register_framework_types(names)

    wanted = {"AIMessage", "AIMessageChunk", "Document", "ChatResult", "Command", "Send", "Interrupt", "GraphInterrupt"}
    wanted |= {"Item", "SearchItem", "ToolException", "CancelledError"}
    assert wanted | ({"NodeTimeoutError"} & set(vars(langgraph.errors))) <= set(names)
