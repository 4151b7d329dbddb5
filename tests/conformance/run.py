"""LangGraph's own test suite, without us and with us: no test may change its result.

    python -m tests.conformance.run                     # the whole suite, both sides
    python -m tests.conformance.run --part quick        # the files that exercise most
    python -m tests.conformance.run --python 3.13 --langgraph 1.1.10

The suite comes from LangGraph's source distribution on PyPI, and runs as LangGraph itself runs it without Docker
(``NO_DOCKER=true``: in-memory and SQLite savers, caches and stores). The side *with* calls `otel_agent.instrument`
before collection and exports into memory. A test whose result differs is run again alone, three times on each side, to
tell one that we changed from one that is unsteady by itself. The exit code is 0 only when none was changed.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from tests.environments import (
    CACHE,
    NEWEST_LANGGRAPH,
    EnvironmentFailed,
    find_python,
    make_environment,
    require_langgraph,
    run_checked,
    versions_in,
)

REQUIREMENTS = [
    "pytest<10",
    "pytest-dotenv",
    "pytest-mock",
    "pytest-repeat",
    "pytest-xdist",
    "syrupy",
    "anyio",
    "httpx",
    "langgraph-checkpoint-postgres",  # the suite's conftest imports it, though no test without Docker uses it
    "langgraph-checkpoint-sqlite",
    "psycopg[binary]",
    "psycopg-pool",
    "pycryptodome",
    "redis",
    "uvloop",
]
"""LangGraph's dependency group `test`, less what serves Docker, coverage and benchmarks."""
QUICK = [
    "test_pregel_async.py",
    "test_graph_callbacks.py",
    "test_interruption.py",
    "test_parent_command.py",
    "test_parent_command_async.py",
    "test_retry.py",
    "test_runnable.py",
    "test_runtime.py",
    "test_stream_events_v3_e2e.py",
    "test_subgraph_persistence.py",
    "test_time_travel.py",
    "test_tracing_interops.py",
]
OPTIONS = [
    "-o",
    "addopts=--strict-markers --strict-config",
    "-q",
    "--tb=short",
    "-p",
    "no:otel_agent",
    "-p",
    "no:cacheprovider",
    "-p",
    "otel_agent_conformance",
]
AGAIN = 3
FOREIGN = ("OTEL_", "PYTEST_", "LANGGRAPH_", "LANGCHAIN_", "LANGSMITH_")
"""Settings of the caller that would change what the suite does."""


@dataclasses.dataclass
class Side:
    """What one run of the suite came to."""

    outcomes: dict[str, str]
    reasons: dict[str, str]
    totals: dict[str, int]
    log_lines: dict[str, int]
    lost: dict[str, int]
    wall_s: float

    def count(self) -> str:
        counted = collections.Counter(self.outcomes.values())
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items(), key=lambda x: -x[1]))


def unpack_suite(version: str) -> Path:
    """The tests of this LangGraph version, without its sources: the installed package is what is tested."""
    folder = CACHE / f"langgraph-{version}"
    if folder.exists():
        return folder
    downloads = CACHE / "downloads"
    source_only = ["--no-deps", "--no-binary", "langgraph", "--dest", downloads]
    run_checked([sys.executable, "-m", "pip", "download", "--quiet", *source_only, f"langgraph=={version}"])
    with tarfile.open(downloads / f"langgraph-{version}.tar.gz") as archive:
        archive.extractall(CACHE / "unpacking", filter="data")
    unpacked = CACHE / "unpacking" / f"langgraph-{version}"
    shutil.rmtree(unpacked / "langgraph")
    unpacked.rename(folder)
    return folder


def run_side(python: Path, suite: Path, tests: list[str], *, with_us: bool, workers: int = 0) -> Side:
    """The chosen tests once; the outcome of each comes from the plugin's report, not from the exit code."""
    report = CACHE / f"conformance-report-{os.getpid()}.json"
    report.unlink(missing_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = clean | {
        "NO_DOCKER": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(__file__).parent),
        "OTEL_AGENT_CONFORMANCE_REPORT": str(report),
        "OTEL_AGENT_CONFORMANCE_WITH": "1" if with_us else "0",
        "OTEL_AGENT_TRACES": str(CACHE / "conformance-traces"),
    }
    parallel = ["-n", str(workers)] if workers else []
    began = time.monotonic()
    done = subprocess.run(
        [str(python), "-m", "pytest", *OPTIONS, *parallel, *tests],
        cwd=suite,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if not report.exists():
        raise EnvironmentFailed(f"LangGraph's suite did not run:\n{done.stdout[-4000:]}")
    raw = json.loads(report.read_text())
    report.unlink()
    parts = (raw["outcomes"], raw["reasons"], raw["totals"], raw["log_lines"], raw["lost"])
    return Side(*parts, wall_s=time.monotonic() - began)


def find_changed(without: Side, with_us: Side) -> list[str]:
    """Tests whose result is not the same on both sides, those that only one side has included."""
    every = without.outcomes.keys() | with_us.outcomes.keys()
    return sorted(test for test in every if without.outcomes.get(test) != with_us.outcomes.get(test))


def run_again(python: Path, suite: Path, test: str) -> tuple[list[str], list[str]]:
    """The outcomes of one test, run alone some more times on each side."""
    sides: list[list[str]] = []
    for with_us in (False, True):
        rounds = [run_side(python, suite, [test], with_us=with_us) for _ in range(AGAIN)]
        sides.append([side.outcomes.get(test, "absent") for side in rounds])
    return sides[0], sides[1]


def is_changed(again_without: list[str], again_with: list[str]) -> bool:
    """Unsteady only where being alone shows no difference, or where it is unsteady without us, too."""
    return set(again_without) != set(again_with) and len(set(again_without)) == 1


def report_side(name: str, side: Side) -> None:
    print(f"{name:8} {side.count():44} {side.wall_s:6.0f} s", flush=True)


def compare(python: Path, suite: Path, tests: list[str], workers: int) -> int:
    """Run both sides, print both, name every difference; the number of faults."""
    without = run_side(python, suite, tests, with_us=False, workers=workers)
    report_side("without", without)
    with_us = run_side(python, suite, tests, with_us=True, workers=workers)
    report_side("with", with_us)
    totals = with_us.totals
    print(f"recorded {totals.get('runs', 0)} runs, {totals.get('nodes', 0)} nodes, {totals.get('effects', 0)} effects;"
          f" {totals.get('losses', 0)} losses")  # fmt: skip
    faults = 0 if totals.get("nodes") else 1
    if faults:
        print("FAULT    nothing was recorded, so the comparison shows nothing")
    for line, times in sorted(with_us.log_lines.items()):
        is_fault = "detach" in line or line.startswith("opentelemetry.context")
        faults += is_fault
        print(f"{'FAULT' if is_fault else 'logged':8} {times} x {line}")
    for place, times in sorted(with_us.lost.items()):
        print(f"lost     {times} x {place}")
    for test in find_changed(without, with_us):
        alone = run_again(python, suite, test)
        changed = is_changed(*alone)
        faults += changed
        seen = " -> ".join(side.outcomes.get(test, "absent") for side in (without, with_us))
        rounds = " -> ".join("/".join(side) for side in alone)
        print(f"{'CHANGED' if changed else 'unsteady':8} {test}: {seen}; alone: {rounds}")
        if changed:
            print(with_us.reasons.get(test) or without.reasons.get(test) or "")
    print(f"{faults} tests changed their result or faults" if faults else "no test changed its result", flush=True)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--langgraph", default=NEWEST_LANGGRAPH, metavar="VERSION")
    parser.add_argument("--python", default=".".join(platform.python_version_tuple()[:2]), metavar="3.N")
    parser.add_argument("--part", choices=["whole", "quick"], default="whole")
    parser.add_argument("--workers", type=int, default=2, help="processes of pytest-xdist on each side")
    parser.add_argument("tests", nargs="*", help="files or test ids below the suite's tests/ instead of a part")
    options = parser.parse_args()
    try:
        python = find_python(options.python)
        if python is None:
            raise EnvironmentFailed(f"there is no Python {options.python} here")
        suite = unpack_suite(options.langgraph)
        inside = make_environment(
            f"conformance-{options.langgraph}-py{options.python}",
            python,
            [*require_langgraph(options.langgraph), *REQUIREMENTS],
        )
    except EnvironmentFailed as error:
        if os.environ.get("CI"):
            raise
        print(f"SKIPPED: LangGraph's own suite {options.langgraph} cannot be had here: {error}")
        return 0
    installed = versions_in(inside, "langgraph", "langchain-core", "opentelemetry-sdk", "pytest")
    print(f"LangGraph's own suite, Python {options.python}, " + ", ".join(" ".join(pair) for pair in installed.items()))
    chosen = options.tests or (QUICK if options.part == "quick" else [""])
    return 1 if compare(inside, suite, [f"tests/{name}" for name in chosen], options.workers) else 0


if __name__ == "__main__":
    sys.exit(main())
