"""Typed JSON -> Python values. Nothing is imported, and no code of the record's choosing runs.

Classes are looked up in a `Registry`. One that is not there gives an inert `Unresolved` or `RecordedError`; in strict
mode `UnknownClass`, whose message is the line to write: ``otel_agent.codec.registry.default.add(<Class>)``.
Every call gives fresh objects, and nothing is shared inside a decoded value: a caller may change what it gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from otel_agent.codec import registry as registries
from otel_agent.codec.canonical import MAX_DEPTH, REF, TAG, TooDeep, Tree
from otel_agent.codec.registry import Registry
from otel_agent.errors import AlteredRecord, RecordError, UnknownClass

SLACK = 10
"""Levels by which a tagged value may exceed `MAX_DEPTH`."""


class Malformed(Exception):
    """What stands under a tag is not what the tag promises."""


class Decoder:
    """Turns trees into values; ``resolve`` and ``expand`` follow references and ``cat`` forms."""

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        strict: bool = False,
        resolve: Callable[[str], Tree] | None = None,
        expand: Callable[[Tree], list[Tree]] | None = None,
        span_id: str | None = None,
    ) -> None:
        self.registry = registry if registry is not None else registries.default
        self.strict = strict
        self._resolve = resolve
        self._expand = expand
        self._span_id = span_id
        self._depth = 0

    def run(self, tree: Tree) -> Any:
        """Decode a whole payload; every failure is a `RecordError` that names the span."""
        try:
            return self.value(tree)
        except RecordError:
            raise
        except (TooDeep, RecursionError):
            raise AlteredRecord(self._where(f"nested deeper than {MAX_DEPTH} levels"), span_id=self._span_id) from None
        except Malformed as error:
            raise AlteredRecord(self._where(str(error)), span_id=self._span_id) from error
        except Exception as error:
            raise AlteredRecord(self._where(f"{type(error).__name__}: {error}"), span_id=self._span_id) from error

    def value(self, tree: Tree) -> Any:
        """The value of a tree."""
        kind = type(tree)
        if kind is list:
            return self.items(tree)
        if not isinstance(tree, dict):
            return tree
        if REF in tree:
            return self.value(self.follow(tree))
        if TAG not in tree:
            self._enter()
            found = {key: self.value(child) for key, child in tree.items()}
            self._depth -= 1
            return found
        return self._tagged(tree)

    def _tagged(self, tree: dict[str, Tree]) -> Any:
        tag = tree[TAG]
        if tag == "cat":
            return self.items(tree)
        read = TAGS.get(tag) if isinstance(tag, str) else None
        if read is None:
            raise Malformed(f"the tag {str(tag)[:40]!r} is unknown")
        self._enter()
        try:
            found = read(self, tree)
        except (Malformed, TooDeep, RecordError, RecursionError):
            raise
        except KeyError as error:
            raise Malformed(f"tag {tag!r} lacks {error}") from error
        except Exception as error:
            raise Malformed(f"tag {tag!r} cannot be read: {type(error).__name__}: {str(error)[:200]}") from error
        self._depth -= 1
        return found

    def items(self, tree: Tree) -> list[Any]:
        """The values of an array."""
        self._enter()
        found = [self.value(child) for child in self.array(tree)]
        self._depth -= 1
        return found

    def array(self, tree: Tree) -> list[Tree]:
        """The trees in an array, which may be a reference or in parts."""
        tree = self.plain(tree)
        if isinstance(tree, dict) and tree.get(TAG) == "cat" and self._expand is not None:
            return self._expand(tree)
        if not isinstance(tree, list):
            raise Malformed("an array is wanted")
        return tree

    def pairs(self, tree: Tree) -> list[tuple[Any, Any]]:
        """Keys and values."""
        found = []
        for pair in self.array(tree):
            key, child = self.array(pair)
            found.append((self.value(key), self.value(child)))
        return found

    def text(self, tree: Tree) -> str:
        """A string that is part of a tag."""
        tree = self.plain(tree)
        if not isinstance(tree, str):
            raise Malformed("a string is wanted")
        return tree

    def fields(self, tree: Tree) -> dict[str, Any]:
        """Names and values."""
        found = self.value(tree)
        if type(found) is not dict or not all(type(name) is str for name in found):
            raise Malformed("fields are wanted")
        return found

    def plain(self, tree: Tree) -> Tree:
        """What a reference refers to, or the tree itself."""
        return self.follow(tree) if isinstance(tree, dict) and REF in tree else tree

    def follow(self, tree: dict[str, Tree]) -> Tree:
        """What a reference refers to: never a reference again."""
        if self._resolve is None:
            raise Malformed("a reference stands where there is no table to resolve it")
        return self._resolve(tree[REF])

    def find(self, name: str) -> type | None:
        """The class of that name; None where it is not registered, unless strict."""
        found = self.registry.find(name)
        if found is None and self.strict:
            short = name.rpartition(".")[2]
            line = f"otel_agent.codec.registry.default.add({short})"
            raise UnknownClass(
                self._where(f"the class {name} is not registered; import it and write: {line}"), span_id=self._span_id
            )
        return found

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH + SLACK:
            raise TooDeep

    def _where(self, what: str) -> str:
        return f"span {self._span_id}: {what}" if self._span_id else what


Read: TypeAlias = Callable[[Decoder, dict[str, Tree]], Any]


def _tags() -> dict[str, Read]:
    from otel_agent.codec.decode_objects import OBJECTS
    from otel_agent.codec.decode_values import VALUES

    return {**VALUES, **OBJECTS}


TAGS: dict[str, Read] = _tags()
