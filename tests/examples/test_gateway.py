"""The gateway over HTTP, with a scripted model behind HTTP as well."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from examples.gateway.graph import MAX_RAG_CALLS, build_graph
from examples.gateway.knowledge import Knowledge
from otel_agent.codec import names
from otel_agent.read import read_spans
from otel_agent.rebuild import rebuild_run
from tests.examples.conftest import REFUSED, ROOT, Gateway, ScriptedModel

QUESTION = {"query": "What is a run?", "role": "analyst"}


@pytest.fixture(scope="module")
def answer(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.post(f"{gateway.url}/ask", json=QUESTION).raise_for_status().json()
    return found


def test_ask_answers_with_the_run_id(answer: dict[str, Any]) -> None:
    """The answer is the run id and the model's words, and nothing else."""
    assert set(answer) == {"run_id", "answer"}
    assert re.fullmatch(r"[0-9a-f]{32}-[0-9a-f]{16}", answer["run_id"])
    assert answer["answer"].startswith("answer ")


def test_runs_are_listed_and_found(gateway: Gateway, answer: dict[str, Any]) -> None:
    """`GET /runs` holds the run, and `GET /runs/{run_id}` is that line of it."""
    listed = httpx.get(f"{gateway.url}/runs").json()
    found = httpx.get(f"{gateway.url}/runs/{answer['run_id']}").json()

    assert found in listed
    assert found.items() >= {**QUESTION, **answer}.items()
    assert 1 <= found["rag_calls"] <= MAX_RAG_CALLS


def test_unknown_run_is_404(gateway: Gateway) -> None:
    """A run id that nobody made is not found."""
    assert httpx.get(f"{gateway.url}/runs/nobody").status_code == 404


@pytest.mark.parametrize("question", [{"query": "", "role": "reader"}, {"query": "x", "role": "root"}, {}])
def test_bad_question_is_refused(gateway: Gateway, question: dict[str, str]) -> None:
    """An empty query and an unknown role never reach the agent."""
    assert httpx.post(f"{gateway.url}/ask", json=question).status_code == 422


def test_model_that_refuses(gateway: Gateway) -> None:
    """What the model's endpoint refuses is a 502 with the run id, and the run is recorded as failed."""
    refused = httpx.post(f"{gateway.url}/ask", json={"query": REFUSED, "role": "reader"})
    run = rebuild_run(read_spans(gateway.traces), refused.json()["run_id"])

    assert refused.status_code == 502
    assert (run.status, run.problems) == ("failed", ())
    assert "400" in str(run.error)


def test_request_and_run_are_one_trace(gateway: Gateway, answer: dict[str, Any]) -> None:
    """FastAPI's server span is the run's parent, and the record is whole."""
    spans = read_spans(gateway.traces)
    run = rebuild_run(spans, answer["run_id"])
    parent = next(span for span in spans if span.span_id == run.parent_span_id)

    assert (parent.kind, parent.trace_id) == ("server", run.trace_id)
    assert parent.name == "POST /ask"
    assert run.problems == ()
    assert run.replayable, run.reasons
    assert run.attributes[names.RUN_ASYNC] is True


def test_nodes_and_effects(gateway: Gateway, answer: dict[str, Any]) -> None:
    """decide, two workers at the same time, decide, final; the model, the retriever and the tool beneath them."""
    run = rebuild_run(read_spans(gateway.traces), answer["run_id"])
    workers = [node for node in run.nodes if node.name == "rag"]

    assert run.nodes[0].name == "decide"
    assert run.nodes[-1].name == "final"
    assert len({worker.step for worker in workers}) * 2 == len(workers)
    assert {effect.kind for effect in run.effects} == {"chat", "retriever", "tool"}
    assert run.output["answer"] == answer["answer"]


async def test_loop_limit(scripted_model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """`decide` sends back to `rag` while too little is found, and stops at the limit."""
    monkeypatch.setenv("OPENAI_BASE_URL", scripted_model.url)
    found = await build_graph(knowledge=Knowledge(tmp_path)).ainvoke({"query": "anything", "role": "reader"})

    assert found["rag_calls"] == MAX_RAG_CALLS


def test_little_of_ours_is_in_it() -> None:
    """The example's code holds one line of set-up and the run id, and nothing else of ours."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "gateway").glob("*.py"))

    assert set(re.findall(r"otel_agent\.(\w+)", source)) == {"instrument", "current_run_id"}
    assert source.count("otel_agent.instrument()") == 1
