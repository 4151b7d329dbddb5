"""The command ``otel-agent``: its commands, and what happens to an error of any of them.

Exit codes: 0 all is well; 1 the answer is no (diverged, incomplete, altered, not replayable); 2 the command cannot be
done as given; 3 a defect of ours.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from otel_agent.cli import console
from otel_agent.cli.demo import demo
from otel_agent.cli.doctor import doctor
from otel_agent.cli.replay import replay
from otel_agent.cli.runs import runs
from otel_agent.cli.show import show
from otel_agent.cli.verify import verify
from otel_agent.errors import (
    AmbiguousRun,
    ConfigurationError,
    OtelAgentError,
    RecordError,
    RunNotFound,
    SourceNotFound,
)

DEBUG = "--debug"
_CANNOT_BE_DONE = (AmbiguousRun, ConfigurationError, RunNotFound, SourceNotFound)


class Commands(TyperGroup):
    """Turns every error into one message on standard error and an exit code; ``--debug`` adds the traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except OtelAgentError as error:
            raise typer.Exit(_report(error, ctx)) from error
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:
            if _is_usage(error):
                raise
            raise typer.Exit(_report(error, ctx)) from error


def _is_usage(error: Exception) -> bool:
    """Click's own errors, whose class differs between versions of Typer, know their exit code."""
    return hasattr(error, "exit_code") and hasattr(error, "format_message")


def _report(error: Exception, ctx: Any) -> int:
    if ctx.params.get("debug"):
        traceback.print_exception(error)
    if not isinstance(error, OtelAgentError):
        console.err().print(f"error: {type(error).__name__}: {error}", style="bad")
        console.err().print(f"This is a defect of otel-agent; {DEBUG} shows the traceback.")
        return 3
    console.err().print(f"error: {error} [{error.code}]", style="bad")
    if isinstance(error, RecordError) and error.span_id and error.span_id not in str(error):
        console.err().print(f"at span {error.span_id}")
    return 2 if isinstance(error, _CANNOT_BE_DONE) else 1


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"otel-agent {version('otel-agent')}")
        raise typer.Exit


@app.callback()
def otel_agent(
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the traceback of an error. Works anywhere on the line.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The flight recorder for LLM agents built on LangGraph: look at recorded runs, check them, run them again."""
    _ = debug, version  # Commands.invoke and the callback read them


def main() -> None:
    """Entry point of the console script."""
    arguments = sys.argv[1:]
    rest = [word for word in arguments if word != DEBUG]
    app(args=[DEBUG, *rest] if DEBUG in arguments else rest, prog_name="otel-agent")


for command in (demo, runs, show, replay, verify, doctor):
    app.command()(command)
