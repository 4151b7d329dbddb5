"""Python values -> typed JSON, digests and references: each value of a run is written once.

Every value gives two trees: the *canonical* one, in which large children are references (its digest is taken from it),
and the *text*, in which a large child stands in full the first time and as a reference afterwards. Where no child is
large both are the same object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import orjson

from otel_agent.codec import registry as registries
from otel_agent.codec.canonical import MAX_DEPTH, REF, SAFE_INT, TAG, TooDeep, Tree, is_plain_key
from otel_agent.codec.careful import Careful
from otel_agent.codec.leaves import Leaves
from otel_agent.codec.ledger import Written
from otel_agent.codec.objects import opaque, plan_for
from otel_agent.codec.plans import KINDS, PLANS
from otel_agent.codec.redact import NOTHING, SHORTEST, Redactor
from otel_agent.codec.registry import Registry, class_name
from otel_agent.codec.values import One, Pairs

Plan: TypeAlias = Callable[["Encoder", Any, int], Written]
"""How values of one type are written, at a depth."""

_PLAIN, _SECRET, _MAP = 0, 1, 2
_MANY = 10_000
"""Keys whose judgement is kept."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as it goes into a span."""

    text: str | None
    """Typed JSON; None where only metadata is kept."""
    digest: str
    """Merkle digest of the value, 64 hex digits."""
    size: int
    """UTF-8 bytes of the text as written; small where most of it was written before."""
    opaque: tuple[str, ...]
    """What could not be encoded, and why; empty when the value can be decoded exactly."""
    redacted: int
    """Secrets that were replaced."""


class Encoder(Leaves):
    """Writes the values of one run. Thread-safe; keeps every large value of the run alive.

    A value that was written before is referred to. Objects may change in place between two calls: say so with `touch`,
    and everything is looked at again. `encode` and `touch` are for callers; the rest is for plans.
    """

    def __init__(
        self, redactor: Redactor | None = None, keep_text: bool = True, registry: Registry | None = None
    ) -> None:
        super().__init__(redactor if redactor is not None else Redactor())
        self.registry = registry if registry is not None else registries.default
        self._keep_text = keep_text
        self._lock = threading.RLock()
        self._short = min(SHORTEST, self.shortest)
        self._keys = self.redactor.judged
        self._plans: dict[type, Plan] = dict(PLANS)
        self.kinds.update(KINDS)

    def touch(self) -> None:
        """User code may have run since: look at every value again."""
        self.clock.now += 1

    def encode(self, value: Any, *, claim: bool = True) -> Encoded:
        """Write a value. Never raises for what the value is: what cannot be written becomes opaque.

        Without ``claim`` the text is not to be used: nothing counts as written by it, and only the digest matters.
        """
        with self._lock:
            outer = self.fresh, self.lost, self.redacted
            self.fresh, self.lost, self.redacted = [], [], 0
            try:
                return self._close(self.child(value, 0))
            except (TooDeep, RecursionError, orjson.JSONEncodeError):
                return self._carefully(value)
            except Exception as error:  # noqa: BLE001 - a value may run any code while we look at it
                return self._failed(value, error)
            finally:
                if not claim:
                    self.written.difference_update(self.fresh)
                self.fresh, self.lost, self.redacted = outer

    def again(self, encoded: Encoded) -> Encoded:
        """What another encoder has written, as a reference where this one has written the same value meanwhile."""
        if encoded.text is None or encoded.digest not in self.written:
            return encoded
        text = orjson.dumps({REF: encoded.digest}).decode()
        return replace(encoded, text=text, size=len(text))

    def _carefully(self, value: Any) -> Encoded:
        self.undo()
        self.careful = Careful()
        try:
            return self._close(self.child(value, 0))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(value, error)
        finally:
            self.careful = None

    def _failed(self, value: Any, error: Exception) -> Encoded:
        self.forget()
        name = class_name(type(value))
        self.note(f"{name} cannot be encoded: {type(error).__name__}")
        return self._close(self.flat({TAG: "opaque", "class": name, "repr": "", "digest": ""}))

    def _close(self, written: Written) -> Encoded:
        data = orjson.dumps(written[1])
        return Encoded(
            data.decode() if self._keep_text else None,
            self.digest_of(written[0]),
            len(data),
            tuple([f"{path.lstrip('.')}: {why}" if path else why for path, why in self.lost]) if self.lost else (),
            self.redacted,
        )

    # --- what plans use ---------------------------------------------------------------------------

    def child(self, value: Any, depth: int) -> Written:
        """Write any value."""
        plan = self._plans.get(type(value)) or self._learn(type(value))
        if self.careful is not None:
            return self.careful.guard(self, plan, value, depth)
        return plan(self, value, depth)

    def opaque(self, value: Any, why: str) -> Written:
        """A value that cannot be written."""
        return opaque(self, value, why)

    def tagged(self, head: dict[str, Any], bodies: dict[str, Any], depth: int) -> Written:
        """A tagged object: ``head`` of leaves, ``bodies`` of values (a dict, a sequence, `Pairs` or `One`)."""
        tree: dict[str, Tree] = {}
        text: dict[str, Tree] = {}
        height = 0
        for key, leaf in head.items():
            tree[key], text[key], _ = self.leaf(leaf)
        for key, body in bodies.items():
            mark = len(self.lost)
            tree[key], text[key], levels = self._body(body, depth + 1)
            if len(self.lost) > mark and key != "v":
                self.under(f".{key}", mark)
            if levels > height:
                height = levels
        return self.finish(tree, text, height + 1)

    def _body(self, body: Any, depth: int) -> Written:
        kind = type(body)
        if kind is dict:
            return self.mapping(body, depth)
        if kind is Pairs:
            return self.pairs(body, depth)
        if kind is One:
            return self.child(body.value, depth)
        return self.items(body, depth)

    def items(self, values: Iterable[Any], depth: int) -> Written:
        """A JSON array of values, nothing shared."""
        self._check(depth)
        tree: list[Tree] = []
        text: list[Tree] = []
        height, mark = 0, len(self.lost)
        for index, value in enumerate(values):
            part, shown, levels = self.child(value, depth + 1)
            if len(self.lost) > mark:
                self.under(f"[{index}]", mark)
                mark = len(self.lost)
            tree.append(part)
            text.append(shown)
            if levels > height:
                height = levels
        return self.finish(tree, text, height + 1)

    def mapping(self, values: dict[Any, Any], depth: int) -> Written:
        """A JSON object, or tag ``map`` where its keys do not allow it."""
        self._check(depth)
        keys, special = self._keys, 0
        for key in values:
            known = keys.get(key) if type(key) is str else _MAP
            special |= self._judge(key) if known is None else known
        if special:
            return self._special(values, depth, special)
        tree: dict[str, Tree] = {}
        text = tree
        height, mark, short, plans = 0, len(self.lost), self._short, self._plans
        for key, value in values.items():
            kind = type(value)
            if (
                value is None
                or (kind is str and len(value) < short and value.isascii())
                or (kind is int and -SAFE_INT <= value <= SAFE_INT)
            ):
                tree[key] = value
                if text is not tree:
                    text[key] = value
                continue
            if self.careful is None:
                tree[key], shown, levels = (plans.get(kind) or self._learn(kind))(self, value, depth + 1)
            else:
                tree[key], shown, levels = self.child(value, depth + 1)
            if levels > height:
                height = levels
            if len(self.lost) > mark:
                self.under(f".{key}", mark)
                mark = len(self.lost)
            if text is not tree:
                text[key] = shown
            elif shown is not tree[key]:
                text = dict(tree)
                text[key] = shown
        return self.finish(tree, text, height + 1)

    def _special(self, values: dict[Any, Any], depth: int, special: int) -> Written:
        """A mapping with secret keys, or with keys that are written as values."""
        if special & _MAP:
            return self.tagged({TAG: "map"}, {"v": Pairs(values.items())}, depth)
        written = {}
        for key, value in values.items():
            mark = len(self.lost)
            written[key] = self.keyed(key, value, depth + 1)
            self.under(f".{key}", mark)
        height = max(part[2] for part in written.values())
        tree = {key: part[0] for key, part in written.items()}
        return self.finish(tree, {key: part[1] for key, part in written.items()}, height + 1)

    def pairs(self, values: Pairs, depth: int) -> Written:
        """A JSON array of [key, value]."""
        self._check(depth)
        tree, text, height = [], [], 0
        for key, value in values:
            mark = len(self.lost)
            first, second = self.child(key, depth + 2), self.keyed(key, value, depth + 2)
            if len(self.lost) > mark:
                name = self.redactor.redact_text(key)[:40] if type(key) is str else type(key).__name__
                self.under(f"[{name!r}]", mark)
            pair = self.finish([first[0], second[0]], [first[1], second[1]], 1 + max(first[2], second[2]))
            tree.append(pair[0])
            text.append(pair[1])
            height = max(height, pair[2])
        return self.finish(tree, text, height + 1)

    def keyed(self, key: Any, value: Any, depth: int) -> Written:
        """A value under a key, which may say that the value is a secret."""
        if type(key) is str and value is not None and type(value) is not bool and self.redactor.is_secret_key(key):
            known = value.encode("utf-8", "surrogatepass") if type(value) is str else digest(value).encode()
            return self.hide("key", known)
        return self.child(value, depth)

    def _check(self, depth: int) -> None:
        if depth >= MAX_DEPTH and self.careful is None:
            raise TooDeep

    def _judge(self, key: str) -> int:
        state = _SECRET if self.redactor.is_secret_key(key) else _PLAIN
        if key in (TAG, REF) or not is_plain_key(key) or self.redactor.redact(key)[1]:
            state |= _MAP
        if len(self._keys) < _MANY:
            self._keys[key] = state
        return state

    def _learn(self, cls: type) -> Plan:
        plan, kind, learn = plan_for(cls, self.registry)
        if learn:
            self.registry.learn(cls)
        self.kinds[cls] = kind
        self._plans[cls] = plan
        return plan


def digest(value: Any) -> str:
    """Merkle digest of a value on its own, nothing redacted."""
    return Encoder(NOTHING, keep_text=False).encode(value).digest
