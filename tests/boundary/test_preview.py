from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from otel_agent.boundary.preview import CUT, LIMIT, cut, messages_json, value_json


def test_messages_have_the_shapes_of_the_conventions() -> None:
    """Roles and parts are those that Jaeger's GenAI view reads."""
    call = {"name": "weather", "args": {"city": "Paris"}, "id": "c1"}
    messages = [
        SystemMessage("Be brief"),
        HumanMessage(
            [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
        ),
        AIMessage([{"type": "reasoning", "reasoning": "Hm"}], tool_calls=[call]),
        ToolMessage("rainy", tool_call_id="c1", name="weather"),
    ]

    assert json.loads(messages_json(messages)) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief"}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Look"},
                {"type": "uri", "modality": "image", "uri": "https://x/y.png"},
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm"},
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}},
            ],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}],
            "name": "weather",
        },
    ]


def test_only_the_newest_messages_that_fit_are_shown() -> None:
    """A long history is shown from its end, and its beginning is not even looked at."""

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"looked at {name}")

    messages = [Untouchable(), *[HumanMessage(f"{number} " + "x" * (LIMIT // 3)) for number in range(10)]]

    shown = json.loads(messages_json(messages))

    assert [one["parts"][0]["content"][:2] for one in shown] == ["8 ", "9 "]
    assert len(messages_json(messages).encode()) <= LIMIT


def test_a_newest_message_that_is_too_long_is_cut() -> None:
    """The last message is always shown, with a mark where it was cut, whatever its characters and parts."""
    long = 'ü€𝄞"\n' * 5000
    for content in (long, [{"type": "text", "text": long}] * 3):
        text = messages_json([HumanMessage("before"), AIMessage(content, tool_calls=[])])
        message = json.loads(text)[-1]

        assert len(text.encode()) <= LIMIT
        assert message["role"] == "assistant"
        assert all(part["content"].endswith(CUT) for part in message["parts"])


def test_many_large_tool_calls_fit() -> None:
    """Arguments are cut as well as text."""
    calls = [{"name": "t", "args": {"a": "x" * 9000, "b": [1] * 999}, "id": str(n)} for n in range(5)]

    few = messages_json([AIMessage("", tool_calls=calls)])
    many = messages_json([HumanMessage("hey"), AIMessage("", tool_calls=calls * 9)])

    assert len(few.encode()) <= LIMIT
    assert len(json.loads(few)[0]["parts"]) == 5
    assert json.loads(many)[-1] == {"role": "assistant", "parts": [{"type": "text", "content": CUT}]}


def test_values_become_short_json() -> None:
    """Text stays text, objects are named by their type, and nothing is longer than the limit."""

    class Loud:
        def __repr__(self) -> str:
            raise AssertionError("repr may run anything")

    assert value_json("plain") == "plain"
    assert value_json({"a": [1, 2.5, None, True]}) == '{"a":[1,2.5,null,true]}'
    assert value_json({"x": Loud()}).endswith('Loud>"}')
    assert value_json(b"abc") == '"<3 bytes>"'
    assert value_json(("see", {"n": 2**60})) == '["see",{"n":"1152921504606846976"}]'
    assert len(value_json(list(range(10**6))).encode()) <= LIMIT
    assert "\\ud800" in value_json({"a": "\ud800"}) or value_json({"a": "\ud800"})


def test_cutting_keeps_whole_characters() -> None:
    """A cut text is valid UTF-8 and at most as long as allowed."""
    assert cut("abc", 3) == "abc"
    assert cut("äöü", 6) == "äöü"
    assert cut("äöü", 5) == f"ä{CUT}"
    assert len(cut("𝄞" * 1000, 100).encode()) <= 100
