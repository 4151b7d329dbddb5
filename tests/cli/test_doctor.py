"""``otel-agent doctor``."""

from __future__ import annotations

import pytest

from tests.cli import agents
from tests.cli.conftest import Cli


def test_well(cli: Cli) -> None:
    """Everything in place: packages, seams, where traces go."""
    told = cli("doctor")

    assert told.code == 0, told.out
    for part in ("langgraph", "chat, embeddings, graph", "local files in"):
        assert part in told.out


def test_graph_that_can_be_replayed(cli: Cli) -> None:
    """Models, tools and `@effect` functions are named as covered; nobody complains about what is inside of them."""
    told = cli("doctor", "--graph", "tests.cli.agents:graph")

    assert told.code == 0, told.out
    for part in ("chat model FakeListChatModel in answer", "tool look_up in work", "effect now in answer"):
        assert part in told.out
    assert "random" not in told.out


def test_graph_that_cannot(cli: Cli) -> None:
    """Each call to the outside with file, line, what it reaches, and what to do; the exit code is 1."""
    told = cli("doctor", "--graph", "tests.cli.agents:wild_graph")
    line = agents.wild.__code__.co_firstlineno + 2

    assert told.code == 1
    assert f"agents.py:{line}  random.random in node 'wild' reaches randomness" in told.out
    assert "time.time in node 'wild' reaches the clock" in told.out
    assert "@otel_agent.effect" in told.out


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTEL_SDK_DISABLED", "true", "nothing is recorded"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke", "'smoke' is not supported"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT", "values are not recorded"),
    ],
)
def test_settings_that_lose_runs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """A setting that keeps runs from being recorded is bad news."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv(variable, value)
    told = cli("doctor")

    assert told.code == 1
    assert said in told.out
