"""The docs' own examples, run as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = sorted(path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.parts))
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.py)\n")
_EXIT_CODE = re.compile(r"\s+# exit code (\d)$")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def run_block(language: str, text: str, folder: Path) -> None:
    """Python is run, or saved where its first line names a file; of a console block, the lines after ``$``."""
    if named := _FILE.match(text):
        (folder / named[1]).write_text(text, encoding="utf-8")
    elif language == "python":
        run_command([sys.executable, "-W", "error", "-c", text], 0, folder)
    else:
        for line in text.splitlines():
            if line.startswith("$ "):
                expected = _EXIT_CODE.search(line)
                command = _EXIT_CODE.sub("", line.removeprefix("$ "))
                run_command(["bash", "-c", command], int(expected[1]) if expected else 0, folder)


def run_command(command: list[str], expected: int, folder: Path) -> None:
    """In the folder, with this environment's commands on PATH and no settings of the caller's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), clean.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean | {"PATH": path, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == expected, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


def run_page(page: Path, folder: Path) -> None:
    for language, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        run_block(language, text, folder)


@pytest.mark.slow
def test_tutorial_works_as_printed(tmp_path: Path) -> None:
    """A newcomer who types what the tutorial says gets what it says."""
    run_page(TUTORIAL, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_how_to_works_as_printed(page: Path, tmp_path: Path) -> None:
    """A how-to's examples work with the tutorial's application and a run of it."""
    blocks = _BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    for language, text in blocks[:2]:
        run_block(language, text, tmp_path)

    run_page(page, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link on a page names a file that is there."""
    links = _LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
