"""The front door: what `instrument`, `record_run`, `audited` and `current_run_id` promise."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.pregel import Pregel, _retry, _runner
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_agent
from otel_agent.boundary.crossing import handler_in_force
from otel_agent.capture import instrumentor
from otel_agent.codec import names
from otel_agent.errors import ConfigurationError
from tests.capture import graphs
from tests.capture.conftest import Watch

PATCHED = [(Pregel, "stream"), (Pregel, "astream"), (_runner, "run_with_retry"), (_retry, "arun_with_retry")]


@pytest.fixture
def memory() -> Any:
    """An SDK provider of the application's, with what arrived in it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    otel_agent.uninstrument() if handler_in_force() is not None else None
    provider.shutdown()


def run(**state: Any) -> Any:
    return graphs.one(lambda _name: trace.use_span(trace.INVALID_SPAN)).invoke({"log": [], **state})


def test_uninstrument_restores_identity(memory: Any) -> None:
    """After `uninstrument` every patched name is the very object that was there before."""
    before = [vars(owner)[name] for owner, name in PATCHED]
    otel_agent.instrument(tracer_provider=memory[0])
    assert all(vars(owner)[name] is not was for (owner, name), was in zip(PATCHED, before, strict=True))
    otel_agent.uninstrument()
    assert all(vars(owner)[name] is was for (owner, name), was in zip(PATCHED, before, strict=True))
    run()
    assert memory[1].get_finished_spans() == ()


def test_the_given_provider_and_the_current_parent_are_used(memory: Any) -> None:
    """Spans go to the application's provider, and the run's trace is the request's trace."""
    provider, exporter = memory
    otel_agent.instrument(tracer_provider=provider)
    with provider.get_tracer("app").start_as_current_span("request"):
        run()
    spans = exporter.get_finished_spans()
    assert len({span.context.trace_id for span in spans}) == 1
    request = next(span for span in spans if span.name == "request")
    root = next(span for span in spans if span.name == "invoke_workflow one")
    assert root.parent.span_id == request.context.span_id


def test_current_run_id(memory: Any) -> None:
    """It is the id of the run in force inside of one, and of the last one after it."""
    otel_agent.instrument(tracer_provider=memory[0])
    seen = []
    graphs.one(
        lambda _name: trace.use_span(trace.INVALID_SPAN), then=lambda: seen.append(otel_agent.current_run_id())
    ).invoke({"log": []})
    root = memory[1].get_finished_spans()[-1]
    expected = f"{root.context.trace_id:032x}-{root.context.span_id:016x}"
    assert seen == [expected]
    assert otel_agent.current_run_id() == expected


def test_metadata_only(memory: Any) -> None:
    """With ``content="metadata"`` no value leaves the process, only digests and sizes."""
    otel_agent.instrument(tracer_provider=memory[0], content="metadata")
    with pytest.raises(ValueError, match="hush"):
        graphs.one(
            lambda _name: trace.use_span(trace.INVALID_SPAN), then=lambda: (_ for _ in ()).throw(ValueError("hush"))
        ).invoke({"log": ["hush hush"]})
    spans = memory[1].get_finished_spans()
    assert "hush" not in "".join(span.to_json() for span in spans)
    assert all(span.attributes[names.NODE_INPUT + ".digest"] for span in spans if names.NODE_NAME in span.attributes)
    assert spans[-1].attributes[names.REPLAYABLE] is False


@pytest.mark.parametrize(("value", "expected"), [("NO_CONTENT", False), ("SPAN_ONLY", True), ("", True)])
def test_the_standard_variable_turns_content_off(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    """``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` decides where no argument does."""
    monkeypatch.setenv(instrumentor.CONTENT_VARIABLE, value)
    assert instrumentor.content_wanted(None) is expected
    assert instrumentor.content_wanted("full") is True


def test_a_wrong_setting_is_said() -> None:
    """A misspelt content setting is refused, with what would do."""
    with pytest.raises(ConfigurationError, match="'full' or 'metadata'"):
        instrumentor.content_wanted("all")


def test_another_instrumentation_is_noticed(
    memory: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A second instrumentation of LangChain at work in the process is said at install."""

    class LangChainInstrumentor:
        is_instrumented_by_opentelemetry = True

    module = type(sys)("openinference.instrumentation.langchain")
    module.LangChainInstrumentor = LangChainInstrumentor
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with caplog.at_level(logging.WARNING, "otel_agent"):
        otel_agent.instrument(tracer_provider=memory[0])
    assert "OpenInference also instruments LangChain" in caplog.text


def test_secrets_do_not_leave(memory: Any) -> None:
    """Keys and tokens in state, in exceptions and in their tracebacks are replaced before they reach a span."""
    secret = "sk-proj-" + "a1B2" * 10

    def then() -> Any:
        raise ValueError(f"refused {secret}")

    otel_agent.instrument(tracer_provider=memory[0])
    with pytest.raises(ValueError, match="refused"):
        graphs.one(lambda _name: trace.use_span(trace.INVALID_SPAN), then=then).invoke({"log": [f"Bearer {secret}"]})
    everything = "".join(span.to_json() for span in memory[1].get_finished_spans())
    assert secret not in everything
    assert "[redacted:" in everything


def test_recording_fails_open(watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An error of ours never reaches the application: it is counted, the run is marked, and it is said once."""
    from otel_agent.codec import Encoder

    def broken(self: Any, value: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(Encoder, "encode", broken)
    assert run()["log"] == ["a"]
    monkeypatch.undo()
    assert "recording failed" in caplog.text
    caplog.clear()


def test_a_lone_surrogate_does_not_lose_the_trace(watch: Watch) -> None:
    """Text that UTF-8 cannot carry, in values and in messages of exceptions, is recorded and exported."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    def then() -> Any:
        raise ValueError("bad \ud800 text")

    with pytest.raises(ValueError, match="bad"):
        graphs.one(watch.probe, then=then).invoke({"log": ["\ud800"]})
    assert encode_spans(watch.of("run") + watch.of("node")).SerializeToString()


def test_trace_policy_is_honoured(watch: Watch) -> None:
    """What a node's `TracePolicy` hides from tracers is hidden from us, its writes too."""
    types = pytest.importorskip("langgraph.types")
    if not hasattr(types, "TracePolicy"):
        pytest.skip("this LangGraph has no TracePolicy")
    policy = types.TracePolicy(process_inputs=types.omit_payload, process_outputs=types.omit_payload)
    graphs.one(watch.probe, then=lambda: {"log": ["out"]}, node_options={"trace_policy": policy}).invoke(
        {"log": ["in"]}
    )
    (node,) = watch.node("a")
    assert node.attributes[names.NODE_INPUT + ".json"] == "{}"
    assert node.attributes[names.NODE_OUTPUT + ".json"] == "{}"
    assert names.NODE_WRITES + ".json" not in node.attributes


def test_record_run_writes_one_file(tmp_path: Path) -> None:
    """One block, one file, the run's id; no collector and no `instrument`."""
    path = tmp_path / "run.json"
    with otel_agent.record_run(path, attributes={"role": "analyst"}) as recording:
        run()
    loaded = otel_agent.load_run(path)
    assert loaded.run_id == recording.run_id
    assert loaded.attributes["role"] == "analyst"
    assert loaded.problems == ()
    assert loaded.nodes[0].output == {"log": ["a"]}
    assert handler_in_force() is None


def test_record_run_writes_a_failed_run(tmp_path: Path) -> None:
    """A run that raised is in the file, with its error; the exception is the application's to handle."""
    path = tmp_path / "run.json"

    def then() -> Any:
        raise KeyError("gone")

    with pytest.raises(KeyError), otel_agent.record_run(path):
        graphs.one(lambda _name: trace.use_span(trace.INVALID_SPAN), then=then).invoke({"log": []})
    loaded = otel_agent.load_run(path)
    assert loaded.status == "failed"
    assert isinstance(loaded.error, KeyError)
    assert loaded.error.args == ("gone",)


def test_record_run_without_a_run_is_said(tmp_path: Path) -> None:
    """A block in which nothing ran is an error, not an empty file."""
    with pytest.raises(ConfigurationError, match="no run was made"), otel_agent.record_run(tmp_path / "run.json"):
        pass
    assert not (tmp_path / "run.json").exists()


def test_messages_come_back_with_their_types(tmp_path: Path) -> None:
    """Inputs and outputs of a message graph come back equal, as the same classes, ids included."""

    def answer(state: MessagesState) -> Any:
        return {
            "messages": [
                AIMessage("hello", id="a1", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
            ]
        }

    graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer").compile()
    with otel_agent.record_run(tmp_path / "run.json"):
        result = graph.invoke({"messages": [HumanMessage("hi")]})
    loaded = otel_agent.load_run(tmp_path / "run.json")
    assert loaded.output == result
    assert [type(message) for message in loaded.output["messages"]] == [HumanMessage, AIMessage]


def test_audited_outside_of_a_graph(watch: Watch) -> None:
    """Any callable becomes a node of a run of its own; arguments and result are recorded."""

    def decide(query: str, limit: int = 3) -> str:
        return query * limit

    recorded = otel_agent.audited("decide", decide)
    assert recorded("ab", limit=2) == "abab"
    (node,) = watch.node("decide")
    assert node.attributes[names.NODE_OUTPUT + ".json"] == '"abab"'
    assert json.loads(node.attributes[names.NODE_INPUT + ".json"]) == {"query": "ab", "limit": 2}
    assert watch.root().name == "invoke_workflow decide"


async def test_audited_coroutine(watch: Watch) -> None:
    """Coroutine functions stay coroutine functions."""

    async def decide(query: str) -> str:
        return query

    recorded = otel_agent.audited("decide", decide)
    assert await recorded("ab") == "ab"
    assert len(watch.node("decide")) == 1


def test_audited_inside_of_a_graph(watch: Watch) -> None:
    """As the body of a node of the same name it is that node; under another name it is one inside of it."""
    same = otel_agent.audited("a", lambda state: {"log": ["a"]})
    StateGraph(graphs.Log).add_node("a", same).add_edge(START, "a").compile(name="g").invoke({"log": []})
    assert dict(watch.nodes()) == {"a": 1}
    other = otel_agent.audited("inner", lambda state: {"log": ["a"]})
    StateGraph(graphs.Log).add_node("b", other).add_edge(START, "b").compile(name="g").invoke({"log": []})
    assert dict(watch.nodes()) == {"a": 1, "b": 1, "inner": 1}


ZERO_CODE = """
from langgraph.graph import START, StateGraph
from typing import TypedDict
class S(TypedDict):
    n: int
graph = StateGraph(S).add_node("a", lambda s: {"n": s["n"] + 1}).add_edge(START, "a").compile(name="zero")
print(graph.invoke({"n": 1}))
"""


def test_no_code_at_all(tmp_path: Path) -> None:
    """`opentelemetry-instrument` alone records a run, here into the local journal."""
    script = tmp_path / "app.py"
    script.write_text(ZERO_CODE)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    environment["OTEL_AGENT_TRACES_DIR"] = str(tmp_path / "traces")
    command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "{'n': 2}"
    loaded = otel_agent.load_run(tmp_path / "traces")
    assert (loaded.name, loaded.output, loaded.problems) == ("zero", {"n": 2}, ())


def test_what_the_application_adds_to_the_current_span_keeps_the_seal(tmp_path: Path) -> None:
    """Attributes and exceptions that a node's body records on its span are no alteration of the record."""

    def then() -> Any:
        span = trace.get_current_span()
        span.set_attributes({"tenant": "acme", "gen_ai.custom": "x"})
        span.record_exception(ValueError("handled"))
        return {"log": ["a"]}

    with otel_agent.record_run(tmp_path / "run.json"):
        graphs.one(lambda _name: trace.use_span(trace.get_current_span()), then=then).invoke({"log": []})
    loaded = otel_agent.load_run(tmp_path / "run.json")
    assert loaded.problems == ()
    assert loaded.nodes[0].attributes["tenant"] == "acme"


def test_a_message_changed_by_a_reducer_is_seen_as_new(tmp_path: Path) -> None:
    """The id that `add_messages` writes into a message, after the node that made it, is in the next node's input."""

    def first(state: MessagesState) -> Any:
        return {"messages": [AIMessage("x" * 300)]}

    seen = []

    def second(state: MessagesState) -> Any:
        seen.append(state["messages"][-1].id)
        return {}

    builder = StateGraph(MessagesState).add_node("first", first).add_node("second", second)
    graph = builder.add_edge(START, "first").add_edge("first", "second").compile()
    with otel_agent.record_run(tmp_path / "run.json"):
        graph.invoke({"messages": []})
    loaded = otel_agent.load_run(tmp_path / "run.json")
    assert loaded.nodes[0].output["messages"][0].id is None
    assert [message.id for message in loaded.nodes[1].input["messages"]] == seen


def test_a_killed_run_keeps_what_its_ended_nodes_hold(tmp_path: Path) -> None:
    """No ended node refers to the run's own span, which a killed process never ends."""
    with otel_agent.record_run(tmp_path / "run.json"):
        graphs.line(lambda _name: trace.use_span(trace.get_current_span())).invoke({"log": ["x" * 400]})
    spans = [
        span for span in otel_agent.load_run(tmp_path / "run.json").spans if names.RECORD_FORMAT not in span.attributes
    ]
    from otel_agent.rebuild import rebuild_run

    cut = rebuild_run(spans)
    assert cut.status == "unfinished"
    assert cut.nodes[-1].input["log"][0] == "x" * 400
