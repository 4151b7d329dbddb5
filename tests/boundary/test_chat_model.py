from __future__ import annotations

import inspect
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.chat_models import BaseChatModel

from otel_agent.boundary.install import install, uninstall
from otel_agent.codec import names
from otel_agent.model.effect import Raised
from tests.boundary.handlers import Recording, Serving
from tests.boundary.models import ALL, CALL, Bare, Base, Child, Native, Plain, Streaming
from tests.boundary.ways import ASKED, WAYS, Way, ainvoke, astream, invoke, stream

METHODS = ("_generate", "_agenerate", "_stream", "_astream")


def fields(message: Any) -> dict[str, Any]:
    return {**message.model_dump(), "type": None}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model_class", ALL)
async def test_each_call_is_one_crossing(handled, model_class: type[Base], way: Way) -> None:
    """Whatever a model defines and however it is asked, one call is one crossing."""
    model = model_class(calls=[])

    with handled(Recording()) as recording:
        await way(model)

    assert [(seen.crossing.kind, seen.crossing.name) for seen in recording.seen] == [("chat", "tester-1")]
    assert recording.seen[0].outcome is not None
    assert len(model.calls) == 1
    assert recording.lost_ones == []


@pytest.mark.parametrize("tool", [False, True])
@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("recorded", WAYS)
@pytest.mark.parametrize("model_class", [Streaming, Native, Plain])
async def test_any_record_answers_any_way_of_asking(
    handled, model_class: type[Base], recorded: Way, asked: Way, tool: bool
) -> None:
    """A message served is the message recorded, id and metadata included, and the provider is not asked."""
    with handled(Recording()) as recording:
        first = await recorded(model_class(calls=[], tool=tool))
    model = model_class(calls=[], tool=tool)

    with handled(Serving(recording)):
        second = await asked(model)

    assert fields(second) == fields(first)
    assert model.calls == []


async def test_a_model_that_takes_no_run_manager_gets_its_ids_back(handled) -> None:
    """The run id is known even where the provider method is not told it."""
    with handled(Recording()) as recording:
        first = await invoke(Bare())

    with handled(Serving(recording)):
        second = await ainvoke(Bare())

    assert first.id == second.id


async def test_the_request_is_the_same_for_every_way_of_asking(handled) -> None:
    """Streaming or not, sync or not, what is asked is the same."""
    keys = set()
    for way in WAYS:
        with handled(Recording()) as recording:
            await way(Native(), stop=["."])
        keys.add(recording.seen[0].key)

    assert len(keys) == 1


async def test_the_request_holds_no_secrets_and_no_endpoints(handled) -> None:
    """Keys and addresses are how a model is reached, not what it is asked."""
    with handled(Recording()) as recording:
        Native().invoke(ASKED, tools=[{"name": "a", "headers": {"x": "sk-very-secret"}}], base_url="http://x", seed=3)

    request = recording.seen[0].crossing.request
    assert "sk-very-secret" not in str(request)
    assert request["params"] == {
        "_type": "tester",
        "model": "tester-1",
        "model_name": "tester-1",
        "temperature": 0.5,
        "tools": [{"name": "a"}],
        "seed": 3,
    }
    assert request["stop"] is None


async def test_chunks_are_kept_as_the_provider_gave_them(handled) -> None:
    """What the framework writes into the chunks it is handed is not in the record."""
    with handled(Recording()) as recording:
        await stream(Native())

    assert {chunk.message.id for chunk in recording.seen[0].chunks} == {None}
    assert [chunk.text for chunk in recording.seen[0].chunks] == ["It ", "rains ", "in ", "Zürich ", ""]


@pytest.mark.parametrize("recorded", [invoke, stream])
async def test_what_is_served_is_fresh_every_time(handled, recorded: Way) -> None:
    """Writing into a served message does not change the next one served."""
    with handled(Recording()) as recording:
        await recorded(Native(tool=True))
    answer = recording.seen[0].as_answer
    from otel_agent.boundary.chat_chunks import served_chunks, served_result

    one = served_result(answer).generations[0].message
    one.tool_calls[0]["args"]["city"] = "Bern"
    one.response_metadata["x"] = 1
    chunk = next(iter(served_chunks(answer)))
    chunk.message.additional_kwargs["x"] = 1

    assert served_result(answer).generations[0].message.tool_calls == [CALL]
    assert "x" not in served_result(answer).generations[0].message.response_metadata
    assert "x" not in next(iter(served_chunks(answer))).message.additional_kwargs


class Tokens(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[str] = []

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(str(token))


@pytest.mark.parametrize("way", [stream, astream])
async def test_token_callbacks_see_the_same_tokens(handled, way: Way) -> None:
    """Callbacks are told of each token once, live or served."""
    live, served = Tokens(), Tokens()
    with handled(Recording()) as recording:
        await way(Native(), config={"callbacks": [live]})
    with handled(Serving(recording)):
        await way(Native(), config={"callbacks": [served]})

    assert served.tokens == live.tokens
    assert len(live.tokens) > 3


async def test_a_run_manager_given_to_a_provider_method_is_told_of_tokens(handled) -> None:
    """Providers announce tokens to the run manager they are given; so does a served stream."""

    class Manager:
        run_id = "0190c0de-0000-7000-8000-000000000000"

        def __init__(self) -> None:
            self.told: list[str] = []

        def on_llm_new_token(self, token: str, *, chunk: Any) -> None:
            assert chunk.message is not None
            self.told.append(token)

    class AsyncManager(Manager):
        async def on_llm_new_token(self, token: str, *, chunk: Any) -> None:
            self.told.append(token)

    live, served, aserved = Manager(), Manager(), AsyncManager()
    with handled(Recording()) as recording:
        list(Native()._stream([], None, live))
    with handled(Serving(recording)):
        list(Native()._stream([], None, served))
    with handled(Serving(recording)):
        _ = [chunk async for chunk in Native()._astream([], None, aserved)]

    assert live.told == served.told == aserved.told
    assert recording.seen[0].as_answer.run_id == Manager.run_id


@pytest.mark.parametrize("asked", [invoke, ainvoke, stream, astream])
@pytest.mark.parametrize("recorded", [invoke, ainvoke, stream, astream])
async def test_exceptions_are_recorded_and_served(handled, recorded: Way, asked: Way) -> None:
    """A call that failed fails again, with the same error."""
    with handled(Recording()) as recording, pytest.raises(RuntimeError, match="overloaded"):
        await recorded(Native(fail=True))
    assert isinstance(recording.seen[0].outcome, Raised)
    model = Native(calls=[])

    with handled(Serving(recording)), pytest.raises(RuntimeError, match="overloaded"):
        await asked(model)

    assert model.calls == []


async def test_a_stream_closed_early_is_served_as_far_as_it_went(handled) -> None:
    """What comes after the point where the consumer stopped is not known, and not guessed."""
    from otel_agent.errors import NotReplayable

    with handled(Recording()) as recording:
        chunks = Native().stream(ASKED)
        next(chunks)
        chunks.close()
    assert isinstance(recording.seen[0].outcome.error, GeneratorExit)

    with handled(Serving(recording)):
        chunks = Native().stream(ASKED)
        assert next(chunks).content == "It "
        with pytest.raises(NotReplayable):
            next(chunks)


async def test_an_answer_from_langchains_own_cache_is_recorded(handled) -> None:
    """Where a cache answers in the provider's place, its answer is the effect."""
    cached = Native(cache=InMemoryCache(), calls=[])
    cached.invoke(ASKED)

    with handled(Recording()) as recording:
        first = cached.invoke(ASKED)
        await cached.ainvoke(ASKED)
    with handled(Serving(recording)):
        second = Native().invoke(ASKED)

    assert [seen.crossing.method for seen in recording.seen] == ["cache", "cache"]
    assert cached.calls == ["_generate"]
    assert second.content == first.content


async def test_attributes_follow_the_conventions(handled) -> None:
    """What is known before and after the call is named as OpenTelemetry names it."""
    with handled(Recording()) as recording:
        await stream(Native(tool=True), stop=["END"])
    seen = recording.seen[0]

    assert seen.crossing.attributes == {
        names.OPERATION: "chat",
        names.PROVIDER: "native",
        names.REQUEST_MODEL: "tester-1",
        names.REQUEST_TEMPERATURE: 0.5,
        names.REQUEST_STOP: ["END"],
        names.REQUEST_STREAM: True,
    }
    assert seen.crossing.details["span_name"] == "chat tester-1"
    after = seen.attributes
    assert after[names.USAGE_INPUT] == 7
    assert after[names.USAGE_OUTPUT] == 4
    assert after[names.RESPONSE_FINISH] == ["stop"]
    assert after[names.RESPONSE_MODEL] == "tester-1-2026"
    assert '"type":"tool_call"' in after[names.OUTPUT_MESSAGES]
    assert after[names.INPUT_MESSAGES].startswith('[{"role":"system"')
    assert {names.OUTPUT_MESSAGES, names.INPUT_MESSAGES} <= names.CONTENT_ATTRIBUTES


def test_signatures_and_kinds_of_function_stay() -> None:
    """LangChain inspects signatures; whoever inspects the methods sees what was there."""
    before = {(cls, name): getattr(cls, name) for cls in ALL for name in METHODS}
    looks = (inspect.signature, inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)

    install({"chat"})
    try:
        for (cls, name), original in before.items():
            assert [look(getattr(cls, name)) for look in looks] == [look(original) for look in looks]
        assert Plain._stream is BaseChatModel._stream
        assert Native._generate is not before[Native, "_generate"]
    finally:
        uninstall({"chat"})

    assert {(cls, name): getattr(cls, name) for cls, name in before} == before
    assert "__init_subclass__" not in vars(BaseChatModel)


async def test_a_class_defined_after_install_is_covered_and_freed(handled) -> None:
    """Models defined later cross too; after uninstall their methods are their own again."""
    install({"chat"})

    class Late(Plain):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return self.whole()

    with handled(Recording()) as recording:
        Late().invoke(ASKED)
    assert len(recording.seen) == 1
    uninstall({"chat"})

    class Later(Plain):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return self.whole()

    assert Later._generate.__qualname__.endswith("Later._generate")


def test_without_a_handler_nothing_happens(installed) -> None:
    """With the seams in place and nobody listening, a model works as ever."""
    model = Child(calls=[])

    assert model.invoke(ASKED).content == "It rains in Zürich"
    assert model.calls == ["_generate"]


async def test_an_error_of_ours_lets_the_call_through(handled, monkeypatch) -> None:
    """What cannot be described goes through unseen, and the handler is told."""
    monkeypatch.setattr("otel_agent.boundary.chat_model.model_params", lambda *_: 1 / 0)

    with handled(Recording()) as recording:
        message = await invoke(Native())

    assert message.content == "It rains in Zürich"
    assert recording.seen == []
    assert "ZeroDivisionError" in repr(recording.lost_ones)
