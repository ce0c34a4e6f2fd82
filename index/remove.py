"""Takes papers, or everything below a folder, out of a library; the files themselves are never touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from index.errors import PaperNotFound
from index.library import Library
from index.reader import Reader
from index.sources import normal_path


def remove(library: Library, names: Sequence[str]) -> list[str]:
    """Removes papers by name, or a followed folder by its path; returns the keys of the papers removed.

    A removed paper stays out though its file is still there, until the file is added again by name; a
    removed folder is no longer followed. All or nothing: PaperNotFound leaves the library as it was.
    """
    with library.read() as reader:
        folders = [path for path in (_followed(reader, name) for name in names) if path]
        below = [
            s for s in reader.sources() if any(s.path == f or s.path.startswith(f"{f}/") for f in folders)
        ]
        papers = [reader.find_paper(name) for name in names if _followed(reader, name) is None]
        keys = {paper.key for paper in papers}
        keys |= {paper.key for paper in reader.papers_by_id(s.paper_id for s in below if s.paper_id).values()}
    with library.write() as writer:
        for paper in papers:
            writer.remove_paper(paper.id)
        for source in below:
            writer.forget_source(source.path)
        for folder in folders:
            writer.remove_root(folder)
    with library.write() as writer:
        writer.collect_objects()  # only now: a removal that was not committed must not cost the raw copies
    with library.read() as reader:
        left = {paper.key for paper in reader.papers()}
    return sorted(keys - left)


def _followed(reader: Reader, name: str) -> str | None:
    """The path of the followed folder that `name` means, if it means one."""
    try:
        path = str(normal_path(Path(name)))
    except (OSError, ValueError) as error:
        raise PaperNotFound(f"no paper in this library is called {name[:80]!r}") from error
    return path if (path, True) in reader.roots() else None
