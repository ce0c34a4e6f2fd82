"""Blocks → Paper: sections with their headings, the abstract, tables, figures, references, and the pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.model import Format, Paper, Record, Reference, SectionKind
from index.parse.builder import TextBuilder, plain
from index.parse.pdf_blocks import Block, Kind
from index.parse.pdf_chars import Font
from index.parse.pdf_headings import BACK, KNOWN, NUMBERED, REFERENCES, bare_name, is_known
from index.parse.pdf_layout import Line
from index.parse.pdf_text import Hyphens

_ABSTRACT_PARTS = re.compile(
    r"background(?: .{0,30})?|objectives?|aims?|purpose|methods?(?: .{0,30})?|methodology.{0,30}|design|"
    r"setting|participants|patients|interventions?|measurements|main outcome measures?|context|introduction|"
    r"(?:main )?results|(?:principal )?findings|discussion|conclusions?(?: and .{0,30})?|interpretation|"
    r"importance|significance|(?:trial )?registration|author summary",
    re.IGNORECASE,
)
_ABSTRACT_RUN_IN = re.compile(r"(abstract|summary)\s*(?:[:.—–|-]\s*|\s(?=[A-Z]))", re.IGNORECASE)
_NOTICE = re.compile(
    r"correspond|e-?mail|@|universit|received|accepted|©|copyright|licen[cs]e|creative commons|citation|"
    r"how to cite|academic editor|edited by|reviewed by|publisher|equal(?:ly)? contribut|"
    r"contribut\w* equally|full list of author|"
    r"present address|orcid|doi\.org|competing interest|article history|contents lists|"
    r"check for updates|open access|doi:|www\.|https?://",
    re.IGNORECASE,
)
_FRONT_HEADING = re.compile(
    r"(?:open access|edited by|reviewed by|citation|copyright|\*?correspond.*|received|accepted|published|"
    r"specialty section|article ?info(?:rmation)?|article history|academic editors?|handling editor|keywords|"
    r"key ?words|contents|authors?|affiliations?|editor|data availability statement|funding|"
    r"competing interests|research|original article|research article|article|review|open)[:.]?",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_LABEL = re.compile(r"[\[(]?(\d{1,4})[\]).]?\s*(?=\S)")
FRONT = ("Front matter",)


@dataclass(frozen=True, slots=True)
class _Place:
    path: tuple[str, ...]
    kind: SectionKind
    caption: str = ""


class PaperWriter:
    """Writes blocks through a TextBuilder and keeps where each page begins."""

    def __init__(self) -> None:
        self._builder = TextBuilder()
        self._place: _Place | None = None
        self._starts: list[tuple[int, int]] = []  # (page, first character)

    def heading(self, block: Block) -> None:
        """A heading of its own line."""
        span = self._builder.heading(block.text)
        self._place = None
        if span is not None:
            self._on_page(block.first_page, span.start)

    def write(self, pieces: Sequence[tuple[int, str]], place: _Place) -> None:
        """One paragraph in the section at `place`."""
        self._enter(place)
        span = self._builder.block("".join(text for _, text in pieces))
        if span is None:
            return
        start = span.start
        for page, text in pieces:
            self._on_page(page, start)
            start += len(text)

    def rows(self, pieces: Sequence[tuple[int, str]], place: _Place) -> None:
        """Rows, one a line."""
        self._enter(place)
        rows = [(page, text) for page, text in pieces if text]
        span = self._builder.lines(text for _, text in rows)
        if span is None:
            return
        start = span.start
        for page, text in rows:
            self._on_page(page, start)
            start += len(text) + 1

    def _enter(self, place: _Place) -> None:
        if place != self._place:
            self._builder.section(place.path, place.kind, caption=place.caption)
            self._place = place

    def _on_page(self, page: int, start: int) -> None:
        if not self._starts or page > self._starts[-1][0]:
            self._starts.append((page, start if self._starts else 0))

    def finish(self, record: Record, references: Sequence[Reference], notes: Sequence[str]) -> Paper:
        """The paper; each page reaches to where the next one begins."""
        ends = [start for _, start in self._starts[1:]] + [self._builder.length]
        for (page, start), end in zip(self._starts, ends, strict=True):
            self._builder.page(page, start, end)
        text, sections, pages = self._builder.finish()
        return Paper(
            record=record,
            text=text,
            sections=sections,
            format=Format.PDF,
            pages=pages,
            references=tuple(references),
            notes=tuple(notes),
        )


class Outline:
    """Follows the headings and says for each block which section it belongs to."""

    def __init__(self, blocks: Sequence[Block], title: Sequence[Line], body_font: Font) -> None:
        self._body_font = body_font
        self._on_trust: Font | None = None  # the abstract's font where no heading names it
        self._stack: list[tuple[int, str]] = []
        self._kind = SectionKind.BACK
        self._in_front = True
        self._abstract_level = 0
        names = [bare_name(b.text).casefold() for b in blocks if b.kind is Kind.HEADING]
        self._names = names
        self._has_abstract = any(_names_abstract(b) for b in blocks if b.first_page <= 3)
        self._title = {id(line) for line in title}

    @property
    def place(self) -> _Place:
        """Where running text goes now."""
        if self._in_front:
            return _Place(FRONT, SectionKind.BACK)
        return _Place(tuple(name for _, name in self._stack), self._kind)

    @property
    def kind(self) -> SectionKind:
        """What the open section holds."""
        return self.place.kind

    def is_title(self, block: Block) -> bool:
        """Whether the block prints the paper's title."""
        return id(block.lines[0]) in self._title

    def heading(self, block: Block) -> bool:
        """Takes note of a heading; False if it is one of the front matter's, to be kept as text."""
        name = bare_name(block.text)
        if self._names and name.casefold() in self._names:
            self._names.remove(name.casefold())
        numbered = NUMBERED.fullmatch(block.text.strip())
        if (
            block.first_page <= 2
            and not (numbered and numbered["number"][0].isdigit())
            and self._is_front(name)
        ):
            return False
        if name.casefold() in ("abstract", "summary") and not self._abstract_level and block.first_page <= 3:
            self._open(block, SectionKind.ABSTRACT)
            self._abstract_level = max(1, block.level)
            return True
        if self._kind is SectionKind.ABSTRACT and not self._in_front and self._in_abstract(block, name):
            self._push(self._abstract_level + 1, _named(block))
            return True
        self._open(block, self._kind_of(name, block))
        return True

    def _is_front(self, name: str) -> bool:
        if _FRONT_HEADING.fullmatch(name):
            return self._in_front or self._kind is SectionKind.ABSTRACT
        if not self._in_front or name.casefold() in ("abstract", "summary"):
            return False
        return not (KNOWN.fullmatch(name) if self._has_abstract else is_known(name))

    def _in_abstract(self, block: Block, name: str) -> bool:
        if not _ABSTRACT_PARTS.fullmatch(name) or block.first_page > 2:
            return False
        if name.casefold() in self._names:
            return True
        return block.level > self._abstract_level and name.casefold() not in ("introduction",)

    def _kind_of(self, name: str, block: Block) -> SectionKind:
        if REFERENCES.fullmatch(name):
            return SectionKind.REFERENCES
        if BACK.fullmatch(name):
            return SectionKind.BACK
        if KNOWN.fullmatch(name) or not self._stack or block.level <= 1 or self._in_front:
            if self._kind is SectionKind.REFERENCES and not KNOWN.fullmatch(name):
                return SectionKind.BACK
            return SectionKind.BODY
        return SectionKind.BODY if self._kind is SectionKind.ABSTRACT else self._kind

    def _open(self, block: Block, kind: SectionKind) -> None:
        self._in_front = False
        level = 1 if kind in (SectionKind.ABSTRACT, SectionKind.REFERENCES) else block.level
        self._push(level, _named(block))
        self._kind = kind

    def _push(self, level: int, name: str) -> None:
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()
        self._stack.append((level, name))

    def paragraph(self, block: Block) -> _Place:
        """Where a paragraph goes. Without an "Abstract" heading the first long one is the abstract."""
        text = block.text
        early = block.first_page <= 2
        run_in = _ABSTRACT_RUN_IN.match(text) if self._in_front and early else None
        if run_in and len(text) > 150:
            self._in_front, self._kind = False, SectionKind.ABSTRACT
            self._stack = [(1, run_in[1].capitalize())]
            self._abstract_level = 1
        elif self._in_front and not self._has_abstract and len(text) > 300 and not _NOTICE.search(text[:300]):
            # No heading says so, but it is set unlike the body and stands first: the abstract.
            self._in_front = False
            self._on_trust = block.lines[0].font if early and block.lines[0].font != self._body_font else None
            self._kind = SectionKind.ABSTRACT if self._on_trust else SectionKind.BODY
            self._stack = [(1, "Abstract")] if self._on_trust else []
            return self.place
        elif self._in_front and block.first_page > 2:
            self._in_front, self._kind = False, SectionKind.BODY
        elif self._kind is SectionKind.ABSTRACT and not self._in_front and self._unlabelled_end(block):
            self._stack, self._kind = [], SectionKind.BODY
        if block.first_page == 1 and _is_notice(block):
            return _Place(FRONT, SectionKind.BACK)
        return self.place

    def rows(self, block: Block) -> _Place:
        """Where rows go that belong to no table."""
        if block.first_page == 1 and _NOTICE.search(block.text):
            return _Place(FRONT, SectionKind.BACK)
        if self.place.kind is SectionKind.ABSTRACT and block.first_page > 1:
            return _Place((), SectionKind.BODY)
        return self.place

    def _unlabelled_end(self, block: Block) -> bool:
        """The abstract was taken on trust or has run on for too long: body text follows."""
        if self._on_trust is not None and block.lines[0].font != self._on_trust and len(block.text) > 200:
            return not _is_notice(block)
        return block.kind is Kind.PARAGRAPH and block.first_page > 2


def _named(block: Block) -> str:
    return plain(block.text).rstrip(" .:") or plain(block.text)


def _names_abstract(block: Block) -> bool:
    if block.kind is Kind.HEADING:
        return bare_name(block.text).casefold() in ("abstract", "summary")
    return bool(_ABSTRACT_RUN_IN.match(block.text)) and len(block.text) > 150


def _is_notice(block: Block) -> bool:
    text = block.text
    if block.kind is Kind.SMALL:
        return len(_NOTICE.findall(text)) >= (1 if len(text) < 500 else 2)
    return len(text) < 400 and len(_NOTICE.findall(text)) >= 2


def write_paper(
    blocks: Sequence[Block],
    record: Record,
    title: Sequence[Line],
    notes: Sequence[str],
    hyphens: Hyphens,
    body_font: Font,
) -> Paper:
    """The paper of a document's blocks; blocks come in page order."""
    writer = PaperWriter()
    outline = Outline(blocks, title, body_font)
    references: list[Reference] = []
    floating: _Place | None = None  # the table or figure whose parts are being read
    listed: list[Line] = []
    for position, block in enumerate(blocks):
        if (
            block.kind is Kind.HEADING
            or outline.kind is not SectionKind.REFERENCES
            or block.kind is Kind.CAPTION
        ):
            references += _references(writer, outline, listed, hyphens)
            listed = []
        if outline.is_title(block):
            writer.heading(block)
        elif block.kind is Kind.HEADING:
            floating = None
            if outline.heading(block):
                writer.heading(block)
            else:
                writer.write(block.pieces, _Place(FRONT, SectionKind.BACK))
        elif block.kind is Kind.CAPTION:
            floating = _float(block, outline.place)
            writer.write(block.pieces, floating)
        elif outline.kind is SectionKind.REFERENCES:
            listed.extend(block.lines)
        elif block.kind is Kind.ROWS:
            _write_rows(writer, outline, block, blocks[position + 1 :], floating)
        else:
            if floating is not None and not _in_float(block, blocks[position - 1]):
                floating = None
            writer.write(block.pieces, floating or outline.paragraph(block))
    references += _references(writer, outline, listed, hyphens)
    return writer.finish(record, references, notes)


def _float(block: Block, place: _Place) -> _Place:
    kind = SectionKind.TABLE if re.search(r"tab", block.label, re.IGNORECASE) else SectionKind.FIGURE
    if re.match(r"box", block.label, re.IGNORECASE):
        kind = SectionKind.BOX
    path = place.path if place.path != FRONT else ()
    return _Place((*path, block.label), kind, plain(block.text))


def _in_float(block: Block, before: Block) -> bool:
    """Small type right under a caption or a table's rows is its legend or its notes."""
    if block.kind is not Kind.SMALL or block.first_page != before.last_page:
        return False
    return before.kind in (Kind.CAPTION, Kind.ROWS, Kind.SMALL)


def _write_rows(
    writer: PaperWriter, outline: Outline, block: Block, following: Sequence[Block], floating: _Place | None
) -> None:
    ahead = next((b for b in following[:6] if b.kind in (Kind.CAPTION, Kind.PARAGRAPH, Kind.HEADING)), None)
    figure = (
        ahead is not None
        and ahead.kind is Kind.CAPTION
        and ahead.first_page == block.last_page
        and re.match(r"fig|scheme|chart", ahead.label, re.IGNORECASE)
    )
    in_table = floating is not None and floating.kind is SectionKind.TABLE
    if not in_table and (figure or (floating is not None and floating.kind is SectionKind.FIGURE)):
        # Axis labels and the like: kept only where a row reads like words.
        rows = [(page, text) for page, text in block.pieces if len(re.findall(r"[^\W\d_]{3,}", text)) >= 4]
        place = floating or _Place((*outline.place.path, "Figure"), SectionKind.FIGURE)
        writer.rows(rows, place)
        return
    writer.rows(block.pieces, floating if in_table and floating else outline.rows(block))


def _references(
    writer: PaperWriter, outline: Outline, lines: list[Line], hyphens: Hyphens
) -> list[Reference]:
    found = []
    for entry in _entries(lines):
        pieces: list[tuple[int, str]] = []
        for line in entry:
            if pieces:
                page, before = pieces[-1]
                before, joint = hyphens.join(before, line.text)
                pieces[-1] = (page, before + joint)
            pieces.append((line.page, line.text))
        writer.write(pieces, outline.place)
        text = "".join(piece for _, piece in pieces)
        label = _LABEL.match(text)
        year = re.search(r"\b((?:19|20)\d\d)[a-z]?\b", text)
        doi = _DOI.search(text)
        found.append(
            Reference(
                text=text,
                label=label[1] if label and len(label[1]) < 4 else "",
                year=int(year[1]) if year else None,
                doi=doi[0].casefold().rstrip(".,;:)]") if doi else None,
            )
        )
    return found


def _entries(lines: Sequence[Line]) -> list[list[Line]]:
    """The entries of a list of references: by their numbers, else by the lines that hang out."""
    lines = [line for line in lines if line.text]
    entries: list[list[Line]] = []
    number = 0
    first = _LABEL.match(lines[0].text) if lines else None
    numbered = first is not None and int(first[1]) <= 2
    hanging = _hangs(lines)
    for line in lines:
        label = _LABEL.match(line.text)
        if numbered:
            starts = label is not None and int(label[1]) == number + 1
            number += starts
        else:
            starts = line.x0 - line.left < 0.5 * line.size if hanging else _gap_before(entries, line)
        if starts or not entries:
            entries.append([line])
        else:
            entries[-1].append(line)
    return entries


def _hangs(lines: Sequence[Line]) -> bool:
    inner = sum(line.x0 - line.left > 0.5 * line.size for line in lines)
    return inner > 0.25 * len(lines)


def _gap_before(entries: list[list[Line]], line: Line) -> bool:
    if not entries:
        return True
    last = entries[-1][-1]
    if last.page == line.page and last.leaf == line.leaf:
        return last.y - line.y > 1.35 * line.size * 1.15
    return last.text.endswith(".")
