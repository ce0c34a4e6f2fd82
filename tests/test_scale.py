"""Large libraries: clusters of passages find what an exact search finds; common words stay in bounds."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.clusters import ClusterOptions, lay_out
from index.embed import Vectors
from index.fulltext import frequencies, match, match_words
from index.library import Library
from index.remove import remove
from index.sealed import Sealed, open_sealed
from index.stored_vectors import SnapshotRow
from index.vectors import VectorIndex, seal
from tests.fakes import (
    assert_ranked,
    assert_whole,
    hash_vector,
    make_library,
    make_syncer,
    memory_folder,
    report_of,
    stored_vectors,
    tiny,
)

CLUSTERED = ClusterOptions(exact_up_to=20)
PAPERS = 30


@pytest.fixture
def place() -> Iterator[Path]:
    """In memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="citewell-", dir=memory_folder()) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def papers(place: Path) -> Path:
    folder = place / "papers"
    folder.mkdir()
    for i in range(PAPERS):
        text = tiny(f"Paper {i} on w{i}", "# One", f"Word w{i} is here.", "# Two", f"It stays w{i}b.")
        (folder / f"{i}.txt").write_text(text)
    return folder


@pytest.fixture
def library(place: Path, papers: Path) -> Library:
    """A library whose sealed file has clusters."""
    library = make_library(place / "library")
    report_of(make_syncer(library).add([papers]))
    seal(library, CLUSTERED)
    return library


def opened(library: Library) -> tuple[Sealed, SnapshotRow]:
    """The library's sealed file."""
    with library.read() as reader:
        row = reader.snapshot(1)
    assert row is not None
    sealed = open_sealed(library.index_folder / row.file, row)
    assert sealed is not None
    return sealed, row


def search(index: VectorIndex, library: Library, question: str, allowed: set[int] | None = None) -> list[int]:
    with library.read() as reader:
        return [i for i, _ in index.search(reader, hash_vector(question), 5, allowed)]


def best(library: Library, question: str, allowed: set[int] | None = None) -> list[int]:
    """What an exact search finds: the inner products with the rows of library.db, one by one."""
    rows = {i: row for i, row in stored_vectors(library).items() if allowed is None or i in allowed}
    likeness = {i: float(row.astype(np.float32) @ hash_vector(question)) for i, row in rows.items()}
    return sorted(likeness, key=lambda i: -likeness[i])[:5]


# --- clusters --------------------------------------------------------------------------------------------


def made_rows(count: int, subjects: int, dimension: int = 32) -> Vectors:
    """Unit rows around so many subjects, as float16 keeps them."""
    random = np.random.default_rng(7)
    centres = random.standard_normal((subjects, dimension))
    rows = centres[random.integers(0, subjects, count)] + 0.6 * random.standard_normal((count, dimension))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f2")
    return unit


def test_clusters_find_98_of_the_hundred_best_and_read_a_part_of_the_library() -> None:
    rows = made_rows(12_000, 150)
    codes = rows.view(np.uint8)
    layout = lay_out(codes, ClusterOptions(exact_up_to=1_000))
    assert sorted(layout.order) == list(range(len(rows)))
    assert layout.bounds[-1] == len(rows)
    assert layout.recall >= 0.99

    random = np.random.default_rng(8)  # other queries than those that it was measured with
    exact = rows.astype(np.float32)
    queries = exact[random.integers(0, len(rows), 100)] + 0.1 * random.standard_normal((100, 32))
    list_of = np.empty(len(rows), np.int64)
    for number, (first, last) in enumerate(zip(layout.bounds[:-1], layout.bounds[1:], strict=True)):
        list_of[layout.order[first:last]] = number
    found, read = [], []
    for query in queries:
        near = np.argsort(-(layout.centroids @ query))[: layout.probes]
        hits = np.argsort(-(exact @ query))[:100]
        found.append(np.isin(list_of[hits], near).mean())
        read.append(np.isin(list_of, near).mean())
    assert np.mean(found) >= 0.98
    assert np.mean(read) < 0.5


def test_the_same_rows_give_the_same_clusters() -> None:
    codes = made_rows(3_000, 40).view(np.uint8)
    first, second = (lay_out(codes, ClusterOptions(exact_up_to=1_000)) for _ in range(2))
    assert np.array_equal(first.order, second.order)
    assert np.array_equal(first.centroids, second.centroids)
    assert (first.bounds.tolist(), first.probes) == (second.bounds.tolist(), second.probes)


def test_up_to_the_threshold_every_passage_is_searched(library: Library) -> None:
    """And nobody notices where it is: what is found is the same."""
    assert opened(library)[0].directory.clustered
    clustered = [search(VectorIndex(library), library, f"word w{i}") for i in range(PAPERS)]
    seal(library, ClusterOptions(exact_up_to=2 * PAPERS))
    assert not opened(library)[0].directory.clustered
    exact = [search(VectorIndex(library), library, f"word w{i}") for i in range(PAPERS)]
    assert exact == [best(library, f"word w{i}") for i in range(PAPERS)]
    shared = [len(set(a) & set(b)) / 5 for a, b in zip(clustered, exact, strict=True)]
    assert np.mean(shared) >= 0.95
    assert_whole(library)


def test_scores_from_clusters_are_those_of_the_stored_rows(library: Library) -> None:
    query = hash_vector("word w3")
    with library.read() as reader:
        found = VectorIndex(library).search(reader, query, 2 * PAPERS)
    stored = stored_vectors(library)
    assert_ranked(found, {i: stored[i] for i, _ in found}, query)


def test_within_a_few_papers_clusters_hide_nothing(library: Library) -> None:
    index = VectorIndex(library)
    with library.read() as reader:
        ids = {
            i for name in ("4.txt", "9.txt", "20.txt") for i in reader.passage_ids(reader.find_paper(name).id)
        }
    for i in range(PAPERS):
        assert search(index, library, f"word w{i}", ids) == best(library, f"word w{i}", ids)
    assert search(index, library, "word w1", {10_000}) == []


def test_within_many_papers_more_clusters_are_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope of half of the passages, spread over more papers than are read one by one."""
    monkeypatch.setattr("index.vectors._FEW", 0)
    index = VectorIndex(library)
    ids = {i for i in stored_vectors(library) if i % 2}
    for i in range(PAPERS):
        found = search(index, library, f"word w{i}", ids)
        assert set(found) <= ids
        assert len(set(found) & set(best(library, f"word w{i}", ids))) >= 4


def test_removed_and_new_papers_are_seen_at_once(library: Library, papers: Path) -> None:
    """A handle that stays open, and one that is made anew, over a file with clusters."""
    old = VectorIndex(library)
    search(old, library, "word w1")
    with library.read() as reader:
        gone = set(reader.passage_ids(reader.find_paper("1.txt").id))
    remove(library, ["1.txt"])
    (papers / "new.txt").write_text(tiny("A new one", "It says w99."))
    report_of(make_syncer(library).sync())
    (passage,) = [i for i in stored_vectors(library) if i > 2 * PAPERS]
    for index in (old, VectorIndex(library)):
        for i in range(PAPERS):
            assert not gone & set(search(index, library, f"word w{i}"))
        with library.read() as reader:
            found = [i for i, _ in index.search(reader, hash_vector("x"), 1_000)]
        assert passage in found
        assert index.notice == ""
    assert opened(library)[1].count == 2 * PAPERS, "one paper more does not write the file anew"


def test_a_handle_follows_when_the_file_is_written_anew(library: Library) -> None:
    index = VectorIndex(library)
    before = search(index, library, "word w7")
    remove(library, ["0.txt"])
    seal(library, CLUSTERED)
    assert len(list(library.index_folder.iterdir())) == 1
    assert search(index, library, "word w7") == [i for i in before if i > 2] or len(before) == 5
    assert index.notice == ""


def test_damage_in_a_cluster_is_noticed_when_it_is_read(library: Library) -> None:
    """The file opens: what is damaged is a list that no search has needed yet."""
    sealed, row = opened(library)
    path = library.index_folder / row.file
    data = bytearray(path.read_bytes())
    target = int(sealed.directory.bounds[sealed.near(hash_vector("word w5"), 1)[0]]) * 32
    data[target] ^= 1
    index = VectorIndex(library)
    index.load()
    path.write_bytes(data)
    assert search(index, library, "word w5") == best(library, "word w5")
    assert index.notice == f"the index file {row.file} is damaged or gone; searching without it"
    assert search(index, library, "word w6") == best(library, "word w6")


# --- common words ----------------------------------------------------------------------------------------

ROWS = 400
COMMON = ("cells", "patients", "study")


@pytest.fixture
def texts() -> Iterator[sqlite3.Connection]:
    """A full text in which three words are in every second, third and fourth passage, w0 to w39 in ten."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE passages (id INTEGER PRIMARY KEY)")
    db.execute(
        "CREATE VIRTUAL TABLE passage_fts USING fts5 (title, heading, text, tokenize = 'porter unicode61')"
    )
    for i in range(1, ROWS + 1):
        words = [word for n, word in enumerate(COMMON) if i % (n + 2) == 0]
        filler = "more and other words " * (i % 7)
        db.execute("INSERT INTO passages VALUES (?)", (i,))
        db.execute(
            "INSERT INTO passage_fts (rowid, title, heading, text) VALUES (?, '', '', ?)",
            (i, f"{' '.join(words)} w{i % 40} {filler}"),
        )
    yield db
    db.close()


def scored(db: sqlite3.Connection, words: list[str], most: int, **more: set[int]) -> tuple[list[int], int]:
    """What is found, and how many rows FTS5 had to score for it."""
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    found = match_words(db, words, 10, (1.0, 1.0, 1.0), most=most, **more)
    db.set_trace_callback(None)
    asked = [re.search(r"WHERE (passage_fts MATCH .*) ORDER BY score", s) for s in statements if "bm25" in s]
    rows = [
        db.execute(f"SELECT count(*) FROM passage_fts WHERE {where[1]}").fetchone()[0]
        for where in asked
        if where
    ]
    assert rows, "nothing was scored"
    return [i for i, _ in found], max(rows)


def test_with_a_rarer_word_its_rows_alone_are_scored_and_as_if_all_were(texts: sqlite3.Connection) -> None:
    words = [*COMMON, "w4", "w12"]
    everything = match(texts, " OR ".join(words), ROWS, (1.0, 1.0, 1.0))
    rare = {i for i in range(1, ROWS + 1) if i % 40 in (4, 12)}
    expected = [(i, score) for i, score in everything if i in rare][:10]
    found, rows = scored(texts, words, 30)
    assert found == [i for i, _ in expected]
    assert rows <= 30
    bounded = dict(match_words(texts, words, 10, (1.0, 1.0, 1.0), most=30))
    assert bounded == pytest.approx(dict(expected))


@pytest.mark.parametrize("words", [["cells"], ["cells", "patients"], [*COMMON], ["patients", "nowhere"]])
def test_a_question_of_common_words_alone_stays_in_bounds(
    texts: sqlite3.Connection, words: list[str]
) -> None:
    found, rows = scored(texts, words, 30)
    assert rows <= 30
    assert len(found) == 10
    there = {word: n + 2 for n, word in enumerate(COMMON)}
    assert all(i % there[word] == 0 for i in found for word in words if word in there)


def test_in_a_small_library_no_word_is_left_out(texts: sqlite3.Connection) -> None:
    words = [*COMMON, "w4"]
    found, rows = scored(texts, words, ROWS)
    assert found == [i for i, _ in match(texts, " OR ".join(words), 10, (1.0, 1.0, 1.0))]
    assert rows == len([i for i in range(1, ROWS + 1) if not i % 2 or not i % 3 or i % 40 == 4])


def test_a_scope_holds_and_a_narrow_one_loses_no_word(texts: sqlite3.Connection) -> None:
    wide, near = set(range(1, ROWS + 1, 2)), set(range(100, 120))
    assert set(scored(texts, [*COMMON, "w5"], 30, allowed=wide)[0]) <= wide
    found, rows = scored(texts, [*COMMON], 30, allowed=near)
    assert rows <= len(near)
    everything = match(texts, " OR ".join(COMMON), ROWS, (1.0, 1.0, 1.0))
    assert found == [i for i, _ in everything if i in near][:10]
    assert match_words(texts, ["cells"], 10, (1.0, 1.0, 1.0), set()) == []


def test_no_passages_no_words(texts: sqlite3.Connection) -> None:
    assert match_words(texts, [], 10, (1.0, 1.0, 1.0)) == []
    assert match_words(texts, ["nowhere"], 10, (1.0, 1.0, 1.0), most=30) == []
    assert frequencies(texts, ["cells", "nowhere"]) == {"cells": ROWS // 2, "nowhere": 0}


def test_how_common_a_word_is_in_a_large_library_is_estimated(
    texts: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_WINDOWS", 4), ("_WINDOW", 24), ("_ENOUGH", 20)):
        monkeypatch.setattr(f"index.fulltext.{name}", value)
    found = frequencies(texts, ["cells", "w4"])
    assert found["cells"] == pytest.approx(ROWS / 2, rel=0.1)
    assert found["w4"] == 10, "of a rare word all are counted"
