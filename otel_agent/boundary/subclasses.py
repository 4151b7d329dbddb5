"""Wrap methods in the classes that define them, those that exist and those to come, and put back what was there.

Bases are never touched: LangChain compares ``type(self)._stream`` with its own base's to learn whether a model streams
(chat_models.py ``_should_stream``, llms.py ``stream``, tools/base.py ``arun``). Classes are held weakly, by walking
``__subclasses__()`` again when undoing, so that classes made at run time can still be collected.

Known limit: a class whose own ``__init_subclass__`` does not call ``super()`` hides its later subclasses.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otel_agent.boundary.patch import Patches

Make = Callable[[Callable[..., Any]], Callable[..., Any]]

_MARK = "__otel_agent_wraps__"


def wrap_subclasses(
    patches: Patches, base: type, methods: Mapping[str, Make], optional: frozenset[str] = frozenset()
) -> None:
    """Wrap ``methods`` wherever a subclass of ``base`` defines them; ``optional`` ones need not exist on the base."""
    for name in methods:
        if name not in optional and not hasattr(base, name):
            patches.missing.append(f"{base.__module__}.{base.__qualname__}.{name}")

    def cover(cls: type) -> None:
        for name, make in methods.items():
            _wrap(cls, name, make)

    for cls in descendants(base):
        cover(cls)
    patches.on_remove(lambda: _uncover(base, methods))
    _watch_new(patches, base, cover)


def descendants(base: type) -> Iterator[type]:
    """Every class below ``base``, each once."""
    seen: set[type] = set()
    pending: list[type] = type.__subclasses__(base)
    while pending:
        cls = pending.pop()
        if cls not in seen:
            seen.add(cls)
            pending.extend(type.__subclasses__(cls))
            yield cls


def _wrap(cls: type, name: str, make: Make) -> None:
    original = vars(cls).get(name)
    if not isinstance(original, types.FunctionType) or getattr(original, "__isabstractmethod__", False):
        return
    if _wrapped_by(original) is None:
        wrapper = make(original)
        setattr(wrapper, _MARK, (wrapper, original))
        type.__setattr__(cls, name, wrapper)


def _wrapped_by(function: Any) -> Any:
    """What our wrapper wraps; None where ``function`` is not ours, even if a decorator copied our mark to it."""
    wrapper, original = getattr(function, _MARK, (None, None))
    return original if wrapper is function else None


def _uncover(base: type, methods: Mapping[str, Make]) -> None:
    for cls in descendants(base):
        for name in methods:
            original = _wrapped_by(vars(cls).get(name))
            if original is not None:
                type.__setattr__(cls, name, original)


def _watch_new(patches: Patches, base: type, cover: Callable[[type], None]) -> None:
    own = vars(base).get("__init_subclass__")

    def hook(cls: Any, /, **kwargs: Any) -> None:
        if own is not None:
            own.__get__(None, cls)(**kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]
        cover(cls)

    patches.wrap(base, "__init_subclass__", lambda _bound: classmethod(hook))
