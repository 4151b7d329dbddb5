"""Where commands print: styled and cut to the window on a terminal; plain, whole and free of ANSI in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.theme import Theme

_PIPE_WIDTH = 1_000_000
"""Columns of a pipe where COLUMNS sets no other: nothing is cut, so that `grep` and `diff` see whole lines."""

_THEME = Theme(
    {
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "name": "bold",
        "label": "cyan",
        "quiet": "dim",
        "kind": "magenta",
    }
)

_recording: Console | None = None


def out() -> Console:
    """Standard output."""
    return _recording or _console(stderr=False)


def err() -> Console:
    """Standard error: messages, progress, and whatever is not the answer."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, theme=_THEME, highlight=False, emoji=False, markup=False)


@contextmanager
def recorded(width: int) -> Iterator[Console]:
    """Draw what commands print instead of printing it; for screenshots."""
    global _recording
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        _recording = Console(
            record=True, width=width, theme=_THEME, highlight=False, emoji=False, markup=False, force_terminal=True,
            color_system="truecolor", file=nowhere,
        )  # fmt: skip
        try:
            yield _recording
        finally:
            _recording = None


@contextmanager
def progress(label: str, total: int) -> Iterator[Progress]:
    """A bar on a terminal, nothing in a pipe; advance its first task."""
    console = err()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    bar.add_task(label, total=total)
    with bar:
        yield bar


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """A spinner on a terminal, nothing in a pipe."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield
