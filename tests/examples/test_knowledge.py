"""What the gateway knows, and who may know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.gateway.knowledge import Knowledge, may_see


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    files = {
        "README.md": "# Recorder\nA recorder keeps the runs of an agent.\n```\n# no heading\n```\n## Rules\nShort.\n",
        "docs/reference/errors.md": "# Errors\n## All\nA recorder raises no errors into your application.",
        "docs/adr/0001.md": "# Why\nThe recorder was decided on in a long meeting.",
        "docs/adr/README.md": "# Decisions\nAll that was decided about the recorder.",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Knowledge(tmp_path)


def test_sections(knowledge: Knowledge) -> None:
    """Each heading with text worth reading is a section, under its page's title; a comment in a code fence is none."""
    assert len(knowledge) == 4
    assert knowledge.read("docs/reference/errors.md", "Errors: All", "analyst") != ""
    assert "# no heading" in knowledge.read("README.md", "Recorder", "reader")


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("reader", {"README.md"}),
        ("analyst", {"README.md", "docs/reference/errors.md"}),
        ("auditor", {"README.md", "docs/reference/errors.md", "docs/adr/0001.md", "docs/adr/README.md"}),
    ],
)
def test_roles_see_different_documents(knowledge: Knowledge, role: str, sees: set[str]) -> None:
    """A search finds only what the role's line names."""
    assert {hit.source for hit in knowledge.search("recorder", role, limit=9)} == sees


def test_reading_asks_for_the_role_too(knowledge: Knowledge) -> None:
    """A hidden section cannot be read by naming it."""
    assert knowledge.read("docs/adr/0001.md", "Why", "reader") == ""
    assert knowledge.read("docs/adr/0001.md", "Why", "auditor") == "The recorder was decided on in a long meeting."


@pytest.mark.parametrize("text", ["", "the of", '" OR *', "NEAR( ^ :", "x" * 5000])
def test_any_text_can_be_searched(knowledge: Knowledge, text: str) -> None:
    """FTS5's own syntax in a question is not executed as such."""
    assert knowledge.search(text, "auditor") == []


def test_unknown_role_is_an_error() -> None:
    """A role without a line sees nothing by accident."""
    with pytest.raises(KeyError):
        may_see("root", "README.md")
