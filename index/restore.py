"""Brings back papers that were taken out, from their files, as they were called and tagged."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import SourceError
from index.events import Synced, SyncEvent
from index.library import Library
from index.reader import Reader, StoredPaper
from index.sync import Syncer


@dataclass(frozen=True, slots=True)
class Removed:
    """What has to be known of a paper to bring it back."""

    name: str
    paths: tuple[str, ...]
    tags: tuple[str, ...]


def removed(paper: StoredPaper, name: str) -> Removed:
    """What to keep of a paper that is about to be removed; `name` is what it is called meanwhile."""
    return Removed(name, paper.paths, paper.tags)


def restore(library: Library, syncer: Syncer, papers: Sequence[Removed]) -> Generator[SyncEvent, None, None]:
    """Reads the papers' files again, though they were taken out; nothing else is followed because of it.

    SourceError for a paper of which no file is there any more.
    """
    for paper in papers:
        if not any(os.path.isfile(path) for path in paper.paths):  # noqa: PTH113 (Path.is_file may raise)
            raise SourceError(
                f"{paper.name} cannot be brought back: its file is gone", "Add it again from elsewhere."
            )
    paths = [path for paper in papers for path in paper.paths]
    with library.read() as reader:
        roots = reader.roots()
    with library.write() as writer:
        for path in paths:
            root, folder = _root_of(path, roots)
            if folder:
                writer.follow(root, [path])
            else:
                writer.add_root(path, folder=False)
    for event in syncer.update([Path(path) for path in paths]):
        if isinstance(event, Synced):
            _tag(library, papers)
        yield event


def _root_of(path: str, roots: Sequence[tuple[str, bool]]) -> tuple[str, bool]:
    """The followed folder that holds the file, else the file itself."""
    return next(
        ((root, True) for root, folder in roots if folder and Path(path).is_relative_to(root)), (path, False)
    )


def _tag(library: Library, papers: Sequence[Removed]) -> None:
    with library.read() as reader:
        found = [(reader_id, paper.tags) for paper in papers for reader_id in _ids(reader, paper)]
    with library.write() as writer:
        for paper_id, tags in found:
            for tag in tags:
                writer.add_tag([paper_id], tag)


def _ids(reader: Reader, paper: Removed) -> set[int]:
    return {s.paper_id for s in reader.sources() if s.path in paper.paths and s.paper_id is not None}
