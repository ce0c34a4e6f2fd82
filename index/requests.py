"""What was asked of the network, and what came of it: one row a paper, kept in library.db.

A run that was stopped goes on from here, a failure is listed until it is mended, and what a service said
of a paper besides its text (ids, licence, a retraction) is added to the paper whenever its file is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from pydantic import TypeAdapter

from index.fetch.wanted import Wanted
from index.model import Paper, PaperIds
from index.parse.ids import merge_ids


@dataclass(frozen=True, slots=True)
class Facts:
    """What a service says of a paper besides its text. `notice` is what every reader should know."""

    ids: PaperIds = field(default_factory=PaperIds)
    licence: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A paper that was asked for. `status` is "waiting", "served" or "failed"; `path` is the file it gave."""

    wanted: Wanted
    status: str = "waiting"
    reason: str = ""
    hint: str = ""
    service: str = ""
    url: str = ""
    path: str = ""
    facts: Facts = field(default_factory=Facts)
    tries: int = 0
    updated: str = ""

    @property
    def name(self) -> str:
        """By which the request is known."""
        return self.wanted.name


@cache
def _wanted() -> TypeAdapter[Wanted]:
    return TypeAdapter(Wanted)


@cache
def _facts() -> TypeAdapter[Facts]:
    return TypeAdapter(Facts)


def put(db: sqlite3.Connection, requests: Iterable[Request]) -> None:
    """Writes what is known of these requests now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    db.executemany(
        "INSERT INTO requests (name, wanted, status, reason, hint, service, url, path, facts, tries, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET wanted = excluded.wanted,"
        " status = excluded.status, reason = excluded.reason, hint = excluded.hint,"
        " service = excluded.service, url = excluded.url, path = excluded.path, facts = excluded.facts,"
        " tries = excluded.tries, updated = excluded.updated",
        [
            (r.name, _wanted().dump_json(r.wanted).decode(), r.status, r.reason, r.hint, r.service, r.url,
             r.path, _facts().dump_json(r.facts).decode(), r.tries, now)
            for r in requests
        ],
    )  # fmt: skip


def select(db: sqlite3.Connection, status: str | None = None) -> list[Request]:
    """The requests with this status, oldest first."""
    rows = db.execute("SELECT * FROM requests WHERE (?1 IS NULL OR status = ?1) ORDER BY id", (status,))
    return [
        Request(
            _wanted().validate_json(row["wanted"]), row["status"], row["reason"], row["hint"], row["service"],
            row["url"], row["path"], _facts().validate_json(row["facts"]), row["tries"], row["updated"],
        )
        for row in rows
    ]  # fmt: skip


def facts_by_path(db: sqlite3.Connection) -> dict[str, Facts]:
    """What services said of the papers in these files."""
    rows = db.execute("SELECT path, facts FROM requests WHERE path <> '' ORDER BY id")
    found = {row["path"]: _facts().validate_json(row["facts"]) for row in rows}
    return {path: facts for path, facts in found.items() if facts != Facts()}


def paths_with_news(db: sqlite3.Connection, requests: Iterable[Request]) -> list[str]:
    """Files of which these requests say something else than what was known."""
    found = []
    for request in requests:
        if request.path:
            row = db.execute(
                "SELECT facts FROM requests WHERE path = ? ORDER BY id DESC LIMIT 1", (request.path,)
            ).fetchone()
            if request.facts != (_facts().validate_json(row["facts"]) if row else Facts()):
                found.append(request.path)
    return found


def with_facts(paper: Paper, facts: Facts) -> Paper:
    """The paper with what a service said of it; what the file itself says comes first."""
    record = replace(
        paper.record,
        ids=merge_ids(paper.record.ids, facts.ids),
        licence=paper.record.licence or facts.licence,
    )
    notes = paper.notes
    if facts.notice and facts.notice not in notes:
        notes = (*notes, facts.notice)
    return replace(paper, record=record, notes=notes)
