"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import otel_agent

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "otel_agent").rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("test_*.py"))
LONGEST = 300
LEFTOVERS = {"base", "common", "core", "helper", "helpers", "misc", "util", "utils"}
ATTRIBUTE_PREFIXES = ("agent.", "gen_ai.")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read_constants(tree: ast.Module) -> Iterator[ast.Constant]:
    """String constants that are values: not docstrings, nor other strings that stand alone."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node


def read_test_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions that pytest collects: of the module, or of its classes; never those inside other functions."""
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for node in (node for body in bodies for node in body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_long(path: Path) -> None:
    """A module has at most 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_named_for_leftovers(path: Path) -> None:
    """A module or folder is named for what is in it."""
    assert not LEFTOVERS & {part.strip("_") for part in (*path.parent.parts[-2:], path.stem)}


@pytest.mark.parametrize(
    "path", [path for path in MODULES if name_of(path) != "otel_agent/codec/names.py"], ids=name_of
)
def test_attribute_names_stand_in_one_file(path: Path) -> None:
    """Names of attributes and events are written in codec/names.py only."""
    constants = read_constants(ast.parse(path.read_text(encoding="utf-8")))

    assert [f"line {c.lineno}: {c.value}" for c in constants if c.value.startswith(ATTRIBUTE_PREFIXES)] == []


def test_attributes_are_declared_once() -> None:
    """No attribute name is declared twice."""
    from otel_agent.codec.names import DECLARED

    declared = [attribute.name for attribute in DECLARED]

    assert sorted(set(declared)) == sorted(declared)


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_every_test_states_its_rule(path: Path) -> None:
    """Each test function has a docstring that says the rule it checks."""
    functions = read_test_functions(ast.parse(path.read_text(encoding="utf-8")))

    assert [f.name for f in functions if not ast.get_docstring(f)] == []


def test_public_names() -> None:
    """The front door has exactly these names: adding or removing one is a decision."""
    types = [
        "AgentRun",
        "Divergence",
        "Effect",
        "NodeExecution",
        "Recording",
        "Redactor",
        "ReplayReport",
        "Verification",
    ]
    verbs = [
        "areplay_run",
        "audited",
        "current_run_id",
        "effect",
        "instrument",
        "load_run",
        "record_run",
        "replay_run",
        "uninstrument",
        "verify_run",
    ]

    assert sorted(otel_agent.__all__) == types + verbs
    assert [name for name in types + verbs if not callable(getattr(otel_agent, name))] == []


@pytest.mark.parametrize(
    ("group", "name"),
    [("console_scripts", "otel-agent"), ("opentelemetry_instrumentor", "otel_agent"), ("pytest11", "otel_agent")],
)
def test_entry_points_resolve(group: str, name: str) -> None:
    """Every entry point that we declare can be loaded."""
    (found,) = [entry for entry in entry_points(group=group, name=name) if entry.value.startswith("otel_agent.")]

    assert found.load() is not None
