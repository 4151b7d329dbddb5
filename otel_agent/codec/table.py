"""The reader's side: all payloads of a run, every digest recomputed from the text, references resolved.

A value is known here under the digest that we compute, never under one that the record claims, so a reference leads to
exactly what was written or nowhere. References may point to payloads that are added later; a list in parts waits for
the list it refers to. Sizes and depths with all references resolved are counted before anything is built.
"""

from __future__ import annotations

from typing import Any

import orjson

from otel_agent.codec import registry as registries
from otel_agent.codec.canonical import MAX_DEPTH, MAX_NODES, REF, TAG, TooDeep, Tree
from otel_agent.codec.decode import SLACK, Decoder, Malformed
from otel_agent.codec.folding import Folder, Missing
from otel_agent.codec.people import Plain
from otel_agent.codec.registry import Registry
from otel_agent.errors import AlteredRecord, IncompleteRecord, MissingReference, RecordError, WrongByteCount
from otel_agent.model.payload import Payload

_ATTEMPTS = 64
"""How often one payload may wait for lists that come later."""


class _Item:
    """One payload in the table."""

    __slots__ = ("attempts", "digest", "payload", "problem", "refs", "tree")

    def __init__(self, payload: Payload) -> None:
        self.payload = payload
        self.tree: Tree = None
        self.digest: str | None = None
        self.refs: list[str] = []
        self.problem: RecordError | None = None
        self.attempts = 0

    def fail(self, cls: type[RecordError], what: str) -> None:
        """Keep the problem; it is raised when the payload is asked for."""
        where = f"span {self.payload.span_id}: {self.payload.name} {what}"
        self.problem = cls(where, span_id=self.payload.span_id)


class PayloadTable:
    """All payloads of one run. Not thread-safe.

    Add every payload, then `verify` and `decode`. Decoded values are fresh each time and share nothing.
    """

    def __init__(self, registry: Registry | None = None, *, strict: bool = False, max_nodes: int = MAX_NODES) -> None:
        self._registry = registry if registry is not None else registries.default
        self._strict = strict
        self._max_nodes = max_nodes
        self._folder = Folder(max_nodes)
        self._items: dict[Payload, _Item] = {}
        self._pending: list[_Item] = []

    def add(self, payload: Payload) -> None:
        """Take a payload in. What is wrong with it is raised by `verify`, `decode` and `json`."""
        if payload in self._items:
            return
        item = self._items[payload] = _Item(payload)
        if payload.text is None:
            return
        try:
            data = payload.text.encode()
            item.tree = orjson.loads(data)
        except (ValueError, RecursionError) as error:
            item.fail(AlteredRecord, f"is not JSON that can be read: {error}")
            return
        if len(data) != payload.size:
            item.fail(WrongByteCount, f"has {len(data)} bytes where {payload.size} were written")
        elif not _is_compact(item.tree, data):
            item.fail(AlteredRecord, "is not written as the format says: compact, each key once, no needless escapes")
        else:
            self._pending.append(item)

    def verify(self, payload: Payload) -> None:
        """Raise what is wrong with a payload: byte count, form, digest, or a reference that leads nowhere."""
        self._check(payload)

    def decode(self, payload: Payload, registry: Registry | None = None, *, strict: bool | None = None) -> Any:
        """The value, with its Python types; verified before."""
        item = self._check(payload)
        self._require_text(payload)
        self._measure(item)
        decoder = Decoder(
            registry if registry is not None else self._registry,
            strict=self._strict if strict is None else strict,
            resolve=self._folder.resolve,
            expand=self._folder.expand,
            span_id=payload.span_id,
        )
        return decoder.run(item.tree)

    def json(self, payload: Payload, limit: int = 100_000) -> Any:
        """Plain JSON for people: references resolved, tags left out; what is beyond ``limit`` values is cut."""
        self.add(payload)
        self._settle()
        self._require_text(payload)
        item = self._items[payload]
        if item.tree is None and item.problem is not None:
            raise item.problem
        return Plain(self._folder, limit).show(item.tree)

    def tree(self, payload: Payload) -> Tree:
        """The typed JSON of a verified payload with every reference resolved: for comparing values exactly."""
        item = self._check(payload)
        self._require_text(payload)
        self._measure(item)
        return self._resolved(item.tree)

    # --- inside -----------------------------------------------------------------------------------

    def _check(self, payload: Payload) -> _Item:
        self.add(payload)
        self._settle()
        item = self._items[payload]
        if item.problem is not None:
            raise item.problem
        if payload.text is None:
            return item
        if item.digest != payload.digest:
            item.fail(AlteredRecord, f"has the digest {item.digest}, and {payload.digest} was written")
        for digest in item.refs:
            if digest not in self._folder.nodes:
                item.fail(MissingReference, f"refers to {digest}, which no span of the run holds")
        if item.problem is not None:
            raise item.problem
        return item

    @staticmethod
    def _require_text(payload: Payload) -> None:
        if payload.text is None:
            raise IncompleteRecord(
                f"span {payload.span_id}: the content of {payload.name} was not captured", span_id=payload.span_id
            )

    def _measure(self, item: _Item) -> None:
        payload = item.payload
        try:
            count, height = self._folder.measure(item.tree)
        except (TooDeep, RecursionError):
            count, height = 0, MAX_DEPTH + SLACK + 1
        except Missing as missing:
            item.fail(MissingReference, f"refers to {missing.digest}, which no span of the run holds")
            raise item.problem from None  # type: ignore[misc]
        if height > MAX_DEPTH + SLACK:
            what = f"span {payload.span_id}: {payload.name} is nested deeper than {MAX_DEPTH} levels"
            raise AlteredRecord(what, span_id=payload.span_id)
        if count > self._max_nodes:
            what = f"span {payload.span_id}: {payload.name} has {count} values, more than {self._max_nodes}"
            raise AlteredRecord(what, span_id=payload.span_id)

    def _resolved(self, tree: Tree) -> Tree:
        if isinstance(tree, list):
            return [self._resolved(child) for child in tree]
        if not isinstance(tree, dict):
            return tree
        if REF in tree:
            return self._resolved(self._folder.resolve(tree[REF]))
        if tree.get(TAG) == "cat":
            return [self._resolved(child) for child in self._folder.expand(tree)]
        return {key: self._resolved(child) for key, child in tree.items()}

    def _settle(self) -> None:
        """Compute what is pending, as often as that makes something else known."""
        queue, self._pending = self._pending, []
        waiting: dict[str, list[_Item]] = {}
        while queue:
            for item in queue:
                missing = self._fold(item)
                if missing is not None:
                    waiting.setdefault(missing, []).append(item)
            ready = [digest for digest in waiting if digest in self._folder.nodes]
            queue = [item for digest in ready for item in waiting.pop(digest)]
        for digest, items in waiting.items():
            for item in items:
                item.fail(MissingReference, f"refers to {digest}, which no span of the run holds")
                item.attempts = 0
                self._pending.append(item)

    def _fold(self, item: _Item) -> str | None:
        """Compute a payload's digest; the digest of the list that it must wait for."""
        item.attempts += 1
        refs: list[str] = []
        try:
            item.digest = self._folder.digest(item.tree, refs)
        except Missing as missing:
            if item.attempts < _ATTEMPTS:
                return missing.digest
            item.fail(AlteredRecord, "refers to lists that were written later, again and again")
            return None
        except (TooDeep, RecursionError):
            item.fail(AlteredRecord, f"is nested deeper than {MAX_DEPTH} levels")
            return None
        except (Malformed, orjson.JSONEncodeError) as error:
            item.fail(AlteredRecord, f"is malformed: {error}")
            return None
        if isinstance(item.problem, MissingReference):
            item.problem = None
        item.refs = refs
        return None


def _is_compact(tree: Tree, data: bytes) -> bool:
    """Whether a text is the one that we would write: nothing can hide in blanks, escapes or doubled keys."""
    try:
        return orjson.dumps(tree) == data
    except orjson.JSONEncodeError:
        return True  # too deep, which is reported as such
