"""Throwaway virtual environments and the Pythons to make them with, for the conformance suite and the matrix."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OTEL_AGENT_CACHE") or ROOT / ".venv-cache")
"""Everything downloaded or built: may be deleted at any time."""

NEWEST_LANGGRAPH = "1.2.22"
"""The newest version that we have run; raise it here."""


class EnvironmentFailed(Exception):
    """The environment could not be made; the message ends with pip's last words."""


def run_checked(command: Sequence[str | Path], **options: object) -> str:
    """The command's standard output; `EnvironmentFailed` with the end of its output when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise EnvironmentFailed(f"{' '.join(str(part) for part in command)}\n{last}")
    return str(done.stdout)


@functools.cache
def find_python(version: str) -> Path | None:
    """An interpreter of this minor version: the running one, one on PATH, or one that pyenv keeps."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    candidates = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += [str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)]
    return next((Path(path) for path in candidates if path and _answers(path, version)), None)


def _answers(path: str, version: str) -> bool:
    """pyenv's shims stand on PATH for versions that are not there, so ask."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return False
    return answer.stdout.strip() == version


def make_environment(name: str, python: Path, requirements: Sequence[str]) -> Path:
    """The interpreter of a virtual environment with these requirements and this working copy; kept for next time."""
    folder = CACHE / name
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = hashlib.sha256("\n".join([str(python), *requirements, project]).encode()).hexdigest()
    marker = folder / "requirements.sha256"
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (marker.exists() and marker.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        run_checked([python, "-m", "venv", folder])
        pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
        run_checked([*pip, *requirements, "--editable", ROOT])
        marker.write_text(wanted)
    return inside


def require_langgraph(version: str) -> list[str]:
    """What to install for a LangGraph version; 1.0 cannot be imported with the newest prebuilt that it allows."""
    return [f"langgraph=={version}", *(["langgraph-prebuilt<=1.0.8"] if version.startswith("1.0.") else [])]


def versions_in(python: Path, *packages: str) -> dict[str, str]:
    """What is installed in the environment of ``python``."""
    code = "import sys, importlib.metadata as m\nfor p in sys.argv[1:]: print(p, m.version(p))"
    return dict(line.split() for line in run_checked([python, "-c", code, *packages]).splitlines())
