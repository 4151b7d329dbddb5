"""Every seam, put in place together and taken away together.

Counted: what was installed twice is gone after the second `uninstall`. Where upstream has moved a name, that seam is
missing, which is said once in the log; everything else works.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Collection
from typing import Any

from otel_agent.boundary.patch import Patches

_log = logging.getLogger("otel_agent")

_SEAMS = {
    "graph": "graph.patch_graph",
    "ids": "ids.patch_ids",
    "chat": "chat_model.patch_chat_models",
    "llm": "language_model.patch_language_models",
    "tool": "tool.patch_tools",
    "retriever": "retriever.patch_retrievers",
    "embeddings": "embeddings.patch_embeddings",
    "store": "store.patch_stores",
}
PARTS = frozenset(_SEAMS)
"""The parts that can be installed by name."""

_lock = threading.Lock()
_installed: dict[str, tuple[Patches, int]] = {}
_warned: set[str] = set()


def install(parts: Collection[str] | None = None) -> list[str]:
    """Put the seams in place, all or the named parts.

    Returns what upstream no longer has, as ``module.attribute``; calls of these go unseen.
    """
    missing: list[str] = []
    with _lock:
        for part in _chosen(parts):
            patches, count = _installed.get(part, (None, 0))
            if patches is None:
                patches = _patched(part)
            _installed[part] = (patches, count + 1)
            missing.extend(patches.missing)
    _warn(missing)
    return missing


def uninstall(parts: Collection[str] | None = None) -> None:
    """Take back one `install` of the same parts; the last one puts everything back as it was."""
    with _lock:
        for part in reversed(_chosen(parts)):
            if part not in _installed:
                continue
            patches, count = _installed.pop(part)
            if count > 1:
                _installed[part] = (patches, count - 1)
            else:
                patches.remove()


def _chosen(parts: Collection[str] | None) -> list[str]:
    unknown = set(parts or ()) - PARTS
    if unknown:
        raise ValueError(f"no such parts: {', '.join(sorted(unknown))}; there are {', '.join(_SEAMS)}")
    return [part for part in _SEAMS if parts is None or part in parts]


def _patched(part: str) -> Patches:
    patches = Patches()
    module, _, name = _SEAMS[part].partition(".")
    try:
        patch: Any = getattr(importlib.import_module(f"otel_agent.boundary.{module}"), name)
        patch(patches)
    except (ImportError, AttributeError) as error:  # upstream has moved a module or a class
        if (error.name or "").startswith("otel_agent"):
            raise
        patches.remove()
        patches.missing.append(f"{part}: {error}")
    return patches


def _warn(missing: list[str]) -> None:
    new = [name for name in missing if name not in _warned]
    if new:
        _warned.update(new)
        _log.warning("LangGraph or LangChain no longer has %s: calls there are not recorded", ", ".join(new))
