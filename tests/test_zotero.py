"""A Zotero library becomes a library: over the API of a running Zotero, and from its database beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from index.errors import SourceError
from index.fetch.wanted import Wanted
from index.model import PaperIds
from index.parse import SUFFIXES
from index.zotero import ZoteroPaper, from_database, is_zotero
from tests.conftest import Citewell
from tests.fake_services import FakeServices, Known, pdf_file, services, tomesphere_page
from tests.local_server import Asked, LocalServer, Wire, serve

# The tables of Zotero's database that matter here, in our own words after its documented data model.
SCHEMA = """
CREATE TABLE libraries (libraryID INTEGER PRIMARY KEY, type TEXT NOT NULL, editable INT NOT NULL);
CREATE TABLE itemTypes (itemTypeID INTEGER PRIMARY KEY, typeName TEXT);
CREATE TABLE fields (fieldID INTEGER PRIMARY KEY, fieldName TEXT);
CREATE TABLE items (itemID INTEGER PRIMARY KEY, itemTypeID INT, libraryID INT, key TEXT NOT NULL);
CREATE TABLE itemDataValues (valueID INTEGER PRIMARY KEY, value UNIQUE);
CREATE TABLE itemData (itemID INT, fieldID INT, valueID INT, PRIMARY KEY (itemID, fieldID));
CREATE TABLE itemAttachments (
    itemID INTEGER PRIMARY KEY, parentItemID INT, linkMode INT, contentType TEXT, path TEXT
);
CREATE TABLE deletedItems (itemID INTEGER PRIMARY KEY, dateDeleted DEFAULT CURRENT_TIMESTAMP NOT NULL);
INSERT INTO libraries VALUES (1, 'user', 1), (2, 'group', 1);
INSERT INTO itemTypes VALUES (1, 'journalArticle'), (2, 'attachment'), (3, 'note'), (4, 'preprint');
INSERT INTO fields VALUES (1, 'title'), (2, 'DOI'), (3, 'url'), (4, 'extra'), (5, 'date');
"""
FIELDS = {"title": 1, "DOI": 2, "url": 3, "extra": 4, "date": 5}


class Zotero:
    """A data folder of Zotero, made as Zotero makes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.db = sqlite3.connect(folder / "zotero.sqlite", isolation_level=None)
        self.db.executescript(SCHEMA)
        self.items = 0

    def item(self, kind: int = 1, library: int = 1, **fields: str) -> int:
        """An item with these fields; its number."""
        self.items += 1
        self.db.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?)", (self.items, kind, library, self.key(self.items))
        )
        for name, value in fields.items():
            self.db.execute("INSERT OR IGNORE INTO itemDataValues (value) VALUES (?)", (value,))
            (found,) = self.db.execute(
                "SELECT valueID FROM itemDataValues WHERE value = ?", (value,)
            ).fetchone()
            self.db.execute("INSERT INTO itemData VALUES (?, ?, ?)", (self.items, FIELDS[name], found))
        return self.items

    def attach(self, parent: int | None, name: str, body: bytes, kind: str = "application/pdf") -> Path:
        """A file kept in Zotero's storage."""
        number = self.item(2)
        self.db.execute(
            "INSERT INTO itemAttachments VALUES (?, ?, 1, ?, ?)", (number, parent, kind, f"storage:{name}")
        )
        path = self.folder / "storage" / self.key(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
        return path

    def link(self, parent: int, path: str, mode: int = 2, kind: str = "application/pdf") -> None:
        """A file that lies elsewhere, or a web link."""
        self.db.execute(
            "INSERT INTO itemAttachments VALUES (?, ?, ?, ?, ?)", (self.item(2), parent, mode, kind, path)
        )

    def key(self, number: int) -> str:
        """As Zotero's are: eight letters and digits."""
        return f"ABCD{number:04}"


ONE = Known(1, "PMC9000001", "10.5555/growth.1", "38000001")
TWO = Known(2, "PMC9000002", "10.5555/growth.2", "38000002")
THREE = Known(3, "PMC9000003", "10.5555/growth.3", "38000003")


@pytest.fixture
def zotero(tmp_path: Path) -> Iterator[Zotero]:
    """A paper with a PDF that names no DOI, one with a linked page, two without a file; and litter."""
    made = Zotero(tmp_path / "Zotero")
    first = made.item(title=ONE.title, DOI="10.5555/GROWTH.1", extra="PMCID: PMC9000001\nPMID: 38000001")
    made.attach(first, "snapshot.html", b"<html><body><p>The page</p></body></html>", "text/html")
    made.attach(first, "paper one.pdf", pdf_file(ONE))
    second = made.item(title=TWO.title, DOI="10.5555/growth.2")
    linked = tmp_path / "elsewhere" / "two.md"
    linked.parent.mkdir()
    linked.write_bytes(tomesphere_page(TWO))
    made.link(second, str(linked), kind="text/markdown")
    made.link(second, "https://example.org/two", mode=3, kind="text/html")
    made.item(title=THREE.title, url="https://doi.org/10.5555/growth.3")
    gone = made.item(title="In the bin", DOI="10.5555/bin")
    made.attach(gone, "bin.pdf", pdf_file(ONE))
    made.db.execute("INSERT INTO deletedItems (itemID) VALUES (?)", (gone,))
    made.item(kind=3, title="A note")
    made.item(library=2, title="Of a group", DOI="10.5555/group")
    lost = made.item(title="File lost", DOI="10.5555/lost")
    made.link(lost, str(tmp_path / "lost.pdf"))
    (tmp_path / "outside.md").write_bytes(tomesphere_page(THREE))
    made.link(lost, "storage:../../../outside.md", mode=1, kind="text/markdown")
    (made.folder / "storage" / made.key(made.items)).mkdir()
    yield made
    made.db.close()


def expected(zotero: Zotero, tmp_path: Path) -> list[ZoteroPaper]:
    storage = zotero.folder / "storage"
    return [
        ZoteroPaper(
            Wanted(PaperIds("10.5555/growth.1", "PMC9000001", "38000001"), None, ONE.title),
            (storage / "ABCD0003" / "paper one.pdf",),
        ),
        ZoteroPaper(
            Wanted(PaperIds("10.5555/growth.2"), None, TWO.title), (tmp_path / "elsewhere" / "two.md",)
        ),
        ZoteroPaper(Wanted(PaperIds("10.5555/growth.3"), None, THREE.title), ()),
        ZoteroPaper(Wanted(PaperIds("10.5555/lost"), None, "File lost"), ()),
    ]


def test_the_database_is_read_beside_a_running_zotero(zotero: Zotero, tmp_path: Path) -> None:
    zotero.db.execute("PRAGMA locking_mode = EXCLUSIVE")
    zotero.db.execute("BEGIN EXCLUSIVE")  # as it does while it runs: nobody else may even read
    zotero.db.execute("INSERT INTO items VALUES (999, 1, 1, 'NOTYET00')")
    with (
        closing(sqlite3.connect(zotero.folder / "zotero.sqlite", timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT * FROM items").fetchall()
    before = {path: path.stat().st_mtime_ns for path in zotero.folder.iterdir()}
    assert from_database(zotero.folder, SUFFIXES) == expected(zotero, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in zotero.folder.iterdir()} == before
    zotero.db.execute("ROLLBACK")


def test_a_database_with_a_write_ahead_log_is_read_with_its_log(zotero: Zotero, tmp_path: Path) -> None:
    zotero.db.execute("PRAGMA journal_mode = WAL")
    zotero.item(title="Just added", DOI="10.5555/new")
    assert (zotero.folder / "zotero.sqlite-wal").stat().st_size > 0
    new = ZoteroPaper(Wanted(PaperIds("10.5555/new"), None, "Just added"), ())
    assert from_database(zotero.folder, SUFFIXES) == [*expected(zotero, tmp_path), new]


def test_what_is_no_zotero_library_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "zotero.sqlite").write_bytes(b"no database" * 100)
    assert is_zotero(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        from_database(tmp_path, SUFFIXES)
    with pytest.raises(SourceError, match="there is no Zotero library at"):
        from_database(tmp_path / "none", SUFFIXES)


def test_a_zotero_folder_is_added_with_its_files_and_the_rest_is_fetched(
    citewell: Citewell, monkeypatch: pytest.MonkeyPatch, zotero: Zotero, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    with services(FakeServices([ONE, TWO, THREE])) as (server, addresses, network):
        monkeypatch.setenv("CITEWELL_ADDRESSES", json.dumps(addresses))
        offline = citewell("add", str(zotero.folder), "--offline", "--json", library=library, network=network)
        assert (offline.code, len(json.loads(offline.out)["added"]), server.asked) == (0, 2, [])
        result = citewell("add", str(zotero.folder), library=library, network=network)
        assert result.out.splitlines()[0] == "1 paper fetched (tomesphere 1), 1 not fetched"
        assert "✗ 10.5555/lost (File lost): it is neither in PMC nor on arXiv" in result.out
        assert result.code == 3
    papers = {p["paper_id"]: p for p in json.loads(citewell("papers", "--json", library=library).out)}
    assert set(papers) == {"PMC9000001", "PMC9000002", "PMC9000003"}
    assert papers["PMC9000001"]["format"] == "pdf"  # which prints no id: Zotero knew them
    assert (papers["PMC9000001"]["doi"], papers["PMC9000001"]["pmid"]) == ("10.5555/growth.1", "38000001")


def test_a_file_that_was_here_before_zotero_named_it_gets_its_ids(
    citewell: Citewell, zotero: Zotero, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    citewell("add", str(zotero.folder / "storage" / "ABCD0003"), library=library)
    (before,) = json.loads(citewell("papers", "--json", library=library).out)
    assert before["doi"] is None
    result = citewell("add", str(zotero.folder), "--offline", "--json", library=library)
    assert json.loads(result.out)["changed"] == before["paths"]
    papers = {p["pmcid"]: p for p in json.loads(citewell("papers", "--json", library=library).out)}
    assert (papers["PMC9000001"]["doi"], papers["PMC9000001"]["paper_id"]) == (
        "10.5555/growth.1",
        before["paper_id"],
    )
    again = citewell("add", str(zotero.folder), "--offline", "--json", library=library)
    assert json.loads(again.out)["unchanged"] == 2


@contextmanager
def running_zotero(zotero: Zotero, papers: list[ZoteroPaper]) -> Iterator[LocalServer]:
    """The local API of Zotero, version 3, as its documentation describes it."""
    items: list[dict[str, object]] = []
    files: dict[str, str] = {}
    for number, paper in enumerate(papers):
        key = f"ITEM{number:04}"
        ids = paper.wanted.ids
        extra = f"PMCID: {ids.pmcid}\nPMID: {ids.pmid}" if ids.pmcid else ""
        data = {
            "key": key,
            "itemType": "journalArticle",
            "title": paper.wanted.title,
            "DOI": ids.doi,
            "extra": extra,
        }
        items.append({"key": key, "version": 1, "library": {"type": "user"}, "data": data})
        for file in paper.files:
            kind = "application/pdf" if file.suffix == ".pdf" else "text/markdown"
            child = {"key": f"FILE{number:04}", "itemType": "attachment", "parentItem": key}
            child |= {"contentType": kind, "linkMode": "imported_file", "filename": file.name}
            items.append({"key": child["key"], "version": 1, "data": child})
            files[child["key"]] = file.as_uri()
    for number in range(150):  # more than one page of them
        data = {"key": f"NOTE{number:04}", "itemType": "note", "note": "<p>x</p>", "parentItem": "ITEM0000"}
        items.append({"key": data["key"], "version": 1, "data": data})

    def answer(asked: Asked, wire: Wire) -> None:
        if asked.path == "/api/users/0/items":
            start, limit = int(asked.query["start"]), int(asked.query["limit"])
            wire.reply(200, json.dumps(items[start : start + limit]).encode(), "application/json")
        elif asked.path.endswith("/file/view/url") and asked.path.split("/")[5] in files:
            wire.reply(200, files[asked.path.split("/")[5]].encode(), "text/plain")
        else:
            wire.reply(404, b"Not found")

    with serve(answer) as server:
        yield server


def test_a_running_zotero_is_asked_over_its_api_and_a_closed_one_is_read(
    citewell: Citewell, monkeypatch: pytest.MonkeyPatch, zotero: Zotero, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = expected(zotero, tmp_path)[:2]
    with running_zotero(zotero, found) as server:
        addresses = {"zotero": f"http://127.0.0.1:{server.port}"}
        monkeypatch.setenv("CITEWELL_ADDRESSES", json.dumps(addresses))
        result = citewell("add", "--zotero", "--json", library=tmp_path / "by-api")
        assert (result.code, result.err) == (0, "")
        assert sorted(json.loads(result.out)["added"]) == sorted(str(p.files[0]) for p in found)
        assert server.count("/api/users/0/items") == 2
    by_api = json.loads(citewell("papers", "--json", library=tmp_path / "by-api").out)
    closed = citewell("add", "--zotero", "--offline", "--json", library=tmp_path / "by-file")
    assert closed.code == 0
    by_file = json.loads(citewell("papers", "--json", library=tmp_path / "by-file").out)
    for paper in (*by_api, *by_file):
        del paper["added"], paper["updated"]
    assert by_api == by_file
    assert {paper["paper_id"] for paper in by_api} == {"PMC9000001", "PMC9000002"}


def test_nothing_named_is_an_error(citewell: Citewell, tmp_path: Path) -> None:
    result = citewell("add", library=tmp_path / "library")
    assert result.code == 2
    assert "Name a paper, a folder or a list, or say --zotero." in result.err
