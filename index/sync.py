"""Makes the library equal its files, as a lazy stream of events.

What is current is decided by the files' bytes and by the version of the parsers, never by path or time.
First every paper is stored, a transaction each, and can be found by its words; then their passages are
embedded, oldest first. Stopping at any point, by the user or by a power cut, keeps what was done, and the
next sync goes on from there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from index.embed import Embedder, passage_room
from index.embedding import embed_pending
from index.events import Advanced, PaperFailed, PaperSynced, StageStarted, Synced, SyncEvent
from index.identity import quality
from index.library import Library
from index.model import Format
from index.reader import Source
from index.reading import FileRead, Parse, ReadPaper, Task, read_here
from index.reading_pool import ReadingPool
from index.requests import Facts
from index.sources import Found, find, normal_path
from index.tally import Tally
from index.vectors import needs_snapshot, seal
from index.writer import FileFacts, check_model

RECIPE = "1"  # raise it when parsing or splitting changes, so that every library reads its files again


@dataclass(frozen=True, slots=True)
class _Work:
    """A file that has to be read, and what is known of it."""

    path: str
    known: Source | None


class _End(Enum):
    END = 0


_END = _End.END  # what no file can give


class Syncer:
    """Brings files into a library. The parts it needs are handed in by the composition root."""

    def __init__(
        self,
        library: Library,
        embedder: Embedder,
        parse: Parse,
        suffixes: frozenset[str],
        recipe: str = RECIPE,
        pool: ReadingPool | None = None,
    ) -> None:
        """`pool` reads the files where they are many; `parse` does it here where they are few."""
        self._library = library
        self._embedder = embedder
        self._parse = parse
        self._suffixes = suffixes
        self._recipe = recipe
        self._pool = pool
        self._said: dict[str, Facts] = {}  # what services said of the files that came from them

    def add(
        self, paths: Sequence[Path], *, folder: Path | None = None, files: Sequence[Path] = ()
    ) -> Generator[SyncEvent, None, None]:
        """Follows these files and folders from now on and brings in what is new or changed in them.

        `folder` is followed as well, but what the user removed from it stays out, but for `files`.
        """
        self._require_model()
        with self._library.write() as writer:
            for path in paths:
                writer.add_root(str(path), folder=path.is_dir())
        roots = [*paths]
        if folder is not None and folder.is_dir():
            roots.append(self.follow(folder, files))
        yield from self._run(roots, remove_missing=False)

    def follow(self, folder: Path, files: Sequence[Path]) -> Path:
        """Follows a folder; of what the user removed from it, only `files` come back. Its normal path."""
        place = normal_path(folder)
        with self._library.write() as writer:
            writer.follow(str(place), [str(path) for path in files])
        return place

    def sync(self, *, retry: bool = False) -> Generator[SyncEvent, None, None]:
        """Makes the library equal everything it follows: new, changed, moved and removed files."""
        self._require_model()
        if retry:
            with self._library.write() as writer:
                writer.retry_failed()
        with self._library.read() as reader:
            roots = [Path(path) for path, _ in reader.roots()]
        yield from self._run(roots, remove_missing=True)

    def update(self, paths: Sequence[Path]) -> Generator[SyncEvent, None, None]:
        """Takes these files and folders as they are now: new, changed, moved or gone; no others."""
        self._require_model()
        yield from self._run(paths, remove_missing=True, whole=False)

    def _require_model(self) -> None:
        with self._library.read() as reader:
            built_with = reader.model()
        if built_with is not None:
            check_model(built_with[1], self._embedder.fingerprint)

    def _run(
        self, roots: Sequence[Path], *, remove_missing: bool, whole: bool | None = None
    ) -> Generator[SyncEvent, None, None]:
        """`whole`: the roots are all that the library follows, as is usual when missing files go."""
        tally = Tally()
        yield StageStarted("looking for papers")
        with tally.timed("look"):
            found = find(roots, self._suffixes, without=self._library.folder.resolve())
            tally.warnings += [f"{path}: {reason}" for path, reason in found.unreadable]
            work, gone = self._plan(found, roots, tally, whole=remove_missing if whole is None else whole)
        if remove_missing:
            with tally.timed("store"):
                self._remove(gone, tally)
        with self._library.indexing() as alone:
            yield from self._bring_in(work, tally)
            yield from self._bring_in(self._left_over(), tally)  # papers whose better file has gone
            # Whoever wants a few files taken in at once does not wait for what others left.
            yield from self._embed(tally, others=alone and whole is not False)
        yield from self._finish(tally)

    # --- deciding what to do -------------------------------------------------------------------------

    def _plan(
        self, found: Found, roots: Sequence[Path], tally: Tally, *, whole: bool
    ) -> tuple[list[_Work], list[Source]]:
        """Files to read, and known files that are gone. `whole`: the roots are all that the library has."""
        with self._library.read() as reader:
            known = {source.path: source for source in reader.sources()}
            self._said = reader.facts_by_path()
        present = {str(path) for path in found.files}
        gone = [
            s
            for s in known.values()
            if s.path not in present and self._is_gone(s, found, roots, tally, whole=whole)
        ]
        by_hash: dict[str | None, list[Source]] = {}
        for lost in gone:
            if lost.status != "failed":
                by_hash.setdefault(lost.sha256, []).append(lost)
        work: list[_Work] = []
        for path in found.files:
            source = known.get(str(path))
            sha256 = _hash(path)
            if source is None and by_hash.get(sha256):
                moved = self._follow(by_hash[sha256].pop(), path, gone, tally)
                if not self._is_current(moved, sha256):
                    work.append(_Work(str(path), moved))
            elif source is None or not self._is_current(source, sha256):
                work.append(_Work(str(path), source))
            elif source.status == "failed":
                tally.failed.append(PaperFailed(source.path, source.reason, source.hint))
            elif source.status != "excluded":
                tally.unchanged += 1
            elif sha256 is not None and source.sha256 != sha256:
                # So that it is known, and stays out, when it is renamed after it was edited.
                with self._library.write() as writer:
                    writer.note_bytes(source.path, sha256)
        return work, gone

    def _follow(self, moved: Source, path: Path, gone: list[Source], tally: Tally) -> Source:
        """Notes that a known file stands at another path now; one that was taken out stays out."""
        gone.remove(moved)
        with self._library.write() as writer:
            writer.move_source(moved.path, str(path))
        if moved.status != "excluded":
            tally.moved.append(str(path))
        return replace(moved, path=str(path))

    def _is_current(self, source: Source, sha256: str | None) -> bool:
        return source.status == "excluded" or (source.sha256 == sha256 and source.recipe == self._recipe)

    def _is_gone(
        self, source: Source, found: Found, roots: Sequence[Path], tally: Tally, *, whole: bool
    ) -> bool:
        """Whether a known file was deleted; one below a root that is itself away is kept."""
        for root in roots:
            if not Path(source.path).is_relative_to(root):
                continue
            if not found.covers(source.path):
                return False
            if source.path == str(root) or root.exists():
                return True
            note = f"{root} is not there: its papers are kept (citewell remove drops them)"
            if note not in tally.warnings:
                tally.warnings.append(note)
            return False
        # It stood behind a link somewhere below a root: gone if every root could be looked through.
        return whole and not found.unreadable and all(root.exists() for root in roots)

    def _left_over(self) -> list[_Work]:
        with self._library.read() as reader:
            waiting = [s for s in reader.sources(status="other") if s.recipe != self._recipe]
        # A file that is away for now keeps its paper. The best come first: the rest need no place then.
        waiting = [s for s in waiting if os.path.isfile(s.path)]  # noqa: PTH113 (Path.is_file may raise)
        waiting.sort(key=lambda s: quality(Format(s.format), False), reverse=True)
        return [_Work(s.path, s) for s in waiting]

    # --- doing it ------------------------------------------------------------------------------------

    def _remove(self, gone: Iterable[Source], tally: Tally) -> None:
        for source in gone:
            with self._library.write() as writer:
                writer.forget_source(source.path)
            tally.removed.append(source.path)

    def _bring_in(self, work: Sequence[_Work], tally: Tally) -> Generator[SyncEvent, None, None]:
        if not work:
            return
        yield StageStarted("adding papers", len(work))
        known = {item.path: item.known for item in work}
        done = 0
        for result in self._read([Task(item.path, self._said.get(item.path)) for item in work], tally):
            if result is not None:
                yield from self._store(result, known[result.path], tally)
                done += 1
            if done < len(work):
                yield Advanced(done, Path(work[done].path).name)
        yield Advanced(len(work))

    def _read(self, tasks: Sequence[Task], tally: Tally) -> Iterator[FileRead | None]:
        """What came of each file, in order; None for a sign of life."""
        room = passage_room(self._embedder)
        reading: Generator[FileRead | None, None, None] | Generator[FileRead, None, None]
        if self._pool is not None and self._pool.workers(tasks):
            reading = self._pool.read(tasks, room)
        else:
            reading = read_here(tasks, self._parse, self._embedder, room)
        with tally.with_children("read"), closing(reading):
            while True:
                with tally.timed("read"):
                    result = next(reading, _END)
                if isinstance(result, _End):
                    return
                yield result

    def _store(
        self, result: FileRead, known: Source | None, tally: Tally
    ) -> Generator[PaperSynced | PaperFailed, None, None]:
        """Commits what came of a file: from now on its paper is found by its words."""
        file = FileFacts(result.path, result.data, hashlib.sha256(result.data).hexdigest(), self._recipe)
        found = result.outcome
        if not isinstance(found, ReadPaper):
            with tally.timed("store"), self._library.write() as writer:
                writer.put_failure(file, found.message, found.hint)
            failure = PaperFailed(result.path, found.message, found.hint)
            tally.failed.append(failure)
            yield failure
            return
        tally.read(found.parse_seconds, found.split_seconds)
        with tally.timed("store"), self._library.write() as writer:
            placed = writer.put_paper(file, found.paper, found.passages, self._embedder.fingerprint)
        if placed.revision_id is None:
            tally.duplicates.append(result.path)
            return
        change = "changed" if (known is not None and known.status != "failed") or not placed.new else "added"
        (tally.changed if change == "changed" else tally.added).append(result.path)
        tally.passages += len(found.passages)
        tally.revisions.append(placed.revision_id)
        title = found.paper.record.title
        yield PaperSynced(result.path, placed.key, title, change, len(found.passages))

    def _embed(self, tally: Tally, *, others: bool) -> Generator[SyncEvent, None, None]:
        """Embeds what this run stored and then, with `others`, what earlier runs left."""
        with self._library.read() as reader:
            pending = reader.pending()
        own = set(tally.revisions)
        waiting = [text for text in pending if text.revision_id in own]
        waiting += [text for text in pending if others and text.revision_id not in own]
        if not waiting:
            return
        yield StageStarted("loading the model")
        passages = sum(text.passages for text in waiting)
        with tally.timed("load model"):
            self._embedder.load(passages)
        yield StageStarted("embedding passages", passages)
        try:
            yield from embed_pending(self._library, self._embedder, waiting, tally)
        finally:
            self._embedder.unload()  # hundreds of megabytes, in a program that may go on for hours

    def _finish(self, tally: Tally) -> Generator[SyncEvent, None, None]:
        with self._library.read() as reader:
            stale = needs_snapshot(reader)
        if tally.changed or tally.removed:
            with self._library.write() as writer:
                writer.collect_objects()
        if stale:
            yield StageStarted("sealing the index")
            with tally.timed("seal"):
                seal(self._library)
        yield Synced(tally.report())


def _hash(path: Path) -> str | None:
    """SHA-256 of a file, None where it cannot be read (which reading it again will explain)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
