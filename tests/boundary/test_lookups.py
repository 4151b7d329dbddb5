"""Retrievers, embeddings and stores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.store.base import BaseStore, GetOp, PutOp, SearchOp
from langgraph.store.base.batch import AsyncBatchedBaseStore
from langgraph.store.memory import InMemoryStore
from pydantic import Field

from otel_agent.boundary.install import install, uninstall
from otel_agent.codec import names
from otel_agent.model.effect import Raised, Returned
from tests.boundary.handlers import Recording, Serving


class Both(BaseRetriever):
    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.asked.append(query)
        return [Document(f"about {query}", metadata={"n": 1.5})]


class Native(Both):
    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self._get_relevant_documents(query, run_manager=run_manager)


class Without(BaseRetriever):
    def _get_relevant_documents(self, query: str) -> list[Document]:  # type: ignore[override]
        return [Document(query)]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("make", [Both, Native, Without])
async def test_a_retrieval_is_one_crossing_and_is_served(handled, make: Any, asynchronous: bool) -> None:
    """Documents come back with their metadata; the fall-back to a thread is the same call."""
    with handled(Recording()) as recording:
        first = await make().ainvoke("q") if asynchronous else make().invoke("q")
    retriever = make(asked=[]) if make is not Without else make()
    with handled(Serving(recording)):
        second = retriever.invoke("q") if asynchronous else await retriever.ainvoke("q")

    assert first == second
    assert len(recording.seen) == 1
    assert getattr(retriever, "asked", []) == []
    assert recording.seen[0].attributes == {
        names.OPERATION: "retrieval",
        names.DATA_SOURCE: make.__name__,
        names.RETRIEVAL_QUERY: "q",
    }


class Vectors(Embeddings):
    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked += texts
        return [[1 / 3, len(text), -0.0, 1e-300] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@pytest.mark.parametrize("method", ["embed_documents", "embed_query", "aembed_documents", "aembed_query"])
async def test_embeddings_are_one_crossing_and_come_back_exactly(handled, method: str) -> None:
    """Vectors are equal to the bit, whether asked in a thread or through another method."""

    async def run(vectors: Vectors) -> Any:
        asked = "ab" if method.endswith("query") else ["ab", "c"]
        result = getattr(vectors, method)(asked)
        return await result if method.startswith("a") else result

    with handled(Recording()) as recording:
        first = await run(Vectors())
    vectors = Vectors()
    with handled(Serving(recording)):
        second = await run(vectors)

    assert repr(first) == repr(second)
    assert len(recording.seen) == 1
    assert vectors.asked == []
    assert recording.seen[0].crossing.details["span_name"] == "embeddings Vectors"


async def test_a_vector_store_asks_inside_its_retrieval(handled) -> None:
    """The embedding that a retrieval needs crosses inside it, and is not asked for when the retrieval is served."""
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=4))
    store.add_texts(["a", "b"])
    retriever = store.as_retriever(search_kwargs={"k": 1})

    with handled(Recording()) as recording:
        first = retriever.invoke("a")
    with handled(Serving(recording)) as serving:
        assert retriever.invoke("a") == first

    assert [seen.crossing.kind for seen in recording.seen] == ["retriever", "embeddings"]
    assert recording.seen[1].parent is recording.seen[0]
    assert [one.crossing.kind for one in serving.left] == ["embeddings"]


OPS = [PutOp(("a",), "k", {"v": 1}), GetOp(("a",), "k"), SearchOp(("a",))]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_store_operations_are_recorded_and_served(handled, asynchronous: bool) -> None:
    """A batch is one crossing; every shorthand is a batch of one."""

    async def run(store: BaseStore) -> list[Any]:
        if asynchronous:
            await store.aput(("a",), "k", {"v": 1})
            got, found = await store.aget(("a",), "k"), await store.asearch(("a",))
            await store.adelete(("a",), "k")
            return [got, found, await store.alist_namespaces(), await store.abatch(iter(OPS[:1]))]
        store.put(("a",), "k", {"v": 1})
        got, found = store.get(("a",), "k"), store.search(("a",))
        store.delete(("a",), "k")
        return [got, found, store.list_namespaces(), store.batch(iter(OPS[:1]))]

    with handled(Recording()) as recording:
        first = await run(InMemoryStore())
    untouched = InMemoryStore()
    with handled(Serving(recording)):
        second = await run(untouched)

    assert first == second
    assert first[0].value == {"v": 1}
    assert untouched.get(("a",), "k") is None
    assert [seen.crossing.details["span_name"] for seen in recording.seen] == [
        "upsert_memory", "search_memory", "search_memory", "delete_memory", "search_memory", "upsert_memory",
    ]  # fmt: skip
    assert {seen.crossing.name for seen in recording.seen} == {"store"}


class Queued(AsyncBatchedBaseStore):
    """What the database stores are made of: operations go through a background task."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = InMemoryStore(index={"dims": 4, "embed": DeterministicFakeEmbedding(size=4)})
        self.batches = 0

    async def abatch(self, ops: Any) -> list[Any]:
        self.batches += 1
        return await self.inner.abatch(list(ops))


async def test_a_queued_store_crosses_where_it_is_asked(handled) -> None:
    """Operations that a background task carries out belong to whoever asked, one by one."""
    with handled(Recording()) as recording:
        store = Queued()
        await store.aput(("a",), "k", {"text": "hello"})
        first, found = await asyncio.gather(store.aget(("a",), "k"), store.asearch(("a",), query="hello"))
        in_thread = await asyncio.to_thread(store.get, ("a",), "k")
        direct = await store.abatch([GetOp(("a",), "k")])
    own = [seen for seen in recording.seen if seen.crossing.details["owner"] is store]
    asked = [[type(op).__name__ for op in seen.crossing.request] for seen in own]
    with handled(Serving(recording)):
        other = Queued()
        await other.aput(("a",), "k", {"text": "hello"})
        again = await asyncio.gather(other.aget(("a",), "k"), other.asearch(("a",), query="hello"))

    assert asked == [["PutOp"], ["GetOp"], ["SearchOp"], ["GetOp"], ["GetOp"]]
    assert again == [first, found]
    assert in_thread == first == direct[0]
    assert other.batches == 0
    assert recording.lost_ones == []


async def test_the_shorthand_and_the_queue_ask_the_same(handled) -> None:
    """A run recorded with a database replays with the store in memory."""
    with handled(Recording()) as recording:
        store = Queued()
        await store.aput(("a",), "k", {"x": 1})
        first = await store.aget(("a",), "k")
    with handled(Serving(recording)):
        memory = InMemoryStore()
        await memory.aput(("a",), "k", {"x": 1})
        assert await memory.aget(("a",), "k") == first


async def test_a_wrong_use_of_a_store_fails_as_ever(handled) -> None:
    """The store's own complaint reaches the application."""
    with handled(Recording()), pytest.raises(Exception, match="Namespace cannot be empty"):
        await Queued().aput((), "k", {})


async def test_a_failing_store_is_recorded(handled) -> None:
    """An exception is an outcome."""

    class Broken(InMemoryStore):
        def batch(self, ops: Any) -> list[Any]:
            raise ConnectionError("down")

    with handled(Recording()) as recording, pytest.raises(ConnectionError):
        Broken().get(("a",), "k")
    assert isinstance(recording.seen[0].outcome, Raised)
    with handled(Serving(recording)), pytest.raises(ConnectionError):
        InMemoryStore().get(("a",), "k")


def test_identities_come_back() -> None:
    """After uninstall every class has the methods it had, and no hook is left."""
    owners = [
        (InMemoryStore, "batch"),
        (InMemoryStore, "abatch"),
        (AsyncBatchedBaseStore, "aget"),
        (Vectors, "embed_query"),
    ]
    owners += [(Both, "_get_relevant_documents"), (DeterministicFakeEmbedding, "embed_documents")]
    parts = {"store", "embeddings", "retriever"}
    before = [vars(owner)[name] for owner, name in owners]
    hook = vars(BaseRetriever)["__init_subclass__"]
    install(parts)
    during = [vars(owner)[name] for owner, name in owners]
    uninstall(parts)

    assert [vars(owner)[name] for owner, name in owners] == before
    assert not any(one is other for one, other in zip(before, during, strict=True))
    assert vars(BaseRetriever)["__init_subclass__"] is hook
    assert "__init_subclass__" not in vars(Embeddings)


def test_returned_is_compared_by_value() -> None:
    """An outcome is what came back, not which object."""
    assert Returned([1]) == Returned([1])
