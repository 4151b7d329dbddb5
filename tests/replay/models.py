"""Models and tools whose answers are random: a live call in a replay would change the result."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from pydantic import Field

bodies: list[str] = []
"""What really ran, body by body; cleared by the tests between recording and replay."""


class RandomModel(BaseChatModel):
    """Says something else at every call; calls tools while the last message is the human's."""

    tool_calls: list[dict[str, Any]] = Field(default_factory=list)
    jitter_s: float = 0.0
    fails: int = 0

    @property
    def _llm_type(self) -> str:
        return "random"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[getattr(each, "name", str(each)) for each in tools])

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        bodies.append("model")
        if self.fails > 0:
            self.fails -= 1
            raise ConnectionError(f"provider is away {random.random()}")
        text = f"{messages[-1].content} -> {random.random()}"
        calls = []
        if messages[-1].type == "human":
            calls = [{**call, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "tool_call"} for call in self.tool_calls]
        usage = {"input_tokens": random.randint(1, 99), "output_tokens": 2, "total_tokens": 100}
        return AIMessage(text, tool_calls=calls, usage_metadata=usage, response_metadata={"finish_reason": "stop"})

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        time.sleep(random.random() * self.jitter_s)
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        await asyncio.sleep(random.random() * self.jitter_s)
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])


class StreamingModel(RandomModel):
    """The same, word by word."""

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        message = self._answer(messages)
        for number, word in enumerate(message.content.split(" ")):
            yield ChatGenerationChunk(message=AIMessageChunk(f"{' ' if number else ''}{word}"))
        calls = [
            {"name": call["name"], "args": "{}", "id": call["id"], "index": number, "type": "tool_call_chunk"}
            for number, call in enumerate(message.tool_calls)
        ]
        usage = message.usage_metadata
        last = AIMessageChunk("", tool_call_chunks=calls, usage_metadata=usage, chunk_position="last")
        yield ChatGenerationChunk(message=last)

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for chunk in self._chunks(messages):
            if run_manager:
                run_manager.on_llm_new_token(chunk.message.content, chunk=chunk)
            yield chunk

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for chunk in self._chunks(messages):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.message.content, chunk=chunk)
            yield chunk


@tool
def look_up(word: str = "x") -> str:
    """Look a word up."""
    bodies.append("tool")
    return f"{word}: {random.random()}"


@tool(response_format="content_and_artifact")
def measure(word: str = "y") -> tuple[str, dict[str, Any]]:
    """Measure a word."""
    bodies.append("tool")
    return f"{random.random()}", {"raw": random.random(), "parts": (1, 2)}


@tool
def break_down(word: str = "z") -> str:
    """Fail."""
    bodies.append("tool")
    raise ValueError(f"broken {random.random()}")
