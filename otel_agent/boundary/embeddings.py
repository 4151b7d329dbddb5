"""Embeddings: the four methods of LangChain's ``Embeddings``, wherever a class defines them.

Depends on langchain_core/embeddings/embeddings.py (1.0 - 1.7): ``aembed_*`` fall back to ``embed_*`` in a thread, and
``embed_query`` often calls ``embed_documents``; both are the same call. Vectors come back exactly as they were.
"""

from __future__ import annotations

import inspect
from typing import Any

from langchain_core.embeddings import Embeddings

from otel_agent.boundary.crossing import Crossing
from otel_agent.boundary.params import model_name
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.seam import Asked, Seam, awaited, plain
from otel_agent.boundary.semconv import model_attributes
from otel_agent.boundary.subclasses import wrap_subclasses

_DIMENSIONS = "dimensions"


def patch_embeddings(patches: Patches) -> None:
    """Put the seam for embeddings in place."""
    methods = {
        "embed_documents": plain(_SEAM),
        "embed_query": plain(_SEAM),
        "aembed_documents": awaited(_SEAM),
        "aembed_query": awaited(_SEAM),
    }
    wrap_subclasses(patches, Embeddings, methods)


def _prepare(method: str, embedder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    asked = args[0] if args else next(iter(kwargs.values()))
    if inspect.isgenerator(asked):
        raise TypeError("texts that can be read only once cannot be recorded")
    part = "query" if method.endswith("query") else "documents"
    name = model_name(embedder, kwargs) if hasattr(embedder, "__dict__") else type(embedder).__name__
    request: dict[str, Any] = {part: asked, "model": name}
    dimensions = getattr(embedder, _DIMENSIONS, None)
    if isinstance(dimensions, int):
        request[_DIMENSIONS] = dimensions
    crossing = Crossing(
        "embeddings",
        name,
        request,
        method=method,
        attributes=model_attributes("embeddings", embedder, name, {}),
        details={"owner": embedder, "span_name": f"embeddings {name}"},
    )
    return Asked(crossing)


_SEAM = Seam("embeddings", _prepare)
