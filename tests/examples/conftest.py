"""A model that answers from a script, over real HTTP, and the gateway as a real process."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from otel_agent.cli.servers import served

REFUSED = "What must not be asked?"
"""A question that the model's endpoint refuses."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class ScriptedModel:
    """An OpenAI-compatible endpoint whose every answer is another one."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="session")
def scripted_model() -> Iterator[ScriptedModel]:
    model, numbers = ScriptedModel(), itertools.count(1)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            if REFUSED in str(model.asked[-1]):
                self.send_error(400)
                return
            message = {"role": "assistant", "content": f"answer {next(numbers)}"}
            usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            body = json.dumps(
                {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted"}
                | {"choices": choices, "usage": usage}
            ).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield model
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class Gateway:
    """A running gateway, and where its traces go."""

    url: str
    traces: Path


@pytest.fixture(scope="session")
def gateway(scripted_model: ScriptedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENAI_"))}
    env |= {"OPENAI_BASE_URL": scripted_model.url, "OTEL_AGENT_TRACES_DIR": str(folder / "traces")}
    module = ("uvicorn", "examples.gateway.app:app", "--host", "127.0.0.1", "--port", "0")
    with served("gateway", module, "Uvicorn running on", folder / "gateway.log", ROOT, env) as server:
        yield Gateway(server.url, folder / "traces")
