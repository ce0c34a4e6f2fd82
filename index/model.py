"""The nouns of the library: papers, sections, spans, passages. Frozen, without behaviour of note.

A **paper** is a bibliographic record and one text. Every place in it is a **span**: half-open offsets
in Unicode code points, so that ``paper.text[span.start:span.end]`` is the quoted string, always.

The text is laid out by all parsers alike: blocks are separated by a blank line, a block holds no
newline but in lists and tables (one item or row a line), and headings stand in the text as blocks of
their own, outside of the section spans. A newline is therefore a boundary that no sentence crosses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open character offsets into a paper's text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters at this place."""
        return text[self.start : self.end]

    def contains(self, other: Span) -> bool:
        """Whether `other` lies wholly inside this span."""
        return self.start <= other.start and other.end <= self.end

    def __len__(self) -> int:
        return self.end - self.start


class Format(StrEnum):
    """What a file was recognised as, by its content. In order of how well the text is known."""

    JATS = "jats"
    TOMESPHERE = "tomesphere"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"
    TEXT = "text"


class SectionKind(StrEnum):
    """What a section holds, which decides whether it is searched and how it is quoted."""

    SUMMARY = "summary"  # written about the paper, not by its authors: TL;DR, key findings
    ABSTRACT = "abstract"
    BODY = "body"
    BOX = "box"
    TABLE = "table"
    FIGURE = "figure"
    BACK = "back"  # acknowledgements, funding, appendices: the authors' words after the body
    ENTITIES = "entities"
    REFERENCES = "references"

    @property
    def searched(self) -> bool:
        """Whether passages are made of it: lists of references and of entities answer nothing."""
        return self not in (SectionKind.REFERENCES, SectionKind.ENTITIES)


@dataclass(frozen=True, slots=True)
class Section:
    """A run of blocks under one heading, without its subsections, which are sections of their own.

    `path` is the heading path from the outermost heading, the section's own last. A table is a section
    of its own whose path ends in its label ("Table 2") and whose `caption` is repeated in the header of
    each of its passages; the caption is also the first block of its span. Likewise a figure.
    """

    path: tuple[str, ...]
    span: Span
    kind: SectionKind = SectionKind.BODY
    caption: str = ""

    @property
    def heading(self) -> str:
        """The path as one line, as shown in citations."""
        return " › ".join(self.path)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paper that has pages. `number` counts from 1 in the file."""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Author:
    """One author. A group author has only a family name."""

    family: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class PaperIds:
    """What the world calls the paper. Normalised: DOI lower case without a resolver, PMCID with "PMC",
    PMID digits only, arXiv id without version."""

    doi: str | None = None
    pmcid: str | None = None
    pmid: str | None = None
    arxiv: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The bibliographic record. `year` and `date` (ISO, as far as known) may be missing in odd files."""

    title: str
    authors: tuple[Author, ...] = ()
    year: int | None = None
    date: str | None = None
    journal: str | None = None
    ids: PaperIds = PaperIds()
    licence: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the paper's list of references, as data; `text` is readable by itself."""

    text: str
    label: str = ""
    title: str = ""
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that the page says the paper is about, e.g. a gene with its identifier."""

    kind: str
    name: str
    identifier: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """What a parser makes of a file: the record, the text, and the places in it."""

    record: Record
    text: str
    sections: tuple[Section, ...]
    format: Format
    pages: tuple[Page, ...] = ()
    references: tuple[Reference, ...] = ()
    entities: tuple[Entity, ...] = ()
    body_missing: bool = False
    notes: tuple[str, ...] = field(default=())  # what a reader should know, e.g. "page 3 has no text layer"


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is retrieved: whole sentences of one section.

    `header` (title › section) is searched with the text and never quoted.
    """

    span: Span
    section: int  # position in Paper.sections
    header: str
