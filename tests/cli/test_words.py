"""How times and values are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage

from otel_agent.cli.values import for_programs, one_line
from otel_agent.cli.words import duration, many


@pytest.mark.parametrize(
    ("took_ns", "written"),
    [(None, "-"), (850_000, "850 us"), (12_000_000, "12 ms"), (3_140_000_000, "3.1 s"), (125 * 10**9, "2 min 5 s")],
)
def test_duration(took_ns: int | None, written: str) -> None:
    """In the unit that people would say."""
    assert duration(took_ns) == written


def test_many() -> None:
    """One is singular."""
    assert (many(1, "node"), many(2, "node")) == ("1 node", "2 nodes")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("text", "text"),
        ({"a": [1, None, True]}, '{"a": [1, null, true]}'),
        ([HumanMessage("hi")], '["human: hi"]'),
        (AIMessage("", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "1"}]), 'ai: f({"x": 1})'),
        (Document("text", metadata={"source": "a.md"}), "a.md: text"),
        (float("nan"), "nan"),
        (ValueError("no"), "ValueError: no"),
        ({1: b"\x00"}, '{"1": "AA=="}'),
    ],
)
def test_one_line(value: Any, written: str) -> None:
    """Messages and documents in short, everything else as JSON."""
    assert one_line(value) == written


def test_programs_get_every_field() -> None:
    """`--json` keeps the fields that people do not see."""
    plain = for_programs([HumanMessage("hi", id="7")])

    assert plain[0]["type"] == "HumanMessage" or plain[0]["id"] == "7"
    json.dumps(plain)
