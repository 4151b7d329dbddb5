"""Installing, and the contract with upstream: one test per name we depend on, failing loudly where it moves."""

from __future__ import annotations

import inspect
import logging
from typing import Any, ClassVar

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import LLM, BaseLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.store.base import BaseStore
from langgraph.store.base.batch import AsyncBatchedBaseStore

from otel_agent.boundary import install as installing
from otel_agent.boundary.install import install, uninstall
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.subclasses import descendants, wrap_subclasses
from tests.boundary.conftest import EFFECTS
from tests.boundary.models import Plain

PATCHED = {
    (BaseChatModel, "_generate"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseChatModel, "_agenerate"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseChatModel, "_stream"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseChatModel, "_astream"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseChatModel, "_generate_with_cache"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseChatModel, "_agenerate_with_cache"): ("self", "messages", "stop", "run_manager", "kwargs"),
    (BaseLLM, "_generate"): ("self", "prompts", "stop", "run_manager", "kwargs"),
    (BaseLLM, "_agenerate"): ("self", "prompts", "stop", "run_manager", "kwargs"),
    (BaseLLM, "_stream"): ("self", "prompt", "stop", "run_manager", "kwargs"),
    (BaseLLM, "_astream"): ("self", "prompt", "stop", "run_manager", "kwargs"),
    (LLM, "_generate"): ("self", "prompts", "stop", "run_manager", "kwargs"),
    (BaseTool, "_run"): ("self", "args", "kwargs"),
    (BaseTool, "_arun"): ("self", "args", "kwargs"),
    (BaseRetriever, "_get_relevant_documents"): ("self", "query", "run_manager"),
    (BaseRetriever, "_aget_relevant_documents"): ("self", "query", "run_manager"),
    (Embeddings, "embed_documents"): ("self", "texts"),
    (Embeddings, "embed_query"): ("self", "text"),
    (Embeddings, "aembed_documents"): ("self", "texts"),
    (Embeddings, "aembed_query"): ("self", "text"),
    (BaseStore, "batch"): ("self", "ops"),
    (BaseStore, "abatch"): ("self", "ops"),
    (AsyncBatchedBaseStore, "aget"): ("self", "namespace", "key", "refresh_ttl"),
    (AsyncBatchedBaseStore, "aput"): ("self", "namespace", "key", "value", "index", "ttl"),
    (AsyncBatchedBaseStore, "adelete"): ("self", "namespace", "key"),
}


@pytest.mark.parametrize(("owner", "name"), PATCHED, ids=lambda part: getattr(part, "__name__", part))
def test_upstream_still_has_what_we_wrap(owner: Any, name: str) -> None:
    """The methods we wrap exist and take the arguments we read from them."""
    assert tuple(inspect.signature(getattr(owner, name)).parameters) == PATCHED[owner, name]


@pytest.mark.parametrize("name", ["run", "arun"])
def test_upstream_tools_still_tell_the_calls_id(name: str) -> None:
    """`run` takes the input first, and the tool call's id and config by name."""
    parameters = inspect.signature(getattr(BaseTool, name)).parameters

    assert list(parameters)[1] == "tool_input"
    assert {"tool_call_id", "config"} <= set(parameters)


def test_upstream_tools_still_define_their_bodies() -> None:
    """The tools that decorators make define `_run` and `_arun` in their own classes."""
    for cls in (StructuredTool, Tool):
        assert {"_run", "_arun"} <= set(vars(cls))


def test_upstream_queued_stores_still_have_their_task() -> None:
    """The background task of a queued store is known by this name."""
    assert "_task" in inspect.getsource(AsyncBatchedBaseStore._ensure_task)


def test_upstream_still_gives_messages_the_ids_we_serve() -> None:
    """Streamed messages get ``lc_run--<id>``, generated ones that and their index."""
    source = inspect.getsource(BaseChatModel._generate_with_cache)

    assert 'f"{LC_ID_PREFIX}-{run_manager.run_id}-{idx}"' in source
    assert '"-".join((LC_ID_PREFIX, str(run_manager.run_id)))' in inspect.getsource(BaseChatModel.stream)


def test_install_is_counted() -> None:
    """What was installed twice is in place until the second uninstall."""
    before = Plain._generate
    install({"chat"})
    install(EFFECTS)
    during = Plain._generate
    uninstall({"chat"})
    still = Plain._generate
    uninstall(EFFECTS)

    assert during is still is not before
    assert Plain._generate is before
    uninstall(EFFECTS)


def test_a_part_that_does_not_exist_is_refused() -> None:
    """A misspelt part is a mistake worth saying."""
    with pytest.raises(ValueError, match="no such parts: chats"):
        install({"chats"})


def test_what_upstream_moved_is_said_once_and_everything_else_works(monkeypatch, caplog) -> None:
    """A name that is gone costs its seam, one line in the log, and nothing else."""
    monkeypatch.delattr(AsyncBatchedBaseStore, "adelete")
    monkeypatch.setattr(installing, "_warned", set())
    with caplog.at_level(logging.WARNING, "otel_agent"):
        missing = install({"store", "chat"})
        uninstall({"store", "chat"})
        install({"store"})
        uninstall({"store"})

    assert missing == [] or all("adelete" in name for name in missing)
    assert sum("adelete" in record.message for record in caplog.records) == len(missing)


def test_a_module_that_upstream_moved_costs_its_part_only(monkeypatch, caplog) -> None:
    """Where a whole module is gone, that part is missing and nothing raises."""
    monkeypatch.setattr("otel_agent.boundary.store.wrap_subclasses", lambda *_: (_ for _ in ()).throw(ImportError("x")))
    monkeypatch.setattr(installing, "_warned", set())

    assert install({"store"}) == ["store: x"]
    uninstall({"store"})


def test_a_decorator_over_our_wrapper_survives() -> None:
    """What somebody else put over our wrapper is theirs: it stays when we leave."""
    import functools

    class Own(Plain):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return self.whole()

    install({"chat"})
    ours = Own._generate

    @functools.wraps(ours)
    def theirs(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    Own._generate = theirs  # type: ignore[method-assign]
    uninstall({"chat"})

    assert Own._generate is theirs


def test_classes_made_at_run_time_can_be_collected() -> None:
    """Covering a class does not keep it alive."""
    import gc
    import weakref

    class Base:
        def ask(self) -> int:
            return 1

    def made() -> Any:
        class Made(Base):
            def ask(self) -> int:
                return 2

        return weakref.ref(Made)

    patches = Patches()
    wrap_subclasses(patches, Base, {"ask": lambda original: lambda self: original(self) + 1})
    reference = made()
    assert [cls().ask() for cls in descendants(Base)] == [3]
    gc.collect()
    assert reference() is None
    patches.remove()
    assert "__init_subclass__" not in vars(Base)


def test_a_subclass_with_its_own_hook_is_covered() -> None:
    """`__init_subclass__` of the classes between still runs, with its arguments."""

    class Base:
        def ask(self) -> int:
            return 1

    class Hooked(Base):
        seen: ClassVar[list[str]] = []

        def __init_subclass__(cls, tag: str = "", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.seen.append(tag)

    patches = Patches()
    wrap_subclasses(patches, Base, {"ask": lambda original: lambda self: original(self) + 1})

    class Late(Hooked, tag="late"):
        def ask(self) -> int:
            return 2

    assert Late().ask() == 3
    assert Hooked.seen == ["late"]
    patches.remove()
    assert Late().ask() == 2
