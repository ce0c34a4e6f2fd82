"""Checks everything a library promises, and repairs what can be rebuilt from what is true."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import LibraryDamaged
from index.library import Library
from index.model import Span
from index.reader import Reader, Source
from index.sealed import SUFFIX, Damaged, open_sealed
from index.stored_vectors import SnapshotRow
from index.vectors import seal, stored_codes


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what it found: no problems means that it holds."""

    check: str
    problems: tuple[str, ...] = ()
    repaired: bool = False

    @property
    def ok(self) -> bool:
        """Whether the promise holds, now."""
        return not self.problems or self.repaired


def examine(library: Library, *, repair: bool = False) -> Generator[Finding, None, None]:
    """Runs every check in turn; with `repair`, rebuilds the full text and the index file where they fail,
    drops vectors that are damaged, and marks papers whose raw copies are, for the next sync to make again."""
    with library.read() as reader:
        yield Finding("library.db is whole", tuple(reader.check()))
        yield Finding("every passage and section lies inside its paper's text", tuple(_spans(reader)))
        vectors, copies = list(_vectors(reader)), list(_objects(library, reader))
        waiting = sum(text.passages for text in reader.pending())
    if repair and (vectors or copies):
        _make_again(library, [revision_id for revision_id, _ in vectors], [s.sha256 for s in copies])
    yield Finding(
        f"every vector has the right checksum; {waiting:,} passages wait for theirs (citewell sync)"
        if waiting
        else "every passage has its vector, with the right checksum",
        tuple(f"{problem} (the next citewell sync makes them again)" for _, problem in vectors),
        repaired=repair,
    )
    later = " (the next citewell sync reads it again)" if repair else ""
    yield Finding(
        "the raw copies of the papers are there and unaltered",
        tuple(f"the copy of {source.path} is missing or altered{later}" for source in copies),
    )
    yield _full_text(library, repair)
    yield _snapshot(library, repair)


def _spans(reader: Reader) -> Iterator[str]:
    for paper in reader.papers():
        text = reader.text(paper.id)
        whole = Span(0, len(text))
        sections = reader.sections(paper.id)
        if any(not whole.contains(s.span) or not s.span.of(text) for s in sections):
            yield f"{paper.key}: a section lies outside the text"
        for passage in reader.passages(reader.passage_ids(paper.id)).values():
            if not passage.section.span.contains(passage.span) or not passage.text:
                yield f"{paper.key}: passage {passage.id} lies outside its section"


def _vectors(reader: Reader) -> Iterator[tuple[int, str]]:
    """Revisions whose vectors are damaged, and what is wrong with them.

    A text without vectors is no damage: the next sync embeds it.
    """
    model = reader.model()
    for rows in reader.vectors(model[0]) if model else ():
        try:
            if model:
                stored_codes(rows, model[1].dimension)
        except LibraryDamaged as error:
            yield rows.revision_id, error.message


def _make_again(library: Library, revision_ids: Sequence[int], sha256s: Sequence[str]) -> None:
    """Leaves the work to the next sync; altered copies are set aside so that it can keep true ones."""
    with library.write() as writer:
        library.quarantine.mkdir(exist_ok=True)
        for sha256 in set(sha256s):
            if library.objects.path(sha256).exists():
                library.objects.path(sha256).replace(library.quarantine / sha256)
        writer.drop_vectors(revision_ids)
        writer.read_again(sha256s)


def _objects(library: Library, reader: Reader) -> Iterator[Source]:
    for source in reader.sources():
        if source.status in ("indexed", "other"):
            path = library.objects.path(source.sha256)
            try:
                with path.open("rb") as file:
                    good = hashlib.file_digest(file, "sha256").hexdigest() == source.sha256
            except OSError:
                good = False
            if not good:
                yield source


def _full_text(library: Library, repair: bool) -> Finding:
    name = "the full-text index agrees with the texts"
    with library.write() as writer:
        if writer.full_text_is_whole():
            return Finding(name)
        if repair:
            writer.rebuild_full_text()
    return Finding(name, ("it does not: words may be missed",), repaired=repair)


def _snapshot(library: Library, repair: bool) -> Finding:
    name = "the index file is the one that was written"
    with library.read() as reader:
        model = reader.model()
        row = reader.snapshot(model[0]) if model else None
    if row is None or not row.file.endswith(SUFFIX):  # an older citewell's: the next sync writes it anew
        return Finding(name)
    path = library.index_folder / row.file
    if _is_whole(path, row):
        return Finding(name)
    if repair:
        with library.write() as writer:
            library.quarantine.mkdir(exist_ok=True)
            if path.exists():
                path.replace(library.quarantine / path.name)
            writer.forget_snapshot(row.file)
        seal(library)
    return Finding(
        name, (f"{row.file} is damaged or missing: search uses library.db instead",), repaired=repair
    )


def _is_whole(path: Path, row: SnapshotRow) -> bool:
    sealed = open_sealed(path, row)
    if sealed is None:
        return False
    try:
        sealed.read_all(keep=False)
    except Damaged:
        return False
    finally:
        sealed.close()
    return True
