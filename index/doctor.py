"""Checks everything a library promises, and repairs what can be rebuilt from what is true."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from index.errors import LibraryDamaged
from index.library import Library
from index.model import Span
from index.reader import Reader
from index.vectors import decode, load_snapshot, seal


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
    """Runs every check in turn; with `repair`, rebuilds the full text and the FAISS file where they fail,
    and marks papers whose stored data is damaged to be read again by the next sync."""
    with library.read() as reader:
        yield Finding("library.db is whole", tuple(reader.check()))
        yield Finding("every passage and section lies inside its paper's text", tuple(_spans(reader)))
        vectors = Finding("every passage has its vector, with the right checksum", tuple(_vectors(reader)))
        copies = Finding(
            "the raw copies of the papers are there and unaltered", tuple(_objects(library, reader))
        )
    yield vectors
    yield copies
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


def _vectors(reader: Reader) -> Iterator[str]:
    model = reader.model()
    if model is None:
        return
    seen = 0
    for rows in reader.vectors(model[0]):
        try:
            if decode(rows).shape[1] != model[1].dimension:
                yield f"revision {rows.revision_id}: vectors of another dimension"
            seen += len(rows.passage_ids)
        except LibraryDamaged as error:
            yield error.message
    if seen != reader.counts()["passages"]:
        yield f"{seen} vectors for {reader.counts()['passages']} passages"


def _objects(library: Library, reader: Reader) -> Iterator[str]:
    for source in reader.sources():
        if source.status in ("indexed", "other"):
            path = library.objects.path(source.sha256)
            try:
                with path.open("rb") as file:
                    good = hashlib.file_digest(file, "sha256").hexdigest() == source.sha256
            except OSError:
                good = False
            if not good:
                yield f"the copy of {source.path} is missing or altered"


def _full_text(library: Library, repair: bool) -> Finding:
    name = "the full-text index agrees with the texts"
    with library.write() as writer:
        if writer.full_text_is_whole():
            return Finding(name)
        if repair:
            writer.rebuild_full_text()
    return Finding(name, ("it does not: words may be missed",), repaired=repair)


def _snapshot(library: Library, repair: bool) -> Finding:
    name = "the FAISS file is the one that was written"
    with library.read() as reader:
        model = reader.model()
        row = reader.snapshot(model[0]) if model else None
    if row is None:
        return Finding(name)
    path = library.index_folder / row.file
    if load_snapshot(path, row) is not None:
        return Finding(name)
    if repair:
        library.quarantine.mkdir(exist_ok=True)
        if path.exists():
            path.replace(library.quarantine / path.name)
        with library.write() as writer:
            writer.forget_snapshot(row.file)
        seal(library)
    return Finding(
        name, (f"{row.file} is damaged or missing: search uses library.db instead",), repaired=repair
    )
