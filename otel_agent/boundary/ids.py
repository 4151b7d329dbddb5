"""Ids that the framework draws while a run goes on: message ids above all.

Depends on these modules calling ``uuid.uuid4()`` or ``uuid4()`` through their own globals: langgraph/graph/message.py
(ids of messages without one, drawn in reducers), langgraph/pregel/_messages.py (streamed and delta-channel messages),
langgraph/graph/ui.py, langchain/agents/middleware/summarization.py and langchain/agents/structured_output.py.
The real function is looked up when called, so a test that patches ``uuid.uuid4`` still gets its way.
"""

from __future__ import annotations

import importlib
import importlib.util
import uuid
from typing import Any

from otel_agent.boundary.crossing import handler_in_force
from otel_agent.boundary.patch import Patches

_MODULES = {
    "langgraph.graph.message": "uuid",
    "langgraph.pregel._messages": "uuid4",
    "langgraph.graph.ui": "uuid4",
    "langchain.agents.middleware.summarization": "uuid",
    "langchain.agents.structured_output": "uuid",
}
_OPTIONAL = ("langchain",)


def patch_ids(patches: Patches) -> None:
    """Put the seams for drawn ids in place."""
    for module, name in _MODULES.items():
        root = module.partition(".")[0]
        if root in _OPTIONAL and importlib.util.find_spec(root) is None:
            continue
        try:
            owner = importlib.import_module(module)
        except ImportError:
            if root not in _OPTIONAL:
                patches.missing.append(f"{module}.{name}")
            continue
        patches.wrap(owner, name, _UuidModule if name == "uuid" else _wrap_uuid4)


def _draw(real: Any) -> uuid.UUID:
    handler = handler_in_force()
    drawn: uuid.UUID = real() if handler is None else handler.draw("uuid4", real)
    return drawn


class _UuidModule:
    """The ``uuid`` module as these modules see it, with `uuid4` going through the boundary."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def uuid4(self) -> uuid.UUID:
        """A drawn id, real or recorded."""
        return _draw(self._original.uuid4)


def _wrap_uuid4(original: Any) -> Any:
    def uuid4() -> uuid.UUID:
        return _draw(original)

    return uuid4
