"""Vectors: what a damaged index file does, what padding does, what no vector may be."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest

from index.doctor import Finding, examine
from index.embed import unit_vectors
from index.errors import LibraryDamaged, LibraryError, ModelError
from index.library import Library
from index.remove import remove
from index.sealed import Damaged, in_order, open_sealed, write_sealed
from index.stored_vectors import SnapshotRow, VectorRows
from index.vectors import VectorIndex, seal, stored_codes
from qa.model import Query
from qa.retrieve import RetrievalOptions, Retriever
from tests.fakes import (
    FINGERPRINT,
    FakeEmbedder,
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

SNAPSHOT = "the index file is the one that was written"
VECTORS = "every passage has its vector, with the right checksum"
COPIES = "the raw copies of the papers are there and unaltered"
FULL_TEXT = "the full-text index agrees with the texts"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a place: hundreds of commits wait for a disk otherwise."""
    with tempfile.TemporaryDirectory(prefix="citewell-", dir=memory_folder()) as place:
        yield Path(place)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "papers"
    folder.mkdir()
    for i in range(5):
        text = tiny(f"Paper {i} on w{i}", "# One", f"Word w{i} is here.", "# Two", f"It stays w{i}b.")
        (folder / f"{i}.txt").write_text(text)
    return folder


@pytest.fixture
def library(tmp_path: Path, papers: Path) -> Library:
    library = make_library(tmp_path.resolve() / "library")
    report_of(make_syncer(library).add([papers]))
    return library


def index_file(library: Library) -> Path:
    (path,) = library.index_folder.iterdir()
    return path


def search(library: Library, limit: int = 100, index: VectorIndex | None = None) -> list[tuple[int, float]]:
    with library.read() as reader:
        return (index or VectorIndex(library)).search(reader, hash_vector("a question"), limit)


def findings(library: Library, *, repair: bool = False) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(library, repair=repair)}


# --- the sealed file -------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    faiss.write_index(faiss.IndexFlatIP(16), str(path))


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, tear, empty, other, gone])
def test_a_damaged_faiss_file_is_noticed_and_search_answers_the_same_without_it(
    library: Library, damage: Callable[[Path], None]
) -> None:
    before, name = search(library), index_file(library).name
    damage(index_file(library))
    index = VectorIndex(library)
    assert search(library, index=index) == before
    assert index.notice == f"the index file {name} is damaged or gone; searching without it"
    assert not findings(library)[SNAPSHOT].ok

    repaired = findings(library, repair=True)
    assert repaired[SNAPSHOT].repaired
    assert [path.name for path in library.quarantine.iterdir()] == ([] if damage is gone else [name])
    index = VectorIndex(library)
    assert search(library, index=index) == before
    assert index.notice == ""
    assert_whole(library)


def is_whole(path: Path, row: SnapshotRow) -> bool:
    """Whether a search may use the file: it opens, and each of its lists can be read."""
    sealed = open_sealed(path, row)
    if sealed is None:
        return False
    try:
        sealed.read_all()
    except Damaged:
        return False
    finally:
        sealed.close()
    return True


def test_every_single_flipped_bit_of_an_index_file_is_noticed(library: Library) -> None:
    with library.read() as reader:
        row = reader.snapshot(1)
    assert row is not None
    path = index_file(library)
    good = path.read_bytes()
    assert is_whole(path, row)
    for bit in range(0, len(good) * 8, 13):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        assert not is_whole(path, row)


def test_an_index_file_that_is_put_there_by_someone_else_is_never_loaded(library: Library) -> None:
    """Even a well-formed one."""
    path = index_file(library)
    size, _ = write_rows(path, 1)
    with library.read() as reader:
        row = reader.snapshot(1)
    assert row is not None
    assert row.size != size or row.count != 1
    assert open_sealed(path, row) is None


def write_rows(path: Path, count: int) -> tuple[int, str]:
    """A sealed file of so many rows of ones."""
    codes = np.ones((count, 16), "<f2").view(np.uint8)
    ids = np.arange(1, count + 1)
    return write_sealed(path, codes, ids, np.array([[1, 1, count]]), in_order(count, 16))


def test_a_file_with_another_number_of_vectors_is_refused(tmp_path: Path) -> None:
    size, sha256 = write_rows(tmp_path / "x.rows", 2)
    assert not is_whole(tmp_path / "x.rows", SnapshotRow("x.rows", size, sha256, 1, 1))
    assert is_whole(tmp_path / "x.rows", SnapshotRow("x.rows", size, sha256, 2, 2))


def test_a_sealed_file_is_complete_and_replaces_the_one_before(library: Library, papers: Path) -> None:
    first = index_file(library)
    (papers / "new.txt").write_text(tiny("A new one", "It says w9."))
    report_of(make_syncer(library).sync())
    assert index_file(library) == first, "one paper more is searched from the tail"
    (library.index_folder / "7-0123456789abcdef.rows").write_bytes(b"left by a run that was killed")
    (library.index_folder / ".8-0123456789abcdef.rows.part").write_bytes(b"likewise")
    name = seal(library)
    assert [path.name for path in library.index_folder.iterdir()] == [name]
    with library.read() as reader:
        row = reader.snapshot(1)
        assert row is not None
        assert (row.file, row.count) == (name, reader.counts()["passages"])
    assert_whole(library)


def test_an_old_file_that_cannot_be_deleted_stops_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by making each system call fail in turn: the new file was in place, and yet a traceback came."""
    before = index_file(library)

    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == before:
            raise OSError(5, "Input/output error", str(path))
        real(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        name = seal(library)
    assert {path.name for path in library.index_folder.iterdir()} == {before.name, name}
    assert_whole(library)
    assert seal(library) in {path.name for path in library.index_folder.iterdir()}
    assert not before.exists(), "the next seal clears it away"


def test_an_error_while_the_file_is_written_leaves_no_piece_of_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index_file(library)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(LibraryError, match="No space left on device") as caught:
            seal(library)
    assert caught.value.hint
    assert index_file(library) == before
    assert_whole(library)


# --- what search returns ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 3, 10, 1000])
def test_search_equals_brute_force_and_never_returns_padding(library: Library, limit: int) -> None:
    found = search(library, limit)
    assert len(found) == min(limit, 10)
    assert all(i > 0 for i, _ in found)
    assert_ranked(found, stored_vectors(library), hash_vector("a question"))


def test_search_within_few_passages_pads_nothing(library: Library) -> None:
    with library.read() as reader:
        index = VectorIndex(library)
        assert {i for i, _ in index.search(reader, hash_vector("x"), 10, {3, 7})} == {3, 7}
        assert index.search(reader, hash_vector("x"), 10, set()) == []
        assert index.search(reader, hash_vector("x"), 10, {-1, 99_999}) == []


def test_removed_passages_take_no_places_and_resolve_to_nothing(library: Library) -> None:
    """The sealed file still holds them; a handle that loaded it earlier follows the removal too."""
    old = VectorIndex(library)
    search(library, index=old)
    with library.read() as reader:
        dead = {
            i
            for name in ("0", "1", "2", "3")
            for i in reader.passage_ids(reader.find_paper(f"{name}.txt").id)
        }
    remove(library, ["0.txt", "1.txt", "2.txt", "3.txt"])
    for index in (old, VectorIndex(library)):
        with library.read() as reader:
            found = [i for i, _ in index.search(reader, hash_vector("a question"), 2)]
            resolved = reader.passages(found)
            assert set(resolved) == set(reader.passage_ids(reader.find_paper("4.txt").id))
            assert not set(resolved) & dead
            retriever = Retriever(FakeEmbedder(), index, RetrievalOptions(depth=2))
            evidence = retriever.retrieve(reader, Query("word w0", "word w0"), hash_vector("word w0"), 10)
            assert {e.paper.record.title for e in evidence} == {"Paper 4 on w4"}


def test_a_handle_that_stays_open_sees_what_comes(library: Library, papers: Path) -> None:
    index = VectorIndex(library)
    assert len(search(library, index=index)) == 10
    (papers / "new.txt").write_text(tiny("A new one", "It says w9."))
    (papers / "0.txt").write_text(tiny("Paper 0 on w0", "Changed altogether."))
    report_of(make_syncer(library).sync())
    with library.read() as reader:
        alive = reader.passages(i for i, _ in index.search(reader, hash_vector("q"), 100))
        assert len(alive) == reader.counts()["passages"] == 10


def test_vectors_that_come_after_newer_ones_were_sealed_are_found(library: Library) -> None:
    before = search(library)
    with library.write() as writer:
        (row,) = writer._db.execute("SELECT * FROM vectors WHERE revision_id = 2").fetchall()
        writer._db.execute("DELETE FROM vectors WHERE revision_id = 2")
    seal(library)
    index = VectorIndex(library)
    assert len(search(library, index=index)) == len(before) - row["count"]
    with library.write() as writer:
        writer._db.execute("INSERT INTO vectors VALUES (?, ?, ?, ?, ?)", tuple(row))
    assert search(library, index=index) == search(library) == before


def test_a_library_of_an_older_citewell_is_searched_and_its_file_replaced(library: Library) -> None:
    """It sealed with FAISS, in a file that is no longer read."""
    before, name = search(library), index_file(library).name
    index_file(library).rename(library.index_folder / "1-0123456789abcdef.faiss")
    with library.write() as writer:
        writer._db.execute("UPDATE snapshots SET file = '1-0123456789abcdef.faiss'")
    index = VectorIndex(library)
    assert search(library, index=index) == before
    assert index.notice == ""
    assert findings(library)[SNAPSHOT].ok
    report_of(make_syncer(library).sync())
    assert index_file(library).suffix == Path(name).suffix
    assert search(library) == before


def test_ids_are_never_given_twice(library: Library, papers: Path) -> None:
    with library.read() as reader:
        last = max(i for p in reader.papers() for i in reader.passage_ids(p.id))
        paper = max(p.id for p in reader.papers())
    remove(library, [str(papers)])
    report_of(make_syncer(library).add([papers]))
    with library.read() as reader:
        assert min(i for p in reader.papers() for i in reader.passage_ids(p.id)) > last
        assert min(p.id for p in reader.papers()) > paper


# --- stored vectors and copies that are damaged ------------------------------------------------------------


def test_damaged_stored_vectors_are_found_and_made_again(library: Library, papers: Path) -> None:
    with library.write() as writer:
        writer._db.execute("UPDATE vectors SET data = zeroblob(length(data)) WHERE revision_id = 2")
        writer._db.execute("DELETE FROM snapshots")
    with pytest.raises(LibraryDamaged, match="stored vectors of revision 2 are damaged") as caught:
        search(library)
    assert caught.value.hint == "Run: citewell doctor --repair"
    (problem,) = findings(library)[VECTORS].problems
    assert problem.startswith("stored vectors of revision 2 are damaged")
    assert findings(library, repair=True)[VECTORS].ok
    assert search(library), "until they are made again, the others are searched"
    assert "2 passages wait for theirs" in next(name for name in findings(library) if "checksum" in name)
    report = report_of(make_syncer(library).sync())
    assert (report.changed, report.embedded, report.unchanged) == ((), 2, 5)
    assert_whole(library)


@pytest.mark.parametrize("damage", [flip, tear, gone])
def test_a_damaged_raw_copy_is_found_and_made_again(
    library: Library, papers: Path, damage: Callable[[Path], None]
) -> None:
    with library.read() as reader:
        (source,) = reader.sources(paper_id=reader.find_paper("2.txt").id)
    damage(library.objects.path(source.sha256))
    with pytest.raises(LibraryDamaged, match=r"the stored copy .* is (damaged|missing)"):
        library.objects.get(source.sha256)
    assert findings(library)[COPIES].problems == (f"the copy of {papers / '2.txt'} is missing or altered",)
    findings(library, repair=True)
    report_of(make_syncer(library).sync())
    assert_whole(library)


def test_a_full_text_index_that_drifted_is_found_and_rebuilt(library: Library) -> None:
    with library.write() as writer:
        writer._db.execute("INSERT INTO passage_fts (passage_fts) VALUES ('delete-all')")
    assert not findings(library)[FULL_TEXT].ok
    assert findings(library, repair=True)[FULL_TEXT].ok
    assert_whole(library)


def test_a_backup_is_a_whole_database(library: Library, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    library.backup(tmp_path / "copy" / "library.db")
    copy = Library(tmp_path / "copy")
    with copy.read() as reader:
        assert reader.counts()["papers"] == 5
        assert reader.check() == []
    with pytest.raises(LibraryError):
        library.backup(tmp_path / "nowhere" / "library.db")


def test_stored_vectors_that_do_not_fit_are_refused() -> None:
    data = np.ones(32, dtype="<f2").tobytes()
    assert stored_codes(VectorRows(1, (1, 2), data, zlib.crc32(data)), 16).shape == (2, 32)
    for rows in (
        VectorRows(1, (1, 2), data, zlib.crc32(data) ^ 1),
        VectorRows(1, (), b"", 0),
        VectorRows(1, (1, 2, 3), data, zlib.crc32(data)),
    ):
        with pytest.raises(LibraryDamaged):
            stored_codes(rows, 16)


# --- what no vector may be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        [[float("nan"), 1.0]],
        [[float("inf"), 1.0]],
        [[0.0, 0.0]],
        [[1e-9, 0.0]],
        [[1.0, 2.0, 3.0]],
        [[1.0, 2.0], [1.0, 2.0]],
        [1.0, 2.0],
    ],
)
def test_vectors_that_faiss_would_accept_are_refused(rows: list[object]) -> None:
    with pytest.raises(ModelError):
        unit_vectors(rows, (1, 2))


def test_good_vectors_come_out_at_length_one() -> None:
    found = unit_vectors([[3.0, 4.0], [0.0, -2.0]], (2, 2))
    assert np.allclose(found, [[0.6, 0.8], [0.0, -1.0]])
    assert found.dtype == np.float32


def test_a_model_that_returns_nonsense_stores_no_vector_and_the_next_sync_does(
    library: Library, papers: Path
) -> None:
    """A model of someone's own may not check itself as ours does."""

    class Broken(FakeEmbedder):
        def passages(self, texts: object) -> object:
            return super().passages(texts)[:, :8]

    class NotNumbers(FakeEmbedder):
        def passages(self, texts: object) -> object:
            return super().passages(texts) * float("nan")

    (papers / "new.txt").write_text(tiny("A new one", "It says w9."))
    for embedder in (Broken(FINGERPRINT), NotNumbers(FINGERPRINT)):
        with pytest.raises(ModelError):
            report_of(make_syncer(library, embedder).sync())
        assert_whole(library, pending={"A new one"})
    report_of(make_syncer(library).sync())
    assert_whole(library)
