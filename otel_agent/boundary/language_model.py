"""Text-completing models (the older ``BaseLLM``): their four provider methods, wherever a class defines them.

Depends on langchain_core/language_models/llms.py (1.0 - 1.7): everything ends in ``_generate``, ``_agenerate``,
``_stream`` or ``_astream``. ``LLM``, the helper class whose subclasses write only ``_call``, defines the first two for
them; it counts as a class like any other, so each of its subclasses is recorded once, there, and never at ``_call``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.language_models.llms import BaseLLM
from langchain_core.outputs import Generation, GenerationChunk, LLMResult

from otel_agent.boundary.crossing import Answer, Crossing, unwrap
from otel_agent.boundary.params import model_name, model_params
from otel_agent.boundary.patch import Patches
from otel_agent.boundary.seam import Asked, Seam, astreamed, awaited, plain, refuse_cut, streamed
from otel_agent.boundary.semconv import Said, describe_llm, input_content, model_attributes
from otel_agent.boundary.subclasses import wrap_subclasses
from otel_agent.model.effect import Outcome, Returned


def patch_language_models(patches: Patches) -> None:
    """Put the seam for text-completing models in place."""
    methods = {
        "_generate": plain(_SEAM),
        "_agenerate": awaited(_SEAM),
        "_stream": streamed(_SEAM),
        "_astream": astreamed(_SEAM),
    }
    wrap_subclasses(patches, BaseLLM, methods)


def _prepare(method: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    prompts, stop, run_manager, rest = _bind(args, kwargs)
    name = model_name(model, rest)
    params = model_params(model, name, rest)
    streams = "stream" in method
    run_id = getattr(run_manager, "run_id", None)
    crossing = Crossing(
        "llm",
        name,
        {"prompts": prompts, "stop": stop, "params": params},
        method=method,
        attributes=model_attributes("text_completion", model, name, params, stop, streamed=streams),
        describe=describe_llm,
        details={
            "run_id": None if run_id is None else str(run_id),
            "owner": model,
            "span_name": f"text_completion {name}",
            "content": input_content([Said("user", prompt) for prompt in prompts]),
        },
    )
    asked = Asked(crossing, serve=served_result, serve_many=served_chunks)
    if streams:
        _watch(crossing)
        if run_manager is not None and method == "_stream":
            asked.serve_many = _announcing(run_manager)
        elif run_manager is not None:
            asked.served = lambda chunk: run_manager.on_llm_new_token(chunk.text, chunk=chunk)
    return asked


_SEAM = Seam("llm", _prepare)


def _bind(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[list[str], Any, Any, dict[str, Any]]:
    """Prompts (one, for streams), stop, run manager, and the rest."""
    rest = dict(kwargs)
    given = list(args[:3])
    if not given:
        given.append(rest.pop("prompts") if "prompts" in rest else rest.pop("prompt"))
    while len(given) < 3:
        given.append(rest.pop(("stop", "run_manager")[len(given) - 1], None))
    prompts, stop, run_manager = given
    return [prompts] if isinstance(prompts, str) else list(prompts), stop, run_manager, rest


def _watch(crossing: Crossing) -> None:
    chunks: list[Any] = []

    def snapshot(chunk: Any) -> Any:
        chunks.append(copy.copy(chunk))
        return chunks[-1]

    def describe(outcome: Outcome) -> dict[str, Any]:
        return describe_llm(Returned(result_of(chunks)) if chunks else outcome)

    crossing.snapshot, crossing.describe, crossing.merge = snapshot, describe, result_of


def result_of(chunks: Sequence[GenerationChunk]) -> LLMResult:
    """The result that streamed chunks add up to."""
    whole = copy.deepcopy(chunks[0])
    for chunk in chunks[1:]:
        whole += chunk
    return LLMResult(generations=[[Generation(text=whole.text, generation_info=whole.generation_info)]])


def served_result(answer: Answer) -> LLMResult:
    """A fresh result, whatever was recorded."""
    if answer.chunks is not None:
        refuse_cut(answer)
        unwrap(answer)
        return result_of(answer.chunks)
    result: LLMResult = copy.deepcopy(unwrap(answer))
    return result


def served_chunks(answer: Answer) -> Iterator[GenerationChunk]:
    """Fresh chunks: the recorded ones, else one that says it all."""
    if answer.chunks is None:
        first = served_result(answer).generations[0][0]
        yield GenerationChunk(text=first.text, generation_info=first.generation_info)
        return
    yield from copy.deepcopy(answer.chunks)
    refuse_cut(answer)
    unwrap(answer)


def _announcing(run_manager: Any) -> Any:
    def served(answer: Answer) -> Iterator[GenerationChunk]:
        for chunk in served_chunks(answer):
            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return served
