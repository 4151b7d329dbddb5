"""Native protocol events: the two optional provider methods."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.pregel import Pregel

from tests.boundary.handlers import Recording, Serving
from tests.boundary.models import CALL, Native
from tests.boundary.ways import ASKED, invoke, stream

pytestmark = [
    pytest.mark.skipif(not hasattr(BaseChatModel, "_iter_v2_events"), reason="this langchain-core has no events"),
    pytest.mark.filterwarnings("ignore::langchain_core._api.beta_decorator.LangChainBetaWarning"),
]


class Eventful(Native):
    """Speaks the event protocol natively."""

    def events(self) -> Iterator[Any]:
        from langchain_core.language_models._compat_bridge import message_to_events

        usage = {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
        message = AIMessage("It rains", tool_calls=[CALL], usage_metadata=usage, id="resp_9")
        yield from message_to_events(message)

    def _stream_chat_model_events(self, messages, *, stop=None, run_manager=None, **kwargs) -> Iterator[Any]:
        self.note("_stream_chat_model_events")
        yield from self.events()

    async def _astream_chat_model_events(
        self, messages, *, stop=None, run_manager=None, **kwargs
    ) -> AsyncIterator[Any]:
        self.note("_astream_chat_model_events")
        for event in self.events():
            yield event


async def events(model: Any) -> Any:
    return model.stream_events(ASKED, version="v3").output


async def aevents(model: Any) -> Any:
    answer = await model.astream_events(ASKED, version="v3")
    return await answer.output


WAYS = (events, aevents)


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("recorded", WAYS)
@pytest.mark.parametrize("make", [Eventful, Native])
async def test_events_are_recorded_and_served(handled, make: Any, recorded: Any, asked: Any) -> None:
    """A model asked for events, native or bridged from its stream, is one crossing and comes back equal."""
    with handled(Recording()) as recording:
        first = await recorded(make(calls=[]))
    model = make(calls=[])
    with handled(Serving(recording)):
        second = await asked(model)

    assert {**second.model_dump(), "id": None} == {**first.model_dump(), "id": None}
    assert len(recording.seen) == 1
    assert model.calls == []
    assert recording.seen[0].attributes["gen_ai.usage.input_tokens"] == 7


@pytest.mark.parametrize("asked", [invoke, stream])
async def test_events_answer_a_call_without_events(handled, asked: Any) -> None:
    """What the events said is the message that any other way of asking gives."""
    with handled(Recording()) as recording:
        first = await events(Eventful())
    model = Eventful(calls=[])
    with handled(Serving(recording)):
        second = await asked(model)

    assert (second.id, second.text, second.tool_calls) == (first.id, first.text, first.tool_calls)
    assert model.calls == []


@pytest.mark.parametrize("recorded", [invoke, stream])
async def test_a_call_without_events_answers_one_with_events(handled, recorded: Any) -> None:
    """A message recorded otherwise is told as events."""
    with handled(Recording()) as recording:
        first = await recorded(Eventful(tool=True))
    model = Eventful(calls=[])
    with handled(Serving(recording)):
        second = await aevents(model)

    assert (second.id, second.text, second.tool_calls) == (first.id, first.text, first.tool_calls)
    assert model.calls == []


@pytest.mark.parametrize("name", ["_stream_chat_model_events", "_astream_chat_model_events"])
def test_upstream_still_looks_for_native_events(name: str) -> None:
    """The framework asks for these methods by name."""
    assert name in inspect.getsource(BaseChatModel._should_use_protocol_streaming)


@pytest.mark.parametrize("way", ["events", "invoke"])
@pytest.mark.parametrize("make", [Eventful, Native])
async def test_a_graphs_events_leave_the_recorded_ids_in_its_state(handled, make: Any, way: str) -> None:
    """Under a graph's event stream too, messages in the state have the ids they had."""
    from langchain_core.messages import HumanMessage
    from langgraph.graph import START, MessagesState, StateGraph

    if "stream_events" not in vars(Pregel):
        pytest.skip("this LangGraph has no event stream version 3")

    def graph(model: Any) -> Any:
        builder = StateGraph(MessagesState)
        builder.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
        builder.add_edge(START, "model")
        return builder.compile()

    def run(model: Any, how: str) -> Any:
        given = {"messages": [HumanMessage("Weather?", id="h")]}
        state = (
            graph(model).invoke(given) if how == "invoke" else graph(model).stream_events(given, version="v3").output
        )
        return state["messages"][-1]

    with handled(Recording("chat")) as recording:
        first = run(make(calls=[]), way)
    model = make(calls=[])
    with handled(Serving(recording, "chat")):
        second = run(model, "events")

    assert (second.id, second.text) == (first.id, first.text)
    assert model.calls == []
