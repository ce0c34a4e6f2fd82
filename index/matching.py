"""Which stored paper a file is, if any: by its ids, its very text, its title, or its place."""

from __future__ import annotations

import sqlite3

from index.codec import record_from
from index.identity import contradict, same_paper, same_unnamed_paper, text_sha256
from index.model import Paper


def find_same(db: sqlite3.Connection, paper: Paper, path: str) -> int | None:
    """The id of the stored paper that `paper`, read from `path`, is; None if it is new."""
    ids = paper.record.ids
    shares_id = "coalesce(p.doi = ?1 OR p.pmcid = ?2 OR p.pmid = ?3 OR p.arxiv = ?4, 0)"
    rows = db.execute(
        # `shares_id` is this function's own phrase; the values are bound.
        f"SELECT p.id, p.title, p.record, r.text, p.text_sha256, {shares_id} AS shares_id"  # noqa: S608
        " FROM papers p JOIN revisions r ON r.paper_id = p.id WHERE"
        " p.doi = ?1 OR p.pmcid = ?2 OR p.pmid = ?3 OR p.arxiv = ?4 OR p.text_sha256 = ?5 ORDER BY p.id",
        (ids.doi, ids.pmcid, ids.pmid, ids.arxiv, text_sha256(paper.text)),
    )
    for row in rows:
        if row["text_sha256"] == text_sha256(paper.text):
            # Two notices of the same few words under two DOIs are two papers.
            if row["shares_id"] or not contradict(record_from(row["record"]), paper.record):
                return int(row["id"])
        elif same_paper(paper.record.title, paper.text, row["title"], row["text"]):
            return int(row["id"])
    unnamed = _same_title(db, paper)
    if unnamed is not None:
        return unnamed
    edited = db.execute(
        "SELECT p.id, p.record FROM sources s JOIN papers p ON p.id = s.paper_id WHERE s.path = ?"
        " AND (SELECT count(*) FROM sources o WHERE o.paper_id = p.id) = 1",
        (path,),
    ).fetchone()
    if edited is not None and not contradict(record_from(edited["record"]), paper.record):
        return int(edited["id"])
    return None


def _same_title(db: sqlite3.Connection, paper: Paper) -> int | None:
    """The id of the paper with this title and mostly this text, where no id speaks for or against it."""
    rows = db.execute(
        "SELECT p.id, p.record, r.text FROM papers p JOIN revisions r ON r.paper_id = p.id"
        " WHERE p.title = ? COLLATE NOCASE ORDER BY p.id",
        (paper.record.title,),
    )
    for row in rows:
        if contradict(record_from(row["record"]), paper.record):
            continue
        if same_unnamed_paper(paper.record.title, paper.text, row["text"]):
            return int(row["id"])
    return None
