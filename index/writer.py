"""Changes to a library, each inside the one transaction that `Library.write()` opens and commits."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np

from index import requests, tags
from index.codec import lists_to, record_to
from index.embed import Fingerprint, Vectors
from index.errors import WrongModel
from index.identity import paper_key, quality, same_paper, text_sha256
from index.matching import find_same
from index.model import Format, Paper, Passage
from index.objects import ObjectStore
from index.requests import Request

TO_BE_READ_AGAIN = ""  # as a source's recipe: the next sync reads it, whatever its bytes


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it was read: where, what hash, and by which version of the parsers."""

    path: str
    data: bytes
    sha256: str
    recipe: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a file that was put: its paper, and whether it was new or only another copy."""

    paper_id: int
    key: str
    new: bool
    revision_id: int | None  # of the text that is to be embedded; None for a mere copy

    @property
    def indexed(self) -> bool:
        """Whether the file's text is the paper's text now."""
        return self.revision_id is not None


class Writer:
    """Mutations inside one write transaction. Get one from `Library.write()`."""

    def __init__(self, connection: sqlite3.Connection, objects: ObjectStore) -> None:
        self._db = connection
        self._objects = objects
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")

    # --- what sync follows ---------------------------------------------------------------------------

    def add_root(self, path: str, *, folder: bool) -> None:
        """Follows a folder or a file from now on; files under it are no longer excluded."""
        self._db.execute(
            "INSERT INTO roots (path, folder) VALUES (?, ?) ON CONFLICT DO NOTHING", (path, folder)
        )
        self._db.execute(
            "DELETE FROM sources WHERE status = 'excluded'"
            " AND (path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/')",
            (path,),
        )

    def follow(self, folder: str, files: Iterable[str]) -> None:
        """Follows a folder from now on; of the files in it that were taken out, these are not any more."""
        self._db.execute("INSERT INTO roots (path, folder) VALUES (?, 1) ON CONFLICT DO NOTHING", (folder,))
        self._db.executemany(
            "DELETE FROM sources WHERE status = 'excluded' AND path = ?", [(path,) for path in files]
        )

    def remove_root(self, path: str) -> None:
        """No longer follows it."""
        self._db.execute("DELETE FROM roots WHERE path = ?", (path,))

    def use_model(self, fingerprint: Fingerprint) -> int:
        """The id of the library's model; the first paper decides it. WrongModel if it is another."""
        row = self._db.execute("SELECT id, digest, fingerprint FROM models WHERE active").fetchone()
        if row is None:
            self._db.execute(
                "INSERT INTO models (digest, fingerprint, active) VALUES (?, ?, 1)",
                (fingerprint.digest(), json.dumps(asdict(fingerprint))),
            )
            return self._last_id()
        check_model(Fingerprint(**json.loads(row["fingerprint"])), fingerprint)
        return int(row["id"])

    # --- files ---------------------------------------------------------------------------------------

    def put_paper(
        self,
        file: FileFacts,
        paper: Paper,
        passages: Sequence[Passage],
        fingerprint: Fingerprint,
    ) -> Placed:
        """Stores a parsed file with its passages, replacing what the file held before; found by its words
        from now on, and by its meaning once `put_vectors` has added the vectors.

        If the same paper is indexed from a better file, this one is noted as another copy of it.
        """
        self.use_model(fingerprint)
        self._objects.put(file.data)
        before = self._db.execute("SELECT id, paper_id FROM sources WHERE path = ?", (file.path,)).fetchone()
        paper_id = self.same_as(paper, path=file.path)
        source_id = self._put_source(file, "indexed", paper.format)
        new = paper_id is None
        if paper_id is None:
            paper_id = self._new_paper(paper)
        elif self._better_file(paper_id, source_id, paper):
            self._attach(source_id, paper_id, "other")
            self._leave(before, paper_id)
            return Placed(paper_id, self._key(paper_id), new=False, revision_id=None)
        self._db.execute(
            "UPDATE sources SET status = 'other' WHERE paper_id = ? AND status = 'indexed'", (paper_id,)
        )
        self._attach(source_id, paper_id, "indexed")
        self._reconsider_others(paper_id, paper)
        self._update_paper(paper_id, paper)
        revision_id = self._replace_revision(paper_id, source_id, paper)
        self._put_passages(revision_id, paper_id, paper, passages)
        self._leave(before, paper_id)
        return Placed(paper_id, self._key(paper_id), new=new, revision_id=revision_id)

    def put_vectors(self, revision_id: int, vectors: Vectors, fingerprint: Fingerprint) -> bool:
        """Stores the vectors of a text's passages, in the order of their ids.

        False, and nothing is stored, if the text has been replaced or removed since it was read for this (ids
        are never used again), or has its vectors already.
        """
        model_id = self.use_model(fingerprint)
        count = self._db.execute(
            "SELECT count(*) FROM passages WHERE revision_id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM vectors WHERE revision_id = ?1)",
            (revision_id,),
        ).fetchone()[0]
        if count == 0:
            return False
        if len(vectors) != count:
            raise ValueError(f"{len(vectors)} vectors for {count} passages")
        data = np.ascontiguousarray(vectors, dtype="<f2").tobytes()
        self._db.execute(
            "INSERT INTO vectors VALUES (?, ?, ?, ?, ?)",
            (revision_id, model_id, count, zlib.crc32(data), data),
        )
        return True

    def put_failure(self, file: FileFacts, reason: str, hint: str) -> None:
        """Lists a file as failed. What it held before is gone: the library mirrors the files."""
        before = self._db.execute("SELECT id, paper_id FROM sources WHERE path = ?", (file.path,)).fetchone()
        source_id = self._put_source(file, "failed", None, reason, hint)
        self._db.execute("UPDATE sources SET paper_id = NULL WHERE id = ?", (source_id,))
        self._leave(before, None)

    def forget_source(self, path: str) -> None:
        """The file is gone: its paper goes with it, unless another file holds the same paper."""
        before = self._db.execute("SELECT id, paper_id FROM sources WHERE path = ?", (path,)).fetchone()
        self._db.execute("DELETE FROM sources WHERE path = ?", (path,))
        self._leave(before, None)

    def remove_paper(self, paper_id: int) -> None:
        """Takes a paper out. Its files stay where they are and are left alone by sync from now on."""
        self._db.execute(
            "UPDATE sources SET status = 'excluded', paper_id = NULL WHERE paper_id = ?", (paper_id,)
        )
        self._delete_paper(paper_id)

    def move_source(self, old: str, new: str) -> None:
        """The same bytes stand at another path now."""
        if self._db.execute("SELECT 1 FROM sources WHERE path = ?", (old,)).fetchone() is None:
            return  # another sync was quicker
        self.forget_source(new)
        self._db.execute("UPDATE sources SET path = ? WHERE path = ?", (new, old))

    def note_bytes(self, path: str, sha256: str) -> None:
        """Other bytes stand at this path now; what became of the file stays as it is."""
        self._db.execute("UPDATE sources SET sha256 = ? WHERE path = ?", (sha256, path))

    def retry_failed(self) -> None:
        """Has the next sync read every failed file again."""
        self._db.execute("UPDATE sources SET recipe = ? WHERE status = 'failed'", (TO_BE_READ_AGAIN,))

    def drop_vectors(self, revision_ids: Iterable[int]) -> None:
        """Has the next sync embed these texts again."""
        self._db.executemany("DELETE FROM vectors WHERE revision_id = ?", [(i,) for i in revision_ids])

    def read_again(self, sha256s: Iterable[str]) -> None:
        """Has the next sync read the files with these bytes again."""
        self._db.executemany(
            "UPDATE sources SET recipe = ? WHERE sha256 = ? AND status IN ('indexed', 'other')",
            [(TO_BE_READ_AGAIN, sha256) for sha256 in sha256s],
        )

    def collect_objects(self) -> int:
        """Deletes raw copies that no source needs; returns how many."""
        rows = self._db.execute("SELECT DISTINCT sha256 FROM sources WHERE status IN ('indexed', 'other')")
        return self._objects.remove_except({str(row[0]) for row in rows})

    def put_requests(self, asked: Iterable[Request]) -> None:
        """Keeps what was asked of the network, and what came of it.

        A file of which something new is said is read again by the next sync, though its bytes are the same.
        """
        asked = list(asked)
        self._db.executemany(
            "UPDATE sources SET recipe = ? WHERE path = ? AND status IN ('indexed', 'other')",
            [(TO_BE_READ_AGAIN, path) for path in requests.paths_with_news(self._db, asked)],
        )
        requests.put(self._db, asked)

    # --- tags ----------------------------------------------------------------------------------------

    def add_tag(self, paper_ids: Iterable[int], name: str) -> None:
        """Gives papers a tag."""
        tags.add(self._db, paper_ids, name)

    def remove_tag(self, paper_ids: Iterable[int], name: str) -> None:
        """Takes a tag from papers."""
        tags.remove(self._db, paper_ids, name)

    # --- identity ------------------------------------------------------------------------------------

    def same_as(self, paper: Paper, *, path: str) -> int | None:
        """The paper that this one is: by its ids, by its text, or because its file was merely edited."""
        return find_same(self._db, paper, path)

    def _better_file(self, paper_id: int, source_id: int, paper: Paper) -> bool:
        row = self._db.execute(
            "SELECT p.format, p.body_missing FROM papers p JOIN sources s ON s.paper_id = p.id"
            " WHERE p.id = ? AND s.status = 'indexed' AND s.id <> ?",
            (paper_id, source_id),
        ).fetchone()
        if row is None:
            return False
        return quality(Format(row[0]), bool(row[1])) >= quality(paper.format, paper.body_missing)

    def _reconsider_others(self, paper_id: int, paper: Paper) -> None:
        """If the indexed text is about to become worse, say by losing its body, others may be better now."""
        row = self._db.execute("SELECT format, body_missing FROM papers WHERE id = ?", (paper_id,)).fetchone()
        if row[0] and quality(Format(row[0]), bool(row[1])) > quality(paper.format, paper.body_missing):
            self._db.execute(
                "UPDATE sources SET recipe = ? WHERE paper_id = ? AND status = 'other'",
                (TO_BE_READ_AGAIN, paper_id),
            )

    def _leave(self, before: sqlite3.Row | None, now: int | None) -> None:
        """Settles the paper that a file belonged to before: another file takes over, or it goes."""
        if before is None or before["paper_id"] in (None, now):
            return
        paper_id = before["paper_id"]
        rows = self._db.execute("SELECT id, status FROM sources WHERE paper_id = ?", (paper_id,)).fetchall()
        if not rows:
            if now is not None and self._is_really(paper_id, now):
                tags.inherit(self._db, paper_id, now)
            self._delete_paper(paper_id)
        elif all(row["status"] != "indexed" for row in rows):
            # The text of the file that left is served until sync, in the same run, has read another one.
            self._db.execute("UPDATE sources SET recipe = ? WHERE paper_id = ?", (TO_BE_READ_AGAIN, paper_id))

    def _is_really(self, old: int, new: int) -> bool:
        """Whether two papers turned out to be one, and the file was not just replaced by another paper."""
        rows = self._db.execute(
            "SELECT title, text FROM revisions WHERE paper_id IN (?, ?)", (old, new)
        ).fetchall()
        return len(rows) == 2 and same_paper(*rows[0], *rows[1])

    # --- rows ----------------------------------------------------------------------------------------

    def _put_source(
        self, file: FileFacts, status: str, format_: Format | None, reason: str = "", hint: str = ""
    ) -> int:
        row = self._db.execute(
            "INSERT INTO sources (path, sha256, size, status, format, recipe, reason, hint)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256,"
            " size = excluded.size, status = excluded.status, format = excluded.format,"
            " recipe = excluded.recipe, reason = excluded.reason, hint = excluded.hint RETURNING id",
            (file.path, file.sha256, len(file.data), status, format_ or "", file.recipe, reason, hint),
        ).fetchone()
        return int(row[0])

    def _attach(self, source_id: int, paper_id: int, status: str) -> None:
        self._db.execute(
            "UPDATE sources SET paper_id = ?, status = ? WHERE id = ?", (paper_id, status, source_id)
        )

    def _new_paper(self, paper: Paper) -> int:
        key = base = paper_key(paper)
        taken = 1
        while self._db.execute("SELECT 1 FROM papers WHERE key = ?", (key,)).fetchone():
            taken += 1
            key = f"{base}-{taken}"
        now = _now()
        self._db.execute(
            "INSERT INTO papers (key, title, text_sha256, record, format, body_missing, notes, added,"
            " updated) VALUES (?, '', '', '', '', 0, '', ?, ?)",
            (key, now, now),
        )
        return self._last_id()

    def _update_paper(self, paper_id: int, paper: Paper) -> None:
        record, ids = paper.record, paper.record.ids
        self._db.execute(
            "UPDATE papers SET title = ?, year = ?, doi = ?, pmcid = ?, pmid = ?, arxiv = ?, text_sha256 = ?,"
            " record = ?, format = ?, body_missing = ?, notes = ?, updated = ? WHERE id = ?",
            (
                record.title, record.year, ids.doi, ids.pmcid, ids.pmid, ids.arxiv,
                text_sha256(paper.text), record_to(record), paper.format, paper.body_missing,
                json.dumps(paper.notes, ensure_ascii=False), _now(), paper_id,
            ),
        )  # fmt: skip

    def _replace_revision(self, paper_id: int, source_id: int, paper: Paper) -> int:
        self._delete_revision(paper_id)
        self._db.execute(
            "INSERT INTO revisions (paper_id, source_id, title, lists, text) VALUES (?, ?, ?, ?, ?)",
            (paper_id, source_id, paper.record.title, lists_to(paper.references, paper.entities), paper.text),
        )
        revision_id = self._last_id()
        self._db.executemany(
            "INSERT INTO sections VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (revision_id, i, json.dumps(s.path, ensure_ascii=False), s.heading, s.caption, s.kind,
                 s.span.start, s.span.end)
                for i, s in enumerate(paper.sections)
            ],
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO pages VALUES (?, ?, ?, ?)",
            [(revision_id, page.number, page.span.start, page.span.end) for page in paper.pages],
        )
        return revision_id

    def _put_passages(
        self, revision_id: int, paper_id: int, paper: Paper, passages: Sequence[Passage]
    ) -> None:
        for passage in passages:
            self._db.execute(
                "INSERT INTO passages (revision_id, paper_id, section, start, stop, header)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    revision_id,
                    paper_id,
                    passage.section,
                    passage.span.start,
                    passage.span.end,
                    passage.header,
                ),
            )
            passage_id = self._last_id()
            section = paper.sections[passage.section]
            self._db.execute(
                "INSERT INTO passage_fts (rowid, title, heading, text) VALUES (?, ?, ?, ?)",
                # Word for word what the view passage_search yields, or a later deletion would miss.
                (
                    passage_id,
                    paper.record.title,
                    f"{section.heading} {section.caption}",
                    passage.span.of(paper.text),
                ),
            )

    def _delete_revision(self, paper_id: int) -> None:
        self._db.execute(
            "INSERT INTO passage_fts (passage_fts, rowid, title, heading, text)"
            " SELECT 'delete', id, title, heading, text FROM passage_search"
            " WHERE id IN (SELECT id FROM passages WHERE paper_id = ?)",
            (paper_id,),
        )
        self._db.execute("DELETE FROM revisions WHERE paper_id = ?", (paper_id,))

    def _delete_paper(self, paper_id: int) -> None:
        self._delete_revision(paper_id)
        self._db.execute("DELETE FROM papers WHERE id = ?", (paper_id,))

    # --- derived data --------------------------------------------------------------------------------

    def rebuild_full_text(self) -> None:
        """Makes the full-text index anew from the texts."""
        self._db.execute("INSERT INTO passage_fts (passage_fts) VALUES ('rebuild')")

    def full_text_is_whole(self) -> bool:
        """Whether the full-text index agrees with the texts, word for word."""
        try:
            self._db.execute("INSERT INTO passage_fts (passage_fts, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError:
            return False
        return True

    def record_snapshot(
        self, model_id: int, file: str, size: int, sha256: str, count: int, last_id: int
    ) -> list[str]:
        """Makes an index file the current one; returns the names of those it replaces."""
        old = [str(row[0]) for row in self._db.execute("SELECT file FROM snapshots WHERE file <> ?", (file,))]
        self._db.execute("DELETE FROM snapshots")
        self._db.execute(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", (file, model_id, size, sha256, count, last_id)
        )
        return old

    def forget_snapshot(self, file: str) -> None:
        """The index file is damaged or gone: search goes on without it."""
        self._db.execute("DELETE FROM snapshots WHERE file = ?", (file,))

    def _key(self, paper_id: int) -> str:
        return str(self._db.execute("SELECT key FROM papers WHERE id = ?", (paper_id,)).fetchone()[0])

    def _last_id(self) -> int:
        return int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])


def check_model(built_with: Fingerprint, configured: Fingerprint) -> None:
    """WrongModel unless vectors of the two can be compared."""
    if built_with != configured:
        raise WrongModel(
            f"this library was built with the embedding model {built_with.name}"
            f" ({built_with.weights_sha256[:8]}…), not with {configured.name}"
            f" ({configured.weights_sha256[:8]}…)",
            f"Leave --model out to use {built_with.name}, or build another library with --library.",
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
