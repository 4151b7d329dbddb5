from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from otel_agent.boundary.crossing import override
from otel_agent.boundary.install import PARTS, install, uninstall
from tests.boundary.handlers import Recording

EFFECTS = PARTS - {"graph", "ids"}


@pytest.fixture
def installed() -> Iterator[None]:
    """The seams of effects are in place."""
    missing = install(EFFECTS)
    yield
    uninstall(EFFECTS)
    assert missing == []


@contextmanager
def in_force(handler: Recording) -> Iterator[Recording]:
    token = override.set(handler)
    try:
        yield handler
    finally:
        override.reset(token)


@pytest.fixture
def handled(installed: None) -> Callable[[Recording], object]:
    """How to put a handler in force while the seams are in place."""
    return in_force
