"""How a payload stands in a span: one attribute, or pieces that a backend with default settings keeps whole.

A default Tempo cuts attribute values at 2,048 bytes. So a text of at most 2,000 bytes is the attribute ``NAME.json``;
a longer one is cut at character boundaries into pieces of at most 2,000 bytes, up to 100 in one span event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from otel_agent.codec import names
from otel_agent.codec.encoder import Encoded
from otel_agent.errors import CutAttribute, WrongByteCount
from otel_agent.model.payload import Payload
from otel_agent.model.span import SpanRecord

AttributeValue: TypeAlias = str | bool | int | float | list[str] | list[bool] | list[int] | list[float]
PIECE = 2000
"""Most UTF-8 bytes of one attribute value."""
PIECES_PER_EVENT = 100


def payload_fields(
    name: str, encoded: Encoded
) -> tuple[dict[str, AttributeValue], list[tuple[str, dict[str, AttributeValue]]]]:
    """The attributes and the events (name, attributes) that hold a payload in its span."""
    attributes: dict[str, AttributeValue] = {
        f"{name}.{names.PAYLOAD_DIGEST}": f"{encoded.digest}/{encoded.size}",
    }
    if encoded.text is None:
        return attributes, []
    if encoded.size <= PIECE:
        attributes[f"{name}.{names.PAYLOAD_JSON}"] = encoded.text
        return attributes, []
    pieces = list(cut(encoded.text))
    attributes[f"{name}.{names.PAYLOAD_PIECES}"] = len(pieces)
    return attributes, [_event(name, pieces, first) for first in range(0, len(pieces), PIECES_PER_EVENT)]


def read_payload(name: str, span: SpanRecord) -> Payload | None:
    """The payload of that name, put together again; None where the span has none.

    Raises `CutAttribute` where a part is gone and `WrongByteCount` where the length is not the one written beside it.
    """
    sum_ = span.attributes.get(f"{name}.{names.PAYLOAD_DIGEST}")
    text = span.attributes.get(f"{name}.{names.PAYLOAD_JSON}")
    count = span.attributes.get(f"{name}.{names.PAYLOAD_PIECES}")
    if sum_ is None and text is None and count is None:
        return None
    digest, size = digest_and_size(sum_)
    if size is None:
        raise CutAttribute(f"span {span.span_id}: {name} has no digest or no byte count", span_id=span.span_id)
    if text is None and count is not None:
        text = _join(name, span, count)
    if text is not None:
        _check_size(name, span, text, size)
    return Payload(name, digest, size, text, span.span_id)


def digest_and_size(text: Any) -> tuple[str, int | None]:
    """The digest and the byte count that stand beside a payload as ``digest/bytes``; None where they are not."""
    digest, _, size = text.partition("/") if isinstance(text, str) else ("", "", "")
    return digest, int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None


def cut(text: str, limit: int = PIECE) -> Iterator[str]:
    """Pieces of at most ``limit`` UTF-8 bytes, cut between characters."""
    data = text.encode()
    start = 0
    while start < len(data):
        end = min(start + limit, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end].decode()
        start = end


def _event(name: str, pieces: list[str], first: int) -> tuple[str, dict[str, AttributeValue]]:
    attributes: dict[str, AttributeValue] = {names.PAYLOAD_NAME: name, names.PAYLOAD_FIRST: first}
    for index, piece in enumerate(pieces[first : first + PIECES_PER_EVENT]):
        attributes[f"{names.PAYLOAD_PIECE}.{index:03d}"] = piece
    return names.PAYLOAD_EVENT, attributes


def _join(name: str, span: SpanRecord, count: Any) -> str:
    pieces: dict[int, str] = {}
    for event in span.events:
        if event.name == names.PAYLOAD_EVENT and event.attributes.get(names.PAYLOAD_NAME) == name:
            pieces.update(_pieces(event.attributes))
    missing = next((index for index in range(count) if index not in pieces), None) if type(count) is int else 0
    if missing is not None:
        raise CutAttribute(f"span {span.span_id}: piece {missing} of {count} of {name} is gone", span_id=span.span_id)
    return "".join(pieces[index] for index in range(count))


def _pieces(attributes: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    first = attributes.get(names.PAYLOAD_FIRST)
    for index in range(PIECES_PER_EVENT):
        piece = attributes.get(f"{names.PAYLOAD_PIECE}.{index:03d}")
        if type(first) is int and isinstance(piece, str):
            yield first + index, piece


def _check_size(name: str, span: SpanRecord, text: Any, size: int) -> None:
    if not isinstance(text, str):
        raise CutAttribute(f"span {span.span_id}: {name} is not a string", span_id=span.span_id)
    found = len(text.encode("utf-8", "surrogatepass"))
    if found != size:
        raise WrongByteCount(
            f"span {span.span_id}: {name} has {found} bytes where {size} were written", span_id=span.span_id
        )
