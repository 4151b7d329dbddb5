"""The reference page of the command line, against the commands."""

from __future__ import annotations

import typer.main

from otel_agent.cli.main import app
from tests.cli.conftest import ROOT


def test_every_command_and_option_is_documented() -> None:
    """What `--help` knows, `docs/reference/command-line.md` knows."""
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = {option for command in commands.values() for parameter in command.params for option in parameter.opts}

    assert [name for name in commands if f"`otel-agent {name}" not in page] == []
    assert [option for option in options if option.startswith("--") and option not in page] == []
