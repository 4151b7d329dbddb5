"""A trace of recording format 1 replays for ever."""

from pathlib import Path

import otel_agent
from tests.golden import incident

GOLDEN = Path(__file__).parents[1] / "golden" / "run-v1.json"


def test_the_golden_run_replays_for_ever() -> None:
    """The run recorded with the first version of the format is executed again, exactly, by this version."""
    report = otel_agent.replay_run(incident.graph, otel_agent.load_run(GOLDEN))

    assert report.ok, str(report)
    assert report.effects_served == 3
    assert report.connections == 0
