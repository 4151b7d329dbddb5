"""Draw the README's pictures from the runs of a real demo: ``scripts/screenshots.py TRACES [docs/images]``.

What the commands print is drawn, nothing is typed by hand. `otel-agent demo --traces TRACES` makes the runs.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import typer

from otel_agent.cli import console
from otel_agent.cli.demo import CHANGED, GRAPH
from otel_agent.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 112
PICTURES = {
    "runs": [("runs",)],
    "show": [("show", "last")],
    "replay": [("replay", "last", "--graph", GRAPH), ("replay", "last", "--graph", CHANGED)],
    "doctor": [("doctor", "--graph", GRAPH)],
}
"""Picture -> the commands on it."""


def draw(name: str, commands: list[tuple[str, ...]], folder: Path) -> None:
    """Run the commands and save what they print."""
    with console.recorded(WIDTH) as screen:
        for words in commands:
            screen.print(f"$ otel-agent {' '.join(words)}", style="bold")
            try:
                app(args=list(words), standalone_mode=False, prog_name="otel-agent")
            except typer.Exit as end:
                print(f"{name}: exit code {end.exit_code}")
        # A picture that asks somebody else's server for its font tells that server who reads it.
        drawn = re.sub(r"@font-face \{.*?\}", "", screen.export_svg(title="otel-agent"), flags=re.DOTALL)
    (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")


def main(traces: str, folder: str = "docs/images") -> None:
    """Draw all of them."""
    os.environ["OTEL_AGENT_TRACES_DIR"] = str(Path(traces).resolve())
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, commands in PICTURES.items():
        draw(name, commands, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
