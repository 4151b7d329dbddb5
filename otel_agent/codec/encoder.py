"""Python values -> typed JSON, digests and references: each value of a run is written once.

Every value gives two trees: the *canonical* one, in which large children are references (its digest is taken from it),
and the *text*, in which a large child stands in full the first time and as a reference afterwards. Where no child is
large both are the same object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

import orjson

from otel_agent.codec import registry as registries
from otel_agent.codec.canonical import LARGE, MAX_DEPTH, REF, SAFE_INT, SORTED, TAG, Ref, TooDeep, Tree, is_plain_key
from otel_agent.codec.careful import Careful
from otel_agent.codec.chains import Shared
from otel_agent.codec.memo import NO_LOSSES, Clock, Entry, Losses, Patterns
from otel_agent.codec.objects import opaque, plan_for
from otel_agent.codec.plans import PLANS
from otel_agent.codec.redact import NOTHING, SHORTEST, Redactor
from otel_agent.codec.registry import Registry
from otel_agent.codec.values import Pairs, is_valid, write_surrogates

Written: TypeAlias = tuple[Tree, Tree, int]
"""Canonical tree, text tree, levels of JSON."""
Plan: TypeAlias = Callable[["Encoder", Any, int], Written]
"""How values of one type are written, at a depth."""

_PLAIN, _SECRET, _MAP = 0, 1, 2
_SHORT = 20
"""No string of that length can be large, however it is escaped."""


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


class Encoder:
    """Writes the values of one run. Thread-safe; keeps every large value of the run alive.

    A value that was written before is referred to. Objects may change in place between two calls: say so with `touch`,
    and everything is looked at again.
    """

    def __init__(
        self, redactor: Redactor | None = None, keep_text: bool = True, registry: Registry | None = None
    ) -> None:
        self.redactor = redactor if redactor is not None else Redactor()
        self.registry = registry if registry is not None else registries.default
        self._keep_text = keep_text
        self._short = min(SHORTEST, self.redactor.shortest)
        self._lock = threading.RLock()
        self._clock = Clock()
        self._keys: dict[str, int] = {}
        self._plans: dict[type, Plan] = dict(PLANS)
        self._forget()

    def _forget(self) -> None:
        self.written: set[str] = set()
        self._strings: dict[str, tuple[Ref, int]] = {}
        self.memo: dict[int, Entry] = {}
        self.shared = Shared(self.written)
        self.patterns = Patterns(self.memo, self._clock)
        self._fresh: list[str] = []
        self.lost: list[tuple[str, str]] = []
        self.redacted = 0
        self.careful: Careful | None = None

    def touch(self) -> None:
        """User code may have run since: look at every value again."""
        self._clock.now += 1

    def encode(self, value: Any) -> Encoded:
        """Write a value. Never raises for what the value is: what cannot be written becomes opaque."""
        with self._lock:
            outer = self._fresh, self.lost, self.redacted
            self._fresh, self.lost, self.redacted = [], [], 0
            try:
                return self._encode(value)
            finally:
                self._fresh, self.lost, self.redacted = outer

    def _encode(self, value: Any) -> Encoded:
        try:
            return self._close(self.child(value, 0))
        except (TooDeep, RecursionError, orjson.JSONEncodeError):
            self._undo()
        except Exception as error:  # noqa: BLE001 - a value may run any code while we look at it
            return self._failed(value, error)
        self.careful = Careful()
        try:
            return self._close(self.child(value, 0))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(value, error)
        finally:
            self.careful = None

    def _close(self, written: Written) -> Encoded:
        tree, text_tree, _ = written
        data = orjson.dumps(text_tree)
        if type(tree) is Ref:
            digest = tree[REF]
        else:
            digest = sha256(orjson.dumps(tree, option=SORTED)).hexdigest()
        text = data.decode() if self._keep_text else None
        opaque = tuple(f"{path.lstrip('.')}: {reason}" if path else reason for path, reason in self.lost)
        return Encoded(text, digest, len(data), opaque, self.redacted)

    def _undo(self) -> None:
        self.written.difference_update(self._fresh)
        self._fresh, self.lost, self.redacted = [], [], 0

    def _failed(self, value: Any, error: Exception) -> Encoded:
        self._forget()
        self.note(f"{registries.class_name(type(value))} cannot be encoded: {type(error).__name__}")
        tree = {TAG: "opaque", "class": registries.class_name(type(value)), "repr": "", "digest": ""}
        return self._close((tree, tree, 1))

    # --- what plans use ---------------------------------------------------------------------------

    def note(self, reason: str) -> None:
        """Something of the value in hand is lost."""
        self.lost.append(("", reason))

    def child(self, value: Any, depth: int) -> Written:
        """Write any value."""
        plan = self._plans.get(type(value)) or self._learn(type(value))
        if self.careful is not None:
            return self.careful.guard(self, plan, value, depth)
        return plan(self, value, depth)

    def finish(self, tree: Tree, text: Tree, height: int) -> Written:
        """Fold a container: a large one is a reference in its parent's canonical form."""
        data = orjson.dumps(tree, option=SORTED)
        if len(data) < LARGE:
            return tree, text, height
        return self.refer(sha256(data).hexdigest(), text, height)

    def refer(self, digest: str, text: Tree, height: int) -> Written:
        """A large value of this digest: in full the first time, a reference afterwards."""
        ref = Ref({REF: digest})
        if digest in self.written:
            return ref, ref, height
        self.written.add(digest)
        self._fresh.append(digest)
        return ref, text, height

    def opaque(self, value: Any, why: str) -> Written:
        """A value that cannot be written."""
        return opaque(self, value, why)

    def raw(self, text: str) -> Written:
        """A string that is not looked at by the redactor."""
        count = len(text)
        if count <= _SHORT and text.isascii():
            return text, text, 0
        if not text.isascii() and not is_valid(text):
            return self.flat(write_surrogates(text))
        if count >= LARGE - 2 or len(orjson.dumps(text)) >= LARGE:
            return self.refer(sha256(orjson.dumps(text)).hexdigest(), text, 0)
        return text, text, 0

    def string(self, text: str, _depth: int = 0) -> Written:
        """A string of the user's."""
        count = len(text)
        if count < LARGE // 8 or (known := self._strings.get(text)) is None or known[0][REF] not in self.written:
            clean, found = self.redactor.redact(text) if count >= self.redactor.shortest else (text, 0)
            written = self.raw(clean)
            self.redacted += found
            if type(written[0]) is Ref:
                self._strings[text] = (written[0], found)
            return written
        self.redacted += known[1]
        return known[0], known[0], 0

    def flat(self, tree: dict[str, Any]) -> Written:
        """A tagged object of leaves and short lists of leaves."""
        tags = {key: self.leaf(leaf) for key, leaf in tree.items()}
        return self.finish({key: leaf[0] for key, leaf in tags.items()}, {key: leaf[1] for key, leaf in tags.items()}, 1)

    def leaf(self, leaf: Tree) -> Written:
        """Part of a tagged object that the redactor need not see."""
        if type(leaf) is str:
            return self.raw(leaf) if len(leaf) > _SHORT else (leaf, leaf, 0)
        if type(leaf) is list and len(orjson.dumps(leaf)) >= LARGE:
            parts = [self.leaf(part) for part in leaf]
            return self.finish([part[0] for part in parts], [part[1] for part in parts], 1)
        return leaf, leaf, 0

    def tagged(self, head: dict[str, Any], bodies: dict[str, Any], depth: int) -> Written:
        """A tagged object: ``head`` of leaves, ``bodies`` of values (a dict, a list of values, or `Pairs`)."""
        tree: dict[str, Tree] = {}
        text: dict[str, Tree] = {}
        height = 0
        for key, leaf in head.items():
            tree[key], text[key], _ = self.leaf(leaf)
        for key, body in bodies.items():
            mark = len(self.lost)
            if type(body) is dict:
                written = self.mapping(body, depth + 1)
            elif type(body) is Pairs:
                written = self.pairs(body, depth + 1)
            else:
                written = self.items(body, depth + 1)
            if len(self.lost) > mark and key != "v":
                self.under(f".{key}", mark)
            tree[key], text[key] = written[0], written[1]
            height = max(height, written[2])
        return self.finish(tree, text, height + 1)

    def under(self, key: str, mark: int) -> None:
        """What was lost since ``mark`` was lost under this key."""
        self.lost[mark:] = [(key + path, reason) for path, reason in self.lost[mark:]]

    def items(self, values: Any, depth: int) -> Written:
        """A JSON array of values, nothing shared."""
        if depth >= MAX_DEPTH and self.careful is None:
            raise TooDeep
        tree: list[Tree] = []
        text = tree
        height, mark = 0, len(self.lost)
        for index, value in enumerate(values):
            part, shown, levels = self.child(value, depth + 1)
            if len(self.lost) > mark:
                self.under(f"[{index}]", mark)
                mark = len(self.lost)
            if shown is not part and text is tree:
                text = list(tree)
            tree.append(part)
            if text is not tree:
                text.append(shown)
            if levels > height:
                height = levels
        return self.finish(tree, text, height + 1)

    def mapping(self, values: dict[Any, Any], depth: int) -> Written:
        """A JSON object, or tag ``map`` where its keys do not allow it."""
        if depth >= MAX_DEPTH and self.careful is None:
            raise TooDeep
        keys, special = self._keys, 0
        for key in values:
            known = keys.get(key) if type(key) is str else _MAP
            special |= self._judge(key) if known is None else known
        if special & _MAP:
            return self.tagged({TAG: "map"}, {"v": Pairs(values.items())}, depth)
        tree: dict[str, Tree] = {}
        text = tree
        height, mark = 0, len(self.lost)
        for key, value in values.items():
            kind = type(value)
            if (kind is str and len(value) < self._short and value.isascii() and not special) or value is None or kind is bool:
                tree[key] = value
                if text is not tree:
                    text[key] = value
                continue
            if kind is int and -SAFE_INT <= value <= SAFE_INT and not special:
                part = shown = value
            else:
                part, shown, levels = self.keyed(key, value, depth + 1) if special else self.child(value, depth + 1)
                if levels > height:
                    height = levels
                if len(self.lost) > mark:
                    self.under(f".{key}", mark)
                    mark = len(self.lost)
            tree[key] = part
            if text is not tree:
                text[key] = shown
            elif shown is not part:
                text = dict(tree)
                text[key] = shown
        return self.finish(tree, text, height + 1)

    def pairs(self, values: Pairs, depth: int) -> Written:
        """A JSON array of [key, value]."""
        tree, text, height = [], [], 0
        for key, value in values:
            mark = len(self.lost)
            first = self.child(key, depth + 2)
            second = self.keyed(key, value, depth + 2)
            if len(self.lost) > mark:
                self.under(f"[{str(key)[:40]!r}]" if type(key) is str else f"[{type(key).__name__}]", mark)
            pair = self.finish([first[0], second[0]], [first[1], second[1]], 1 + max(first[2], second[2]))
            tree.append(pair[0])
            text.append(pair[1])
            height = max(height, pair[2])
        return self.finish(tree, text, height + 1)

    def keyed(self, key: Any, value: Any, depth: int) -> Written:
        """A value under a key, which may say that the value is a secret."""
        if type(key) is str and value is not None and type(value) is not bool and self.redactor.is_secret_key(key):
            return self.hide("key", value)
        return self.child(value, depth)

    def hide(self, rule: str, value: Any) -> Written:
        """A commitment in place of a secret."""
        self.redacted += 1
        known = value.encode("utf-8", "surrogatepass") if type(value) is str else digest(value).encode()
        return self.flat({TAG: "redacted", "rule": rule, "digest": self.redactor.commitment(known)})

    def _judge(self, key: str) -> int:
        state = _SECRET if self.redactor.is_secret_key(key) else _PLAIN
        if key in (TAG, REF) or not is_plain_key(key) or self.redactor.redact(key)[1]:
            state |= _MAP
        if len(self._keys) < 10_000:
            self._keys[key] = state
        return state

    def _learn(self, cls: type) -> Plan:
        plan, kind, learn = plan_for(cls, self.registry)
        if learn:
            self.registry.learn(cls)
        if kind is not None:
            self.patterns.kinds[cls] = kind
        self._plans[cls] = plan
        return plan

    # --- values that are remembered ---------------------------------------------------------------

    def known(self, value: Any, depth: int) -> Written | None:
        """A reference, where the value was written before and is the same."""
        entry = self.memo.get(id(value))
        if entry is None or self.careful is not None:
            return None
        ref = entry.ref
        if ref is None or ref[REF] not in self.written or not entry == value:
            del self.memo[id(value)]
            return None
        if depth + entry.height > MAX_DEPTH:
            raise TooDeep
        self.report(entry.losses)
        return ref, ref, entry.height

    def report(self, losses: Losses) -> None:
        """Say again what was lost in a value that is referred to."""
        if losses is not NO_LOSSES:
            self.lost += losses.opaque
            self.redacted += losses.redacted

    def remember(self, value: Any, written: Written, mark: int, redacted: int) -> Written:
        """Keep what was written of a value, if it is large, with what was lost since the marks."""
        if type(written[0]) is Ref and self.careful is None:
            entry = self.patterns.entry(value)
            entry.ref, entry.height, entry.losses = written[0], written[2], self.losses_since(mark, redacted)
            self.memo[id(value)] = entry
        return written

    def losses_since(self, mark: int, redacted: int) -> Losses:
        """What was lost since the marks."""
        if len(self.lost) == mark and self.redacted == redacted:
            return NO_LOSSES
        return Losses(tuple(self.lost[mark:]), self.redacted - redacted)

    def remembered(self, write: Plan, value: Any, depth: int) -> Written:
        """Write a value that may be referred to later."""
        known = self.known(value, depth)
        if known is not None:
            return known
        mark, redacted = len(self.lost), self.redacted
        return self.remember(value, write(self, value, depth), mark, redacted)


def digest(value: Any) -> str:
    """Merkle digest of a value on its own, nothing redacted."""
    return Encoder(NOTHING, keep_text=False).encode(value).digest
