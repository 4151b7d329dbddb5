"""What a model is asked with, beside the messages: the parameters that decide the answer, and the model's name.

Read from the model's fields, ``_identifying_params`` and ``_llm_type`` (langchain_core/language_models/base.py and
chat_models.py), which the model's authors document for this, and from the call's own keyword arguments. Left out is
what decides how and where the model is reached but not what it answers: streaming, endpoints, time-outs, credentials.
So a streamed record answers a call that is not streamed, and one made with another key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOT_ASKED = frozenset(
    {
        "stream", "streaming", "stream_options", "stream_usage", "disable_streaming", "stream_chunk_timeout",
        "callbacks", "run_manager", "tags", "verbose", "cache", "rate_limiter", "name", "run_name", "run_id", "config",
        "ls_structured_output_format", "structured_output_format",
        "base_url", "api_base", "endpoint", "endpoint_url", "azure_endpoint", "openai_api_base", "url", "proxy",
        "openai_proxy", "organization", "project", "region_name",
        "client", "async_client", "http_client", "http_async_client", "root_client", "root_async_client",
        "timeout", "request_timeout", "default_request_timeout", "max_retries",
        "headers", "default_headers", "extra_headers", "default_query", "authorization", "credentials",
    }
)  # fmt: skip
_SECRET = ("api_key", "apikey", "secret", "password", "access_token", "auth_token", "credential")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_MODEL_FIELDS = ("model_name", "model", "model_id", "deployment_name", "azure_deployment", "repo_id")


def model_name(model: Any, kwargs: Mapping[str, Any]) -> str:
    """The model asked for: the call's, else the object's field, else its class."""
    asked = kwargs.get("model")
    if isinstance(asked, str):
        return asked
    fields = vars(model)
    for field in _MODEL_FIELDS:
        name = fields.get(field)
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def model_params(model: Any, name: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the answer, JSON-like, without secrets; the same for every way of calling."""
    params: dict[str, Any] = {"_type": model._llm_type, "model": name}  # noqa: SLF001 - documented for tracing
    for source in (model._identifying_params, kwargs):  # noqa: SLF001 - documented for tracing
        for key, value in source.items():
            if _is_asked(key):
                params[key] = value if _is_json(value, 0) else as_json(value)
    return params


def _is_asked(key: Any) -> bool:
    return isinstance(key, str) and key not in _NOT_ASKED and not any(part in key for part in _SECRET)


def _is_json(value: Any, depth: int) -> bool:
    """Whether a value can be asked with as it is; what lies deep in a tool's schema is long, and taken on trust."""
    kind = type(value)
    if kind is dict:
        if depth > _TRUSTED:
            return True
        for key, item in value.items():
            if type(key) is not str or key in _NOT_NESTED:
                return False
            if type(item) not in _PLAIN and not _is_json(item, depth + 1):
                return False
        return True
    if kind is list:
        if depth > _TRUSTED:
            return True
        return all(type(item) in _PLAIN or _is_json(item, depth + 1) for item in value)
    return kind in _PLAIN


_TRUSTED = 2
_NOT_NESTED = frozenset({"headers", "authorization", "api_key"})
"""Credentials of servers that a tool definition may carry (remote MCP tools)."""


def as_json(value: Any, depth: int = 0) -> Any:
    """The nearest JSON-like value; what has none is named by its type, which says the same in every process."""
    if type(value) in _PLAIN:
        return value
    if depth > 30:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): as_json(item, depth + 1) for key, item in value.items() if key not in _NOT_NESTED}
    if isinstance(value, (list, tuple)):
        return [as_json(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((as_json(item, depth + 1) for item in value), key=repr)
    if isinstance(value, (str, int, float)):  # enums and other subclasses
        return value.value if hasattr(value, "value") else value
    named = value if isinstance(value, type) or hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
