"""GenAI attributes of each kind of effect: what is known when it is asked, and what its outcome tells.

Names and shapes follow the conventions pinned in codec/names.py. Attributes that hold content are those in
``names.CONTENT_ATTRIBUTES``; whoever writes the span leaves them out where content is off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from otel_agent.boundary.preview import messages_json, value_json
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Returned

_PROVIDERS = {
    "langchain_anthropic": "anthropic",
    "langchain_aws": "aws.bedrock",
    "langchain_azure_ai": "azure.ai.inference",
    "langchain_cohere": "cohere",
    "langchain_deepseek": "deepseek",
    "langchain_google_genai": "gcp.gemini",
    "langchain_google_vertexai": "gcp.vertex_ai",
    "langchain_groq": "groq",
    "langchain_ibm": "ibm.watsonx.ai",
    "langchain_mistralai": "mistral_ai",
    "langchain_ollama": "ollama",
    "langchain_openai": "openai",
    "langchain_perplexity": "perplexity",
    "langchain_xai": "x_ai",
}
_NUMBERS: Sequence[tuple[str, tuple[str, ...], type]] = (
    (names.REQUEST_TEMPERATURE, ("temperature",), float),
    (names.REQUEST_TOP_P, ("top_p",), float),
    (names.REQUEST_MAX_TOKENS, ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"), int),
    (names.REQUEST_TOP_K, ("top_k",), int),
    (names.REQUEST_SEED, ("seed",), int),
)
_FINISH = ("finish_reason", "stop_reason", "done_reason", "stopReason")


def provider_of(cls: type[Any]) -> str:
    """The provider's name in the conventions; the class's name without ``Chat`` where they have none."""
    known = _provider_by_class.get(cls)
    if known is None:
        known = _provider_by_class[cls] = _provider(cls)
    return known


_provider_by_class: WeakKeyDictionary[type[Any], str] = WeakKeyDictionary()


def _provider(cls: type[Any]) -> str:
    for base in cls.__mro__:
        package = base.__module__.partition(".")[0]
        if package in _PROVIDERS:
            azure = package == "langchain_openai" and "Azure" in cls.__name__
            return "azure.ai.openai" if azure else _PROVIDERS[package]
    name = cls.__name__
    for affix in ("Chat", "Embeddings", "LLM"):
        name = name.removeprefix(affix).removesuffix(affix) or name
    return name.lower()


def model_attributes(
    operation: str, model: Any, name: str, params: Mapping[str, Any], stop: Any = None, *, streamed: bool = False
) -> dict[str, Any]:
    """What is known of a model call before it is made."""
    attributes: dict[str, Any] = {
        names.OPERATION: operation,
        names.PROVIDER: provider_of(type(model)),
        names.REQUEST_MODEL: name,
    }
    fields = getattr(model, "__dict__", {})
    for attribute, keys, kind in _NUMBERS:
        for key in keys:
            value = params.get(key, fields.get(key))
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                attributes[attribute] = kind(value)
                break
    if isinstance(stop, (list, tuple)) and stop:
        attributes[names.REQUEST_STOP] = [str(sequence) for sequence in stop]
    if streamed:
        attributes[names.REQUEST_STREAM] = True
    return attributes


def input_content(messages: Sequence[Any]) -> Callable[[], Mapping[str, Any]]:
    """The newest messages asked with, built only if somebody wants them."""
    return lambda: {names.INPUT_MESSAGES: messages_json(messages)}


def describe_chat(outcome: Outcome) -> dict[str, Any]:
    """Usage, finish reasons, id and model of the response, and the answer for people."""
    result: Any = outcome.value if isinstance(outcome, Returned) else None
    generations = getattr(result, "generations", None)
    if not generations:
        return {}
    message = generations[0].message
    metadata = {**(result.llm_output or {}), **(generations[0].generation_info or {}), **message.response_metadata}
    attributes = _response(metadata, message.id)
    reasons = [reason for generation in generations if (reason := _reason(generation))]
    if reasons:
        attributes[names.RESPONSE_FINISH] = reasons
    attributes.update(_usage(getattr(message, "usage_metadata", None)))
    attributes[names.OUTPUT_MESSAGES] = messages_json([generation.message for generation in generations])
    return attributes


def describe_llm(outcome: Outcome) -> dict[str, Any]:
    """The same for a model that completes text."""
    result: Any = outcome.value if isinstance(outcome, Returned) else None
    generations = [first[0] for first in getattr(result, "generations", None) or () if first]
    if not generations:
        return {}
    output = result.llm_output or {}
    attributes = _response({**output, **(generations[0].generation_info or {})}, None)
    tokens = output.get("token_usage")
    if isinstance(tokens, Mapping):
        counts = {"input_tokens": tokens.get("prompt_tokens"), "output_tokens": tokens.get("completion_tokens")}
        attributes.update(_usage(counts))
    reasons = [str(reason) for each in generations if (reason := (each.generation_info or {}).get("finish_reason"))]
    if reasons:
        attributes[names.RESPONSE_FINISH] = reasons
    attributes[names.OUTPUT_MESSAGES] = messages_json([Said("assistant", each.text) for each in generations])
    return attributes


class Said:
    """A text with a role, where there is no message object."""

    __slots__ = ("content", "type")

    def __init__(self, role: str, content: str) -> None:
        self.type = role
        self.content = content


def tool_attributes(tool: Any, tool_call_id: str | None) -> dict[str, Any]:
    """What is known of a tool call before it is made."""
    attributes = {names.OPERATION: "execute_tool", names.TOOL_NAME: tool.name, names.TOOL_TYPE: "function"}
    if tool.description:
        attributes[names.TOOL_DESCRIPTION] = value_json(str(tool.description), 500)
    if tool_call_id:
        attributes[names.TOOL_CALL_ID] = tool_call_id
    return attributes


def tool_content(arguments: Any) -> Callable[[], Mapping[str, Any]]:
    """The arguments of a tool call, built only if somebody wants them."""
    return lambda: {names.TOOL_ARGUMENTS: value_json(arguments)}


def describe_tool(outcome: Outcome) -> dict[str, Any]:
    """What the tool returned, for people."""
    return {names.TOOL_RESULT: value_json(outcome.value, 500)} if isinstance(outcome, Returned) else {}


def _response(metadata: Mapping[str, Any], message_id: str | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    given = metadata.get("id") or (message_id if message_id and not message_id.startswith(("lc_", "run-")) else None)
    if isinstance(given, str) and given:
        attributes[names.RESPONSE_ID] = given
    answered = metadata.get("model_name") or metadata.get("model")
    if isinstance(answered, str):
        attributes[names.RESPONSE_MODEL] = answered
    return attributes


def _reason(generation: Any) -> str | None:
    for metadata in (generation.generation_info or {}, generation.message.response_metadata):
        for key in _FINISH:
            if metadata.get(key):
                return str(metadata[key])
    return None


def _usage(usage: Mapping[str, Any] | None) -> dict[str, int]:
    if not usage:
        return {}
    given = usage.get("input_token_details") or {}
    made = usage.get("output_token_details") or {}
    counts = {
        names.USAGE_INPUT: usage.get("input_tokens"),
        names.USAGE_OUTPUT: usage.get("output_tokens"),
        names.USAGE_CACHE_READ: given.get("cache_read"),
        names.USAGE_CACHE_WRITE: given.get("cache_creation"),
        names.USAGE_REASONING: made.get("reasoning"),
    }
    return {key: count for key, count in counts.items() if isinstance(count, int)}
