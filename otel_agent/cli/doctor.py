"""``otel-agent doctor``: would a run be recorded here, where would it go, and could this graph be replayed?"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from otel_agent.cli import console
from otel_agent.cli.graphs import load_graph
from otel_agent.cli.words import many
from otel_agent.errors import ConfigurationError
from otel_agent.export.file import TRACES_DIR, traces_dir
from otel_agent.export.provider import FILE_EXPORTER, exporter_names
from otel_agent.replay.survey import Survey, survey_graph

Verdict = Literal["ok", "note", "bad"]
_STYLES: dict[Verdict, str] = {"ok": "good", "note": "warn", "bad": "bad"}
_PACKAGES = (
    "otel-agent",
    "langgraph",
    "langchain-core",
    "langchain",
    "opentelemetry-api",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation",
    "opentelemetry-exporter-otlp",
)
_OPTIONAL = ("langchain",)
_OTHERS = (
    "openinference-instrumentation-langchain",
    "opentelemetry-instrumentation-langchain",
    "opentelemetry-instrumentation-genai-langchain",
    "opentelemetry-util-genai-langchain",
    "langtrace-python-sdk",
)
_WIDE = 48
"""Columns: what is longer does not push the details of the others to the right."""
_LANGSMITH = ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_OTEL_ENABLED")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination."""

    verdict: Verdict
    what: str
    detail: str = ""


def doctor(
    graph: Annotated[
        str | None, typer.Option("--graph", metavar="MODULE:ATTRIBUTE", help="Also read this graph's source.")
    ] = None,
) -> None:
    """Tell what is recorded here, where it goes, and what in a graph cannot be replayed. Exit code 0 if all is well."""
    findings = [
        *_print("Packages", _packages()),
        *_print("Seams", _seams()),
        *_print("Traces", _traces()),
        *_print("Others", _others()),
    ]
    if graph is not None:
        survey = survey_graph(load_graph(graph))
        findings += _print(f"Graph {graph}", _graph(survey))
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def _print(title: str, found: Iterable[Finding]) -> list[Finding]:
    findings = list(found)
    out = console.out()
    out.print(title, style="name")
    column = max((len(finding.what) for finding in findings if len(finding.what) < _WIDE), default=0)
    for finding in findings:
        line = Text("  ").append(f"{finding.verdict:<5}", _STYLES[finding.verdict])
        line.append(f"{finding.what:<{column}}" if finding.detail else finding.what)
        out.print(line.append("  ").append(finding.detail, "quiet"))
    return findings


def _packages() -> Iterator[Finding]:
    yield Finding("ok", "python", platform.python_version())
    yield from map(_package, _PACKAGES)


def _package(name: str) -> Finding:
    try:
        return Finding("ok", name, version(name))
    except PackageNotFoundError:
        return Finding("note" if name in _OPTIONAL else "bad", name, "not installed")


def _seams() -> Iterator[Finding]:
    from otel_agent.boundary.install import PARTS, install, uninstall

    well = []
    for part in sorted(PARTS):
        missing = install([part])
        uninstall([part])
        if missing:
            yield Finding("bad", part, f"not recorded: {', '.join(missing)} is not there in this version")
        else:
            well.append(part)
    yield Finding("ok", ", ".join(well), "recorded after otel_agent.instrument()")


def _traces() -> Iterator[Finding]:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield Finding("bad", "nothing is recorded", "OTEL_SDK_DISABLED=true")
        return
    try:
        names = exporter_names()
    except ConfigurationError as error:
        yield Finding("bad", "no exporter", str(error))
        return
    if not names:
        yield Finding("bad", "nothing is exported", "OTEL_TRACES_EXPORTER=none")
    for name in names:
        yield _journal() if name == FILE_EXPORTER else _exporter(name)
    content = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    if content.upper() == "NO_CONTENT":
        yield Finding("bad", "values are not recorded", "NO_CONTENT: digests and sizes only, which cannot be replayed")


def _journal() -> Finding:
    directory = traces_dir()
    held = len(list(directory.glob("*.jsonl*"))) if directory.is_dir() else 0
    nearest = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("bad", f"local files in {directory}", f"{nearest} cannot be written to; set {TRACES_DIR}")
    return Finding("ok", f"local files in {directory}", f"{many(held, 'file')} so far")


def _exporter(name: str) -> Finding:
    endpoint = next(
        (os.environ[variable] for variable in _ENDPOINTS if os.environ.get(variable)), "its default endpoint"
    )
    return Finding("ok", name, f"to {endpoint}" if name.startswith("otlp") else "")


def _others() -> Iterator[Finding]:
    installed = {(distribution.metadata["Name"] or "").lower() for distribution in distributions()}
    for name in _OTHERS:
        if name in installed:
            yield Finding(
                "note", name, "also instruments LangChain: under opentelemetry-instrument, each run is seen twice"
            )
    for variable in _LANGSMITH:
        if os.environ.get(variable, "").lower() == "true":
            yield Finding(
                "note", f"{variable}=true", "LangSmith traces the same runs, and sends them where it is told to"
            )
    if not installed & set(_OTHERS):
        yield Finding("ok", "no other instrumentation of LangChain is installed")


def _graph(survey: Survey) -> Iterator[Finding]:
    yield Finding("ok", f"{many(len(survey.nodes), 'node')}", ", ".join(survey.nodes))
    for covered in survey.covered:
        yield Finding("ok", covered, "recorded, and served in a replay")
    for hazard in survey.hazards:
        place = f"{_short(hazard.file)}:{hazard.line}"
        yield Finding("bad", f"{place}  {hazard.call} in node {hazard.node!r} reaches {hazard.reaches}", hazard.advice)
    for name in survey.unread:
        yield Finding("note", name, "its source cannot be read")
    if not survey.hazards:
        yield Finding("ok", "nothing found that a replay would have to do again outside of the record")


def _short(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
