"""Our own tests of boundary and capture, for every LangGraph and every Python that we say we support.

    python -m tests.matrix.run                 # everything found on this machine
    python -m tests.matrix.run --smoke         # without the tests marked slow
    python -m tests.matrix.run --only 1.0      # cells whose name contains the text

Each LangGraph runs on this Python, and the newest LangGraph on every Python found: on PATH, or kept by pyenv. Each cell
is a throwaway virtual environment. What could not be run is named; the exit code is 0 only when all that ran passed.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import re
import subprocess
import sys
import time

from tests.environments import (
    NEWEST_LANGGRAPH,
    ROOT,
    EnvironmentFailed,
    find_python,
    make_environment,
    require_langgraph,
    versions_in,
)

LANGGRAPHS = ["1.0.*", "1.1.*", NEWEST_LANGGRAPH]
"""The newest of each minor version; the last is the newest we know, and goes with every Python."""
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
REQUIREMENTS = [
    "langchain>=1.0",
    "langchain-openai>=1.0",
    "hypothesis>=6.112",
    "numpy>=1.26",
    "pytest>=8.3",
    "pytest-asyncio>=0.25",
    "pytest-randomly>=3.16",
    "rfc8785>=0.1.4",
    "uvloop>=0.21; platform_system != 'Windows'",
]
TESTS = ["tests/boundary", "tests/capture"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One place in the matrix."""

    langgraph: str
    python: str

    def __str__(self) -> str:
        return f"LangGraph {self.langgraph:7} Python {self.python}"


def cells() -> list[Cell]:
    """This Python with each LangGraph, then the newest LangGraph with each other Python."""
    here = ".".join(platform.python_version_tuple()[:2])
    newest = LANGGRAPHS[-1]
    return [Cell(version, here) for version in LANGGRAPHS] + [
        Cell(newest, python) for python in PYTHONS if python != here
    ]


def run_cell(cell: Cell, *, smoke: bool) -> tuple[bool, str]:
    """Whether the tests passed in this cell, and pytest's own last line; or why the cell could not be made."""
    python = find_python(cell.python)
    if python is None:
        return True, "NOT RUN: no such Python here"
    name = f"matrix-{cell.langgraph.replace('*', 'x')}-py{cell.python}"
    wanted = [*require_langgraph(cell.langgraph), *REQUIREMENTS]
    try:
        inside = make_environment(name, python, wanted)
    except EnvironmentFailed as error:
        return False, f"environment failed: {error}"
    installed = " ".join(versions_in(inside, "langgraph", "langchain-core", "opentelemetry-sdk").values())
    chosen = ["-m", "not slow"] if smoke else []
    done = subprocess.run(
        [inside, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *chosen, *TESTS],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTEST_"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines() or ["pytest said nothing"]
    if done.returncode != 0:
        print("\n".join(lines[-60:]))
    return done.returncode == 0, f"{re.sub('=+', '', lines[-1]).strip()} (langgraph, langchain-core, sdk: {installed})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="leave out the tests marked slow")
    parser.add_argument("--only", default="", metavar="TEXT", help="cells whose name contains this")
    options = parser.parse_args()
    failed = 0
    for cell in cells():
        if options.only not in str(cell):
            continue
        began = time.monotonic()
        passed, said = run_cell(cell, smoke=options.smoke)
        failed += not passed
        print(f"{cell}  {'ok    ' if passed else 'FAILED'} {said} [{time.monotonic() - began:.0f} s]", flush=True)
    print(f"{failed} cells failed" if failed else "every cell that ran passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
