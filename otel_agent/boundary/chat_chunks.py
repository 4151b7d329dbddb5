"""A chat model's answer in each of its shapes: result, chunks, protocol events; each made from the others.

Depends on langchain_core/language_models/chat_models.py: ``generate_from_stream``; a streamed message is given the id
``lc_run--<run id>`` and a generated one ``lc_run--<run id>-<index>``, where the provider gave none; a stream ends with
an empty chunk with ``chunk_position="last"`` unless the provider sent one. Native events (core >= 1.3) become a message
through ``ChatModelStream`` and come from one through ``message_to_events`` (_compat_bridge.py).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from otel_agent.boundary.crossing import Answer, unwrap
from otel_agent.boundary.seam import refuse_cut

ID_PREFIX = "lc_run-"
_HAS_POSITION = "chunk_position" in AIMessageChunk.model_fields


def snapshot_of(chunk: Any) -> Any:
    """The chunk as the provider gave it; the framework sets ids and metadata on the one it is handed."""
    if isinstance(chunk, ChatGenerationChunk):
        return chunk.model_copy(update={"message": chunk.message.model_copy()})
    return copy.deepcopy(chunk)


def is_last_event(event: Any) -> bool:
    """Whether a protocol event ends its message; the framework asks for no more and leaves the stream open."""
    return isinstance(event, dict) and event.get("event") == "message-finish"


def result_of(chunks: Sequence[Any], run_id: str | None = None) -> ChatResult:
    """The result that chunks or events add up to, as the framework would merge them."""
    if chunks and not isinstance(chunks[0], ChatGenerationChunk):
        return _result_of_events(chunks, run_id)
    return generate_from_stream(iter(_closed([_finished(chunk, run_id) for chunk in chunks], run_id)))


def served_result(answer: Answer) -> ChatResult:
    """A fresh result, whatever was recorded."""
    if answer.chunks is not None:
        refuse_cut(answer)
        unwrap(answer)
        return copy.deepcopy(result_of(answer.chunks, answer.run_id))
    result: ChatResult = copy.deepcopy(unwrap(answer))
    for index, generation in enumerate(result.generations):
        if generation.message.id is None and answer.run_id:
            generation.message.id = f"{ID_PREFIX}-{answer.run_id}-{index}"
    return result


def served_chunks(answer: Answer) -> Iterator[ChatGenerationChunk]:
    """Fresh chunks: the recorded ones, else one that says it all."""
    if answer.chunks is None or (answer.chunks and not isinstance(answer.chunks[0], ChatGenerationChunk)):
        yield chunk_of(served_result(answer))
        return
    for chunk in answer.chunks:
        yield copy.deepcopy(_finished(chunk, answer.run_id))
    refuse_cut(answer)
    unwrap(answer)


def served_events(answer: Answer) -> Iterator[Any]:
    """Fresh protocol events: the recorded ones, else those that LangChain makes from the message."""
    if answer.chunks and not isinstance(answer.chunks[0], ChatGenerationChunk):
        yield from copy.deepcopy(answer.chunks)
        refuse_cut(answer)
        unwrap(answer)
        return
    from langchain_core.language_models._compat_bridge import message_to_events

    message = message_chunk_to_message(chunk_of(served_result(answer)).message)
    yield from message_to_events(message, message_id=message.id)


def announcing(serve: Callable[[Answer], Iterator[Any]], run_manager: Any) -> Callable[[Answer], Iterator[Any]]:
    """Tell the run manager of each token before it is handed out, as providers do that are given one."""

    def served(answer: Answer) -> Iterator[Any]:
        for chunk in serve(answer):
            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return served


def chunk_of(result: ChatResult) -> ChatGenerationChunk:
    """A result's first generation as one last chunk, with the metadata that the framework would put together."""
    generation = result.generations[0]
    message = generation.message
    metadata = {**(generation.generation_info or {}), **message.response_metadata}
    if len(result.generations) == 1:
        metadata = {**(result.llm_output or {}), **metadata}
    fields = {**_tool_calls(message), **(message.model_extra or {})}
    if _HAS_POSITION:
        fields["chunk_position"] = "last"
    chunk = AIMessageChunk(
        content=message.content,
        additional_kwargs=message.additional_kwargs,
        response_metadata=metadata,
        name=message.name,
        id=message.id,
        usage_metadata=getattr(message, "usage_metadata", None),
        **fields,
    )
    return ChatGenerationChunk(message=chunk, generation_info=generation.generation_info)


def _tool_calls(message: BaseMessage) -> dict[str, Any]:
    """Tool calls as chunks, which is how they survive merging; as they are where some could not be parsed."""
    if not isinstance(message, AIMessage):
        return {}
    if message.invalid_tool_calls:
        return {"tool_calls": message.tool_calls, "invalid_tool_calls": message.invalid_tool_calls}
    return {
        "tool_call_chunks": [
            {"name": call["name"], "args": json.dumps(call["args"]), "id": call["id"], "index": index,
             "type": "tool_call_chunk"}
            for index, call in enumerate(message.tool_calls)
        ]
    }  # fmt: skip


def _finished(chunk: ChatGenerationChunk, run_id: str | None) -> ChatGenerationChunk:
    """A shallow copy with the id and metadata that the framework gives a streamed chunk."""
    message = chunk.message
    given: dict[str, Any] = {"response_metadata": {**(chunk.generation_info or {}), **message.response_metadata}}
    if message.id is None and run_id:
        given["id"] = f"{ID_PREFIX}-{run_id}"
    return chunk.model_copy(update={"message": message.model_copy(update=given)})


def _closed(chunks: list[ChatGenerationChunk], run_id: str | None) -> list[ChatGenerationChunk]:
    """With the empty last chunk that the framework adds where the provider sent none."""
    if not _HAS_POSITION or not chunks:
        return chunks
    last = chunks[-1].message
    if not isinstance(last, AIMessageChunk) or last.chunk_position:
        return chunks
    empty: Any = "" if isinstance(last.content, str) else []
    end = AIMessageChunk(content=empty, chunk_position="last", id=run_id and f"{ID_PREFIX}-{run_id}")
    return [*chunks, ChatGenerationChunk(message=end)]


def _result_of_events(events: Sequence[Any], run_id: str | None) -> ChatResult:
    from langchain_core.language_models.chat_model_stream import ChatModelStream

    stream = ChatModelStream(message_id=run_id and f"{ID_PREFIX}-{run_id}")
    for event in copy.deepcopy(list(events)):
        stream.dispatch(event)
    if stream.output_message is None:
        raise ValueError("the events make no message")
    return ChatResult(generations=[ChatGeneration(message=stream.output_message)])
