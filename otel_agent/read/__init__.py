"""Spans from every source and format; all give the same `SpanRecord`.

A source says where bytes come from, a format what they mean: one module each, and one line in a table below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from otel_agent.errors import UnreadableSource
from otel_agent.model.span import SpanRecord
from otel_agent.read import files, otlp_json
from otel_agent.read.documents import Document, documents_in

__all__ = ["Source", "Spans", "read_spans"]

Source: TypeAlias = str | os.PathLike[str] | bytes


class Spans(list[SpanRecord]):
    """The spans of a source, in its order; ``warnings`` says what was left out, such as a line that a crash cut."""

    def __init__(self, spans: Iterable[SpanRecord] = (), warnings: Iterable[str] = ()) -> None:
        super().__init__(spans)
        self.warnings = tuple(warnings)


_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Document], Iterable[SpanRecord]]], ...] = (
    (otlp_json.is_otlp, otlp_json.spans_in),
)
"""(does this JSON value look like it?, its spans), asked in order."""


def read_spans(source: Source) -> Spans:
    """All spans of a file, a directory of files, ``-`` for standard input, or bytes; gzipped or not.

    Known are OTLP/JSON documents and OTLP/JSON lines, as the Collector's file exporter writes them. A last line that a
    crash cut in half is left out and said in ``warnings``.

    Raises:
        SourceNotFound: there is no such file, or the directory holds no trace.
        UnreadableSource: the bytes are in no format we know; the message names file, line and column, or the span.

    """
    spans: list[SpanRecord] = []
    warnings: list[str] = []
    for text in files.texts_of(source):
        found = documents_in(text)
        warnings += found.warnings
        for document in found.documents:
            spans += _spans_in(document)
    return Spans(spans, warnings)


def _spans_in(document: Document) -> Iterable[SpanRecord]:
    for fits, spans_in in _FORMATS:
        if fits(document.value):
            return spans_in(document)
    raise UnreadableSource(f"{document.place}: JSON, but of no trace format we know (OTLP/JSON has resourceSpans).")
