"""Keeps a library equal to its folders while they change.

A change is taken in when it has settled: a file that is still being written is left alone until its size
and time have stood still. What is taken in, and how, is the work of sync; a burst is one sync.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import LibraryLocked, SourceError
from index.events import Advanced, PaperFailed, PaperSynced, StageStarted, Synced, SyncEvent
from index.library import Library
from index.sources import normal_path
from index.sync import Syncer

_BURST = 500  # changed paths; more are looked for by walking the folders, as some may have been missed
_STEP_MS = 100
_TURN_MS = 500
_AGAIN_SECONDS = 5.0  # after another process held the library
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs",
                      "fuse.rclone", "fuse.davfs", "davfs", "virtiofs", "vboxsf",
                      "fuse.vmhgfs-fuse"})  # fmt: skip

_Seen = tuple[int, int] | None  # size and time of a file, None where there is none


@dataclass(frozen=True, slots=True)
class Watching:
    """The folders are watched from now on; `polling` where the system does not tell of changes."""

    folders: tuple[str, ...]
    polling: bool


@dataclass(frozen=True, slots=True)
class FolderAway:
    """A watched folder is not there, or is there again: its papers are kept meanwhile."""

    folder: str
    away: bool


@dataclass(frozen=True, slots=True)
class LibraryBusy:
    """Another process held the library for long; what changed is taken in later."""


WatchEvent = (
    StageStarted | Advanced | PaperSynced | PaperFailed | Synced | Watching | FolderAway | LibraryBusy
)


class Watcher:
    """Follows folders and takes in what changes below them, until `stop` is set."""

    def __init__(
        self,
        library: Library,
        syncer: Syncer,
        suffixes: frozenset[str],
        *,
        settle: float = 2.0,
        poll: bool | None = None,
    ) -> None:
        self.stop = threading.Event()
        self._library = library
        self._syncer = syncer
        self._suffixes = suffixes
        self._settle = settle
        self._poll = poll
        self._pending: dict[Path, tuple[_Seen, float]] = {}
        self._away: set[Path] = set()
        self._not_before = 0.0

    def run(self, folders: Sequence[Path], *, followed: bool = False) -> Generator[WatchEvent, None, None]:
        """Brings the folders in, and then every change, as sync's events.

        `followed`: the library follows them already, so what was removed from it stays out.
        """
        places = [normal_path(folder) for folder in folders]
        polling = any(map(on_network, places)) if self._poll is None else self._poll
        changes = self._changes(places, polling)
        try:
            next(changes)  # watched before they are walked: nothing that changes in between is lost
            begin = self._syncer.sync() if followed else self._syncer.add(places)
            yield from self._while_wanted(begin)
            yield Watching(tuple(map(str, places)), polling)
            for changed in changes:
                self._note(changed)
                yield from self._folders(places)
                yield from self._take_in(places)
        except OSError as error:
            raise SourceError(
                f"the folders cannot be watched: {error.strerror or error}",
                "Raise fs.inotify.max_user_watches, or use --poll.",
            ) from error
        finally:
            changes.close()

    def _changes(self, places: Sequence[Path], polling: bool) -> Generator[set[Path], None, None]:
        """Paths below the folders that something happened to; an empty set every half second."""
        from watchfiles import watch

        library = self._library.folder.resolve()

        def ours(path: Path) -> bool:
            return not path.is_relative_to(library) and not path.name.startswith(".")

        # Filtered here and not there: what is filtered there would also keep the time from passing.
        watched = watch(
            *places,
            watch_filter=None,
            step=_STEP_MS,
            debounce=1000,
            rust_timeout=_TURN_MS,
            yield_on_timeout=True,
            stop_event=self.stop,
            force_polling=polling or None,
            poll_delay_ms=1000,
            ignore_permission_denied=True,
        )
        for found in watched:
            yield set(filter(ours, (Path(path) for _, path in found)))

    def _note(self, changed: set[Path]) -> None:
        now = time.monotonic()
        for path in changed:
            self._pending[path] = (_seen(path), now)
        # Not every write is told of, least of all on network drives: look at those that wait, too.
        for path, (seen, _) in list(self._pending.items()):
            current = _seen(path)
            if current != seen:
                self._pending[path] = (current, now)

    def _folders(self, places: Sequence[Path]) -> Iterator[WatchEvent]:
        """A folder that is away is a drive that is not mounted; its files are not gone."""
        for place in places:
            away = not place.exists()
            if away != (place in self._away):
                (self._away.add if away else self._away.remove)(place)
                yield FolderAway(str(place), away)
                if not away:
                    self._pending[place] = (None, time.monotonic())

    def _take_in(self, places: Sequence[Path]) -> Generator[WatchEvent, None, None]:
        """One sync of what has settled, if anything has."""
        now = time.monotonic()
        settled = [path for path, (_, since) in self._pending.items() if now - since >= self._settle]
        if not settled or now < self._not_before:
            return
        here = [path for path in settled if not any(path.is_relative_to(away) for away in self._away)]
        paths = self._to_sync(here, places)
        try:
            if paths:
                yield from _told(self._while_wanted(self._syncer.update(paths)))
        except LibraryLocked:
            self._not_before = now + _AGAIN_SECONDS
            yield LibraryBusy()
            return
        for path in settled:
            self._pending.pop(path, None)

    def _while_wanted(self, events: Generator[SyncEvent, None, None]) -> Generator[SyncEvent, None, None]:
        """A sync that ends between two papers when the watching is stopped; the next one goes on."""
        for event in events:
            yield event
            if self.stop.is_set():
                events.close()
                return

    def _to_sync(self, settled: Sequence[Path], places: Sequence[Path]) -> list[Path]:
        """Files and folders to look at; of a folder that is gone, each file that was known in it."""
        if len(settled) > _BURST:
            return [place for place in places if place not in self._away]
        with self._library.read() as reader:
            known = [Path(source.path) for source in reader.sources()]
        found: set[Path] = set()
        for path in settled:
            if path.is_dir():
                found.add(normal_path(path))
            elif path.exists():
                if path.suffix.lower() in self._suffixes:
                    found.add(normal_path(path))
            else:
                found.update(one for one in known if one == path or one.is_relative_to(path))
        return sorted(found)


def _told(events: Iterable[SyncEvent]) -> Generator[SyncEvent, None, None]:
    """The events, without a report that nothing happened."""
    for event in events:
        if isinstance(event, Synced):
            report = event.report
            told = (report.added, report.changed, report.removed, report.moved, report.duplicates)
            if not any(told) and not report.failed:
                continue
        yield event


def _seen(path: Path) -> _Seen:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_size, stat.st_mtime_ns


def on_network(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether a folder lies on a drive of another machine, of whose changes the system does not tell."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        place = parts[1].replace("\\040", " ")
        inside = str(folder) == place or str(folder).startswith(place.rstrip("/") + os.sep)
        if inside and len(place) >= len(best):
            best, kind = place, parts[2]
    return kind in _NETWORK
