"""Bringing papers in, as streams of events: what the command line and the library screen share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.events import FetchEvent, FetchReport, RunFetched, SyncEvent

if TYPE_CHECKING:
    from index.fetch.wanted import Wanted
    from index.zotero import ZoteroPaper
    from tui.parts import Parts


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user's words mean: files and folders that are here, and papers to be fetched."""

    places: tuple[Path, ...]
    wanted: tuple[Wanted, ...]


def planned(parts: Parts, items: Sequence[str], *, zotero: bool = False) -> Plan:
    """Sorts what was named, and makes the library; SourceError for what is nothing or holds no papers."""
    from index.errors import SourceError
    from index.fetch.items import sort_items
    from index.parse import SUFFIXES
    from index.sources import check_path, find
    from index.zotero import is_zotero

    named, wanted = sort_items(items)
    paths = [path for path in named if not is_zotero(path)]
    places = [check_path(path) for path in paths]
    for given, path in zip(paths, places, strict=True):
        found = find([path], SUFFIXES, without=parts.library.folder.resolve())
        if not found.files and not found.unreadable:
            raise SourceError(
                f"there are no papers in {given}", f"Papers end in {', '.join(sorted(SUFFIXES))}."
            )
    parts.library.create()
    from_zotero = zotero_papers(parts, [path for path in named if is_zotero(path)], running=zotero)
    places += [file for paper in from_zotero for file in paper.files]
    if not parts.settings.offline:
        wanted += [paper.wanted for paper in from_zotero if not paper.files]
    return Plan(tuple(places), tuple(wanted))


def zotero_papers(parts: Parts, places: Sequence[Path], *, running: bool) -> list[ZoteroPaper]:
    """The papers of these Zotero data folders and, with `running`, of the user's own Zotero."""
    from index.parse import SUFFIXES
    from index.zotero import from_database, requests_for

    papers = [paper for place in places for paper in from_database(place, SUFFIXES)]
    papers += parts.zotero() if running else []
    if papers:
        with parts.library.write() as writer:
            writer.put_requests(requests_for(papers))
    return papers


def fetching(
    parts: Parts, wanted: Sequence[Wanted], *, fresh: bool = False, complete: bool = False
) -> Generator[FetchEvent, None, None]:
    """Fetches papers into the library's folder; FetchError where citewell is to ask nobody."""
    from index.errors import FetchError

    if parts.settings.offline:
        raise FetchError("citewell is offline (--offline)", "Leave --offline out to fetch papers.")
    yield from parts.fetch_run.run(wanted, fresh=fresh, complete=complete)


def storing(parts: Parts, plan: Plan, fetched: FetchReport | None) -> Generator[SyncEvent, None, None]:
    """Brings what was planned, and what came of it over the network, into the library."""
    files = [Path(paper.path) for paper in fetched.served] if fetched else []
    folder = parts.library.fetched if plan.wanted else None
    return parts.syncer.add(plan.places, folder=folder, files=files)


def adding(parts: Parts, item: str) -> Generator[FetchEvent | SyncEvent, None, None]:
    """All of it for one file, folder, id, link or list."""
    plan = planned(parts, [item])
    fetched = FetchReport()
    if plan.wanted:
        for event in fetching(parts, plan.wanted):
            yield event
            if isinstance(event, RunFetched):
                fetched = event.report
    yield from storing(parts, plan, fetched)


def updating(parts: Parts, *, retry: bool = False) -> Generator[SyncEvent, None, None]:
    """Makes the library equal its folders; with `retry`, files that failed are read once more."""
    if parts.library.exists():
        parts.library.create()  # brings the tables of an older citewell up to date
    yield from parts.syncer.sync(retry=retry)


def retrying(parts: Parts) -> Generator[FetchEvent | SyncEvent, None, None]:
    """Fetches again what no service gave, unless nobody is to be asked, and reads failed files again."""
    with parts.library.read() as reader:
        waiting = [r.wanted for r in reader.requests() if r.status in ("failed", "waiting")]
    if waiting and not parts.settings.offline:
        for event in fetching(parts, waiting, fresh=True):
            yield event
            if isinstance(event, RunFetched) and event.report.served:
                files = [Path(paper.path) for paper in event.report.served]
                parts.syncer.follow(parts.library.fetched, files)
    yield from parts.syncer.sync(retry=True)
