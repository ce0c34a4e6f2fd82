"""Makes the library equal its files, as a lazy stream of events.

What is current is decided by the files' bytes and by the version of the parsers, never by path or time.
Each paper is one transaction: stopping at any point, by the user or by a power cut, keeps what was done,
and the next sync goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from index.chunk import passage_input, split
from index.embed import Embedder, Vectors, passage_room, unit_vectors
from index.errors import ParseError, SourceError
from index.events import Advanced, PaperFailed, PaperSynced, StageStarted, Synced, SyncEvent, SyncReport
from index.identity import quality
from index.library import Library
from index.model import Format, Paper, Passage
from index.reader import Source
from index.requests import Facts, with_facts
from index.sources import Found, find, normal_path, read
from index.vectors import needs_snapshot, seal
from index.writer import FileFacts, Placed, check_model

RECIPE = "1"  # raise it when parsing or splitting changes, so that every library reads its files again
_WAITING = 512  # passages collected before they are embedded: batches of like length waste no padding
_BATCH = 64  # passages between two signs of life

Parse = Callable[[bytes, str], Paper]


@dataclass(slots=True)
class _Tally:
    """What the report will say."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    failed: list[PaperFailed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unchanged: int = 0
    passages: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the seconds inside to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun

    def report(self) -> SyncReport:
        """The finished report."""
        return SyncReport(
            tuple(self.added), tuple(self.changed), tuple(self.removed), tuple(self.moved), self.unchanged,
            tuple(self.duplicates), tuple(self.failed), tuple(self.warnings), self.passages,
            dict(self.seconds),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    """A file that has to be read, and what is known of it."""

    path: str
    known: Source | None


@dataclass(frozen=True, slots=True)
class _Read:
    """A parsed file whose passages wait for their vectors."""

    file: FileFacts
    paper: Paper
    passages: list[Passage]
    changed: bool


class Syncer:
    """Brings files into a library. The parts it needs are handed in by the composition root."""

    def __init__(
        self,
        library: Library,
        embedder: Embedder,
        parse: Parse,
        suffixes: frozenset[str],
        recipe: str = RECIPE,
    ) -> None:
        self._library = library
        self._embedder = embedder
        self._parse = parse
        self._suffixes = suffixes
        self._recipe = recipe
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
        tally = _Tally()
        yield StageStarted("looking for papers")
        with tally.timed("look"):
            found = find(roots, self._suffixes, without=self._library.folder.resolve())
            tally.warnings += [f"{path}: {reason}" for path, reason in found.unreadable]
            work, gone = self._plan(found, roots, tally, whole=remove_missing if whole is None else whole)
        if remove_missing:
            with tally.timed("store"):
                self._remove(gone, tally)
        yield from self._bring_in(work, tally)
        yield from self._bring_in(self._left_over(), tally)  # papers whose better file has gone
        yield from self._finish(tally)

    # --- deciding what to do -------------------------------------------------------------------------

    def _plan(
        self, found: Found, roots: Sequence[Path], tally: _Tally, *, whole: bool
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

    def _follow(self, moved: Source, path: Path, gone: list[Source], tally: _Tally) -> Source:
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
        self, source: Source, found: Found, roots: Sequence[Path], tally: _Tally, *, whole: bool
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

    def _remove(self, gone: Iterable[Source], tally: _Tally) -> None:
        for source in gone:
            with self._library.write() as writer:
                writer.forget_source(source.path)
            tally.removed.append(source.path)

    def _bring_in(self, work: Sequence[_Work], tally: _Tally) -> Generator[SyncEvent, None, None]:
        if not work:
            return
        yield StageStarted("loading the model")
        with tally.timed("load model"):
            self._embedder.load()
        yield StageStarted("adding papers", len(work))
        waiting: list[_Read] = []
        for done, item in enumerate(work):
            yield Advanced(done - len(waiting), Path(item.path).name)
            result = self._read(item, tally)
            if isinstance(result, PaperFailed):
                tally.failed.append(result)
                yield result
            else:
                waiting.append(result)
            if sum(len(r.passages) for r in waiting) >= _WAITING:
                yield from self._store(waiting, tally, done + 1)
                waiting = []
        yield from self._store(waiting, tally, len(work))
        yield Advanced(len(work))

    def _read(self, item: _Work, tally: _Tally) -> _Read | PaperFailed:
        """The parsed and split file, or the failure, already recorded."""
        data = b""
        try:
            with tally.timed("parse"):
                data = read(Path(item.path))
                paper = self._parse(data, Path(item.path).name)
                if item.path in self._said:
                    paper = with_facts(paper, self._said[item.path])
            with tally.timed("split"):
                passages = split(paper, self._embedder, passage_room(self._embedder))
            if not passages:
                raise ParseError(
                    "it holds no text to search", "Add a version of the paper that has its text."
                )
        except (ParseError, SourceError) as error:
            with tally.timed("store"), self._library.write() as writer:
                writer.put_failure(self._facts(item.path, data), error.message, error.hint)
            return PaperFailed(item.path, error.message, error.hint)
        changed = item.known is not None and item.known.status != "failed"
        return _Read(self._facts(item.path, data), paper, passages, changed)

    def _facts(self, path: str, data: bytes) -> FileFacts:
        return FileFacts(path, data, hashlib.sha256(data).hexdigest(), self._recipe)

    def _store(self, waiting: Sequence[_Read], tally: _Tally, done: int) -> Generator[SyncEvent, None, None]:
        """Embeds the passages of several papers together and commits each paper by itself."""
        if not waiting:
            return
        texts = [passage_input(p.header, p.span.of(r.paper.text)) for r in waiting for p in r.passages]
        vectors: list[Vectors | None] = [None] * len(texts)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for at in range(0, len(texts), _BATCH):
            batch = by_length[at : at + _BATCH]
            with tally.timed("embed"):
                found = self._embedder.passages([texts[i] for i in batch])
                # Whoever made the embedder: what is not a vector of this model never reaches the library.
                found = unit_vectors(found, (len(batch), self._embedder.fingerprint.dimension))
                for i, vector in zip(batch, found, strict=True):
                    vectors[i] = vector
            yield Advanced(done - len(waiting), f"{min(at + _BATCH, len(texts))} of {len(texts)} passages")
        parts = np.split(np.asarray(vectors), np.cumsum([len(r.passages) for r in waiting])[:-1])
        for item, part in zip(waiting, parts, strict=True):
            with tally.timed("store"):
                placed = self._commit(item, part)
            if not placed.indexed:
                tally.duplicates.append(item.file.path)
                continue
            change = "changed" if item.changed or not placed.new else "added"
            (tally.changed if change == "changed" else tally.added).append(item.file.path)
            tally.passages += len(item.passages)
            title = item.paper.record.title
            yield PaperSynced(item.file.path, placed.key, title, change, len(item.passages))

    def _commit(self, item: _Read, vectors: Vectors) -> Placed:
        with self._library.write() as writer:
            return writer.put_paper(item.file, item.paper, item.passages, vectors, self._embedder.fingerprint)

    def _finish(self, tally: _Tally) -> Generator[SyncEvent, None, None]:
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
