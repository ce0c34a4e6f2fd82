"""What a question sees of the library: one read transaction, so one generation."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index import fulltext, requests, scope, stored_vectors, tags
from index.chunk import passage_input
from index.codec import entities_from, record_from, references_from
from index.embed import Fingerprint
from index.errors import PaperNotFound
from index.fulltext import ROWS, Weights
from index.model import Entity, Format, Page, Record, Reference, Section, SectionKind, Span
from index.requests import Facts, Request
from index.stored_vectors import Pending, SnapshotRow, VectorRows

_BATCH = 500  # SQLite's smallest limit on bound values is 999


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as the catalogue lists it; `key` is the name by which users call it."""

    id: int
    key: str
    record: Record
    format: Format
    body_missing: bool
    notes: tuple[str, ...]
    paths: tuple[str, ...]  # the indexed source first
    passages: int
    added: str
    updated: str
    tags: tuple[str, ...] = ()
    pending: bool = False  # found by its words only: its vectors are still to come


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with all that is needed to rank, show and cite it."""

    id: int
    paper_id: int
    revision_id: int
    span: Span
    text: str
    header: str
    section: Section
    page: int | None
    pending: bool = False  # it has no vector yet, so nothing is known of its meaning


@dataclass(frozen=True, slots=True)
class Source:
    """A file the library knows, and what became of it."""

    id: int
    path: str
    sha256: str
    size: int
    status: str
    format: str
    recipe: str
    reason: str
    hint: str
    paper_id: int | None


class Reader:
    """Queries inside one read transaction. Get one from `Library.read()`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    # --- the library ---------------------------------------------------------------------------------

    def generation(self) -> int:
        """Counts the commits; equal generations mean equal contents."""
        return int(self._one("SELECT value FROM meta WHERE key = 'generation'")[0])

    def model(self) -> tuple[int, Fingerprint] | None:
        """The model whose vectors are searched, or None before the first paper."""
        row = self._db.execute("SELECT id, fingerprint FROM models WHERE active").fetchone()
        return (int(row[0]), Fingerprint(**json.loads(row[1]))) if row else None

    def counts(self) -> dict[str, int]:
        """How many papers, passages, sources, failed sources and papers without a body there are."""
        return {
            "papers": self._one("SELECT count(*) FROM papers")[0],
            "passages": self._one("SELECT count(*) FROM passages")[0],
            "sources": self._one("SELECT count(*) FROM sources WHERE status <> 'excluded'")[0],
            "failed": self._one("SELECT count(*) FROM sources WHERE status = 'failed'")[0],
            "body_missing": self._one("SELECT count(*) FROM papers WHERE body_missing")[0],
        }

    def roots(self) -> list[tuple[str, bool]]:
        """What sync follows: paths, and whether each is a folder."""
        return [
            (row[0], bool(row[1])) for row in self._db.execute("SELECT path, folder FROM roots ORDER BY path")
        ]

    def sources(self, *, status: str | None = None, paper_id: int | None = None) -> list[Source]:
        """The files the library knows, by path."""
        rows = self._db.execute(
            "SELECT * FROM sources WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR paper_id = ?2)"
            " ORDER BY path",
            (status, paper_id),
        )
        return [Source(**dict(row)) for row in rows]

    def requests(self, *, status: str | None = None) -> list[Request]:
        """What was asked of the network, oldest first."""
        return requests.select(self._db, status)

    def facts_by_path(self) -> dict[str, Facts]:
        """What services said, besides the text, of the papers in these files."""
        return requests.facts_by_path(self._db)

    def tags(self) -> dict[str, int]:
        """Every tag and how many papers have it, by name."""
        return tags.counts(self._db)

    # --- papers --------------------------------------------------------------------------------------

    def papers(self, *, tagged: Sequence[str] = ()) -> list[StoredPaper]:
        """Every paper, by title; with `tagged`, those with any of these tags, else TagNotFound."""
        found = self._papers("1 ORDER BY p.title COLLATE NOCASE, p.id", ())
        if not tagged:
            return found
        chosen = tags.papers_with(self._db, tagged)
        return [paper for paper in found if paper.id in chosen]

    def papers_by_id(self, ids: Iterable[int]) -> dict[int, StoredPaper]:
        """The papers with these ids that there are."""
        found: dict[int, StoredPaper] = {}
        for batch in _batches(sorted(set(ids))):
            marks = ",".join("?" * len(batch))
            found |= {paper.id: paper for paper in self._papers(f"p.id IN ({marks})", batch)}
        return found

    def find_paper(self, name: str) -> StoredPaper:
        """The paper called `name`: its key, an id (DOI, PMCID, PMID, arXiv), its file's path or file name,
        or the beginning of its title. PaperNotFound for none or several."""
        wanted = name.strip().encode(errors="replace").decode()  # SQLite takes no half of a surrogate pair
        lowered = wanted.lower().removeprefix("https://doi.org/").removeprefix("doi:")
        exact = self._papers(
            "p.key = ?1 OR p.doi = ?2 OR upper(p.pmcid) = upper(?1) OR p.pmid = ?1 OR p.arxiv = ?2"
            " OR p.id IN (SELECT paper_id FROM sources WHERE path = ?1)",
            (wanted, lowered),
        )
        if len(exact) == 1:
            return exact[0]
        loose = exact or self._papers(
            "p.title LIKE ?1 ESCAPE '\\'"
            " OR p.id IN (SELECT paper_id FROM sources WHERE path LIKE ?2 ESCAPE '\\')",
            (f"{_like(wanted)}%", f"%/{_like(wanted)}"),
        )
        if len(loose) == 1 and wanted:
            return loose[0]
        if not loose or not wanted:
            raise PaperNotFound(
                f"no paper in this library is called {wanted[:80]!r}", "List them with: citewell papers"
            )
        raise PaperNotFound(
            f"{len(loose)} papers answer to {wanted[:80]!r}: {', '.join(paper.key for paper in loose[:5])}",
            "Name one of them by its key.",
        )

    def _papers(self, where: str, values: Sequence[object]) -> list[StoredPaper]:
        rows = self._db.execute(
            # `where` is one of this module's own phrases; values are always bound.
            "SELECT p.*, (SELECT count(*) FROM passages q WHERE q.paper_id = p.id) AS passages,"  # noqa: S608
            " (SELECT json_group_array(path) FROM (SELECT path FROM sources s WHERE s.paper_id = p.id"
            "  ORDER BY s.status <> 'indexed', path)) AS paths,"
            " (SELECT json_group_array(name) FROM (SELECT name FROM tags t WHERE t.paper_id = p.id"
            "  ORDER BY name)) AS tags,"
            " NOT EXISTS (SELECT 1 FROM revisions r JOIN vectors v ON v.revision_id = r.id"
            "  WHERE r.paper_id = p.id) AS pending"
            f" FROM papers p WHERE {where}",
            tuple(values),
        )
        return [
            StoredPaper(
                id=row["id"],
                key=row["key"],
                record=record_from(row["record"]),
                format=Format(row["format"]),
                body_missing=bool(row["body_missing"]),
                notes=tuple(json.loads(row["notes"])),
                paths=tuple(json.loads(row["paths"])),
                passages=row["passages"],
                added=row["added"],
                updated=row["updated"],
                tags=tuple(json.loads(row["tags"])),
                pending=bool(row["pending"]),
            )
            for row in rows
        ]

    def text(self, paper_id: int) -> str:
        """The paper's text, into which every span points."""
        row = self._db.execute("SELECT text FROM revisions WHERE paper_id = ?", (paper_id,)).fetchone()
        if row is None:
            raise PaperNotFound(f"paper {paper_id} is no longer in the library")
        return str(row[0])

    def sections(self, paper_id: int) -> list[Section]:
        """The paper's sections in the order of the text."""
        rows = self._db.execute(
            "SELECT s.* FROM sections s JOIN revisions r ON r.id = s.revision_id WHERE r.paper_id = ?"
            " ORDER BY s.position",
            (paper_id,),
        )
        return [_section(row) for row in rows]

    def pages(self, paper_id: int) -> list[Page]:
        """The paper's pages, empty where it has none."""
        rows = self._db.execute(
            "SELECT g.number, g.start, g.stop FROM pages g JOIN revisions r ON r.id = g.revision_id"
            " WHERE r.paper_id = ? ORDER BY g.start",
            (paper_id,),
        )
        return [Page(row[0], Span(row[1], row[2])) for row in rows]

    def lists(self, paper_id: int) -> tuple[tuple[Reference, ...], tuple[Entity, ...]]:
        """The paper's references and entities."""
        row = self._one("SELECT lists FROM revisions WHERE paper_id = ?", paper_id)
        stored = json.loads(row[0])
        return references_from(stored["references"]), entities_from(stored["entities"])

    # --- passages ------------------------------------------------------------------------------------

    def match(self, expression: str, limit: int, weights: Weights,
              allowed: set[int] | None = None) -> list[tuple[int, float]]:  # fmt: skip
        """Passage ids and BM25 scores (higher is better) for an FTS5 expression, best first.

        `weights` are those of title, heading and text; `allowed` limits to these passage ids.
        """
        return fulltext.match(self._db, expression, limit, weights, allowed)

    def match_words(
        self,
        words: Sequence[str],
        limit: int,
        weights: Weights,
        allowed: set[int] | None = None,
        most: int = ROWS,
    ) -> list[tuple[int, float]]:
        """The same for passages with any of these words; in a large library for those with one of the rarer
        words, which are in at most `most` rows."""
        return fulltext.match_words(self._db, words, limit, weights, allowed, most)

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        """In the text of how many passages each of these words (stemmed like the index) occurs; of common
        words in a large library an estimate."""
        return fulltext.frequencies(self._db, words)

    def passages(self, ids: Iterable[int]) -> dict[int, StoredPassage]:
        """The passages with these ids that there are; an id of a removed paper is simply absent."""
        found: dict[int, StoredPassage] = {}
        for batch in _batches(sorted(set(ids))):
            rows = self._db.execute(
                "SELECT p.*, s.path, s.kind, s.caption, s.start AS section_start, s.stop AS section_stop,"  # noqa: S608
                " (SELECT max(number) FROM pages g"
                "  WHERE g.revision_id = p.revision_id AND g.start <= p.start) AS page,"
                " NOT EXISTS (SELECT 1 FROM vectors v WHERE v.revision_id = p.revision_id) AS pending"
                " FROM passages p"
                " JOIN sections s ON s.revision_id = p.revision_id AND s.position = p.section"
                f" WHERE p.id IN ({','.join('?' * len(batch))})",
                batch,
            ).fetchall()
            texts = self._texts({row["revision_id"] for row in rows})
            for row in rows:
                span = Span(row["start"], row["stop"])
                section_span = Span(row["section_start"], row["section_stop"])
                section = Section(
                    tuple(json.loads(row["path"])), section_span, SectionKind(row["kind"]), row["caption"]
                )
                found[row["id"]] = StoredPassage(
                    row["id"], row["paper_id"], row["revision_id"], span, span.of(texts[row["revision_id"]]),
                    row["header"], section, row["page"], bool(row["pending"]),
                )  # fmt: skip
        return found

    def _texts(self, revision_ids: Iterable[int]) -> dict[int, str]:
        """Whole texts: slicing them here is faster than substr(), which counts from the start each time."""
        found: dict[int, str] = {}
        for batch in _batches(sorted(revision_ids)):
            marks = ",".join("?" * len(batch))
            rows = self._db.execute(f"SELECT id, text FROM revisions WHERE id IN ({marks})", batch)  # noqa: S608
            found |= {row[0]: row[1] for row in rows}
        return found

    def passage_ids(self, paper_id: int) -> list[int]:
        """The ids of a paper's passages, in order."""
        rows = self._db.execute("SELECT id FROM passages WHERE paper_id = ? ORDER BY id", (paper_id,))
        return [int(row[0]) for row in rows]

    def scope(
        self,
        paper_ids: Sequence[int] | None,
        years: tuple[int | None, int | None] | None,
        sections: Sequence[str] | None,
        kinds: Sequence[str] | None = None,
        tagged: Sequence[str] = (),
    ) -> set[int]:
        """Ids of the passages of these papers, published in these years (inclusive), in sections whose
        heading holds one of these words, of these kinds, and of papers that have any of these tags.

        TagNotFound for a tag that no paper has.
        """
        return scope.within(self._db, paper_ids, years, sections, kinds, tagged)

    # --- vectors -------------------------------------------------------------------------------------

    def snapshot(self, model_id: int) -> SnapshotRow | None:
        """The newest index file of this model."""
        return stored_vectors.snapshot(self._db, model_id)

    def vectors(self, model_id: int, revisions: Sequence[int] | None = None) -> Iterable[VectorRows]:
        """Stored vectors, of these revisions only or of all, in the order of revisions."""
        return stored_vectors.rows(self._db, model_id, revisions)

    def pending(self) -> list[Pending]:
        """The texts whose passages have no vectors yet, oldest first."""
        return stored_vectors.pending(self._db)

    def vectors_of(self, paper_id: int) -> VectorRows | None:
        """The stored vectors of one paper's passages, of the model that is searched; None without any."""
        return stored_vectors.rows_of(self._db, paper_id)

    def pending_inputs(self, revision_ids: Iterable[int]) -> dict[int, list[str]]:
        """What the embedding model is to read of these texts, a string for each passage, in the order of ids.

        Texts that are gone, and those that have their vectors, are left out.
        """
        found: dict[int, list[str]] = {}
        for revision_id in revision_ids:
            rows = self._db.execute(
                "SELECT header, start, stop FROM passages WHERE revision_id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM vectors WHERE revision_id = ?1) ORDER BY id",
                (revision_id,),
            ).fetchall()
            if rows:
                text = self._texts([revision_id])[revision_id]
                found[revision_id] = [
                    passage_input(row["header"], text[row["start"] : row["stop"]]) for row in rows
                ]
        return found

    def vector_revisions(self, model_id: int) -> list[int]:
        """The revisions that have vectors of this model, in order."""
        rows = self._db.execute(
            "SELECT revision_id FROM vectors WHERE model_id = ? ORDER BY revision_id", (model_id,)
        )
        return [int(row[0]) for row in rows]

    def vector_count(self, model_id: int) -> int:
        """How many vectors of this model there are."""
        return int(self._one("SELECT total(count) FROM vectors WHERE model_id = ?", model_id)[0])

    def passages_up_to(self, last_id: int | None = None) -> int:
        """How many passages there are, or have an id of at most `last_id`."""
        if last_id is None:
            return int(self._one("SELECT count(*) FROM passages")[0])
        return int(self._one("SELECT count(*) FROM passages WHERE id <= ?", last_id)[0])

    def last_passage_id(self) -> int:
        """The highest id of a passage, 0 if there is none."""
        return int(self._one("SELECT coalesce(max(id), 0) FROM passages")[0])

    def check(self, *, full: bool = True) -> list[str]:
        """What SQLite itself finds wrong with the file and its foreign keys."""
        pragma = "integrity_check" if full else "quick_check"
        found = [str(row[0]) for row in self._db.execute(f"PRAGMA {pragma}") if row[0] != "ok"]
        found += [
            f"{row[0]} row {row[1]} points to nothing" for row in self._db.execute("PRAGMA foreign_key_check")
        ]
        return found

    def _one(self, query: str, *values: object) -> sqlite3.Row:
        row: sqlite3.Row = self._db.execute(query, values).fetchone()
        return row


def _section(row: sqlite3.Row) -> Section:
    return Section(
        tuple(json.loads(row["path"])),
        Span(row["start"], row["stop"]),
        SectionKind(row["kind"]),
        row["caption"],
    )


def _batches(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[i : i + _BATCH] for i in range(0, len(values), _BATCH))


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
