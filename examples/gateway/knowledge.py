"""The project's own Markdown files, cut into sections and searched with SQLite's FTS5."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

GUIDES = frozenset({".", "docs", "docs/how-to", "docs/explanation", "examples/gateway"})
VISIBLE = {
    "reader": GUIDES,
    "analyst": GUIDES | {"docs/reference"},
    "auditor": GUIDES | {"docs/reference", "docs/adr"},
}
"""Whose files a role sees, by folder; what its line does not name stays hidden."""

SHORTEST = 40
"""Characters; less is a date or a link, and answers nothing."""

SCHEMA = "CREATE VIRTUAL TABLE section USING fts5(source UNINDEXED, heading, body, tokenize = 'porter unicode61')"
SEARCH = """
SELECT source, heading, snippet(section, 2, '', '', ' ... ', 24) AS excerpt, bm25(section, 0, 4.0, 1.0) AS score
FROM section WHERE section MATCH ? ORDER BY score, rowid
"""
STOPWORD = re.compile(
    "an?|and|are|as|at|by|can|do|does|for|from|how|i|in|is|it|of|on|or|that|the|to|was|wh(at|en|ere|o|y)"
)


@dataclass(frozen=True)
class Hit:
    """One section found: where it stands, an excerpt, and its BM25 score (smaller is better)."""

    source: str
    heading: str
    excerpt: str
    score: float


class Knowledge:
    """An in-memory full-text index over a folder's Markdown."""

    def __init__(self, root: Path = ROOT) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute(SCHEMA)
        self._db.executemany("INSERT INTO section VALUES (?, ?, ?)", _sections_under(root))

    def __len__(self) -> int:
        return int(self._query("SELECT count(*) FROM section")[0][0])

    def search(self, text: str, role: str, limit: int = 2) -> list[Hit]:
        """The sections that fit best, of those that the role may see."""
        words = [word for word in re.findall(r"\w+", text.lower()) if not STOPWORD.fullmatch(word)]
        match = " OR ".join(f'"{word}"' for word in dict.fromkeys(words[:12]))
        hits = (Hit(*row) for row in self._query(SEARCH, match)) if match else iter(())
        return [hit for hit in hits if may_see(role, hit.source)][:limit]

    def read(self, source: str, heading: str, role: str) -> str:
        """A whole section, or an empty string where there is none that the role may see."""
        rows = self._query("SELECT body FROM section WHERE source = ? AND heading = ?", source, heading)
        return str(rows[0][0]) if rows and may_see(role, source) else ""

    def _query(self, sql: str, *values: str) -> list[tuple[str, str, str, float]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()


def may_see(role: str, source: str) -> bool:
    """Whether the role's line in `VISIBLE` names the file's folder."""
    return PurePosixPath(source).parent.as_posix() in VISIBLE[role]


def _sections_under(root: Path) -> Iterator[tuple[str, str, str]]:
    files = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]
    for file in sorted(files):
        source = file.relative_to(root).as_posix()
        for heading, body in _cut(file.read_text(encoding="utf-8")):
            yield source, heading, body


def _cut(markdown: str) -> Iterator[tuple[str, str]]:
    """(heading, text) of every section that says something; the heading begins with the page's title."""
    title, heading, lines, in_fence = "", "", list[str](), False
    for line in markdown.splitlines():
        in_fence ^= line.startswith("```")
        if line.startswith("#") and not in_fence:
            yield from _section(heading, lines)
            name = line.lstrip("# ").strip()
            title = title or name
            heading, lines = name if name == title else f"{title}: {name}", []
        else:
            lines.append(line)
    yield from _section(heading, lines)


def _section(heading: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    body = "\n".join(lines).strip()
    if len(body) >= SHORTEST:
        yield heading, body
