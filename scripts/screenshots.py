"""Draw the README's pictures from the runs of a real demo: ``scripts/screenshots.py TRACES [docs/images]``.

What the commands print is drawn, nothing is typed by hand. `otel-agent demo --traces TRACES` makes the runs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from otel_agent.cli import console
from otel_agent.cli.demo import CHANGED, GRAPH
from otel_agent.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 112
PICTURES = {
    "runs": ("runs",),
    "show": ("show", "last"),
    "replay": ("replay", "last", "--graph", GRAPH),
    "divergence": ("replay", "last", "--graph", CHANGED),
    "doctor": ("doctor", "--graph", GRAPH),
}


def draw(name: str, words: tuple[str, ...], folder: Path) -> None:
    """Run one command and save what it prints."""
    with console.recorded(WIDTH) as screen:
        screen.print(f"$ otel-agent {' '.join(words)}", style="bold")
        try:
            app(args=list(words), standalone_mode=False, prog_name="otel-agent")
        except typer.Exit as end:
            print(f"{name}: exit code {end.exit_code}")
        screen.save_svg(str(folder / f"{name}.svg"), title="otel-agent")


def main(traces: str, folder: str = "docs/images") -> None:
    """Draw all of them."""
    os.environ["OTEL_AGENT_TRACES_DIR"] = str(Path(traces).resolve())
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, words in PICTURES.items():
        draw(name, words, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
