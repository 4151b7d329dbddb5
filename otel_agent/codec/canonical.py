"""Canonical bytes and Merkle digests of typed-JSON trees.

The canonical form of a tree is its RFC 8785 text, in which every child whose own canonical bytes are `LARGE` or more is
replaced by ``{"$ref": digest of the child}``. The digest is SHA-256 over these bytes. So a value written inline and a
reference to it have the same digest, and a digest can be recomputed from the text alone.

Numbers stay plain only where Python, orjson and RFC 8785 print them alike, and keys only where sorting them by code
point and by UTF-16 unit is the same. Therefore ``orjson.dumps(tree, option=OPT_SORT_KEYS)`` *is* RFC 8785 here.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias

import orjson

Tree: TypeAlias = Any
"""What ``orjson`` reads and writes: None, bool, int, float, str, list, dict with str keys."""

LARGE = 128
"""Canonical bytes from which on a value has a digest of its own and may be referred to."""
SAFE_INT = 2**53 - 1
MAX_DEPTH = 200
"""Levels of JSON; deeper is opaque when written and refused when read."""
MAX_NODES = 20_000_000
"""Values that one payload may have once its references are resolved."""
MAX_DIGITS = 100_000
"""Characters of one number."""

TAG = "$oa"
REF = "$ref"
SORTED = orjson.OPT_SORT_KEYS


class Ref(dict[str, str]):
    """``{"$ref": digest}``: a type of its own, so that it is told from a dict at once."""

    __slots__ = ()


class TooDeep(Exception):
    """A value has more levels than we write, or holds itself."""


def canonical(tree: Tree) -> bytes:
    """Canonical bytes of a tree whose large children are replaced already."""
    return orjson.dumps(tree, option=SORTED)


def digest_of(data: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(data).hexdigest()


def is_plain_float(number: float) -> bool:
    """True where all JSON printers agree on it, and it cannot be taken for an int."""
    return 1e-4 <= abs(number) < 1e15 and not number.is_integer()


def is_plain_key(key: str) -> bool:
    """True where sorting by code point and by UTF-16 unit is the same; no surrogates."""
    return key.isascii() or not any(char > "\uffff" or "\ud800" <= char <= "\udfff" for char in key)


def merkle_digest(tree: Tree) -> str:
    """Digest of a tree without references: the plain definition, for tests and other implementations."""
    folded = fold(tree)
    return folded[REF] if type(folded) is Ref else digest_of(canonical(folded))


def fold(tree: Tree) -> Tree:
    """The tree as it stands in its parent's canonical form: itself with large children replaced, or a reference."""
    if isinstance(tree, dict):
        folded: Tree = {key: fold(child) for key, child in tree.items()}
    elif isinstance(tree, list):
        folded = [fold(child) for child in tree]
    else:
        folded = tree
    data = canonical(folded)
    return folded if len(data) < LARGE else Ref({REF: digest_of(data)})
