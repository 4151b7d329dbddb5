"""Every way of running a graph: a span made in a node's body hangs under that node's span, and nowhere else."""

import asyncio
import inspect
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import anyio
import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy

from otel_agent.codec import names
from tests.capture import graphs
from tests.capture.conftest import Watch

MODES = ["values", "updates", "debug", "messages", "custom", "checkpoints", "tasks", ["values", "updates"]]
V3 = "stream_events" in vars(__import__("langgraph.pregel", fromlist=["Pregel"]).Pregel)
THREAD = {"configurable": {"thread_id": "t"}}
FRESH: dict[str, Any] = {"log": []}
contextual_async = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="LangGraph itself cannot find its config in async tasks before Python 3.11"
)


def test_invoke(watch: Watch) -> None:
    """Nodes run one after the other and in LangGraph's thread pool keep their own span current."""
    graphs.line(watch.probe).invoke(FRESH)
    watch.check(graphs.LINE)


async def test_ainvoke(watch: Watch) -> None:
    """The same for coroutines."""
    await graphs.line(watch.probe, is_async=True).ainvoke(FRESH)
    watch.check(graphs.LINE)


async def test_sync_nodes_under_ainvoke(watch: Watch) -> None:
    """Sync nodes which `ainvoke` runs in an executor keep their span too."""
    await graphs.line(watch.probe).ainvoke(FRESH)
    watch.check(graphs.LINE)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_stream(watch: Watch, mode: Any) -> None:
    """In every stream mode the consumer sees no span of the graph between two items."""
    graph = graphs.line(watch.probe, checkpointer=InMemorySaver())
    for item in graph.stream(FRESH, THREAD, stream_mode=mode):
        watch.consume(item)
    watch.consume()
    watch.check(graphs.LINE)


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_astream(watch: Watch, mode: Any) -> None:
    """The same for `astream`."""
    graph = graphs.line(watch.probe, is_async=True, checkpointer=InMemorySaver())
    async for item in graph.astream(FRESH, THREAD, stream_mode=mode):
        watch.consume(item)
    watch.consume()
    watch.check(graphs.LINE)


async def test_astream_events(watch: Watch) -> None:
    """Version 2 of the event stream runs nodes by `astream`; they are recorded all the same, with their update."""
    async for event in graphs.line(watch.probe, is_async=True).astream_events(FRESH, version="v2"):
        watch.consume(event)
    watch.check(graphs.LINE)
    assert watch.node("a")[0].attributes[names.NODE_OUTPUT + ".json"] == '{"log":["a"]}'


@pytest.mark.skipif(not V3, reason="this LangGraph has no event stream version 3")
@pytest.mark.filterwarnings("ignore")
async def test_event_stream_version_3(watch: Watch) -> None:
    """Version 3 of the event stream, sync and async."""
    graph = graphs.line(watch.probe)
    for event in graph.stream_events(FRESH, version="v3"):
        watch.consume(event)
    watch.check(graphs.LINE)
    stream = await graph.astream_events(FRESH, version="v3")
    async for event in stream:
        watch.consume(event)
    watch.check(dict.fromkeys("abcd", 2))


def test_batch(watch: Watch) -> None:
    """A batch makes one run, and one trace, for each input."""
    graphs.line(watch.probe).batch([FRESH, FRESH, FRESH])
    watch.check(dict.fromkeys("abcd", 3))
    assert len({span.context.trace_id for span in watch.of("run")}) == 3


async def test_concurrent_runs_in_one_request(watch: Watch) -> None:
    """Twenty runs under one request span share its trace and nothing else."""
    graph = graphs.line(watch.probe, is_async=True)
    with watch.provider.get_tracer("app").start_as_current_span("request") as request:
        await asyncio.gather(*(graph.ainvoke(FRESH) for _ in range(20)))
    runs = watch.of("run")
    assert {run.parent.span_id for run in runs} == {request.get_span_context().span_id}
    assert len({run.attributes[names.RUN_ID] for run in runs}) == 20
    by_id = {span.context.span_id: span for span in watch.spans}
    for node in watch.of("node"):
        assert by_id[node.parent.span_id].attributes[names.RUN_ID] == node.attributes[names.RUN_ID]


def test_leaving_a_stream_early(watch: Watch) -> None:
    """A consumer who breaks off closes the run early, which is no error."""
    for item in graphs.line(watch.probe).stream(FRESH):
        watch.consume(item)
        break
    watch.consume()
    assert watch.root().attributes[names.RUN_STATUS] == "closed_early"
    assert watch.root().status.is_unset


async def test_leaving_an_async_stream_early(watch: Watch) -> None:
    """The same for `astream`, whose generator Python may finish in another task."""
    stream = graphs.line(watch.probe, is_async=True).astream(FRESH)
    async for item in stream:
        watch.consume(item)
        break
    await stream.aclose()
    watch.consume()
    assert watch.root().attributes[names.RUN_STATUS] == "closed_early"
    assert watch.root().status.is_unset


def test_closing_a_stream_from_another_thread(watch: Watch) -> None:
    """Contexts are never detached, so it does not matter who closes a stream."""
    stream = graphs.line(watch.probe).stream(FRESH)
    next(stream)
    thread = threading.Thread(target=stream.close)
    thread.start()
    thread.join()
    assert watch.root().attributes[names.RUN_STATUS] == "closed_early"


def test_a_stream_does_nothing_before_its_first_item(watch: Watch) -> None:
    """Recording keeps laziness: an unused stream leaves no span."""
    stream = graphs.line(watch.probe).stream(FRESH)
    del stream
    assert watch.spans == []


async def test_cancellation(watch: Watch) -> None:
    """A cancelled run and its nodes are errors of type CancelledError, in the fast path and in parallel."""

    async def wait(state: Any) -> Any:
        with watch.probe(str(state.get("n", "a"))):
            await asyncio.sleep(30)

    for width in (1, 2):
        builder = StateGraph(graphs.Log)
        for name in "ab"[:width]:
            builder.add_node(name, wait)
            builder.add_edge(START, name)
        running = asyncio.create_task(builder.compile(name="slow").ainvoke(FRESH))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert dict(watch.nodes()) == {"a": 2, "b": 1}
    for span in [*watch.node("a"), *watch.node("b"), *watch.of("run")]:
        assert span.attributes[names.ERROR_TYPE] == "asyncio.exceptions.CancelledError"
        assert not span.status.is_ok


async def test_wait_for(watch: Watch) -> None:
    """`asyncio.wait_for` around a run still works: the body stays in the caller's task."""
    await asyncio.wait_for(graphs.line(watch.probe, is_async=True).ainvoke(FRESH), 5)
    watch.check(graphs.LINE)


async def test_steps_in_separate_tasks(watch: Watch) -> None:
    """Each item of a stream may be asked for in a task of its own."""
    stream = graphs.line(watch.probe, is_async=True).astream(FRESH)
    while True:
        try:
            watch.consume(await asyncio.create_task(stream.__anext__()))
        except StopAsyncIteration:
            break
    watch.check(graphs.LINE)


async def test_anyio_task_group(watch: Watch) -> None:
    """anyio's cancel scopes and task groups keep working around and inside of nodes."""

    async def node(state: Any) -> Any:
        async def child() -> None:
            with watch.probe("a"):
                await anyio.sleep(0)

        async with anyio.create_task_group() as group:
            group.start_soon(child)
            group.start_soon(child)
        with anyio.move_on_after(0.01):
            await anyio.sleep(10)
        return {"log": ["a"]}

    builder = StateGraph(graphs.Log).add_node("a", node).add_edge(START, "a")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(builder.compile(name="one").ainvoke, FRESH)
            group.start_soon(builder.compile(name="one").ainvoke, FRESH)
    watch.check({"a": 2})


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_uvloop(watch: Watch) -> None:
    """uvloop drives the same coroutines."""
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        async for item in graphs.line(watch.probe, is_async=True).astream(FRESH):
            watch.consume(item)

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    watch.check(graphs.LINE)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_send_and_defer(watch: Watch, is_async: bool) -> None:
    """Each Send has a span and an address of its own; a deferred node comes once, last."""
    graph = graphs.fan(watch.probe, is_async=is_async)
    await graph.ainvoke(FRESH) if is_async else graph.invoke(FRESH)
    watch.check({"plan": 1, "worker": 3, "last": 1})
    assert {span.attributes[names.ADDRESS] for span in watch.node("worker")} == {
        f"/worker@2:send{i}#1" for i in range(3)
    }


def test_commands(watch: Watch) -> None:
    """goto, update and a command to the parent: no error anywhere, and the jump is recorded."""
    graphs.commands(watch.probe).invoke(FRESH)
    watch.check({"go": 1, "inner": 1, "leave": 1, "after": 1})
    assert all(span.status.is_unset for span in watch.spans)
    assert watch.node("inner")[0].attributes[names.NODE_STATUS] == "parent_command"
    assert "left" in watch.node("inner")[0].attributes[names.NODE_WRITES + ".json"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_subgraphs(watch: Watch, is_async: bool) -> None:
    """A subgraph as a node and one called twice in a body: runs nested in the run, addresses all different."""
    graph = graphs.nested(watch.probe, is_async=is_async)
    await graph.ainvoke(FRESH) if is_async else graph.invoke(FRESH)
    watch.check({"sub": 1, "calls": 1, "child": 3})
    assert len(watch.of("run")) == 4
    assert len({span.context.trace_id for span in watch.spans}) == 1


def test_streaming_subgraphs(watch: Watch) -> None:
    """`subgraphs=True` runs nodes with a waiter thread; nothing changes for the spans."""
    for item in graphs.nested(watch.probe).stream(FRESH, subgraphs=True):
        watch.consume(item)
    watch.check({"sub": 1, "calls": 1, "child": 3})


def test_functional_api(watch: Watch) -> None:
    """An entrypoint and its parallel tasks are node executions, each task with its own address."""
    assert graphs.functional(watch.probe).invoke(1) == 6
    watch.check({"flow": 1, "work": 2})


@contextual_async
async def test_async_functional_api(watch: Watch) -> None:
    """The same for coroutines."""
    assert await graphs.functional(watch.probe, is_async=True).ainvoke(1) == 6
    watch.check({"flow": 1, "work": 2})


def test_interrupt_and_resume(watch: Watch) -> None:
    """An interrupt is no error; the resume is a run of its own, links back, and says which node did not run again."""
    graph = graphs.approval(watch.probe, InMemorySaver())
    graph.invoke(FRESH, THREAD)
    first = watch.root()
    assert first.attributes[names.RUN_STATUS] == "interrupted"
    assert watch.node("ask")[0].attributes[names.NODE_STATUS] == "interrupted"
    assert all(span.status.is_unset for span in (*watch.of("run"), *watch.of("node")))
    graph.invoke(Command(resume="yes"), THREAD)
    watch.check({"ask": 2, "sibling": 2, "end": 1})
    second = next(run for run in watch.of("run") if run.context.trace_id != first.context.trace_id)
    assert [link.context.trace_id for link in second.links] == [first.context.trace_id]
    assert [link.attributes[names.RUN_LINK] for link in second.links] == ["resume"]
    assert [span.attributes[names.NODE_STATUS] for span in watch.node("sibling")] == ["completed", "resumed"]


def test_breakpoint(watch: Watch) -> None:
    """A static breakpoint interrupts a run just as `interrupt()` does."""
    graph = graphs.line(watch.probe, checkpointer=InMemorySaver(), interrupt_before=["d"])
    graph.invoke(FRESH, THREAD)
    assert watch.root().attributes[names.RUN_STATUS] == "interrupted"
    watch.check({"a": 1, "b": 1, "c": 1})


def test_next_turn_and_time_travel(watch: Watch) -> None:
    """A next turn continues, an old checkpoint forks; both link to the run that made the checkpoint."""
    graph = graphs.line(watch.probe, checkpointer=InMemorySaver())
    graph.invoke(FRESH, THREAD)
    made_by = watch.root().context.trace_id
    past = next(state for state in graph.get_state_history(THREAD) if state.next == ("d",))
    graph.invoke(FRESH, THREAD)
    graph.invoke(None, past.config)
    kinds = {link.attributes[names.RUN_LINK] for run in watch.of("run") for link in run.links}
    assert kinds == {"continue", "fork"}
    assert {link.context.trace_id for run in watch.of("run") for link in run.links} == {made_by}
    watch.check({"a": 2, "b": 2, "c": 2, "d": 3})


async def test_update_state(watch: Watch) -> None:
    """A change of a thread's state from outside leaves a span of its own, sync and async."""
    graph = graphs.line(watch.probe, checkpointer=InMemorySaver())
    graph.update_state(THREAD, {"log": ["x"]})
    await graph.aupdate_state(THREAD, {"log": ["y"]}, as_node="a")
    assert [run.attributes[names.RUN_METHOD] for run in watch.of("run")] == ["update_state", "update_state"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_retry(watch: Watch, is_async: bool) -> None:
    """Each attempt has its span and its number; only the failed ones are errors."""
    outcomes = iter([ValueError("once"), ValueError("twice"), None])

    def then() -> Any:
        if (error := next(outcomes)) is not None:
            raise error
        return {"log": ["a"]}

    policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False, retry_on=ValueError)
    graph = graphs.one(watch.probe, is_async=is_async, then=then, node_options={"retry_policy": policy})
    await graph.ainvoke(FRESH) if is_async else graph.invoke(FRESH)
    watch.check({"a": 3})
    assert [span.attributes[names.NODE_ATTEMPT] for span in watch.node("a")] == [1, 2, 3]
    assert [span.attributes.get(names.ERROR_TYPE) for span in watch.node("a")] == ["ValueError", "ValueError", None]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_cache(watch: Watch, is_async: bool) -> None:
    """A node-cache hit leaves a span that says so, with what the cache wrote."""
    options = {"cache_policy": CachePolicy()}
    graph = graphs.one(watch.probe, is_async=is_async, node_options=options, cache=InMemoryCache())
    for _ in range(2):
        await graph.ainvoke(FRESH) if is_async else graph.invoke(FRESH)
    watch.check({"a": 2})
    first, second = watch.node("a")
    assert [span.attributes[names.NODE_STATUS] for span in (first, second)] == ["completed", "cached"]
    assert first.attributes[names.NODE_OUTPUT + ".digest"] == second.attributes[names.NODE_OUTPUT + ".digest"]


@contextual_async
async def test_timeout(watch: Watch) -> None:
    """A node that ran out of time is an error of LangGraph's own type, in each attempt."""
    pytest.importorskip("langgraph.types")
    if not hasattr(__import__("langgraph.types", fromlist=["x"]), "TimeoutPolicy"):
        pytest.skip("this LangGraph has no node timeouts")

    async def node(state: Any) -> Any:
        with watch.probe("a"):
            await asyncio.sleep(30)

    policy = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False, retry_on=Exception)
    builder = StateGraph(graphs.Log).add_node("a", node, timeout=0.02, retry_policy=policy).add_edge(START, "a")
    with pytest.raises(Exception, match="a"):
        await builder.compile(name="one").ainvoke(FRESH)
    await asyncio.sleep(0.01)
    assert dict(watch.nodes()) == {"a": 2}
    for span in watch.node("a"):
        assert span.attributes[names.NODE_STATUS] == "timeout"
        assert span.attributes[names.ERROR_TYPE] == "langgraph.errors.NodeTimeoutError"


@pytest.mark.parametrize("parallel", [False, True], ids=["alone", "parallel"])
def test_exception(watch: Watch, parallel: bool) -> None:
    """An exception is an error with its type on the node and on the run, and reaches the caller unchanged."""
    error = ValueError("boom")

    def then() -> Any:
        raise error

    builder = StateGraph(graphs.Log).add_node("a", graphs.body(watch.probe, "a", then=then)).add_edge(START, "a")
    if parallel:
        builder.add_node("b", graphs.body(watch.probe, "b")).add_edge(START, "b")
    with pytest.raises(ValueError, match="boom") as caught:
        builder.compile(name="g").invoke(FRESH)
    assert caught.value is error
    watch.check({"a": 1, "b": 1} if parallel else {"a": 1})
    for span in (*watch.node("a"), watch.root()):
        assert span.attributes[names.ERROR_TYPE] == "ValueError"
        assert [event.name for event in span.events] == ["exception"]


def test_error_handler(watch: Watch) -> None:
    """A node's error handler is an execution of its own; the run completes."""

    def then() -> Any:
        raise ValueError("boom")

    if "error_handler" not in inspect.signature(StateGraph.add_node).parameters:
        pytest.skip("this LangGraph has no node error handlers")
    builder = StateGraph(graphs.Log)
    builder.add_node("a", graphs.body(watch.probe, "a", then=then), error_handler=lambda _state: {"log": ["saved"]})
    builder.add_edge(START, "a")
    assert builder.compile(name="g").invoke(FRESH)["log"] == ["saved"]
    assert watch.root().attributes[names.RUN_STATUS] == "completed"
    assert sum(watch.nodes().values()) == 2


@pytest.mark.parametrize("pool", [ContextThreadPoolExecutor, ThreadPoolExecutor], ids=["context", "plain"])
def test_threads_of_the_application(watch: Watch, pool: Any) -> None:
    """Threads that copy the context see the node's span; a graph run in a plain one finds its node by the config."""
    child = graphs.one(watch.probe, "child")

    def node(state: Any, config: RunnableConfig) -> Any:
        with pool(2) as executor:
            if pool is ThreadPoolExecutor:
                list(executor.map(lambda _: child.invoke({"log": []}, config), range(2)))
            else:
                list(executor.map(lambda _: child.invoke({"log": []}), range(2)))
        return {"log": ["threads"]}

    builder = StateGraph(graphs.Log).add_node("threads", node).add_edge(START, "threads")
    builder.compile(name="g").invoke(FRESH)
    watch.check({"threads": 1, "child": 2})
    assert len({span.context.trace_id for span in watch.spans}) == 1


def test_work_in_a_copied_context(watch: Watch) -> None:
    """`contextvars.copy_context` in a node carries the node's span, as it does for any OpenTelemetry span."""

    def node(state: Any) -> Any:
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(_open_probe, watch))
        thread.start()
        thread.join()
        return {"log": ["a"]}

    StateGraph(graphs.Log).add_node("a", node).add_edge(START, "a").compile(name="g").invoke(FRESH)
    watch.check({"a": 1})


def _open_probe(watch: Watch) -> None:
    with watch.probe("a"):
        pass


def test_an_unsampled_run_records_nothing_and_costs_no_encoding(watch: Watch) -> None:
    """Under a sampler that says no there is no span, and nothing is serialised for it."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    from otel_agent.boundary.crossing import set_process_handler
    from otel_agent.capture.recorder import Recorder

    provider = TracerProvider(sampler=ALWAYS_OFF)
    set_process_handler(Recorder(provider))

    class Unreadable:
        def __reduce__(self) -> Any:
            raise AssertionError("it was serialised")

        __repr__ = __reduce__

    graphs.one(watch.probe).invoke({"log": [], "n": Unreadable()})
    assert watch.of("run") == []
    provider.shutdown()
