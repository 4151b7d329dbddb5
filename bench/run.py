"""Runs the performance harness with this working copy beside its peers.

    python bench/run.py HARNESS [--peers baseline,otel_agent] [any option of the harness's compare.py]

HARNESS is the folder of the harness (its README says what is measured). It is copied, our peer is put in its place, and
`compare.py` runs in the copy, so the harness itself stays as it is. Its environments are kept in `.venv-cache`
(or `$OTEL_AGENT_BENCH_VENVS`); ours is made anew each time, to measure what is in the working copy now.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harness", type=Path)
    parser.add_argument("--peers", default="baseline,otel_agent")
    parser.add_argument("--json", type=Path, help="raw results; those of other peers in it are kept")
    options, others = parser.parse_known_args()
    if not (options.harness / "compare.py").exists():
        parser.error(f"{options.harness} is not the harness: there is no compare.py in it")
    if options.json:
        others += ["--json", str(options.json.resolve())]
    venvs = Path(os.environ.get("OTEL_AGENT_BENCH_VENVS") or ROOT / ".venv-cache" / "bench")
    shutil.rmtree(venvs / "otel_agent", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="otel-agent-bench-") as scratch:
        copy = Path(scratch) / "bench"
        shutil.copytree(options.harness, copy, ignore=shutil.ignore_patterns(".venvs", "__pycache__"))
        shutil.copyfile(ROOT / "bench" / "otel_agent_peer.py", copy / "peers" / "otel_agent.py")
        done = subprocess.run(
            [sys.executable, "compare.py", "--peers", options.peers, *others],
            cwd=copy,
            env=os.environ | {"OTEL_AGENT_BENCH_VENVS": str(venvs), "OTEL_AGENT_REPO": str(ROOT)},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
