"""One JSON document, or JSON lines of which a crash may have cut the last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from otel_agent.errors import UnreadableSource
from otel_agent.read.files import Text


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON value, and where it stands."""

    place: str
    """File, and line where the file holds several."""
    value: Any


@dataclass(frozen=True, slots=True)
class Documents:
    """What a text holds, and what had to be left out."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()


def documents_in(text: Text) -> Documents:
    """The JSON documents of a text; broken JSON anywhere but in a cut last line is refused with its line and column."""
    try:
        return Documents((Document(text.name, _parse(text.data)),))
    except ValueError as error:
        whole = error
    lines = text.data.split(b"\n")
    if not text.data.strip():
        return _empty(text)
    if not text.is_journal and not _is_json(next(line for line in lines if line.strip())):
        raise UnreadableSource(f"{text.name}: {_position(whole)}") from whole
    return _by_line(text.name, lines)


def _empty(text: Text) -> Documents:
    if text.is_journal:
        return Documents((), (f"{text.name} is empty: its process ended before its first span did.",))
    raise UnreadableSource(f"{text.name} is empty.")


def _by_line(name: str, lines: list[bytes]) -> Documents:
    documents: list[Document] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            documents.append(Document(f"{name}, line {number}", _parse(line)))
        except ValueError as error:
            # Lines end in a newline, written with them: what has none was cut by a crash. Anything else is damage.
            if number == len(lines):
                return Documents(
                    tuple(documents), (f"{name}: line {number} is cut after {len(line)} bytes; left out.",)
                )
            raise UnreadableSource(f"{name}: {_position(error, number)}") from error
    return Documents(tuple(documents))


def _is_json(line: bytes) -> bool:
    try:
        _parse(line)
    except ValueError:
        return False
    return True


def _parse(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # The standard library knows NaN and lone surrogates, which others write, and says where it stopped.
        return json.loads(data.decode("utf-8-sig"))


def _position(error: ValueError, line: int | None = None) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {line or error.lineno}, column {error.colno}: {error.msg}."
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        number, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        return f"line {line or number}, column {column}: not UTF-8."
    return f"line {line or 1}: {error}."
