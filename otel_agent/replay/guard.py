"""Strict mode's guard: no connection leaves a replayed run, and each one tried is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable


class NetworkGuard:
    """Counts what the run tries to reach, and hands it on to be refused.

    Known limit: threads started without the run's context, and uvloop's own connections, are not seen.
    """

    def __init__(self, refuse: Callable[[str], None]) -> None:
        self._refuse = refuse
        self._lock = threading.Lock()
        self.connections = 0

    def __call__(self, place: str) -> None:
        """Something in the run is about to reach ``place`` (host:port)."""
        with self._lock:
            self.connections += 1
        self._refuse(place)
