"""A Zotero library as a source: its papers with their ids, and the files attached to them.

A running Zotero is asked over its local API. Else its database is read from a copy, so that Zotero is
neither disturbed nor waited for: it keeps its own file locked while it runs.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from index.errors import FetchError, SourceError
from index.fetch.wanted import Wanted, wanted_by
from index.model import PaperIds
from index.parse.builder import plain
from index.parse.ids import find_ids, merge_ids
from index.requests import Facts, Request
from index.sources import normal_path

if TYPE_CHECKING:  # a tenth of a second, for a library that is seldom asked
    from index.net.client import HttpClient

ADDRESS = "http://127.0.0.1:23119"
DATABASE = "zotero.sqlite"
_PAGE = 100
_JSON = frozenset({"application/json"})
_TEXT = frozenset({"text/plain"})
_NO_PAPERS = frozenset({"attachment", "note", "annotation"})
_NO_FILES = frozenset({"linked_url", "embedded_image"})
_MAX_TITLE = 300
_HINT = "Start Zotero and allow other applications in its advanced settings, or name its data folder."


@dataclass(frozen=True, slots=True)
class ZoteroPaper:
    """One item: what it is called, and the files attached to it that are here, the best first."""

    wanted: Wanted
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Attachment:
    kind: str
    path: Path


def is_zotero(path: Path) -> bool:
    """Whether a path is Zotero's data folder or its database."""
    try:
        return path.name == DATABASE or (path / DATABASE).is_file()
    except OSError:  # too long a name, say
        return False


def requests_for(papers: Iterable[ZoteroPaper]) -> list[Request]:
    """What Zotero says of the files that it has: their ids are added to what the files say themselves."""
    return [
        Request(
            paper.wanted, "served", service="zotero", path=str(paper.files[0]), facts=Facts(paper.wanted.ids)
        )
        for paper in papers
        if paper.files and paper.wanted.can_be_fetched
    ]


def read_zotero(
    client: HttpClient | None, suffixes: frozenset[str], address: str, home: Path
) -> list[ZoteroPaper]:
    """The user's own library: of the Zotero that runs, else of the data folder in the user's home."""
    if client is not None:
        try:
            return from_api(client, suffixes, address)
        except FetchError:
            pass  # it does not run, or does not answer to others: its database is read as well
    return from_database(home / "Zotero", suffixes)


# --- the local API -------------------------------------------------------------------------------------


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")

    key: str
    kind: str = Field("", alias="itemType")
    title: str = ""
    doi: str = Field("", alias="DOI")
    url: str = ""
    extra: str = ""
    parent: str | bool = Field("", alias="parentItem")
    content: str = Field("", alias="contentType")
    link: str = Field("", alias="linkMode")


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: _Data


_ITEMS: TypeAdapter[list[_Item]] = TypeAdapter(list[_Item])


def from_api(client: HttpClient, suffixes: frozenset[str], address: str = ADDRESS) -> list[ZoteroPaper]:
    """The library of the Zotero that runs on this machine; FetchError if none answers."""
    found: list[_Data] = []
    while True:
        page = client.get(
            f"{address}/api/users/0/items?format=json&limit={_PAGE}&start={len(found)}", _JSON, fresh=True
        )
        try:
            items = _ITEMS.validate_json(page.body)
        except ValidationError as error:
            raise FetchError("Zotero gave an answer that cannot be read", _HINT) from error
        found += [item.data for item in items]
        if len(items) < _PAGE:
            break
    attached: dict[str, list[_Attachment]] = {}
    for item in found:
        if item.kind == "attachment" and item.link not in _NO_FILES:
            path = _file_of(client, address, item.key)
            if path is not None:
                attached.setdefault(str(item.parent or item.key), []).append(_Attachment(item.content, path))
    papers = [
        ZoteroPaper(
            _wanted(item.doi, item.url, item.extra, item.title), _best(attached.pop(item.key, []), suffixes)
        )
        for item in found
        if item.kind not in _NO_PAPERS
    ]
    return papers + _loose(attached, suffixes)


def _file_of(client: HttpClient, address: str, key: str) -> Path | None:
    """Where an attachment lies on this machine, None if its file is not here."""
    if not key.isalnum():
        return None
    try:
        said = client.get(f"{address}/api/users/0/items/{key}/file/view/url", _TEXT, fresh=True).body
    except FetchError:
        return None
    parts = urlsplit(said.decode("utf-8", "replace").strip())
    if parts.scheme != "file" or parts.hostname not in (None, "", "localhost"):
        return None
    return Path(unquote(parts.path))


# --- the database --------------------------------------------------------------------------------------


def from_database(place: Path, suffixes: frozenset[str]) -> list[ZoteroPaper]:
    """The library in Zotero's data folder, whether Zotero runs or not; SourceError if it cannot be read."""
    database = place if place.name == DATABASE else place / DATABASE
    if not database.is_file():
        raise SourceError(f"there is no Zotero library at {place}", _HINT)
    with tempfile.TemporaryDirectory(prefix="citewell-zotero-") as scratch:
        try:
            copy = _copied(database, Path(scratch))
            with closing(sqlite3.connect(copy)) as db:
                db.row_factory = sqlite3.Row
                return _read(db, database.parent, suffixes)
        except (sqlite3.Error, OSError) as error:
            raise SourceError(f"Zotero's library at {place} cannot be read: {error}", _HINT) from error


def _copied(database: Path, folder: Path) -> Path:
    """A copy that is whole: taken again while Zotero writes, with its journal, which SQLite then applies."""
    copy = folder / DATABASE
    for _ in range(5):
        before = _state(database)
        for suffix in ("", "-wal", "-journal"):
            source = database.with_name(database.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as db:
            whole = db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        if whole and _state(database) == before:
            return copy
        for stale in folder.iterdir():
            stale.unlink()
    raise OSError("it is being written all the time")


def _state(database: Path) -> list[tuple[int, int]]:
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-journal")]
    return [(s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files if f.exists())]


_QUERY_ITEMS = """
SELECT i.itemID AS id, t.typeName AS kind,
       max(CASE f.fieldName WHEN 'title' THEN v.value END) AS title,
       max(CASE f.fieldName WHEN 'DOI' THEN v.value END) AS doi,
       max(CASE f.fieldName WHEN 'url' THEN v.value END) AS url,
       max(CASE f.fieldName WHEN 'extra' THEN v.value END) AS extra
FROM items i JOIN itemTypes t ON t.itemTypeID = i.itemTypeID
LEFT JOIN itemData d ON d.itemID = i.itemID LEFT JOIN fields f ON f.fieldID = d.fieldID
LEFT JOIN itemDataValues v ON v.valueID = d.valueID
WHERE i.itemID NOT IN (SELECT itemID FROM deletedItems)
AND i.libraryID IN (SELECT libraryID FROM libraries WHERE type = 'user')
GROUP BY i.itemID ORDER BY i.itemID
"""
_QUERY_FILES = """
SELECT a.itemID AS id, a.parentItemID AS parent, a.contentType AS content, a.path AS path, i.key AS key
FROM itemAttachments a JOIN items i ON i.itemID = a.itemID
WHERE a.linkMode IN (0, 1, 2) AND a.path IS NOT NULL
AND a.itemID NOT IN (SELECT itemID FROM deletedItems)
AND i.libraryID IN (SELECT libraryID FROM libraries WHERE type = 'user')
AND (a.parentItemID IS NULL OR a.parentItemID NOT IN (SELECT itemID FROM deletedItems))
ORDER BY a.itemID
"""


def _read(db: sqlite3.Connection, folder: Path, suffixes: frozenset[str]) -> list[ZoteroPaper]:
    attached: dict[str, list[_Attachment]] = {}
    for row in db.execute(_QUERY_FILES):
        path = _stored(str(row["path"]), str(row["key"]), folder)
        if path is not None:
            owner = str(row["parent"] or row["id"])
            attached.setdefault(owner, []).append(_Attachment(row["content"] or "", path))
    papers = [
        ZoteroPaper(
            _wanted(row["doi"] or "", row["url"] or "", row["extra"] or "", row["title"] or ""),
            _best(attached.pop(str(row["id"]), []), suffixes),
        )
        for row in db.execute(_QUERY_ITEMS).fetchall()
        if row["kind"] not in _NO_PAPERS
    ]
    return papers + _loose(attached, suffixes)


def _stored(path: str, key: str, folder: Path) -> Path | None:
    """ "storage:name" lies in a folder of its own; a linked file lies where its path says."""
    if path.startswith("storage:"):
        name = path.removeprefix("storage:")
        return folder / "storage" / key / name if "/" not in name and name not in ("", "..") else None
    return Path(path) if Path(path).is_absolute() else None


# --- both ----------------------------------------------------------------------------------------------


def _wanted(doi: str, url: str, extra: str, title: str) -> Wanted:
    """PMCID and PMID stand in the field "Extra", for which Zotero has no fields of its own."""
    ids = merge_ids(PaperIds(doi=doi or None), find_ids(extra))
    return wanted_by(ids, url or None, plain(title)[:_MAX_TITLE])


def _best(attached: Sequence[_Attachment], suffixes: frozenset[str]) -> tuple[Path, ...]:
    """The files that are here and may be papers: PDFs first. Snapshots of web pages only without one."""
    here = [one for one in attached if one.path.suffix.lower() in suffixes and one.path.is_file()]
    pdfs = [one for one in here if one.kind == "application/pdf" or one.path.suffix.lower() == ".pdf"]
    return tuple(normal_path(one.path) for one in (pdfs or here))


def _loose(attached: dict[str, list[_Attachment]], suffixes: frozenset[str]) -> list[ZoteroPaper]:
    """Files without an item of their own."""
    found = (_best(files, suffixes) for files in attached.values())
    return [ZoteroPaper(Wanted(), files) for files in found if files]
