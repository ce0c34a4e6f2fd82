"""What users call papers to find them again. A tag stays through every sync and goes with its paper."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from index.errors import SettingsError, TagNotFound

_MAX = 60  # characters of a tag
_LISTED = 12


def checked_tag(name: str) -> str:
    """The tag, its white space folded; SettingsError for one that `--tag a,b` could not name."""
    tag = " ".join(name.split())
    if not tag or len(tag) > _MAX or "," in tag or tag.startswith("-") or not tag.isprintable():
        raise SettingsError(
            f"{name[:_MAX]!r} cannot be a tag",
            f"A tag has 1 to {_MAX} printable characters, no comma, and begins with no hyphen.",
        )
    return tag


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Every tag and how many papers have it, by name."""
    rows = db.execute("SELECT name, count(*) FROM tags GROUP BY name COLLATE NOCASE ORDER BY name")
    return {str(name): int(number) for name, number in rows}


def papers_with(db: sqlite3.Connection, names: Sequence[str]) -> set[int]:
    """The ids of the papers that have any of these tags; TagNotFound names a tag that no paper has."""
    known = counts(db)
    wanted = {name.casefold() for name in names}
    unknown = wanted - {tag.casefold() for tag in known}
    if unknown:
        there = ", ".join(list(known)[:_LISTED]) + ("…" if len(known) > _LISTED else "")
        raise TagNotFound(
            f"no paper in this library has the tag {min(unknown)[:_MAX]!r}",
            f"There are: {there}." if known else "Give one with: citewell tag add NAME PAPER",
        )
    spelled = [tag for tag in known if tag.casefold() in wanted]
    rows = db.execute(
        "SELECT DISTINCT paper_id FROM tags WHERE name IN (SELECT value FROM json_each(?))",
        (json.dumps(spelled),),
    )
    return {int(row[0]) for row in rows}


def add(db: sqlite3.Connection, paper_ids: Iterable[int], name: str) -> None:
    """Gives papers a tag; a tag that is there already is written as it was first."""
    row = db.execute("SELECT name FROM tags WHERE name = ? LIMIT 1", (name,)).fetchone()
    spelled = str(row[0]) if row else name
    db.executemany(
        "INSERT INTO tags (paper_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(paper_id, spelled) for paper_id in paper_ids],
    )


def remove(db: sqlite3.Connection, paper_ids: Iterable[int], name: str) -> None:
    """Takes a tag from papers; those that lack it stay as they are."""
    db.executemany(
        "DELETE FROM tags WHERE paper_id = ? AND name = ?", [(paper_id, name) for paper_id in paper_ids]
    )


def inherit(db: sqlite3.Connection, old: int, new: int) -> None:
    """The paper `old` turned out to be `new`: what it was tagged, `new` is too."""
    db.execute(
        "INSERT INTO tags (paper_id, name) SELECT ?, name FROM tags WHERE paper_id = ?"
        " ON CONFLICT DO NOTHING",
        (new, old),
    )
