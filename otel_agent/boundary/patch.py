"""Replace a function by a wrapper, and put back exactly what was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MISSING = object()


class Patches:
    """The patches in force; `remove` restores identity, last first."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self.missing: list[str] = []
        """Names that upstream no longer has, as ``module.attribute``."""

    def wrap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> bool:
        """Replace ``owner.name`` by ``make(original)``. False, and noted as missing, where there is none."""
        original = getattr(owner, name, _MISSING)
        if original is _MISSING:
            self.missing.append(f"{getattr(owner, '__module__', None) or owner.__name__}.{name}")
            return False
        own = vars(owner).get(name, _MISSING)
        self._undo.append(lambda: _restore(owner, name, own))
        setattr(owner, name, make(original))
        return True

    def on_remove(self, undo: Callable[[], None]) -> None:
        """Have ``undo`` called by `remove`, in its turn."""
        self._undo.append(undo)

    def remove(self) -> None:
        """Put everything back as it was."""
        while self._undo:
            self._undo.pop()()


def _restore(owner: Any, name: str, own: Any) -> None:
    if own is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, own)
