"""Large libraries made of a real one: its papers again and again, each time in other words and places.

A copy of a paper keeps the length of every word, so that all its spans stay true. Some of its words are
exchanged for others of that length, drawn as often as the library uses them, so that common words stay as
common as they are; and some of its rare words become new ones, so that the vocabulary grows. Each of its
vectors is moved along the difference of two other real vectors: noise with the shape of real data, unlike
that of random vectors, in which nothing is near anything.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.library import Library

_WORD = re.compile(r"\b[a-z]{4,14}\b")
_EXCHANGED = 0.25  # of a copy's words
_NEW = 0.3  # of the words that at most _RARE papers use
_RARE = 3
_NOISE = 0.5  # of the difference of two vectors: the cosine with the original is about 0.85


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a library by their length, each as often as it is used; and the rare ones."""

    by_length: dict[int, npt.NDArray[np.object_]]
    rare: frozenset[str]


def make(source: Library, target: Library, passages: int, seed: int = 1) -> None:
    """A library of at least `passages` passages of whole papers of `source`; without a FAISS file."""
    target.create()
    random = np.random.default_rng(seed)
    old = sqlite3.connect(f"{source.database.absolute().as_uri()}?mode=ro", uri=True)
    new = sqlite3.connect(target.database, isolation_level=None)
    old.row_factory = sqlite3.Row
    try:
        new.execute("PRAGMA synchronous = OFF")  # whoever kills this starts again
        new.execute("BEGIN")
        words = _words(old)
        rows = np.concatenate([matrix for _, matrix in _matrices(old)])
        (model,) = old.execute("SELECT * FROM models WHERE active").fetchall()
        new.execute("INSERT INTO models VALUES (?, ?, ?, ?)", tuple(model))
        made, copy = 0, 0
        while made < passages:
            for paper_id, matrix in _matrices(old):
                if made >= passages:
                    break
                made += _Copy(old, new, target, copy, random).put(paper_id, matrix, words, rows)
            copy += 1
        new.execute("INSERT INTO passage_fts (passage_fts) VALUES ('rebuild')")
        new.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
        new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        old.close()
        new.close()


def _matrices(db: sqlite3.Connection) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    for paper_id, count, data in db.execute(
        "SELECT r.paper_id, v.count, v.data FROM vectors v JOIN revisions r ON r.id = v.revision_id"
        " JOIN models m ON m.id = v.model_id AND m.active ORDER BY r.id"
    ):
        yield paper_id, np.frombuffer(data, "<f2").astype(np.float32).reshape(count, -1)


def _words(db: sqlite3.Connection) -> _Words:
    by_length: dict[int, list[str]] = {}
    papers: Counter[str] = Counter()
    for (text,) in db.execute("SELECT text FROM revisions ORDER BY id"):
        found = _WORD.findall(text)
        papers.update(set(found))
        for word in found:
            by_length.setdefault(len(word), []).append(word)
    rare = frozenset(word for word, count in papers.items() if count <= _RARE)
    return _Words({length: np.array(found, dtype=object) for length, found in by_length.items()}, rare)


class _Copy:
    """One paper, once more."""

    def __init__(
        self,
        old: sqlite3.Connection,
        new: sqlite3.Connection,
        target: Library,
        copy: int,
        random: np.random.Generator,
    ) -> None:
        self._old, self._new, self._target, self._copy, self._random = old, new, target, copy, random

    def put(
        self,
        paper_id: int,
        matrix: npt.NDArray[np.float32],
        words: _Words,
        rows: npt.NDArray[np.float32],
    ) -> int:
        """Writes it and returns how many passages it has."""
        paper = dict(self._old.execute("SELECT * FROM papers WHERE id = ?", (paper_id,)).fetchone())
        revision = self._old.execute("SELECT * FROM revisions WHERE paper_id = ?", (paper_id,)).fetchone()
        text, title = self._varied(revision["text"], words), self._varied(paper["title"], words)
        new_id, source_id = self._put_paper(paper, title, text)
        self._new.execute(
            "INSERT INTO revisions (paper_id, source_id, title, lists, text) VALUES (?, ?, ?, ?, ?)",
            (new_id, source_id, title, revision["lists"], text),
        )
        revision_id = self._last_id()
        for table in ("sections", "pages"):
            self._again(table, revision["id"], revision_id)
        passages = self._old.execute(
            "SELECT section, start, stop, header FROM passages WHERE revision_id = ? ORDER BY id",
            (revision["id"],),
        ).fetchall()
        self._new.executemany(
            "INSERT INTO passages (revision_id, paper_id, section, start, stop, header)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(revision_id, new_id, *row[:3], row[3].replace(paper["title"], title)) for row in passages],
        )
        data = self._moved(matrix, rows)
        self._new.execute(
            "INSERT INTO vectors SELECT ?, id, ?, ?, ? FROM models WHERE active",
            (revision_id, len(passages), zlib.crc32(data), data),
        )
        return len(passages)

    def _put_paper(self, paper: dict[str, object], title: str, text: str) -> tuple[int, int]:
        """Ids of the new paper and of its source, whose raw copy is the text itself."""
        record = json.loads(str(paper["record"])) | {"title": title}
        record["ids"] = dict.fromkeys(record["ids"])
        paper |= {
            "id": None, "key": f"{paper['key']}~{self._copy}", "title": title, "doi": None, "pmcid": None,
            "pmid": None, "arxiv": None, "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "record": json.dumps(record, ensure_ascii=False),
        }  # fmt: skip
        self._new.execute(f"INSERT INTO papers VALUES ({','.join('?' * len(paper))})", tuple(paper.values()))  # noqa: S608 (question marks only)
        paper_id, data = self._last_id(), text.encode()
        sha256 = hashlib.sha256(data).hexdigest()
        place = self._target.objects.path(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self._new.execute(
            "INSERT INTO sources (path, sha256, size, status, format, recipe, paper_id)"
            " VALUES (?, ?, ?, 'indexed', ?, '1', ?)",
            (f"{paper['key']}.txt", sha256, len(data), paper["format"], paper_id),
        )
        return paper_id, self._last_id()

    def _again(self, table: str, old_id: int, new_id: int) -> None:
        rows = self._old.execute(f"SELECT * FROM {table} WHERE revision_id = ?", (old_id,)).fetchall()  # noqa: S608 (a name of this module)
        if rows:
            marks = ",".join("?" * len(rows[0]))
            self._new.executemany(f"INSERT INTO {table} VALUES ({marks})", [(new_id, *r[1:]) for r in rows])  # noqa: S608

    def _varied(self, text: str, words: _Words) -> str:
        """The text with other words of the same lengths here and there; the first copy is the original."""
        if self._copy == 0:
            return text
        pieces, at = [], 0
        found = list(_WORD.finditer(text))
        chance = self._random.random(len(found))
        drawn = self._random.random(len(found))
        for match, luck, which in zip(found, chance, drawn, strict=True):
            word = match[0]
            if word in words.rare:
                other = self._renamed(word)
            elif luck < _EXCHANGED:
                pool = words.by_length[len(word)]
                other = pool[int(which * len(pool))]
            else:
                continue
            pieces += [text[at : match.start()], other]
            at = match.end()
        return "".join([*pieces, text[at:]])

    def _renamed(self, word: str) -> str:
        """A rare word as this copy has it: the same all through, and in some copies as it was."""
        number = zlib.crc32(f"{self._copy} {word}".encode())
        if number % 1000 >= _NEW * 1000:
            return word
        middle = len(word) // 2
        return (
            word[:middle]
            + chr(97 + number // 1000 % 26)
            + chr(97 + number // 26000 % 26)
            + word[middle + 2 :]
        )

    def _moved(self, matrix: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]) -> bytes:
        if self._copy:
            a, b = self._random.integers(0, len(rows), (2, len(matrix)))
            matrix = matrix + _NOISE * (rows[a] - rows[b])
            matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        return np.ascontiguousarray(matrix, dtype="<f2").tobytes()

    def _last_id(self) -> int:
        return int(self._new.execute("SELECT last_insert_rowid()").fetchone()[0])


def folder_for(out: Path, passages: int) -> Path:
    """Where the library of so many passages is made."""
    return out / f"library-{passages}"
