"""Tags: a user names papers, asks only these, and finds the names again after every sync."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from index.errors import SettingsError, TagNotFound
from index.library import Library
from index.remove import remove
from index.tags import checked_tag
from index.vectors import VectorIndex
from qa.model import Filters, Query
from qa.retrieve import RetrievalOptions, Retriever
from tests.conftest import Citewell
from tests.fakes import FakeEmbedder, make_library, make_syncer, report_of, tiny

ALPHA = tiny("Alpha trial of heparin", "# One", "Heparin lowered clots in the alpha trial.", doi="10.1/a")
BETA = tiny("Beta trial of heparin", "# One", "Heparin raised bleeding in the beta trial.", doi="10.1/b")


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "alpha.txt").write_text(ALPHA)
    (folder / "beta.txt").write_text(BETA)
    return folder


@pytest.fixture
def library(tmp_path: Path, papers: Path) -> Library:
    made = make_library(tmp_path / "library")
    report_of(make_syncer(made).add([papers]))
    return made


def tagged(library: Library) -> dict[str, tuple[str, ...]]:
    with library.read() as reader:
        return {paper.key: paper.tags for paper in reader.papers()}


def give(library: Library, name: str, *keys: str) -> None:
    with library.read() as reader:
        ids = [reader.find_paper(key).id for key in keys]
    with library.write() as writer:
        writer.add_tag(ids, name)


def found(library: Library, *tags: str) -> set[str]:
    retriever = Retriever(FakeEmbedder(), VectorIndex(library), RetrievalOptions())
    query = Query("heparin", "heparin", Filters(tags=tags))
    with library.read() as reader:
        hits = retriever.retrieve(reader, query, retriever.embed(query), 10)
    return {hit.paper.key for hit in hits}


def test_a_question_can_be_limited_to_tags(library: Library) -> None:
    give(library, "Safety", "10.1/b")
    give(library, "trials", "10.1/a", "10.1/b")
    assert tagged(library) == {"10.1/a": ("trials",), "10.1/b": ("Safety", "trials")}
    assert found(library, "safety") == {"10.1/b"}
    assert found(library, "safety", "trials") == {"10.1/a", "10.1/b"}
    with pytest.raises(TagNotFound, match="has the tag 'mice'") as caught:
        found(library, "mice")
    assert caught.value.hint == "There are: Safety, trials."


def test_tags_survive_what_sync_sees(library: Library, papers: Path) -> None:
    give(library, "mine", "10.1/a")
    (papers / "alpha.txt").write_text(ALPHA.replace("lowered", "strongly lowered"))
    report_of(make_syncer(library).sync())
    assert tagged(library)["10.1/a"] == ("mine",)
    (papers / "alpha.txt").rename(papers / "renamed.txt")
    report_of(make_syncer(library).sync())
    assert tagged(library)["10.1/a"] == ("mine",)


def test_two_papers_that_turn_out_to_be_one_keep_the_tags_of_both(library: Library, papers: Path) -> None:
    double = papers / "double.txt"
    draft = tiny("The alpha trial of heparin", "# One", "Heparin lowered clots: a draft.", pmcid="PMC77")
    double.write_text(draft)
    report_of(make_syncer(library).sync())
    assert set(tagged(library)) == {"10.1/a", "10.1/b", "PMC77"}
    give(library, "one", "10.1/a")
    give(library, "other", "PMC77")
    double.write_text(ALPHA + "\n")
    report_of(make_syncer(library).sync())
    assert tagged(library) == {"10.1/a": ("one", "other"), "10.1/b": ()}


def test_another_paper_in_the_same_file_inherits_nothing(library: Library, papers: Path) -> None:
    give(library, "mine", "10.1/a")
    new = tiny("On whales", "# One", "Whales sing at night in the deep sea.", doi="10.1/w")
    (papers / "alpha.txt").write_text(new)
    report_of(make_syncer(library).sync())
    assert tagged(library) == {"10.1/b": (), "10.1/w": ()}


def test_tags_go_with_their_paper(library: Library, papers: Path) -> None:
    give(library, "mine", "10.1/a")
    remove(library, ["10.1/a"])
    with library.read() as reader:
        assert reader.tags() == {}
    report_of(make_syncer(library).add([papers / "alpha.txt"]))
    assert tagged(library)["10.1/a"] == ()


@pytest.mark.parametrize("name", ["", "  ", "a,b", "-x", "x" * 61, "a\x1b[31m"])
def test_what_can_be_no_tag(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be a tag"):
        checked_tag(name)


def test_the_commands(citewell: Citewell, library: Library) -> None:
    folder = library.folder
    assert citewell("tag", "list", library=folder).err.startswith("no paper has a tag yet")
    assert citewell("tag", "add", "to  read", "10.1/a", "Beta", library=folder).err == (
        "tagged to read: 2 papers\n"
    )
    assert citewell("tag", "add", "To Read", "10.1/a", library=folder).code == 0
    assert citewell("tag", "list", library=folder).out == "to read\t2 papers\n"
    assert citewell("tag", "remove", "to read", "10.1/b", "--library", str(folder)).code == 0
    rows = json.loads(citewell("papers", "--json", "--tag", "TO READ", library=folder).out)
    assert [(row["paper_id"], row["tags"]) for row in rows] == [("10.1/a", ["to read"])]
    assert "Alpha trial of heparin #to read" in citewell("papers", library=folder).out
    assert "Tags        to read" in citewell("show", "10.1/a", library=folder).out
    wrong = citewell("papers", "--tag", "mice", library=folder)
    assert wrong.err.splitlines() == [
        "citewell: no paper in this library has the tag 'mice'", "  There are: to read.",
    ]  # fmt: skip
    assert citewell("tag", "add", "a,b", "10.1/a", library=folder).code == 1
    assert citewell("tag", "add", "x", "10.1/a", "nobody", library=folder).code == 1
    assert tagged(library) == {"10.1/a": ("to read",), "10.1/b": ()}


def test_a_library_of_the_second_version_gets_tags_and_keeps_all_it_has(
    citewell: Citewell, library: Library
) -> None:
    before = citewell("papers", "--json", library=library.folder).out
    with closing(sqlite3.connect(library.database, isolation_level=None)) as db:
        db.execute("DROP TABLE tags")  # all that the third version added
        db.execute("PRAGMA user_version = 2")
    assert "Run: citewell sync" in citewell("papers", library=library.folder).err
    library.create()
    assert citewell("papers", "--json", library=library.folder).out == before
    give(library, "mine", "10.1/a")
    assert tagged(library)["10.1/a"] == ("mine",)
