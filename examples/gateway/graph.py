"""The agent: `decide` says what to look for, two `rag` workers look at the same time, `final` answers."""

from __future__ import annotations

import operator
import os
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send
from pydantic import SecretStr

from .knowledge import Knowledge
from .tools import DocsRetriever, make_reader

MODEL_URL = "http://127.0.0.1:8081/v1"
MAX_RAG_CALLS = 4
"""Two rounds of two workers; then `final` has to do with what was found."""
ENOUGH = 3
"""Different passages that are worth an answer."""


@dataclass(frozen=True)
class Prompts:
    """What the model is told."""

    search: str = "Give three search words for the question. Reply with the words only."
    answer: str = "Answer the question in one short sentence. Use only the notes."


class Ask(TypedDict):
    """What the graph is given."""

    query: str
    role: str


class Answered(TypedDict):
    """What it gives back."""

    answer: str
    rag_calls: Annotated[int, operator.add]


class State(Ask, Answered, total=False):
    """What the nodes share."""

    searches: list[str]
    passages: Annotated[list[Document], operator.add]


class Search(TypedDict):
    """What one `rag` worker is given."""

    search: str
    role: str


def make_model() -> BaseChatModel:
    """Any OpenAI-compatible endpoint; without settings, the one on this machine."""
    return ChatOpenAI(
        model=os.environ.get("OPENAI_MODEL", "smollm2-135m-instruct"),
        base_url=os.environ.get("OPENAI_BASE_URL", MODEL_URL),
        api_key=SecretStr(os.environ.get("OPENAI_API_KEY", "none")),
        temperature=0.9,
    )


def build_graph(
    model: BaseChatModel | None = None, knowledge: Knowledge | None = None, prompts: Prompts | None = None
) -> CompiledStateGraph[State, None, Ask, Answered]:
    """Compile the agent."""
    docs = Knowledge() if knowledge is None else knowledge
    chat, say = model or make_model(), prompts or Prompts()
    read_section = make_reader(docs)

    async def tell(instruction: str, text: str, max_tokens: int) -> str:
        reply = await chat.ainvoke([SystemMessage(instruction), HumanMessage(text)], max_tokens=max_tokens)
        return reply.text.strip()

    async def decide(state: State) -> dict[str, Any]:
        """Nothing more to look for, or: the question itself, and what the model makes of it."""
        found, calls = distinct(state.get("passages", [])), state.get("rag_calls", 0)
        if len(found) >= ENOUGH or calls >= MAX_RAG_CALLS:
            return {"searches": []}
        words = await tell(say.search, state["query"], max_tokens=12)
        return {"searches": [state["query"], words]}

    async def rag(state: Search) -> dict[str, Any]:
        """Find sections, and read the best one in full."""
        found = await DocsRetriever(knowledge=docs, role=state["role"]).ainvoke(state["search"])
        if found:
            best = found[0].metadata
            place = {"source": best["source"], "heading": best["heading"], "role": state["role"]}
            found[0] = Document(page_content=await read_section.ainvoke(place), metadata=best)
        return {"passages": found, "rag_calls": 1}

    async def final(state: State) -> dict[str, Any]:
        """Answer from the passages, best first."""
        found = sorted(distinct(state.get("passages", [])), key=lambda passage: passage.metadata["score"])
        notes = "\n\n".join(f"{note.metadata['heading']}: {note.page_content}" for note in found[:ENOUGH])
        return {"answer": await tell(say.answer, f"Notes:\n{notes}\n\nQuestion: {state['query']}", max_tokens=48)}

    def search_or_answer(state: State) -> list[Send] | str:
        """One worker for each search, at the same time; `final` where there is nothing to look for."""
        return [Send("rag", {"search": text, "role": state["role"]}) for text in state["searches"]] or "final"

    builder = StateGraph(State, input_schema=Ask, output_schema=Answered)
    builder.add_node("decide", decide)
    builder.add_node("rag", rag, input_schema=Search)
    builder.add_node("final", final)
    builder.add_edge(START, "decide")
    builder.add_conditional_edges("decide", search_or_answer, ["rag", "final"])
    builder.add_edge("rag", "decide")
    builder.add_edge("final", END)
    return builder.compile(name="gateway")


def distinct(passages: list[Document]) -> list[Document]:
    """Each section once, the first sight of it."""
    return list({(p.metadata["source"], p.metadata["heading"]): p for p in reversed(passages)}.values())[::-1]


graph = build_graph()
