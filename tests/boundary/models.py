"""Chat models for tests: each defines other provider methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

CALL = {"name": "weather", "args": {"city": "Zürich", "days": 2}, "id": "call_1", "type": "tool_call"}


class Base(BaseChatModel):
    model_name: str = "tester-1"
    temperature: float = 0.5
    api_key: str = "sk-very-secret"
    calls: list[str] = Field(default_factory=list)
    said: str = "It rains in Zürich"
    tool: bool = False
    fail: bool = False

    @property
    def _llm_type(self) -> str:
        return "tester"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature, "openai_api_key": self.api_key}

    def note(self, method: str) -> None:
        self.calls.append(method)
        if self.fail:
            raise RuntimeError("overloaded")

    def whole(self) -> ChatResult:
        message = AIMessage(
            self.said,
            usage_metadata={"input_tokens": 7, "output_tokens": 4, "total_tokens": 11},
            response_metadata={"model_name": "tester-1-2026"},
            tool_calls=[CALL] if self.tool else [],
        )
        generation = ChatGeneration(message=message, generation_info={"finish_reason": "stop"})
        return ChatResult(generations=[generation], llm_output={"id": "resp_1"})

    def parts(self) -> Iterator[ChatGenerationChunk]:
        for word in self.said.split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(word + " "))
        if self.tool:
            for args in ('{"city": "Zü', 'rich", "days": 2}'):
                call = {"name": "weather" if "city" in args else None, "args": args, "index": 0}
                call["id"] = "call_1" if "city" in args else None
                yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[call]))
        usage = {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
        yield ChatGenerationChunk(
            message=AIMessageChunk("", usage_metadata=usage, response_metadata={"model_name": "tester-1-2026"}),
            generation_info={"finish_reason": "stop"},
        )


class Plain(Base):
    """Sync only, not streaming: `ainvoke` falls back to `_generate` in a thread."""

    def _generate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        self.note("_generate")
        return self.whole()


class Streaming(Plain):
    """Sync stream too: `astream` falls back to `_stream` in a thread."""

    def _stream(self, messages, stop=None, run_manager=None, **kwargs) -> Iterator[ChatGenerationChunk]:
        self.note("_stream")
        for chunk in self.parts():
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


class Native(Streaming):
    """All four methods of its own."""

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        self.note("_agenerate")
        return self.whole()

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs) -> AsyncIterator[ChatGenerationChunk]:
        self.note("_astream")
        for chunk in self.parts():
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


class Child(Native):
    """Calls the method it overrides, in each of the four."""

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return super()._generate(messages, stop, run_manager, **kwargs)

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        return super()._stream(*args, **kwargs)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk


class Bare(Base):
    """Takes no run manager."""

    def _generate(self, messages, stop=None) -> ChatResult:
        self.note("_generate")
        return self.whole()

    async def _agenerate(self, messages, stop=None) -> ChatResult:
        self.note("_agenerate")
        return self.whole()


ALL = (Plain, Streaming, Native, Child, Bare)
