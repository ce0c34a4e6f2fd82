"""The library as rows of a table: papers, files that failed, papers that no service gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa.references import short_name
from tui.clean import line

if TYPE_CHECKING:
    from index.library import Library
    from index.reader import Source, StoredPaper
    from index.requests import Request

_LONGEST = 300  # characters of a title: no terminal shows more on a line


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. All that is shown is cleaned already; `words` is what the filter looks at."""

    key: str
    name: str
    title: str  # or why there is no paper
    words: str
    year: int | None = None
    passages: int = 0
    tags: tuple[str, ...] = ()
    paper: StoredPaper | None = None
    path: str = ""
    hint: str = ""

    @property
    def mark(self) -> str:
        """Whether there is a paper, and whether it is found by its words only so far."""
        if self.paper is None:
            return "✗"
        return "◐" if self.paper.pending else "✓"


@dataclass(frozen=True, slots=True)
class Listing:
    """All rows at one moment, and what the head line says of them."""

    rows: tuple[Row, ...] = ()
    papers: int = 0
    passages: int = 0
    failed: int = 0
    pending: int = 0  # papers that are found by their words only so far
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    generation: int = -1


def read_listing(library: Library) -> Listing:
    """Everything the table shows, in one read transaction."""
    with library.read() as reader:
        papers, sources = reader.papers(), reader.sources(status="failed")
        requests, roots = reader.requests(status="failed"), reader.roots()
        tags, generation = reader.tags(), reader.generation()
    rows = [
        *map(_paper_row, papers),
        *map(_source_row, sources),
        *map(_request_row, requests),
    ]
    folders = tuple(path for path, folder in roots if folder)
    return Listing(
        tuple(rows), len(papers), sum(paper.passages for paper in papers), len(sources) + len(requests),
        sum(paper.pending for paper in papers), folders, tuple(tags), generation,
    )  # fmt: skip


def read_generation(library: Library) -> int:
    """Another number whenever something has changed."""
    with library.read() as reader:
        return reader.generation()


def _paper_row(paper: StoredPaper) -> Row:
    record = paper.record
    title = line(record.title[:_LONGEST])
    notes = " (body missing)" if paper.body_missing else ""
    notes += " (words only so far)" if paper.pending else ""
    notes += " (retracted)" if any("was retracted" in note for note in paper.notes) else ""
    name = line(short_name(record)[:_LONGEST])
    tags = tuple(line(tag) for tag in paper.tags)
    authors = " ".join(author.family for author in record.authors[:20])
    words = f"{name} {authors} {title}{notes} {paper.key} {' '.join(f'#{tag}' for tag in tags)}"
    return Row(
        f"paper {paper.id}", name, title + notes, words.casefold(), record.year, paper.passages, tags, paper,
        paper.paths[0] if paper.paths else "",
    )  # fmt: skip


def _source_row(source: Source) -> Row:
    name, reason = line(Path(source.path).name[:_LONGEST]), line(source.reason)
    words = f"failed {name} {reason}".casefold()
    return Row(f"file {source.id}", name, reason, words, path=source.path, hint=line(source.hint))


def _request_row(request: Request) -> Row:
    name, reason = line(request.name[:_LONGEST]), line(request.reason)
    words = f"failed {name} {reason} {line(request.wanted.title[:_LONGEST])}".casefold()
    return Row(f"asked {request.name}", name, reason, words, hint=line(request.hint))


def matching(rows: Sequence[Row], typed: str) -> list[Row]:
    """The rows that hold every word that was typed."""
    words = typed.casefold().split()
    return [row for row in rows if all(word in row.words for word in words)]


# What the table can be sorted by. Figures begin with the greatest, words with A.
ORDERS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "Paper": lambda row: (row.name.casefold(), row.title.casefold()),
    "Title": lambda row: (row.title.casefold(),),
    "Year": lambda row: (-(row.year or 0), row.name.casefold()),
    "Passages": lambda row: (-row.passages, row.name.casefold()),
    "Tags": lambda row: (not row.tags, tuple(tag.casefold() for tag in row.tags), row.name.casefold()),
    "": lambda row: (row.paper is not None, row.name.casefold()),
}


def ordered(rows: Sequence[Row], by: str, *, backwards: bool = False) -> list[Row]:
    """The rows sorted by a column; "" has those that failed first."""
    return sorted(rows, key=ORDERS[by], reverse=backwards)
