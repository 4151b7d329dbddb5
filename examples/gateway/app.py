"""The gateway's HTTP side: ask, list, look up."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal

import openai
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from pydantic import BaseModel, Field

import otel_agent

from .graph import graph

otel_agent.instrument()

app = FastAPI(title="Gateway", description="Questions about this project, answered from its own docs.")
FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])


class Question(BaseModel):
    """What is asked, and who asks."""

    query: str = Field(min_length=1, max_length=500)
    role: Literal["reader", "analyst", "auditor"] = "reader"


class Answer(BaseModel):
    """The answer, and the run that made it."""

    run_id: str | None
    answer: str


class Asked(Question, Answer):
    """One line of the list."""

    rag_calls: int
    asked_at: datetime


asked: dict[str, Asked] = {}
"""By run id; as long as the process lives."""


@app.post("/ask")
async def ask(question: Question) -> Answer:
    """Run the agent once."""
    asked_at = datetime.now(timezone.utc)
    found = await graph.ainvoke({"query": question.query, "role": question.role})
    answer = Answer(run_id=otel_agent.current_run_id(), answer=found["answer"])
    line = Asked(**question.model_dump(), **answer.model_dump(), rag_calls=found["rag_calls"], asked_at=asked_at)
    asked[answer.run_id or asked_at.isoformat()] = line
    return answer


@app.get("/runs")
async def list_runs() -> list[Asked]:
    """What was asked since the start, newest first."""
    return list(asked.values())[::-1]


@app.get("/runs/{run_id}")
async def get_run(run_id: str) -> Asked:
    """One of them."""
    if run_id not in asked:
        raise HTTPException(404, f"no run {run_id!r} since the gateway started")
    return asked[run_id]


@app.exception_handler(openai.APIError)
async def model_failed(_: Request, error: openai.APIError) -> JSONResponse:
    """The model's endpoint is down or refuses: say so, and hide nothing behind a 500."""
    return JSONResponse({"detail": f"model: {error.message}", "run_id": otel_agent.current_run_id()}, status_code=502)
