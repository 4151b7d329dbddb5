"""Inert stand-ins for what this process has no class for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A value whose class is not in the registry: what was recorded, and nothing that runs."""

    tag: str
    """How it was recorded: dataclass, pydantic, enum..."""
    class_name: str
    value: Any
    """Fields, or whatever the tag holds."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that could not be encoded when it was recorded."""

    class_name: str
    repr: str
    digest: str


class RecordedError(Exception):
    """Stands for an exception whose class is not in the registry: it keeps the class's name, args and notes."""

    def __init__(self, class_name: str, args: tuple[Any, ...] = ()) -> None:
        super().__init__(*args)
        self.class_name = class_name

    def __str__(self) -> str:
        return f"{self.class_name}: {super().__str__()}"

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordedError, (self.class_name, self.args)
