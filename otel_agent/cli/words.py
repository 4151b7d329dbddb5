"""How times, statuses and ids are written, the same in every command."""

from __future__ import annotations

from datetime import datetime

_STYLES = {
    "completed": "good",
    "cached": "good",
    "resumed": "good",
    "interrupted": "warn",
    "parent_command": "warn",
    "closed_early": "warn",
    "cancelled": "warn",
}

_SHORT = 8
"""Digits of the trace id that lists show: a prefix that every command takes."""


def style_of(status: str) -> str:
    """Style name of a status; what is not known to be well is bad."""
    return _STYLES.get(status, "bad")


def duration(took_ns: int | None) -> str:
    """``850 us``, ``12 ms``, ``3.1 s``, ``2 min 5 s``; a dash where the end never came."""
    if took_ns is None:
        return "-"
    seconds = took_ns / 1e9
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def local_time(time_ns: int) -> str:
    """Date and time of day where the reader is, to the minute."""
    return datetime.fromtimestamp(time_ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M")


def short_id(run_id: str) -> str:
    """Enough of the run id to find it again among a few thousand."""
    return run_id[:_SHORT]


def many(count: int, noun: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
