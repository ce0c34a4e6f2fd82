"""A fast embedder, a parser of tiny papers, and an oracle that compares a library with what it should hold.

A tiny paper is plain text: the first line is its title; then lines such as ``doi: 10.1/x``, ``format: pdf``
and ``year: 1999``; then blocks, of which one that starts with ``# `` opens a section. A text with BAD in it
is no paper.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from index.chunk import passage_input, split
from index.doctor import examine
from index.embed import Fingerprint, Vectors, passage_room, unit_vectors
from index.errors import ParseError
from index.events import Synced, SyncEvent, SyncReport
from index.library import Library
from index.model import Format, Paper, PaperIds, Record, SectionKind
from index.parse.builder import TextBuilder
from index.stored_vectors import VectorRows
from index.sync import Syncer
from index.vectors import VectorIndex

DIMENSION = 16
FINGERPRINT = Fingerprint("fake", "0" * 64, DIMENSION, 32)
SUFFIXES = frozenset({".txt"})
_FACT = re.compile(r"(doi|pmcid|format|year|body): *(\S+)$")


def hash_vector(text: str) -> Vectors:
    """A unit vector that is the same for the same text everywhere, shape (16,)."""
    digest = hashlib.sha256(text.encode()).digest()
    numbers = np.frombuffer(digest, dtype="<i2").astype(np.float32)
    return unit_vectors(numbers[None, :], (1, DIMENSION))[0]


@dataclass
class FakeEmbedder:
    """An Embedder whose tokens are words; it remembers every passage that it was given."""

    fingerprint: Fingerprint = FINGERPRINT
    embedded: list[str] = field(default_factory=list)
    loads: int = 0

    def load(self, passages: int = 0) -> None:  # noqa: ARG002 - it has but one way to compute
        self.loads += 1

    def unload(self) -> None:
        self.loads = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.stack([hash_vector(text) for text in texts])

    def query(self, text: str) -> Vectors:
        return hash_vector(text)


def parse_tiny(data: bytes, name: str) -> Paper:
    """The paper in a tiny text; ParseError if it holds BAD or is not UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ParseError("not UTF-8", "Save it as UTF-8.") from error
    if "BAD" in text:
        raise ParseError("marked as bad", "Take the mark out.")
    title, *lines = text.splitlines() or [""]
    facts = {found[1]: found[2] for found in map(_FACT.match, lines) if found}
    builder = TextBuilder()
    builder.heading(title)
    for line in lines:
        if line.startswith("# "):
            builder.heading(line[2:])
            builder.section([line[2:]], SectionKind.BODY)
        elif not _FACT.match(line):
            builder.block(line)
    whole, sections, pages = builder.finish()
    ids = PaperIds(doi=facts.get("doi"), pmcid=facts.get("pmcid"))
    year = int(facts["year"]) if "year" in facts else None
    return Paper(
        Record(title, ids=ids, year=year),
        whole,
        sections,
        Format(facts.get("format", "text")),
        pages,
        body_missing=facts.get("body") == "missing",
    )


def tiny(title: str, *blocks: str, **facts: str) -> str:
    """The source text of a tiny paper."""
    return "\n".join([title, *(f"{name}: {value}" for name, value in facts.items()), *blocks]) + "\n"


def make_library(folder: Path) -> Library:
    """A new library that waits for its lock for two seconds only."""
    library = Library(folder, lock_seconds=2.0)
    library.create()
    return library


def make_syncer(library: Library, embedder: FakeEmbedder | None = None, recipe: str = "1") -> Syncer:
    """A syncer of tiny papers."""
    return Syncer(library, embedder or FakeEmbedder(), parse_tiny, SUFFIXES, recipe)


def report_of(events: Iterable[SyncEvent]) -> SyncReport:
    """Runs a sync to its end; its report."""
    *_, last = events
    assert isinstance(last, Synced)
    return last.report


def memory_folder() -> str | None:
    """Where temporary files live in memory, if there is such a place: nothing here depends on a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class Held:
    """What a library should hold of one paper: the files it comes from and the text that is indexed."""

    paths: frozenset[str]
    title: str
    text: str


def held(library: Library) -> set[Held]:
    """What the library's catalogue says it holds."""
    with library.read() as reader:
        return {
            Held(frozenset(paper.paths), paper.record.title, reader.text(paper.id))
            for paper in reader.papers()
        }


def expect(path: Path, text: str | None = None) -> Held:
    """What a library should hold of a paper that one file alone holds; `text` if it is no longer there."""
    paper = parse_tiny((path.read_text() if text is None else text).encode(), path.name)
    return Held(frozenset({str(path)}), paper.record.title, paper.text)


def assert_whole(library: Library, *, pending: Set[str] | None = frozenset()) -> None:
    """Catalogue, texts, passages, vectors, full text and raw copies agree with each other, exactly.

    `pending` are the titles of the papers that wait for their vectors; None for whatever waits.

    The passages and vectors are made anew from the raw copies by the fakes above and compared.
    """
    for finding in examine(library):
        assert not finding.problems, finding
    embedder = FakeEmbedder()
    expected = _expected_passages(library, embedder)
    with library.read() as reader:
        passages = reader.passages(i for paper in reader.papers() for i in reader.passage_ids(paper.id))
        # A paper whose file has gone is served from its stored text until sync has read another file.
        orphans = {p.id for p in reader.papers()} - {paper_id for paper_id, *_ in expected}
        assert all(s.status == "other" for i in orphans for s in reader.sources(paper_id=i))
        found = sorted(
            (p.paper_id, p.span.start, p.span.end, p.header, p.text)
            for p in passages.values()
            if p.paper_id not in orphans
        )
        assert found == sorted(expected)
        assert reader.counts()["passages"] == len(passages)
        model = reader.model()
        stored = _stored_vectors(reader.vectors(model[0])) if model else {}
        waiting = {paper.id for paper in reader.papers() if paper.pending}
        assert pending is None or waiting == {p.id for p in reader.papers() if p.record.title in pending}
        embedded = {i: passage for i, passage in passages.items() if passage.paper_id not in waiting}
        assert set(stored) == set(embedded) == {i for i, passage in passages.items() if not passage.pending}
        assert sum(text.passages for text in reader.pending()) == len(passages) - len(embedded)
        for i, passage in embedded.items():
            made = hash_vector(passage_input(passage.header, passage.text)).astype(np.float16)
            assert np.allclose(stored[i], made, atol=1e-3), f"passage {i} has another vector"
        words: dict[str, set[int]] = {}
        for i, passage in passages.items():
            for word in re.findall(r"[a-z0-9]+", passage.text.lower()):
                words.setdefault(word, set()).add(i)
        for word, ids in words.items():
            # The heading and title columns have no weight here, but they match: look at the text alone.
            assert {i for i, _ in reader.match(f'text:"{word}"', 10_000, (1, 1, 1))} >= ids
        everything = {i for word in words for i, _ in reader.match(f'"{word}"', 10_000, (1, 1, 1))}
        assert everything == set(passages), "full text finds what the catalogue lacks, or the reverse"
        if model:
            query = hash_vector("anything")
            nearest = VectorIndex(library).search(reader, query, len(passages) + 5)
            resolved = [(i, score) for i, score in nearest if i in passages]
            assert sorted(i for i, _ in resolved) == sorted(embedded)
            assert_ranked(resolved, stored, query)


def assert_ranked(found: Sequence[tuple[int, float]], stored: dict[int, Vectors], query: Vectors) -> None:
    """The scores are the inner products with the stored rows, best first, and no better row is left out."""
    scores = {i: float(np.dot(row.astype(np.float32), query)) for i, row in stored.items()}
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    for i, score in found:
        assert abs(scores[i] - score) < 1e-3
    left_out = [score for i, score in scores.items() if i not in dict(found)]
    if found and left_out:
        assert max(left_out) <= found[-1][1] + 1e-3


def stored_vectors(library: Library) -> dict[int, Vectors]:
    """The float16 rows of library.db by passage id."""
    with library.read() as reader:
        model = reader.model()
        return _stored_vectors(reader.vectors(model[0])) if model else {}


def _stored_vectors(rows: Iterable[VectorRows]) -> dict[int, Vectors]:
    found: dict[int, Vectors] = {}
    for row in rows:
        matrix = np.frombuffer(row.data, dtype="<f2").reshape(len(row.passage_ids), DIMENSION)
        found |= dict(zip(row.passage_ids, matrix, strict=True))
    return found


def _expected_passages(library: Library, embedder: FakeEmbedder) -> list[tuple[int, int, int, str, str]]:
    expected: list[tuple[int, int, int, str, str]] = []
    with library.read() as reader:
        for source in reader.sources(status="indexed"):
            paper = parse_tiny(library.objects.get(source.sha256), Path(source.path).name)
            assert source.paper_id is not None
            assert reader.text(source.paper_id) == paper.text
            for p in split(paper, embedder, passage_room(embedder)):
                expected.append((source.paper_id, p.span.start, p.span.end, p.header, p.span.of(paper.text)))
    return expected
