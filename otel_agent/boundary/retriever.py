"""Retrievers: ``_get_relevant_documents`` and ``_aget_relevant_documents``, wherever a class defines them.

Depends on langchain_core/retrievers.py (1.0 - 1.7): ``invoke`` and ``ainvoke`` end there; the async one falls back to
the other in a thread. ``BaseRetriever.__init_subclass__`` reads their signatures, which wrapping keeps.
"""

from __future__ import annotations

from typing import Any

from langchain_core.retrievers import BaseRetriever

from otel_agent.boundary.crossing import Crossing
from otel_agent.boundary.params import as_json
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.preview import LIMIT, cut
from otel_agent.boundary.seam import Asked, Seam, awaited, plain
from otel_agent.boundary.subclasses import wrap_subclasses
from otel_agent.codec import names


def patch_retrievers(patches: Patches) -> None:
    """Put the seam for retrievers in place."""
    methods = {"_get_relevant_documents": plain(_SEAM), "_aget_relevant_documents": awaited(_SEAM)}
    wrap_subclasses(patches, BaseRetriever, methods)


def _prepare(method: str, retriever: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    rest = dict(kwargs)
    query = args[0] if args else rest.pop("query")
    run_manager = rest.pop("run_manager", None)
    name = str(retriever.get_name())
    run_id = getattr(run_manager, "run_id", None)
    request = {"query": query, **({"params": as_json(rest)} if rest else {})}
    crossing = Crossing(
        "retriever",
        name,
        request,
        method=method,
        attributes={names.OPERATION: "retrieval", names.DATA_SOURCE: name},
        details={
            "run_id": None if run_id is None else str(run_id),
            "owner": retriever,
            "span_name": f"retrieval {name}",
            "content": lambda: {names.RETRIEVAL_QUERY: cut(str(query), LIMIT)},
        },
    )
    return Asked(crossing)


_SEAM = Seam("retriever", _prepare)
