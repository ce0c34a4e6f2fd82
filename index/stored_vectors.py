"""Vectors as the library keeps them: which there are, which are missing, and the file that is searched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_VECTORS = (
    "SELECT v.revision_id, v.data, v.crc32,"
    " (SELECT json_group_array(id) FROM (SELECT id FROM passages p"
    "   WHERE p.revision_id = v.revision_id ORDER BY id)) AS ids FROM vectors v"
)


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """What library.db says of an index file; the hash is that of its directory (index/sealed.py)."""

    file: str
    size: int
    sha256: str
    count: int
    last_passage_id: int


@dataclass(frozen=True, slots=True)
class VectorRows:
    """The stored vectors of one revision: ids in order, float16 bytes, and their CRC-32."""

    revision_id: int
    passage_ids: tuple[int, ...]
    data: bytes
    crc32: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A text whose passages wait for their vectors."""

    revision_id: int
    passages: int


def snapshot(db: sqlite3.Connection, model_id: int) -> SnapshotRow | None:
    """The newest index file of this model."""
    row = db.execute(
        "SELECT file, size, sha256, count, last_passage_id FROM snapshots WHERE model_id = ?"
        " ORDER BY last_passage_id DESC, file DESC LIMIT 1",
        (model_id,),
    ).fetchone()
    return SnapshotRow(*row) if row else None


def rows(
    db: sqlite3.Connection, model_id: int, revisions: Sequence[int] | None = None
) -> Iterable[VectorRows]:
    """Stored vectors, of these revisions only or of all, in the order of revisions."""
    chosen = "" if revisions is None else "AND v.revision_id IN (SELECT value FROM json_each(?))"
    found = db.execute(
        f"{_VECTORS} WHERE v.model_id = ? {chosen} ORDER BY v.revision_id",
        (model_id,) if revisions is None else (model_id, json.dumps(list(revisions))),
    )
    return map(_row, found)


def rows_of(db: sqlite3.Connection, paper_id: int) -> VectorRows | None:
    """Those of one paper's passages, of the model that is searched; None without any."""
    found = db.execute(
        f"{_VECTORS} JOIN models m ON m.id = v.model_id AND m.active"  # noqa: S608 (own phrase)
        " WHERE v.revision_id = (SELECT revision_id FROM passages WHERE paper_id = ? LIMIT 1)",
        (paper_id,),
    ).fetchone()
    return None if found is None else _row(found)


def _row(row: sqlite3.Row) -> VectorRows:
    return VectorRows(row["revision_id"], tuple(json.loads(row["ids"])), row["data"], row["crc32"])


def pending(db: sqlite3.Connection) -> list[Pending]:
    """The texts whose passages have no vectors yet, oldest first."""
    found = db.execute(
        "SELECT r.id, (SELECT count(*) FROM passages p WHERE p.revision_id = r.id) FROM revisions r"
        " WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.revision_id = r.id) ORDER BY r.id"
    )
    return [Pending(int(row[0]), int(row[1])) for row in found]
