"""Which passages lie within a scope: of these papers, years, sections, kinds and tags."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from index import tags


def within(
    db: sqlite3.Connection,
    paper_ids: Sequence[int] | None,
    years: tuple[int | None, int | None] | None,
    sections: Sequence[str] | None,
    kinds: Sequence[str] | None,
    tagged: Sequence[str],
) -> set[int]:
    """Ids of the passages, as `Reader.scope` says."""
    low, high = years or (None, None)
    if tagged:
        chosen = tags.papers_with(db, tagged)
        paper_ids = sorted(chosen if paper_ids is None else chosen & set(paper_ids))
    papers = (
        "(?1 IS NULL OR p.year >= ?1) AND (?2 IS NULL OR p.year <= ?2)"
        " AND (?3 IS NULL OR p.id IN (SELECT value FROM json_each(?3)))"
    )
    values = (low, high, None if paper_ids is None else json.dumps(list(paper_ids)))
    if not sections and not kinds:
        rows = db.execute(
            "SELECT id FROM passages WHERE paper_id IN (SELECT p.id FROM papers p"  # noqa: S608 (own phrase)
            f" WHERE {papers})",
            values,
        )
        return {row[0] for row in rows}
    cursor = db.cursor()
    cursor.row_factory = None  # plain tuples: there may be a million
    rows = cursor.execute(
        "SELECT r.id, s.position, s.heading, s.kind FROM papers p JOIN revisions r ON r.paper_id = p.id"  # noqa: S608
        f" JOIN sections s ON s.revision_id = r.id WHERE {papers}",
        values,
    )
    words = [word.lower() for word in sections or ()]
    positions: dict[int, set[int]] = {}
    for revision, position, heading, kind in rows:
        if kinds and kind not in kinds:
            continue
        if not words or any(word in heading.lower() or word == kind for word in words):
            positions.setdefault(revision, set()).add(position)
    found = cursor.execute(
        "SELECT id, revision_id, section FROM passages WHERE revision_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(positions)),),
    )
    return {i for i, revision, section in found if section in positions[revision]}
