"""Redaction: secrets are replaced before anything is encoded, so neither text nor digest knows them.

A commitment (HMAC-SHA256) stands in their place: equal secrets can be told to be equal, and whoever holds the key
(``OTEL_AGENT_REDACTION_KEY``; otherwise random for each process) can prove what stood there.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

SECRET_KEYS = frozenset(
    (
        *("api_key", "apikey", "x_api_key", "api_secret", "authorization", "proxy_authorization", "auth_token"),
        *("password", "passwd", "passphrase", "secret", "client_secret", "secret_key", "secret_access_key"),
        *("access_token", "refresh_token", "id_token", "bearer_token", "session_token", "private_key"),
        *("cookie", "set_cookie", "credentials"),
    )
)
"""Keys whose values are secret whatever they are; compared in lower case, ``-`` as ``_``."""

SECRET_SUFFIXES = ("_api_key", "_apikey", "_password", "_client_secret", "_secret_key", "_access_token", "_private_key")
"""Endings of such keys: ``openai_api_key``; never ``input_tokens``."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A secret known by its looks. ``hints``: one of these is in every match, so that ``in`` can rule a text out."""

    name: str
    regex: re.Pattern[str]
    hints: tuple[str, ...]


API_KEYS = Pattern(
    "api_key",
    re.compile(
        r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}"
        r"|xox[abeoprs]-[A-Za-z0-9\-]{10,}|AIza[A-Za-z0-9_\-]{35}|glpat-[A-Za-z0-9_\-]{20,}|hf_[A-Za-z0-9]{30,}"
        r"|eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*)"
    ),
    (
        *("sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        *("xox", "AIza", "glpat-", "hf_", "eyJ"),
    ),
)
BEARER = Pattern(
    "bearer",
    re.compile(r"(?<=[Bb]earer )[A-Za-z0-9_\-.~+/]{8,}=*|(?<=[Bb]asic )[A-Za-z0-9+/]{16,}=*"),
    ("earer ", "asic "),
)
EMAIL = Pattern(
    "email", re.compile(r"[A-Za-z0-9_.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}"), ("@",)
)
SHORTEST = 12
"""No match of the given patterns is shorter, "bearer " included; e-mail addresses may be."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What a redacted value is decoded to: by which rule, and the commitment to what stood there."""

    rule: str
    digest: str


_PROCESS_KEY = os.urandom(32)


class Redactor:
    """Replaces secrets: values under secret keys as a whole, matches of patterns inside strings.

    ``keys``: exact key names; ``patterns``: what to look for in strings; ``key``: of the HMAC. E-mail addresses are
    replaced only where asked for: ``Redactor(patterns=(*DEFAULT_PATTERNS, EMAIL))``.
    """

    def __init__(
        self,
        keys: Iterable[str] = SECRET_KEYS,
        patterns: Iterable[Pattern] = (API_KEYS, BEARER),
        key: bytes | None = None,
    ) -> None:
        self._keys = frozenset(_normal(name) for name in keys)
        self._suffixes = SECRET_SUFFIXES if self._keys >= SECRET_KEYS else ()
        self._patterns = tuple(patterns)
        given = os.environ.get("OTEL_AGENT_REDACTION_KEY", "").encode()
        self._hmac_key = key if key is not None else given or _PROCESS_KEY
        self._hints = {pattern.name: _gated(pattern.hints) for pattern in self._patterns}
        known = all(pattern in (API_KEYS, BEARER) for pattern in self._patterns)
        self.judged: dict[str, int] = {}
        """What encoders found out about keys: the same for every run."""
        self.shortest = (SHORTEST if known else 0) if self._patterns else 2**62
        """Strings shorter than this cannot match."""

    def is_secret_key(self, name: str) -> bool:
        """Whether the value under this key is to be replaced whatever it is."""
        name = _normal(name)
        return name in self._keys or (bool(self._suffixes) and name.endswith(self._suffixes))

    def redact(self, text: str) -> tuple[str, int]:
        """The text with a marker for each match, and how many there were."""
        count = 0
        for pattern in self._patterns:
            if not self._may_match(pattern, text):
                continue
            text, found = pattern.regex.subn(partial(self._mark, pattern.name), text)
            count += found
        return text, count

    def redact_text(self, text: str) -> str:
        """The text with a marker for each match: for status messages and the like."""
        return self.redact(text)[0]

    def _may_match(self, pattern: Pattern, text: str) -> bool:
        for gate, hints in self._hints[pattern.name]:
            if gate in text:
                for hint in hints:
                    if hint in text:
                        return True
        return not pattern.hints

    def commitment(self, data: bytes) -> str:
        """HMAC-SHA256 in hex."""
        return hmac.new(self._hmac_key, data, sha256).hexdigest()

    def _mark(self, rule: str, match: re.Match[str]) -> str:
        return f"[redacted:{rule}:{self.commitment(match[0].encode('utf-8', 'surrogatepass'))[:12]}]"


DEFAULT_PATTERNS = (API_KEYS, BEARER)
NOTHING = Redactor(keys=(), patterns=())
"""Redacts nothing."""


def _gated(hints: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The hints by a character that is rare in texts: one that is not there rules several out at once."""
    gates: dict[str, list[str]] = {}
    for hint in hints:
        gates.setdefault(next((char for char in "J_-A@x" if char in hint), hint), []).append(hint)
    return tuple((gate, tuple(found)) for gate, found in gates.items())


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")
