"""Stories of files that come, change, move, fail and go, and what the library holds after each."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.embed import Fingerprint
from index.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryLocked,
    LibraryMissing,
    LibraryTooNew,
    PaperNotFound,
    SourceError,
    WrongModel,
)
from index.events import PaperFailed, PaperSynced, StageStarted
from index.library import Library
from index.remove import remove
from index.sources import check_path
from index.sync import Syncer
from index.vectors import VectorIndex
from tests.fakes import (
    SUFFIXES,
    FakeEmbedder,
    assert_whole,
    expect,
    held,
    make_library,
    make_syncer,
    memory_folder,
    parse_tiny,
    report_of,
    tiny,
)

ALPHA = tiny("Alpha rays in frogs", "# Results", "Frogs glow. Frogs glow again in the dark of the night.")
BETA = tiny("Beta rays in newts", "# Results", "Newts do not glow. They were asked twice and declined.")
GAMMA = tiny("Gamma rays in toads", "# Methods", "Toads were shown a lamp. The lamp was on.")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a place: hundreds of commits wait for a disk otherwise."""
    with tempfile.TemporaryDirectory(prefix="citewell-", dir=memory_folder()) as place:
        yield Path(place)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "papers"
    folder.mkdir()
    (folder / "alpha.txt").write_text(ALPHA)
    (folder / "beta.txt").write_text(BETA)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return make_library(tmp_path.resolve() / "library")


def paper_ids(library: Library) -> dict[str, int]:
    """Paper ids by title."""
    with library.read() as reader:
        return {paper.record.title: paper.id for paper in reader.papers()}


def statuses(library: Library) -> dict[str, str]:
    """What became of each file, by file name."""
    with library.read() as reader:
        return {Path(source.path).name: source.status for source in reader.sources()}


# --- what a sync reports and does ------------------------------------------------------------------------


def test_first_add_brings_in_every_paper_and_a_second_sync_has_nothing_to_do(
    library: Library, papers: Path
) -> None:
    embedder = FakeEmbedder()
    report = report_of(make_syncer(library, embedder).add([papers]))
    assert report.added == (str(papers / "alpha.txt"), str(papers / "beta.txt"))
    assert (report.changed, report.removed, report.moved, report.failed, report.unchanged) == (
        (),
        (),
        (),
        (),
        0,
    )
    assert report.passages == len(embedder.embedded) == 2
    again = FakeEmbedder()
    report = report_of(make_syncer(library, again).sync())
    assert (report.added, report.changed, report.removed, report.unchanged) == ((), (), (), 2)
    assert again.embedded == []
    assert again.loads == 0, "a sync with nothing to do loads no model"
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


def test_adding_one_paper_embeds_that_paper_only(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    (papers / "gamma.txt").write_text(GAMMA)
    embedder = FakeEmbedder()
    report = report_of(make_syncer(library, embedder).sync())
    assert report.added == (str(papers / "gamma.txt"),)
    assert report.unchanged == 2
    header = "Gamma rays in toads › Methods"
    assert embedder.embedded == [f"{header}\nToads were shown a lamp. The lamp was on."]
    assert_whole(library)


def test_a_changed_file_replaces_its_paper_and_keeps_its_id(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    before = paper_ids(library)
    (papers / "alpha.txt").write_text(ALPHA + "Lamps matter.\n")
    embedder = FakeEmbedder()
    report = report_of(make_syncer(library, embedder).sync())
    assert report.changed == (str(papers / "alpha.txt"),)
    assert (report.added, report.removed, report.unchanged) == ((), (), 1)
    assert paper_ids(library) == before
    assert all("Alpha" in text for text in embedder.embedded)
    with library.read() as reader:
        assert len(reader.match('"lamps"', 10, (1, 1, 1))) == 1
    assert_whole(library)


def test_touching_a_file_changes_nothing(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    os.utime(papers / "alpha.txt", (1, 1))
    assert report_of(make_syncer(library).sync()).unchanged == 2


def test_a_change_that_keeps_size_and_time_is_noticed(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    stat = (papers / "alpha.txt").stat()
    (papers / "alpha.txt").write_text(ALPHA.replace("Frogs glow.", "Frogs glew."))
    os.utime(papers / "alpha.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert report_of(make_syncer(library).sync()).changed == (str(papers / "alpha.txt"),)


def test_a_deleted_file_takes_its_paper_along(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    (papers / "alpha.txt").unlink()
    report = report_of(make_syncer(library).sync())
    assert report.removed == (str(papers / "alpha.txt"),)
    assert held(library) == {expect(papers / "beta.txt")}
    with library.read() as reader:
        assert reader.match('"frogs"', 10, (1, 1, 1)) == []
    assert len(list((library.folder / "objects").glob("*/*"))) == 1, "its raw copy goes too"
    assert_whole(library)


def test_a_renamed_file_keeps_its_paper_id_and_is_not_embedded_again(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    before = paper_ids(library)
    (papers / "sub").mkdir()
    (papers / "alpha.txt").rename(papers / "sub" / "frogs.txt")
    embedder = FakeEmbedder()
    report = report_of(make_syncer(library, embedder).sync())
    assert report.moved == (str(papers / "sub" / "frogs.txt"),)
    assert (report.added, report.changed, report.removed, report.unchanged) == ((), (), (), 1)
    assert embedder.embedded == []
    assert paper_ids(library) == before
    assert held(library) == {expect(papers / "sub" / "frogs.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


def test_a_renamed_folder_of_identical_copies_moves_them_all(library: Library, papers: Path) -> None:
    (papers / "one").mkdir()
    for name in ("copy.txt", "original.txt"):
        (papers / "one" / name).write_text(GAMMA)
    report_of(make_syncer(library).add([papers]))
    (papers / "one").rename(papers / "two")
    embedder = FakeEmbedder()
    report = report_of(make_syncer(library, embedder).sync())
    assert len(report.moved) == 2
    assert embedder.embedded == []
    assert {path for paper in held(library) for path in paper.paths if "two" in path} == {
        str(papers / "two" / "copy.txt"),
        str(papers / "two" / "original.txt"),
    }
    assert_whole(library)


def test_a_file_moved_while_the_parsers_changed_is_read_again(library: Library, papers: Path) -> None:
    report_of(make_syncer(library, recipe="1").add([papers]))
    (papers / "alpha.txt").rename(papers / "frogs.txt")
    embedder = FakeEmbedder()
    report_of(make_syncer(library, embedder, recipe="2").sync())
    assert len(embedder.embedded) == 2, "both papers are old"


def test_two_files_that_swap_their_contents_both_stay(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    (papers / "alpha.txt").write_text(BETA)
    (papers / "beta.txt").write_text(ALPHA)
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)
    assert report_of(make_syncer(library).sync()).unchanged == 2


def test_a_new_version_of_the_parsers_reads_every_file_again(library: Library, papers: Path) -> None:
    report_of(make_syncer(library, recipe="1").add([papers]))
    before = paper_ids(library)
    report = report_of(make_syncer(library, recipe="2").sync())
    assert len(report.changed) == 2
    assert paper_ids(library) == before
    assert report_of(make_syncer(library, recipe="2").sync()).unchanged == 2


# --- failures --------------------------------------------------------------------------------------------


def test_a_failed_file_is_listed_with_its_reason_until_its_bytes_change(
    library: Library, papers: Path
) -> None:
    bad = papers / "bad.txt"
    bad.write_text("BAD")
    failure = PaperFailed(str(bad), "marked as bad", "Take the mark out.")
    events = list(make_syncer(library).add([papers]))
    assert failure in events
    assert events[-1].report.failed == (failure,)
    for _ in range(2):
        assert report_of(make_syncer(library).sync()).failed == (failure,)
    with library.read() as reader:
        assert reader.counts() == {"papers": 2, "passages": 2, "sources": 3, "failed": 1, "body_missing": 0}
        assert [(s.reason, s.hint) for s in reader.sources(status="failed")] == [
            (failure.reason, failure.hint)
        ]
    bad.write_text(GAMMA)
    report = report_of(make_syncer(library).sync())
    assert report.added == (str(bad),)
    assert report.failed == ()
    assert_whole(library)


def test_a_failed_file_is_read_again_only_when_asked(library: Library, papers: Path) -> None:
    (papers / "bad.txt").write_text("BAD")
    reads: list[str] = []

    def parse(data: bytes, name: str) -> object:
        reads.append(name)
        return parse_tiny(data, name)

    syncer = Syncer(library, FakeEmbedder(), parse, SUFFIXES)
    report_of(syncer.add([papers]))
    report_of(syncer.sync())
    assert reads.count("bad.txt") == 1
    assert len(report_of(syncer.sync(retry=True)).failed) == 1
    assert (reads.count("bad.txt"), reads.count("alpha.txt")) == (2, 1)


def test_a_file_that_fails_after_it_was_a_paper_is_no_paper(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    (papers / "alpha.txt").write_text(ALPHA + "BAD")
    assert len(report_of(make_syncer(library).sync()).failed) == 1
    assert held(library) == {expect(papers / "beta.txt")}
    assert_whole(library)
    (papers / "alpha.txt").write_text(ALPHA)
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


def test_a_paper_without_searchable_text_fails_with_a_reason(library: Library, papers: Path) -> None:
    (papers / "empty.txt").write_text("Only a title\n")
    (failure,) = report_of(make_syncer(library).add([papers])).failed
    assert failure.reason == "it holds no text to search"
    assert failure.hint


def test_a_failed_file_that_is_deleted_is_forgotten(library: Library, papers: Path) -> None:
    (papers / "bad.txt").write_text("BAD")
    report_of(make_syncer(library).add([papers]))
    (papers / "bad.txt").unlink()
    assert report_of(make_syncer(library).sync()).failed == ()
    assert set(statuses(library)) == {"alpha.txt", "beta.txt"}


# --- one paper from several files ------------------------------------------------------------------------

PDF = tiny("One study of sleep", "# Body", "Hyphen- ated words fell asleep.", doi="10.1/x", format="pdf")
HTML = tiny("One study of sleep", "# Body", "Words of the page fell asleep.", doi="10.1/x", format="html")
JATS = tiny("One study of sleep", "# Body", "Hyphenated words fell asleep.", doi="10.1/x", format="jats")


@pytest.mark.parametrize("names", [("a-pdf", "b-jats"), ("b-pdf", "a-jats")])
def test_the_better_file_of_a_paper_is_indexed_whatever_the_order(
    library: Library, papers: Path, names: tuple[str, str]
) -> None:
    pdf, jats = (papers / f"{name}.txt" for name in names)
    pdf.write_text(PDF)
    jats.write_text(JATS)
    report_of(make_syncer(library).add([papers]))
    with library.read() as reader:
        paper = reader.find_paper("10.1/x")
        assert paper.paths == (str(jats), str(pdf)), "the indexed file first"
        assert "Hyphenated" in reader.text(paper.id)
    assert_whole(library)
    assert report_of(make_syncer(library).sync()).unchanged == 4


def test_a_worse_copy_that_comes_later_is_reported_as_a_duplicate(library: Library, papers: Path) -> None:
    (papers / "jats.txt").write_text(JATS)
    report_of(make_syncer(library).add([papers]))
    (papers / "pdf.txt").write_text(PDF)
    report = report_of(make_syncer(library).sync())
    assert report.duplicates == (str(papers / "pdf.txt"),)
    assert (report.added, report.changed, report.passages) == ((), (), 0)
    assert report_of(make_syncer(library).sync()).unchanged == 4


def test_a_better_copy_that_comes_later_takes_over_and_keeps_the_id(library: Library, papers: Path) -> None:
    (papers / "pdf.txt").write_text(PDF)
    report_of(make_syncer(library).add([papers]))
    before = paper_ids(library)
    (papers / "jats.txt").write_text(JATS)
    assert report_of(make_syncer(library).sync()).changed == (str(papers / "jats.txt"),)
    assert paper_ids(library) == before
    assert statuses(library) == {"alpha.txt": "indexed", "beta.txt": "indexed",
                                 "jats.txt": "indexed", "pdf.txt": "other"}  # fmt: skip
    assert_whole(library)


def test_removing_the_better_file_brings_the_next_best_in(library: Library, papers: Path) -> None:
    for name, text in (("a-pdf", PDF), ("b-html", HTML), ("c-jats", JATS)):
        (papers / f"{name}.txt").write_text(text)
    report_of(make_syncer(library).add([papers]))
    before = paper_ids(library)
    (papers / "c-jats.txt").unlink()
    report_of(make_syncer(library).sync())
    assert paper_ids(library) == before
    with library.read() as reader:
        assert "Words of the page" in reader.text(before["One study of sleep"])
    assert_whole(library)
    report = report_of(make_syncer(library).sync())
    assert (report.unchanged, report.changed, report.duplicates) == (4, (), ()), "nothing is left to do"


def test_when_the_better_file_fails_the_other_one_is_indexed(library: Library, papers: Path) -> None:
    (papers / "pdf.txt").write_text(PDF)
    (papers / "jats.txt").write_text(JATS)
    report_of(make_syncer(library).add([papers]))
    (papers / "jats.txt").write_text(JATS + "BAD")
    report_of(make_syncer(library).sync())
    assert statuses(library)["jats.txt"] == "failed"
    assert expect(papers / "pdf.txt") in held(library)
    assert_whole(library)


def test_when_every_copy_fails_the_paper_is_gone(library: Library, papers: Path) -> None:
    for name, text in (("a-pdf", PDF), ("b-html", HTML), ("c-jats", JATS)):
        (papers / f"{name}.txt").write_text(text)
    report_of(make_syncer(library).add([papers]))
    for name in ("a-pdf", "b-html", "c-jats"):
        (papers / f"{name}.txt").write_text("BAD")
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


def test_an_indexed_file_that_loses_its_body_gives_way_to_one_that_has_it(
    library: Library, papers: Path
) -> None:
    (papers / "pdf.txt").write_text(PDF)
    (papers / "jats.txt").write_text(JATS)
    report_of(make_syncer(library).add([papers]))
    (papers / "jats.txt").write_text(JATS.replace("format:", "body: missing\nformat:"))
    report_of(make_syncer(library).sync())
    report_of(make_syncer(library).sync())
    with library.read() as reader:
        assert not reader.find_paper("10.1/x").body_missing


def test_two_papers_that_share_a_doi_by_mistake_stay_two(library: Library, papers: Path) -> None:
    (papers / "one.txt").write_text(tiny("Sleep of mice", "Mice slept for nine hours.", doi="10.1/x"))
    (papers / "two.txt").write_text(tiny("Waves on water", "Water moved up and down all day.", doi="10.1/x"))
    report_of(make_syncer(library).add([papers]))
    assert len(held(library)) == 4
    assert_whole(library)


def test_the_same_words_under_two_dois_are_two_papers(library: Library, papers: Path) -> None:
    for letter in "ab":
        text = tiny("Correction", "The authors regret an error.", doi=f"10.1/{letter}")
        (papers / f"{letter}.txt").write_text(text)
    report = report_of(make_syncer(library).add([papers]))
    assert report.duplicates == ()
    assert len(held(library)) == 4
    (papers / "c.txt").write_text(tiny("Correction", "The authors regret an error."))
    assert report_of(make_syncer(library).sync()).duplicates == (str(papers / "c.txt"),)
    assert_whole(library)


def test_a_paper_that_was_taken_out_stays_out_though_its_file_is_edited_and_renamed(
    library: Library, papers: Path
) -> None:
    report_of(make_syncer(library).add([papers]))
    remove(library, ["alpha.txt"])
    (papers / "alpha.txt").write_text(GAMMA)
    report_of(make_syncer(library).sync())
    (papers / "alpha.txt").rename(papers / "gamma.txt")
    assert report_of(make_syncer(library).sync()).added == ()
    assert held(library) == {expect(papers / "beta.txt")}
    assert statuses(library)["gamma.txt"] == "excluded"
    assert_whole(library)


def test_a_pdf_that_prints_no_id_is_known_by_its_title_and_text(library: Library, papers: Path) -> None:
    title = "Sleep of mice in the dark"
    words = "Mice slept for nine hours in the dark and woke up hungry on every day of the week."
    (papers / "a.txt").write_text(tiny(title, words + " They ate.", format="pdf"))
    (papers / "b.txt").write_text(tiny(title.upper(), words, format="jats", pmcid="PMC77"))
    (papers / "c.txt").write_text(tiny(title, "Rats did not sleep at all, in spite of the dark nights."))
    report_of(make_syncer(library).add([papers]))
    assert statuses(library)["a.txt"] == "other"
    assert statuses(library)["b.txt"] == "indexed"
    assert len(held(library)) == 4, "another text under the same title is another paper"
    assert_whole(library)


def test_a_file_replaced_by_another_paper_is_another_paper(library: Library, papers: Path) -> None:
    (papers / "x.txt").write_text(tiny("Sleep of mice", "Mice slept for nine hours.", doi="10.1/x"))
    report_of(make_syncer(library).add([papers]))
    before = paper_ids(library)["Sleep of mice"]
    (papers / "x.txt").write_text(tiny("Waves on water", "Water moved up and down all day.", doi="10.1/y"))
    report_of(make_syncer(library).sync())
    after = paper_ids(library)
    assert "Sleep of mice" not in after
    assert after["Waves on water"] != before
    assert_whole(library)


# --- roots that are away ---------------------------------------------------------------------------------


def test_a_root_that_is_away_keeps_its_papers_and_says_so(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    before = held(library)
    papers.rename(papers.with_name("unmounted"))
    report = report_of(make_syncer(library).sync())
    assert (report.removed, report.failed) == ((), ())
    assert report.warnings == (f"{papers} is not there: its papers are kept (citewell remove drops them)",)
    assert held(library) == before
    papers.with_name("unmounted").rename(papers)
    assert report_of(make_syncer(library).sync()).unchanged == 2


def test_the_last_copy_of_a_paper_is_kept_while_its_root_is_away(library: Library, papers: Path) -> None:
    away = papers.with_name("stick")
    away.mkdir()
    (papers / "jats.txt").write_text(JATS)
    (away / "pdf.txt").write_text(PDF)
    report_of(make_syncer(library).add([papers, away]))
    away.rename(away.with_name("unplugged"))
    (papers / "jats.txt").unlink()
    report = report_of(make_syncer(library).sync())
    assert report.failed == ()
    assert "One study of sleep" in paper_ids(library)


def test_an_unreadable_folder_keeps_its_papers(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = papers / "locked"
    locked.mkdir()
    (locked / "gamma.txt").write_text(GAMMA)
    report_of(make_syncer(library).add([papers]))
    before = held(library)
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        report = report_of(make_syncer(library).sync())
    assert report.removed == ()
    assert report.warnings == (f"{locked}: Permission denied",)
    assert held(library) == before


def test_a_file_whose_facts_cannot_be_had_does_not_end_the_sync(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may be listed but not entered, or a network file system that has lost its server."""
    report_of(make_syncer(library).add([papers]))
    before = held(library)
    real = os.stat

    def stat(path: object, **options: object) -> object:
        if str(path).endswith("alpha.txt"):
            raise OSError(5, "Input/output error", str(path))
        return real(path, **options)

    (papers / "gamma.txt").write_text(GAMMA)
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat)
        report = report_of(make_syncer(library).sync())
    assert report.removed == ()
    assert report.added == (str(papers / "gamma.txt"),)
    assert before <= held(library)


def test_a_root_whose_facts_cannot_be_had_keeps_its_papers(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report_of(make_syncer(library).add([papers]))
    before = held(library)
    real = os.stat

    def stat(path: object, **options: object) -> object:
        if str(path).startswith(str(papers)):
            raise OSError(107, "Transport endpoint is not connected", str(path))
        return real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat)
        report = report_of(make_syncer(library).sync())
    assert report.removed == ()
    assert report.warnings
    assert held(library) == before


def test_a_file_with_a_name_that_is_not_utf8_is_named_in_a_warning(library: Library, papers: Path) -> None:
    (Path(os.fsdecode(os.fsencode(papers) + b"/caf\xe9.txt"))).write_text(GAMMA)
    report = report_of(make_syncer(library).add([papers]))
    assert len(report.added) == 2
    assert len(report.warnings) == 1
    assert report.warnings[0].endswith("its name is not valid UTF-8: rename it")


def test_a_link_to_a_file_whose_name_is_not_utf8_is_named_in_a_warning(
    library: Library, papers: Path
) -> None:
    target = Path(os.fsdecode(os.fsencode(papers.parent) + b"/caf\xe9.txt"))
    target.write_text(GAMMA)
    (papers / "link.txt").symlink_to(target)
    report = report_of(make_syncer(library).add([papers]))
    assert len(report.added) == 2
    assert len(report.warnings) == 1


def test_a_root_whose_name_is_not_utf8_is_refused_in_words(papers: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(papers) + b"/caf\xe9"))
    folder.mkdir()
    with pytest.raises(SourceError) as caught:
        check_path(folder)
    assert caught.value.hint


def test_a_paper_behind_a_link_goes_when_the_link_goes(library: Library, papers: Path) -> None:
    outside = papers.with_name("outside.txt")
    outside.write_text(GAMMA)
    (papers / "link.txt").symlink_to(outside)
    report_of(make_syncer(library).add([papers]))
    assert "Gamma rays in toads" in paper_ids(library)
    (papers / "link.txt").unlink()
    report_of(make_syncer(library).sync())
    assert "Gamma rays in toads" not in paper_ids(library)


def test_the_librarys_own_files_and_hidden_ones_are_left_alone(papers: Path) -> None:
    library = make_library(papers / "library")
    (papers / ".hidden.txt").write_text(GAMMA)
    (papers / ".git").mkdir()
    (papers / ".git" / "gamma.txt").write_text(GAMMA)
    (library.folder / "objects" / "note.txt").write_text(GAMMA)
    assert len(report_of(make_syncer(library).add([papers])).added) == 2


# --- removing --------------------------------------------------------------------------------------------


def test_a_removed_paper_stays_out_until_its_file_is_added_again_by_name(
    library: Library, papers: Path
) -> None:
    report_of(make_syncer(library).add([papers]))
    with library.read() as reader:
        key = reader.find_paper("Alpha rays in frogs").key
    assert remove(library, [key]) == [key]
    for _ in range(2):
        report = report_of(make_syncer(library).sync())
        assert (report.added, report.removed, report.unchanged) == ((), (), 1)
    (papers / "alpha.txt").write_text(ALPHA + "An edit.")
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "beta.txt")}
    assert report_of(make_syncer(library).add([papers / "alpha.txt"])).added == (str(papers / "alpha.txt"),)
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


def test_a_removed_paper_stays_out_when_its_file_is_renamed(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    remove(library, ["alpha.txt"])
    (papers / "alpha.txt").rename(papers / "frogs.txt")
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "beta.txt")}


def test_removing_a_folder_drops_its_papers_and_follows_it_no_more(library: Library, papers: Path) -> None:
    other = papers.with_name("other")
    other.mkdir()
    (other / "gamma.txt").write_text(GAMMA)
    report_of(make_syncer(library).add([papers, other]))
    assert len(remove(library, [str(papers)])) == 2
    assert held(library) == {expect(other / "gamma.txt")}
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(other / "gamma.txt")}
    assert_whole(library)


def test_removing_an_unknown_name_changes_nothing(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    before = held(library)
    with pytest.raises(LibraryError, match="no paper in this library is called 'nothing'"):
        remove(library, ["alpha.txt", "nothing"])
    for odd in ("", "caf\udce9", "a\0b", "%", "../papers"):
        with pytest.raises(PaperNotFound):
            remove(library, [odd])
    assert held(library) == before


def test_a_removal_that_cannot_be_committed_loses_no_raw_copy(
    library: Library, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report_of(make_syncer(library).add([papers]))
    real = sqlite3.connect

    class FullDisk(sqlite3.Connection):
        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
            if statement == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(statement, *values)

    def connect(*places: object, **options: object) -> sqlite3.Connection:
        return real(*places, **{**options, "factory": FullDisk})

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        with pytest.raises(LibraryError, match="is full"):
            remove(library, ["alpha.txt"])
    assert held(library) == {expect(papers / "alpha.txt"), expect(papers / "beta.txt")}
    assert_whole(library)


# --- stopping midway, and others at work ------------------------------------------------------------------


def test_stopping_at_any_event_leaves_a_whole_library_and_the_next_sync_finishes(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "papers"
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.txt").write_text(tiny(f"Paper {i} on w{i}", f"Word w{i} is here. Here it stays."))
    (folder / "bad.txt").write_text("BAD")
    total = len(list(make_syncer(make_library(tmp_path / "whole")).add([folder])))
    finished = {expect(folder / f"{i}.txt") for i in range(4)}
    for stop in range(total):
        library = make_library(tmp_path / f"library{stop}")
        events = make_syncer(library).add([folder])
        seen = [next(events) for _ in range(stop + 1)]
        events.close()
        synced = {event.path for event in seen if isinstance(event, PaperSynced)}
        assert synced <= {path for paper in held(library) for path in paper.paths}
        assert held(library) <= finished
        report_of(make_syncer(library).sync())
        assert held(library) == finished
        assert_whole(library)


def test_a_reader_sees_one_generation_while_a_writer_commits(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    with library.read() as reader:
        generation, before = reader.generation(), reader.counts()
        ids = reader.match('"frogs"', 10, (1, 1, 1))
        (papers / "gamma.txt").write_text(GAMMA)
        (papers / "alpha.txt").unlink()
        report_of(make_syncer(library).sync())
        assert (reader.generation(), reader.counts()) == (generation, before)
        assert reader.match('"frogs"', 10, (1, 1, 1)) == ids
        assert len(reader.passages(i for i, _ in ids)) == 1
    with library.read() as reader:
        assert reader.generation() > generation
        assert reader.passages(i for i, _ in ids) == {}


def test_readers_beside_a_writer_never_see_half_a_paper(library: Library, papers: Path) -> None:
    """Each paper has two passages; they come and go together, by their words, and later by their meaning."""
    report_of(make_syncer(library).add([papers]))
    wrong: list[object] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            with library.read() as reader:
                for paper in reader.papers():
                    ids = set(reader.passage_ids(paper.id))
                    index = VectorIndex(library).search(reader, FakeEmbedder().query("x"), 100)
                    by_meaning = ids & {i for i, _ in index}
                    by_words = ids & {i for i, _ in reader.match(f'"{paper.record.title}"', 100, (1, 1, 1))}
                    if not ids or by_words != ids or by_meaning != (set() if paper.pending else ids):
                        wrong.append((paper, ids, by_words, by_meaning))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(12):
        (papers / f"{i}.txt").write_text(tiny(f"Paper {i}", "# One", f"Word w{i}.", "# Two", f"Again w{i}."))
        if i > 2:
            (papers / f"{i - 3}.txt").unlink()
        report_of(make_syncer(library).sync())
    ended.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_two_syncers_in_two_threads_end_consistent(library: Library, papers: Path) -> None:
    for i in range(12):
        (papers / f"{i}.txt").write_text(tiny(f"Paper number w{i}", f"Word w{i} is here. It stays."))
    errors: list[BaseException] = []
    barrier = threading.Barrier(2)

    def sync() -> None:
        try:
            barrier.wait()
            report_of(make_syncer(Library(library.folder)).add([papers]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=sync) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert held(library) == {expect(path) for path in papers.glob("*.txt")}
    assert_whole(library)


def test_two_syncers_that_both_saw_a_move_lose_nothing(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    (papers / "alpha.txt").rename(papers / "frogs.txt")
    for _ in range(2):
        with library.write() as writer:
            writer.move_source(str(papers / "alpha.txt"), str(papers / "frogs.txt"))
    assert held(library) == {expect(papers / "frogs.txt"), expect(papers / "beta.txt")}
    (papers / "frogs.txt").unlink()
    report_of(make_syncer(library).sync())
    assert held(library) == {expect(papers / "beta.txt")}, "no paper is left without a file"


def test_two_processes_sync_the_same_folder(library: Library, papers: Path) -> None:
    for i in range(8):
        (papers / f"{i}.txt").write_text(tiny(f"Paper number w{i}", f"Word w{i} is here. It stays."))
    script = (
        "import sys; from pathlib import Path; from tests.fakes import make_syncer, report_of;"
        "from index.library import Library;"
        "report_of(make_syncer(Library(Path(sys.argv[1]))).add([Path(sys.argv[2])]))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-c", script, str(library.folder), str(papers)]
    running = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert held(library) == {expect(path) for path in papers.glob("*.txt")}
    assert_whole(library)


def test_a_second_writer_waits_and_then_says_why_it_gives_up(library: Library, papers: Path) -> None:
    impatient = Library(library.folder, lock_seconds=0.05)
    with library.write(), pytest.raises(LibraryLocked, match="another citewell is writing"):
        report_of(make_syncer(impatient).add([papers]))
    report_of(make_syncer(impatient).add([papers]))


# --- libraries that must be refused ------------------------------------------------------------------------


def files_of(library: Library) -> dict[str, bytes]:
    """Every file of a library that says something, by its name."""
    return {
        str(path.relative_to(library.folder)): path.read_bytes()
        for path in library.folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal")) and path.name != ".writer.lock"
    }


def test_a_library_of_another_model_is_refused_untouched(library: Library, papers: Path) -> None:
    report_of(make_syncer(library).add([papers]))
    before = files_of(library)
    (papers / "gamma.txt").write_text(GAMMA)
    other = FakeEmbedder(Fingerprint("other", "1" * 64, 16, 32))
    for stream in (make_syncer(library, other).sync(), make_syncer(library, other).add([papers])):
        with pytest.raises(WrongModel, match="built with the embedding model fake") as caught:
            report_of(stream)
        assert "Leave --model out" in caught.value.hint
    assert other.embedded == []
    assert files_of(library) == before


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_newer_library_is_refused_untouched(library: Library, papers: Path, journal: str) -> None:
    report_of(make_syncer(library).add([papers]))
    connection = sqlite3.connect(library.database)
    connection.execute("PRAGMA user_version = 99")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.close()
    before = files_of(library)
    for use in (
        library.create,
        lambda: report_of(make_syncer(library).sync()),
        lambda: remove(library, ["x"]),
    ):
        with pytest.raises(LibraryTooNew, match=r"schema 99, this one knows 3") as caught:
            use()
        assert "Upgrade" in caught.value.hint
    with pytest.raises(LibraryTooNew), library.write():
        pass
    assert files_of(library) == before


def test_a_folder_with_other_files_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(LibraryError, match="other files in it") as caught:
        Library(tmp_path).create()
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_missing_library_says_how_to_make_one(tmp_path: Path) -> None:
    for use in (Library(tmp_path).read, Library(tmp_path).write):
        with pytest.raises(LibraryMissing, match="there is no library") as caught, use():
            pass
        assert "citewell add" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_library_should_be_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("I am a file")
    with pytest.raises(LibraryError, match="cannot make a library"):
        Library(tmp_path / "library").create()


@pytest.mark.parametrize("garbage", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_garbage_database_is_said_to_be_damaged(library: Library, garbage: bytes) -> None:
    library.database.write_bytes(garbage)
    for use in (library.create, lambda: report_of(make_syncer(library).sync())):
        with pytest.raises(LibraryDamaged) as caught:
            use()
        assert caught.value.hint
    assert library.database.read_bytes() == garbage, "what may be repaired by hand is left as it is"


def test_a_database_with_a_damaged_page_never_answers_silently(library: Library, papers: Path) -> None:
    for i in range(30):
        (papers / f"{i}.txt").write_text(tiny(f"Paper number w{i}", *(f"Word w{i}x{j}." for j in range(50))))
    report_of(make_syncer(library).add([papers]))
    data = bytearray(library.database.read_bytes())
    page = 4096
    for at in range(5 * page, len(data) - page, 3 * page):
        data[at : at + 64] = b"\xa5" * 64
    library.database.write_bytes(data)
    with pytest.raises(LibraryDamaged, match="is damaged") as caught, library.read() as reader:
        reader.check()
    assert caught.value.hint


def test_an_unfinished_library_is_finished_by_the_next_run(library: Library, papers: Path) -> None:
    library.database.unlink()
    library.database.write_bytes(b"")
    library.create()
    report_of(make_syncer(library).add([papers]))
    assert_whole(library)


def test_the_stages_come_in_order_and_with_their_totals(library: Library, papers: Path) -> None:
    stages = [e for e in make_syncer(library).add([papers]) if isinstance(e, StageStarted)]
    assert stages == [
        StageStarted("looking for papers"),
        StageStarted("adding papers", 2),
        StageStarted("loading the model"),
        StageStarted("embedding passages", 2),
        StageStarted("sealing the index"),
    ]
