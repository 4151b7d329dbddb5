"""What the agent reaches the docs with: a retriever that finds sections and a tool that reads one."""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, tool

from .knowledge import Hit, Knowledge

READ_AT_MOST = 400
"""Characters: the model is small, and so is what it can take in."""


class DocsRetriever(BaseRetriever):
    """Finds the sections that one role may see."""

    knowledge: Knowledge
    role: str

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002
        return [as_document(hit) for hit in self.knowledge.search(query, self.role)]


def as_document(hit: Hit) -> Document:
    """What LangChain calls a thing that was found."""
    where = {"source": hit.source, "heading": hit.heading, "score": hit.score}
    return Document(page_content=hit.excerpt, metadata=where)


def make_reader(knowledge: Knowledge) -> BaseTool:
    """The tool ``read_section``."""

    @tool
    def read_section(source: str, heading: str, role: str) -> str:
        """Read one section of the docs, as far as the role may see it."""
        return knowledge.read(source, heading, role)[:READ_AT_MOST]

    return read_section
