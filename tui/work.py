"""The long work that the library screen can do, and in which words it is told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.events import PaperFailed, PaperSynced, RunFetched, Synced, SyncReport
from tui.clean import line
from tui.widgets.place import counted, shortened

if TYPE_CHECKING:
    from index.restore import Removed
    from tui.parts import Parts

_TITLE = 60  # characters


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is begun by calling `events`, which is pulled in a thread.

    `ends` says how the user ends it, `goes_on` what to press when it was stopped. `interrupt` wakes a stream
    that waits for something to happen.
    """

    title: str
    events: Callable[[], Generator[Any, None, None]]
    ends: str = "esc stops"
    goes_on: str = ""
    interrupt: Callable[[], object] = bool
    watches: bool = False


def adding_job(parts: Parts, item: str) -> Job:
    """Brings in what the user named."""
    from tui.filling import adding

    return Job("Adding papers", lambda: adding(parts, item), goes_on="u goes on")


def updating_job(parts: Parts) -> Job:
    """Makes the library equal its folders."""
    from tui.filling import updating

    return Job("Bringing the library up to date", lambda: updating(parts), goes_on="u goes on")


def retrying_job(parts: Parts) -> Job:
    """Tries again what failed."""
    from tui.filling import retrying

    return Job("Trying again what failed", lambda: retrying(parts), goes_on="r goes on")


def restoring_job(parts: Parts, papers: Sequence[Removed]) -> Job:
    """Brings back what was removed."""
    from index.restore import restore

    return Job(
        "Bringing back what was removed", lambda: restore(parts.library, parts.syncer, papers),
        goes_on="z goes on",
    )  # fmt: skip


def watching_job(parts: Parts, folders: Sequence[str], settle: float) -> Job:
    """Takes in what changes below the followed folders, until it is ended."""
    from index.parse import SUFFIXES
    from index.watch import Watcher

    watcher = Watcher(parts.library, parts.syncer, SUFFIXES, settle=settle)
    return Job(
        "Watching", lambda: watcher.run([Path(folder) for folder in folders], followed=True),
        ends="w ends it", interrupt=watcher.stop.set, watches=True,
    )  # fmt: skip


def outcome(event: object) -> str:
    """What an event that ends something says, "" for the others."""
    match event:
        case Synced(report):
            return told(report)
        case RunFetched(report) if report.failed:
            return f"{counted(len(report.failed), 'paper')} could not be fetched"
        case _:
            return ""


def told(report: SyncReport) -> str:
    """A finished sync in one line."""
    figures = [
        (len(report.added), "added"), (len(report.changed), "changed"), (len(report.moved), "moved"),
        (len(report.removed), "removed"), (len(report.failed), "failed"),
    ]  # fmt: skip
    said = [f"{number:,} {word}" for number, word in figures if number]
    if report.duplicates:
        said.append(f"{len(report.duplicates):,} other copies of papers")
    if report.embedded != report.passages:
        said.append(f"{report.embedded:,} embedded")
    if not said:
        return f"nothing new: {counted(report.unchanged, 'file')} as before"
    if report.passages:
        said.append(counted(report.passages, "new passage"))
    return " · ".join([*said, f"{sum(report.seconds.values()):.1f} s"])


def happened(event: object) -> str:
    """What a watched folder brought, "" for what need not be told."""
    from index.watch import FolderAway, LibraryBusy

    match event:
        case PaperSynced(_, key, title, change):
            return f"{change}: {line(key)} {shortened(line(title), _TITLE)}"
        case PaperFailed(path, reason):
            return f"✗ {line(Path(path).name)}: {line(reason)}"
        case Synced(report) if report.removed:
            return f"gone: {', '.join(line(Path(path).name) for path in report.removed[:3])}"
        case FolderAway(folder, away):
            return f"{line(folder)} {'is away: its papers are kept' if away else 'is there again'}"
        case LibraryBusy():
            return "another citewell is writing; what changed is taken in when it is done"
        case _:
            return ""
