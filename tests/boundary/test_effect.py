from __future__ import annotations

import inspect
from typing import Any

import pytest

from otel_agent.boundary.effect import effect
from otel_agent.errors import NotReplayable
from otel_agent.model.effect import Raised, Returned
from tests.boundary.handlers import Recording, Serving

RAN: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def plain(a: int, *more: int, b: int = 2, **rest: int) -> list[int]:
    """Say something."""
    RAN.append(a)
    return [a, b]


async def coroutine(a: int) -> list[int]:
    RAN.append(a)
    return [a]


def generator(a: int) -> Any:
    RAN.append(a)
    got = yield a
    yield got
    return "done"


async def agenerator(a: int) -> Any:
    RAN.append(a)
    yield a
    yield a + 1


class Service:
    @effect
    def ask(self, what: str) -> str:
        RAN.append(what)
        return what.upper()

    @effect
    async def aask(self, what: str) -> str:
        RAN.append(what)
        return what.upper()

    @effect
    @classmethod
    def of_class(cls, what: str) -> str:
        RAN.append(what)
        return f"{cls.__name__} {what}"

    @effect
    @staticmethod
    def static(what: str) -> str:
        RAN.append(what)
        return what


FUNCTIONS = (plain, coroutine, generator, agenerator)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_inspected_stays(function: Any) -> None:
    """Name, docstring, signature and kind of function are those of the function."""
    wrapped = effect(function)

    for look in (
        inspect.signature,
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ):
        assert look(wrapped) == look(function)
    assert (wrapped.__name__, wrapped.__doc__, wrapped.__wrapped__) == (function.__name__, function.__doc__, function)


async def run(wrapped: dict[str, Any]) -> list[Any]:
    one = wrapped["plain"](1, 5, b=3, c=4)
    two = await wrapped["coroutine"](2)
    steps = wrapped["generator"](3)
    three = [next(steps), steps.send("sent")]
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    four = [item async for item in wrapped["agenerator"](4)]
    return [one, two, three, stopped.value.value, four]


async def test_all_kinds_of_functions_are_recorded_and_served(handled) -> None:
    """What was returned, yielded and raised comes back without the function running."""
    wrapped = {function.__name__: effect(function) for function in FUNCTIONS}
    with handled(Recording()) as recording:
        first = await run(wrapped)
    ran = list(RAN)
    with handled(Serving(recording)):
        second = await run(wrapped)

    assert first == second == [[1, 3], [2], [3, "sent"], "done", [4, 5]]
    assert ran == RAN == [1, 2, 3, 4]
    assert recording.seen[0].crossing.request == {"a": 1, "more": (5,), "b": 3, "rest": {"c": 4}}
    assert [seen.crossing.name for seen in recording.seen] == ["plain", "coroutine", "generator", "agenerator"]


async def test_methods_are_asked_without_self(handled) -> None:
    """The object is not part of what is asked; its class is part of the name."""
    service = Service()

    async def run_all() -> list[str]:
        return [
            service.ask("a"),
            await service.aask("b"),
            Service.of_class("c"),
            service.of_class("c2"),
            service.static("d"),
        ]

    with handled(Recording()) as recording:
        first = await run_all()
    with handled(Serving(recording)):
        second = await run_all()

    assert first == second
    assert RAN == ["a", "b", "c", "c2", "d"]
    assert [seen.crossing.name for seen in recording.seen][:2] == ["Service.ask", "Service.aask"]
    assert [seen.crossing.request for seen in recording.seen][:3] == [{"what": "a"}, {"what": "b"}, {"what": "c"}]


async def test_a_name_can_be_given(handled) -> None:
    """`@effect(name=...)` keeps the record's name when the function is renamed."""
    with handled(Recording()) as recording:
        effect(name="clock")(plain)(1)

    assert recording.seen[0].crossing.name == "clock"


async def test_arguments_may_have_any_name(handled) -> None:
    """No argument of the function is taken for one of ours."""

    @effect
    def odd(crossing: int, body: int, serve: int, self_: int = 0) -> int:
        return crossing + body + serve

    with handled(Recording()):
        assert odd(crossing=1, body=2, serve=3) == 6


async def test_exceptions_are_recorded_and_served(handled) -> None:
    """A function that failed fails again; wrong arguments are its own complaint."""

    @effect
    def failing() -> None:
        RAN.append(1)
        raise LookupError("gone")

    with handled(Recording()) as recording:
        with pytest.raises(LookupError):
            failing()
        with pytest.raises(TypeError):
            failing(1)
    with handled(Serving(recording)), pytest.raises(LookupError, match="gone"):
        failing()

    assert RAN == [1]
    assert [type(seen.outcome) for seen in recording.seen] == [Raised]
    assert recording.lost_ones == []


async def test_a_stream_closed_early_gives_no_more_than_was_recorded(handled) -> None:
    """Asked for more than was recorded, a served stream refuses."""
    numbers = effect(generator)
    with handled(Recording()) as recording:
        steps = numbers(1)
        next(steps)
        steps.close()
    with handled(Serving(recording)):
        steps = numbers(1)
        assert next(steps) == 1
        with pytest.raises(NotReplayable):
            next(steps)


async def test_a_built_in_function_can_be_an_effect(handled) -> None:
    """Functions without a signature are asked with their arguments as they are."""
    with handled(Recording()) as recording:
        first = effect(max)(1, 2)
    with handled(Serving(recording)):
        assert effect(max)(1, 2) == first == 2

    assert recording.seen[0].outcome == Returned(2)


async def test_without_a_handler_it_is_the_function() -> None:
    """Outside of a run nothing is recorded and everything works."""
    wrapped = {function.__name__: effect(function) for function in FUNCTIONS}

    assert await run(wrapped) == [[1, 3], [2], [3, "sent"], "done", [4, 5]]
