"""An effect: one crossing of a boundary, and how it came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from otel_agent.model.payload import Payload


@dataclass(frozen=True, slots=True)
class Returned:
    """The call returned this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The call raised this error."""

    error: BaseException


Outcome: TypeAlias = Returned | Raised

Decode: TypeAlias = Callable[[Payload], Any]
"""Turns a payload of the run into a Python value; given by whoever rebuilt the run."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One model call, tool call, retrieval, embedding, store access or ``@effect`` function."""

    kind: str
    """chat, llm, tool, retriever, embeddings, store or effect."""
    name: str
    """Model, tool, retriever or function name."""
    address: str
    """Where in the run it happened; the same in every run of the same path."""
    span_id: str
    node: str
    """Address of the node execution it happened in; empty outside of nodes."""
    parent_span_id: str | None
    seq: int
    status: str
    """completed, failed, interrupted or cancelled."""
    started_ns: int
    ended_ns: int
    payloads: Mapping[str, Payload] = field(repr=False)
    """By short name: request, result, chunks, error."""
    decode: Decode = field(repr=False, compare=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All span attributes, the ``gen_ai.*`` ones among them."""

    def payload(self, name: str) -> Any:
        """The decoded payload, None where the effect has none of that name."""
        found = self.payloads.get(name)
        return None if found is None else self.decode(found)

    @property
    def request(self) -> Any:
        """What was asked, with its Python types."""
        return self.payload("request")

    @property
    def result(self) -> Any:
        """What came back, with its Python types; None where it raised."""
        return self.payload("result")

    @property
    def chunks(self) -> Any:
        """The streamed chunks in order, or None where it was not streamed."""
        return self.payload("chunks")

    @property
    def error(self) -> BaseException | None:
        """The exception that it raised, rebuilt; None where it returned."""
        found: BaseException | None = self.payload("error")
        return found

    @property
    def outcome(self) -> Outcome:
        """``Returned`` or ``Raised``."""
        if self.error is not None:
            return Raised(self.error)
        return Returned(self.result)
