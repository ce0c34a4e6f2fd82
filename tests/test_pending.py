"""Stories of papers that are found by their words at once, and by their meaning when their vectors arrive."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from index import embedding
from index.chunk import passage_input
from index.doctor import examine
from index.embed import Fingerprint, Vectors
from index.errors import WrongModel
from index.events import Advanced, PaperSynced, StageStarted
from index.library import Library
from index.reader import Reader
from index.remove import remove
from index.vectors import VectorIndex, seal
from qa.fuse import score_fusion
from qa.model import EVERYTHING, Query
from qa.retrieve import RetrievalOptions, Retriever
from tests.fakes import (
    FakeEmbedder,
    assert_whole,
    hash_vector,
    make_library,
    make_syncer,
    memory_folder,
    report_of,
    tiny,
)
from tui.listing import read_listing

NAMES = ("ants", "bats", "cats", "dogs", "emus")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a place: hundreds of commits wait for a disk otherwise."""
    with tempfile.TemporaryDirectory(prefix="citewell-", dir=memory_folder()) as place:
        yield Path(place).resolve()


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Five papers of two passages each."""
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in NAMES:
        blocks = ("# One", f"The {name} sleep by day.", "# Two", f"The {name} eat by night.")
        (folder / f"{name}.txt").write_text(tiny(f"A study of {name}", *blocks))
    return folder


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two papers are embedded at a time, and three passages between two signs of life."""
    monkeypatch.setattr(embedding, "_WINDOW", 4)
    monkeypatch.setattr(embedding, "_BATCH", 3)


class StoppedEmbedder(FakeEmbedder):
    """Breaks off before the first passage, as a user does who stops the work when the embedding begins."""

    def passages(self, _texts: Sequence[str]) -> Vectors:
        raise KeyboardInterrupt


def stop_before_embedding(library: Library, papers: Path) -> None:
    """Adds the papers and stops when all of them are stored and none is embedded."""
    with pytest.raises(KeyboardInterrupt):
        report_of(make_syncer(library, StoppedEmbedder()).add([papers]))


def titles_by_words(library: Library, question: str) -> list[str]:
    """The papers that a question finds, best first, as `ask` finds them."""
    retriever = Retriever(FakeEmbedder(), VectorIndex(library), RetrievalOptions())
    query = Query(question, question, EVERYTHING)
    with library.read() as reader:
        found = retriever.retrieve(reader, query, retriever.embed(query), 10)
    return list(dict.fromkeys(f.paper.record.title for f in found if f.bm25 is not None))


def nearest(reader: Reader, index: VectorIndex, name: str) -> str:
    """The paper of the passage whose meaning is nearest to that of the first passage on these animals."""
    wanted = passage_input(f"A study of {name} › One", f"The {name} sleep by day.")
    ((best, _), *_) = index.search(reader, hash_vector(wanted), 1) or [(0, 0.0)]
    passage = reader.passages([best]).get(best)
    return passage.text if passage else ""


def pending(library: Library) -> list[str]:
    """The titles of the papers that wait for their vectors."""
    with library.read() as reader:
        return [paper.record.title for paper in reader.papers() if paper.pending]


def contents(library: Library) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the moments at which papers came in and the count of commits."""
    connection = sqlite3.connect(library.database)
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'passage_fts%'"
        " AND name NOT IN ('meta', 'snapshots')"
    ).fetchall()
    found = {}
    for (table,) in tables:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        kept = ", ".join(name for name in columns if name not in ("added", "updated"))
        found[table] = sorted(connection.execute(f"SELECT {kept} FROM {table}").fetchall(), key=repr)
    connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'passage_fts', 'instance')")
    words = connection.execute("SELECT term, doc, col, offset FROM temp.words ORDER BY 1, 2, 3, 4")
    found["words"] = words.fetchall()
    connection.close()
    return found


def test_stopped_at_any_event_every_stored_paper_is_found_by_its_words_and_the_end_is_the_same(
    tmp_path: Path, papers: Path
) -> None:
    whole = make_library(tmp_path / "whole")
    events = list(make_syncer(whole).add([papers]))
    expected = contents(whole)
    seen_pending = set()
    for stop in range(len(events) - 1):
        library = make_library(tmp_path / f"library{stop}")
        stream = make_syncer(library).add([papers])
        seen = [next(stream) for _ in range(stop + 1)]
        stream.close()
        assert seen == events[: stop + 1]
        stored = [event.title for event in seen if isinstance(event, PaperSynced)]
        for name in NAMES:
            found = titles_by_words(library, f"What do {name} eat?")
            assert (f"A study of {name}" in found) == (f"A study of {name}" in stored)
        assert set(pending(library)) <= set(stored)
        assert_whole(library, pending=None)
        seen_pending.add(len(pending(library)))
        report = report_of(make_syncer(library).sync())
        assert report.unchanged == len(stored)
        assert contents(library) == expected
        assert_whole(library)
    assert seen_pending == {0, 1, 2, 3, 4, 5}, "no state between none and all was seen"


def test_a_paper_is_announced_when_it_is_found_by_words_and_passages_are_counted_after_that(
    tmp_path: Path, papers: Path
) -> None:
    library = make_library(tmp_path / "library")
    stages: list[str] = []
    counted: list[int] = []
    for event in make_syncer(library).add([papers]):
        if isinstance(event, StageStarted):
            stages.append(event.stage)
        elif isinstance(event, PaperSynced):
            assert stages[-1] == "adding papers"
            assert event.title in pending(library)
            assert event.title in titles_by_words(library, event.title)
        elif isinstance(event, Advanced) and stages[-1] == "embedding passages":
            counted.append(event.done)
    assert counted == [0, 3, 4, 4, 7, 8, 8, 10]
    assert stages == [
        "looking for papers", "adding papers", "loading the model", "embedding passages", "sealing the index",
    ]  # fmt: skip


def test_an_open_index_finds_what_is_embedded_later_though_its_ids_are_older(
    tmp_path: Path, papers: Path
) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    index = VectorIndex(library)
    with library.read() as reader:
        assert nearest(reader, index, "ants") == ""
    (papers / "zebras.txt").write_text(
        tiny("A study of zebras", "# One", "The zebras sleep by day.", "# Two", "The zebras eat by night.")
    )
    stream = make_syncer(library).sync()
    for event in stream:  # the new paper comes first: it is what was asked for
        if isinstance(event, Advanced) and len(pending(library)) < 6:
            break
    assert "A study of zebras" not in pending(library)
    with library.read() as reader:
        assert nearest(reader, index, "zebras") == "The zebras sleep by day."
        assert nearest(reader, index, "emus") != "The emus sleep by day."
    list(stream)
    with library.read() as reader:
        for name in (*NAMES, "zebras"):
            assert nearest(reader, index, name) == f"The {name} sleep by day."


def test_a_file_sealed_while_a_paper_waits_holds_the_others_and_search_finds_all(
    tmp_path: Path, papers: Path
) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    with library.read() as reader:
        texts = {text.revision_id: inputs for text in reader.pending()
                 for inputs in [reader.pending_inputs([text.revision_id])[text.revision_id]]}  # fmt: skip
    embedder = FakeEmbedder()
    with library.write() as writer:  # all but the third
        for revision_id, inputs in texts.items():
            if revision_id != 3:
                assert writer.put_vectors(revision_id, embedder.passages(inputs), embedder.fingerprint)
    seal(library)
    with library.read() as reader:
        row = reader.snapshot(1)
        assert row is not None
        assert (row.count, row.last_passage_id) == (8, 10)
        index = VectorIndex(library)
        assert [nearest(reader, index, name) == f"The {name} sleep by day." for name in NAMES] == [
            True, True, False, True, True,
        ]  # fmt: skip
    assert_whole(library, pending={"A study of cats"})
    report_of(make_syncer(library).sync())
    with library.read() as reader:
        assert nearest(reader, index, "cats") == "The cats sleep by day."
    assert_whole(library)


@pytest.mark.parametrize("how", ["removed", "changed", "embedded"])
def test_what_becomes_of_a_paper_while_it_is_embedded_decides(tmp_path: Path, papers: Path, how: str) -> None:
    """A removed or changed paper never gets the vectors of its old text, and nothing is stored twice."""
    library = make_library(tmp_path / "library")
    new = tiny("A study of ants", "# One", "The ants are awake by day.")

    class Meddled(FakeEmbedder):
        meddled = False

        def passages(self, texts: Sequence[str]) -> Vectors:
            if not self.meddled:
                self.meddled = True
                if how == "removed":
                    remove(library, ["ants.txt"])
                elif how == "changed":
                    (papers / "ants.txt").write_text(new)
                    stop_before_embedding(library, papers)
                else:
                    with library.read() as reader:
                        inputs = reader.pending_inputs([1])[1]
                    with library.write() as writer:
                        assert writer.put_vectors(1, FakeEmbedder().passages(inputs), self.fingerprint)
            return super().passages(texts)

    report = report_of(make_syncer(library, Meddled()).add([papers]))
    assert report.embedded == 8
    assert_whole(library, pending={"A study of ants"} if how == "changed" else set())
    report_of(make_syncer(library).sync())
    assert_whole(library)
    with library.read() as reader:
        left = {"removed": 8, "changed": 9, "embedded": 10}[how]
        assert (reader.counts()["passages"], reader.pending()) == (left, [])


def test_of_two_runs_at_a_time_only_the_first_finishes_what_was_left_before(
    tmp_path: Path, papers: Path
) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    (papers / "ants.txt").touch()
    assert report_of(make_syncer(library).update([papers / "ants.txt"])).embedded == 0, "it does not wait"
    with library.indexing() as first:
        assert first
        other = papers.with_name("zebras.txt")
        other.write_text(tiny("A study of zebras", "# One", "The zebras sleep by day."))
        embedder = FakeEmbedder()
        report = report_of(make_syncer(library, embedder).add([other]))
        assert (report.passages, report.embedded) == (1, 1)
    assert sorted(pending(library)) == [f"A study of {name}" for name in NAMES]
    assert report_of(make_syncer(library).sync()).embedded == 10
    assert_whole(library)


def test_vectors_of_another_model_are_refused_and_the_paper_goes_on_waiting(
    tmp_path: Path, papers: Path
) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    other = FakeEmbedder(Fingerprint("other", "1" * 64, 16, 32))
    with pytest.raises(WrongModel):
        report_of(make_syncer(library, other).sync())
    with pytest.raises(WrongModel), library.write() as writer:
        writer.put_vectors(1, other.passages(["a", "b"]), other.fingerprint)
    with pytest.raises(ValueError, match="3 vectors for 2 passages"), library.write() as writer:
        writer.put_vectors(1, other.passages(["a", "b", "c"]), FakeEmbedder().fingerprint)
    assert len(pending(library)) == len(NAMES)
    assert report_of(make_syncer(library).sync()).embedded == 10


def test_a_backup_taken_meanwhile_is_finished_like_the_library(tmp_path: Path, papers: Path) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    copy = Library(tmp_path / "copy")
    copy.folder.mkdir()
    library.backup(copy.database)
    (copy.folder / "objects").symlink_to(library.folder / "objects")
    assert len(pending(copy)) == len(NAMES)
    assert report_of(make_syncer(copy).sync()).embedded == 10
    assert_whole(copy)
    assert len(pending(library)) == len(NAMES)


def test_the_doctor_knows_that_waiting_is_no_damage(tmp_path: Path, papers: Path) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    findings = list(examine(library, repair=True))
    assert all(finding.ok and not finding.problems for finding in findings)
    assert "every vector has the right checksum; 10 passages wait for theirs (citewell sync)" in {
        finding.check for finding in findings
    }


def test_a_paper_that_waits_is_ranked_as_if_its_meaning_agreed_half_way_with_its_words() -> None:
    bm25 = [(1, 10.0), (2, 9.0), (3, 5.0)]
    dense = [(2, 0.8), (4, 0.6), (5, 0.5)]
    plain = score_fusion(bm25, dense, 0.6)
    assert plain[1] == pytest.approx(0.4 + 0.6 * 0.45)
    fused = score_fusion(bm25, dense, 0.6, pending={1, 3})
    assert fused == pytest.approx(plain | {
        1: 0.4 + 0.6 * (0.8 + 0.45) / 2,
        3: 0.4 * 0.5 + 0.6 * (0.5 + 0.45) / 2,
    })  # fmt: skip
    assert score_fusion(bm25, [], 0.6, pending={1, 2, 3}) == pytest.approx({1: 0.4, 2: 0.36, 3: 0.2})


def test_the_command_line_says_which_papers_wait(tmp_path: Path, papers: Path, citewell: object) -> None:
    library = make_library(tmp_path / "library")
    stop_before_embedding(library, papers)
    assert callable(citewell)
    assert (
        "Passages  10 (10 of 5 papers wait to be embedded: citewell sync)"
        in citewell("status", library=library.folder).out
    )
    listed = citewell("papers", library=library.folder).out.splitlines()
    assert len(listed) == 5
    assert all("(words only so far)" in row for row in listed)
    listing = read_listing(library)
    assert (listing.pending, {row.mark for row in listing.rows}) == (5, {"◐"})
    report_of(make_syncer(library).sync())
    listing = read_listing(library)
    assert (listing.pending, {row.mark for row in listing.rows}) == (0, {"✓"})
    assert "Passages  10\n" in citewell("status", library=library.folder).out
    assert "words only" not in citewell("papers", library=library.folder).out
