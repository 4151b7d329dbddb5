from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models.fake import FakeListLLM, FakeStreamingListLLM
from langchain_core.language_models.llms import LLM
from pydantic import Field

from otel_agent.boundary.install import install, uninstall
from otel_agent.codec import names
from otel_agent.model.effect import Raised
from tests.boundary.handlers import Recording, Serving


class Own(LLM):
    """Writes only `_call`."""

    calls: list[str] = Field(default_factory=list)
    fail: bool = False

    @property
    def _llm_type(self) -> str:
        return "own"

    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        self.calls.append(prompt)
        if self.fail:
            raise RuntimeError("no")
        return prompt[::-1]


class Wrapping(Own):
    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        return super()._generate(*args, **kwargs)


async def invoke(model: Any) -> str:
    return model.invoke("abc")


async def ainvoke(model: Any) -> str:
    return await model.ainvoke("abc")


async def stream(model: Any) -> str:
    return "".join(model.stream("abc"))


async def astream(model: Any) -> str:
    return "".join([chunk async for chunk in model.astream("abc")])


WAYS = (invoke, ainvoke, stream, astream)


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("recorded", WAYS)
@pytest.mark.parametrize("make", [Own, Wrapping, lambda **_: FakeStreamingListLLM(responses=["x y z"])])
async def test_each_call_is_one_crossing_and_is_served(handled, make: Any, recorded: Any, asked: Any) -> None:
    """A text model is recorded once, whatever it defines, and answers any way of asking."""
    with handled(Recording()) as recording:
        first = await recorded(make(calls=[]))
    model = make(calls=[])
    with handled(Serving(recording)):
        second = await asked(model)

    assert len(recording.seen) == 1
    assert recording.seen[0].crossing.kind == "llm"
    assert first == second
    assert getattr(model, "calls", []) == []


async def test_exceptions_are_recorded_and_served(handled) -> None:
    """A call that failed fails again."""
    with handled(Recording()) as recording, pytest.raises(RuntimeError):
        Own(fail=True).invoke("abc")
    assert isinstance(recording.seen[0].outcome, Raised)
    with handled(Serving(recording)), pytest.raises(RuntimeError):
        await Own(calls=[]).ainvoke("abc")


async def test_several_prompts_are_one_call(handled) -> None:
    """`generate` with several prompts asks the provider once; so does the record."""
    with handled(Recording()) as recording:
        first = Own().generate(["ab", "cd"])
    with handled(Serving(recording)):
        second = Own().generate(["ab", "cd"])

    assert [one[0].text for one in first.generations] == [one[0].text for one in second.generations] == ["ba", "dc"]
    assert recording.seen[0].crossing.request["prompts"] == ["ab", "cd"]
    assert recording.seen[0].attributes[names.OPERATION] == "text_completion"
    assert recording.seen[0].attributes[names.OUTPUT_MESSAGES].startswith('[{"role":"assistant"')


def test_identities_come_back() -> None:
    """After uninstall the classes have the methods they had."""
    before = (LLM._generate, LLM._agenerate, FakeListLLM._call, FakeStreamingListLLM._stream)
    install({"llm"})
    assert LLM._generate is not before[0]
    assert FakeListLLM._call is before[2]
    uninstall({"llm"})

    assert (LLM._generate, LLM._agenerate, FakeListLLM._call, FakeStreamingListLLM._stream) == before
