"""The ways of asking a chat model, each giving one whole message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, message_chunk_to_message

ASKED = [("system", "Be brief."), ("user", "Weather in Zürich?")]


def merged(chunks: list[Any]) -> BaseMessage:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return message_chunk_to_message(whole) if isinstance(whole, AIMessageChunk) else whole


async def invoke(model: Any, **kwargs: Any) -> BaseMessage:
    return model.invoke(ASKED, **kwargs)


async def ainvoke(model: Any, **kwargs: Any) -> BaseMessage:
    return await model.ainvoke(ASKED, **kwargs)


async def stream(model: Any, **kwargs: Any) -> BaseMessage:
    return merged(list(model.stream(ASKED, **kwargs)))


async def astream(model: Any, **kwargs: Any) -> BaseMessage:
    return merged([chunk async for chunk in model.astream(ASKED, **kwargs)])


async def batch(model: Any, **kwargs: Any) -> BaseMessage:
    return model.batch([ASKED], **kwargs)[0]


async def abatch(model: Any, **kwargs: Any) -> BaseMessage:
    return (await model.abatch([ASKED], **kwargs))[0]


async def astream_events(model: Any, **kwargs: Any) -> BaseMessage:
    events = [event async for event in model.astream_events(ASKED, version="v2", **kwargs)]
    (end,) = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
    return merged([end])


Way = Callable[..., Awaitable[BaseMessage]]
WAYS: tuple[Way, ...] = (invoke, ainvoke, stream, astream, batch, abatch, astream_events)
