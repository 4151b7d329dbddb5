"""Which run made which checkpoint, so that a resume, a next turn or a fork can link to it.

Kept in this process only, the newest first to stay: writing it into the checkpoint would change what the application
stores. Across processes the checkpoint id recorded with the start joins the two runs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from opentelemetry.trace import SpanContext

_LIMIT = 50_000


class Checkpoints:
    """Checkpoint id -> span context of the top-level run that made it."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._made: OrderedDict[str, SpanContext] = OrderedDict()
        self._lock = threading.Lock()

    def made(self, checkpoint_id: str, by: SpanContext) -> None:
        """This run made this checkpoint."""
        with self._lock:
            self._made[checkpoint_id] = by
            while len(self._made) > self._limit:
                self._made.popitem(last=False)

    def origin(self, checkpoint_id: str) -> SpanContext | None:
        """The run that made it, where this process saw it."""
        with self._lock:
            return self._made.get(checkpoint_id)


checkpoints = Checkpoints()
