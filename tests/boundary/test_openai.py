"""A real provider client against a local server: real HTTP, real event streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from otel_agent.codec import names
from tests.boundary.handlers import Recording, Serving
from tests.boundary.ways import Way, abatch, ainvoke, astream, invoke, stream

WAYS = (invoke, ainvoke, stream, astream, abatch)
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 3}}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.requests: list[dict[str, Any]] = []


class Answering(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        return None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(asked)
        calls = None
        if asked.get("tools") and asked["messages"][-1]["role"] != "tool":
            function = {"name": "weather", "arguments": '{"city": "Zürich"}'}
            calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
        self.send_response(200)
        body = self.stream(calls) if asked.get("stream") else self.whole(calls)
        self.send_header("content-type", "text/event-stream" if asked.get("stream") else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def frame(self, **fields: Any) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "created": 1, "model": "gpt-test-2026", **fields}

    def whole(self, calls: Any) -> bytes:
        message = {"role": "assistant", "content": None if calls else "It rains", "tool_calls": calls}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return json.dumps(self.frame(object="chat.completion", choices=[choice], usage=USAGE)).encode()

    def stream(self, calls: Any) -> bytes:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if calls:
            arguments = calls[0]["function"]["arguments"]
            deltas.append({"tool_calls": [{**calls[0], "function": {"name": "weather", "arguments": arguments[:5]}}]})
            deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": arguments[5:]}}]})
        else:
            deltas += [{"content": "It "}, {"content": "rains"}]
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}])
        frames = [self.frame(object="chat.completion.chunk", choices=choice) for choice in choices]
        frames.append(self.frame(object="chat.completion.chunk", choices=[], usage=USAGE))
        return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames) + b"data: [DONE]\n\n"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def model(server: Server, **fields: Any) -> ChatOpenAI:
    host, port = server.server_address[:2]
    return ChatOpenAI(
        model="gpt-test",
        api_key="sk-1",
        base_url=f"http://{host}:{port}/v1",
        stream_usage=True,
        temperature=0.1,
        **fields,
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("recorded", [invoke, astream])
async def test_a_real_client_is_served_without_a_request(handled, server: Server, recorded: Way, asked: Way) -> None:
    """ChatOpenAI, recorded over HTTP one way and asked another: the same message, and no request."""
    with handled(Recording()) as recording:
        first = await recorded(model(server))
    assert len(recording.seen) == 1
    assert len(server.requests) == 1

    with handled(Serving(recording)):
        second = await asked(model(server))

    assert {**second.model_dump(), "type": None} == {**first.model_dump(), "type": None}
    assert len(server.requests) == 1
    after = recording.seen[0].attributes
    assert after[names.PROVIDER] == "openai"
    assert after[names.USAGE_INPUT] == 9
    assert after[names.USAGE_CACHE_READ] == 3
    assert after[names.RESPONSE_MODEL] == "gpt-test-2026"
    assert after[names.RESPONSE_FINISH] == ["stop"]
    assert "sk-1" not in str(recording.seen[0].crossing.request)


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


def shown(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**message.model_dump(), "id": message.id if message.type == "ai" else None} for message in state["messages"]
    ]


async def run_agent(server: Server, way: str) -> list[dict[str, Any]]:
    agent = create_agent(model(server), [weather])
    asked: Any = {"messages": [HumanMessage("Weather?", id="h")]}
    if way == "invoke":
        return shown(agent.invoke(asked))
    if way == "ainvoke":
        return shown(await agent.ainvoke(asked))
    if way == "stream":
        return shown(list(agent.stream(asked, stream_mode=["messages", "values"]))[-1][1])
    return shown([item async for item in agent.astream(asked, stream_mode=["messages", "values"])][-1][1])


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("asked", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("recorded", ["invoke", "astream"])
async def test_an_agents_loop_is_served(handled, server: Server, recorded: str, asked: str) -> None:
    """`create_agent` with a tool, recorded one way and run another: the same messages, and no request."""
    kinds = ("chat", "tool")
    with handled(Recording(*kinds)) as recording:
        first = await run_agent(server, recorded)
    requests = len(server.requests)
    with handled(Serving(recording)) as serving:
        second = await run_agent(server, asked)

    assert second == first
    assert [seen.crossing.kind for seen in serving.seen] == ["chat", "tool", "chat"]
    assert serving.left == []
    assert len(server.requests) == requests == 2
