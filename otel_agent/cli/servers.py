"""Servers that the demo starts beside itself: each says its address in its log, and is gone when the block ends."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from otel_agent.errors import ConfigurationError

_START_S = 90.0
_STOP_S = 10.0
_POLL_S = 0.1
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Server:
    """A Python module run as a process of its own on a free port of 127.0.0.1."""

    def __init__(self, name: str, module: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.url = ""
        self._log = log
        command = [sys.executable, "-m", *module]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdout=output, stderr=subprocess.STDOUT)  # noqa: S603

    def wait_until_up(self, announced: str) -> None:
        """Wait for the line of its log that has the word ``announced`` and the address.

        Raises:
            ConfigurationError: It ended, or said nothing for a minute and a half; with the end of its log.

        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
                if announced in line and (address := _ADDRESS.search(line)):
                    self.url = address[0]
                    return
            time.sleep(_POLL_S)
        tail = "\n  ".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:])
        raise ConfigurationError(f"the {self.name} did not start; the end of {self._log}:\n  {tail}")

    def stop(self) -> None:
        """Ask it to end, and make it end where it does not."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether its process is still there."""
        return self._process.poll() is None


@contextmanager
def served(
    name: str, module: Sequence[str], announced: str, log: Path, cwd: Path, env: Mapping[str, str]
) -> Iterator[Server]:
    """A server that is up; it is stopped when the block ends, however it ends."""
    server = Server(name, module, log, cwd, env)
    try:
        server.wait_until_up(announced)
        yield server
    finally:
        server.stop()
