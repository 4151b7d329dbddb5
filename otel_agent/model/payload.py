"""A recorded value as it stands in a span: text, digest and byte count, not yet decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payload:
    """One typed-JSON payload of one span."""

    name: str
    """Which payload of the span, such as ``agent.node.input``."""
    digest: str
    """Merkle digest of the value, 64 hex digits."""
    size: int
    """UTF-8 bytes of the text as written."""
    text: str | None
    """The typed JSON, or None where content was not captured."""
    span_id: str
    """The span that holds it."""
