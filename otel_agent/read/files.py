"""Trace texts from files, directories, standard input and bytes; gzip is known by its first bytes, not by name."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from otel_agent.errors import SourceNotFound, UnreadableSource

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Text:
    """The unpacked bytes of one source, and what to call it in an error."""

    name: str
    data: bytes
    is_journal: bool = False
    """Written line by line by a process that may have crashed: even its only line may be cut."""


def texts_of(source: str | os.PathLike[str] | bytes) -> Iterator[Text]:
    """Each file of the source, unpacked."""
    if isinstance(source, bytes):
        yield Text("bytes", _unpack("bytes", source))
    elif os.fspath(source) == "-":
        yield Text("standard input", _unpack("standard input", sys.stdin.buffer.read()))
    else:
        for path in _files(Path(source)):
            yield _read(path)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.name.endswith(_SUFFIXES) and not file.name.startswith("."))
    if not found:
        raise SourceNotFound(f"The directory {path} holds no trace: no file ends in {', '.join(_SUFFIXES)}.")
    return found


def _read(path: Path) -> Text:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SourceNotFound(f"There is no file {path}.") from None
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read: {error.strerror}.") from error
    return Text(str(path), _unpack(str(path), data), is_journal=".jsonl" in path.name)


def _unpack(name: str, data: bytes) -> bytes:
    if data.startswith(_ZSTD):
        raise UnreadableSource(f"{name} is compressed with zstd: unpack it first, `zstd -d`.")
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableSource(f"{name} is a broken gzip file: {error}.") from error
