"""Plain text: hard-wrapped lines become paragraphs, clear headings become sections, form feeds pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.errors import ParseError
from index.model import Author, Format, Page, Paper, Record, SectionKind, Span
from index.parse.blocks import Block, BlockKind, Outline, bare_heading, caption_label, role
from index.parse.builder import TextBuilder, plain
from index.parse.ids import find_ids
from index.parse.record import parse_authors, parse_date, title_from_name

_BLANK = re.compile(r"\n[ \t\u00a0]*(?:\n[ \t\u00a0]*)+")
_BULLET = re.compile(r"^\s*(?:[-*•‣▪◦·–]|\(?\d{1,3}[.)]|\[\d{1,3}\]|\(?[a-z][.)])\s+\S")
_BULLET_SIGN = re.compile(r"^\s*[-*•‣▪◦·–]\s+")
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+([A-Z].*)$")
_HYPHEN_END = re.compile(r"([^\W\d_]+)-$")
_WORD_START = re.compile(r"^[^\W\d_]+")
_HYPHENATED = re.compile(r"[^\W\d_]+-[^\W\d_]+")
_RUN_IN = re.compile(r"^(abstract|(?:full |main |body )?text)\s*[:.—–-]\s*(?=\S)", re.IGNORECASE)
_NAME = re.compile(r"\s*[^,;:\d]{1,40},[^,;:\d]{1,40}")
_LONG_LINE = 160  # characters; text with lines that long is not hard-wrapped
_WRAPPED = 50  # a line shorter than that was ended by its writer
_MAX_ABSTRACT = 4000  # characters
_MAX_HEADING = 90
_MAX_TITLE = 250
_MAX_HEADING_WORDS = 12
_KNOWN = frozenset(
    (
        "aim",
        "aims",
        "background",
        "case presentation",
        "case report",
        "conclusion",
        "conclusions",
        "discussion",
        "experimental",
        "experimental procedures",
        "findings",
        "introduction",
        "limitations",
        "main text",
        "material and methods",
        "method",
        "methodology",
        "methods",
        "objective",
        "objectives",
        "patients and methods",
        "related work",
        "results",
        "results and discussion",
        "statistical analysis",
        "study design",
        "subjects and methods",
        "summary",
    )
)
_TOP = 3000  # characters in which a paper states its own ids
_TOP_PARAGRAPHS = 6


@dataclass(slots=True)
class _Paragraph:
    """Lines between blank ones; `page` counts from 1."""

    lines: list[str]
    page: int

    @property
    def text(self) -> str:
        return plain(" ".join(self.lines))


def parse_text(text: str, name: str) -> Paper:
    """A paper from plain text; `name` is the file's name, the title of last resort.

    Raises ParseError if there are no words in it.
    """
    if not any(map(str.isalpha, text)):
        raise ParseError("no readable text: the file holds no words", "Open the file and see what is in it.")
    hyphenated = frozenset(word.lower() for word in _HYPHENATED.findall(text))
    has_pages = "\f" in text.strip("\f\n ")
    paragraphs = list(_paragraphs(text))
    title, title_lines = _title(paragraphs)
    record, paragraphs = _record(title or title_from_name(name), _after(paragraphs, title_lines), text)
    builder = TextBuilder()
    writer = _Writer(builder, hyphenated)
    if title:
        builder.heading(title)
        builder.section(())
    writer.write(paragraphs)
    content, sections, _ = builder.finish()
    if not any(section.kind.searched for section in sections):
        raise ParseError("no readable text: the file holds a title or a list of references and no more")
    return Paper(
        record=record,
        text=content,
        sections=sections,
        format=Format.TEXT,
        pages=tuple(writer.pages(len(content))) if has_pages else (),
        references=tuple(writer.outline.references),
        body_missing=all(section.kind is SectionKind.ABSTRACT for section in sections),
    )


def _paragraphs(text: str) -> Iterator[_Paragraph]:
    """Split at blank lines and form feeds; then at heads that stand on the text without a blank line."""
    for number, page in enumerate(text.split("\f"), start=1):
        for part in _BLANK.split(page.strip("\n")):
            lines = [line for line in part.split("\n") if line.strip()]
            for group in _groups(lines):
                yield _Paragraph(group, number)


def _groups(lines: list[str]) -> Iterator[list[str]]:
    """Lines without blank ones between that are several paragraphs all the same."""
    if not lines:
        return
    if len(lines) > 1 and _is_known(lines[0]):
        yield lines[:1]
        lines = lines[1:]
    if sorted(map(len, lines))[len(lines) // 2] > _LONG_LINE:
        for line in lines:
            yield [line]
        return
    group: list[str] = []
    for line in lines:
        indented = line[:1].isspace() and group and not group[-1][:1].isspace()
        if indented and group[-1].rstrip().endswith((".", "?", "!", ":")) and not _BULLET.match(line):
            yield group
            group = []
        group.append(line)
    yield group


def _title(paragraphs: list[_Paragraph]) -> tuple[str, int]:
    """The title and how many lines of the first paragraph it takes; ("", 0) if the text states none.

    A first line that fills its width goes on in the next one; a shorter one is the whole title.
    """
    if not paragraphs:
        return "", 0
    lines = paragraphs[0].lines
    count = 1
    while count < len(lines) and len(lines[count - 1].strip()) >= _WRAPPED:
        count += 1
    title = plain(" ".join(lines[:count]))
    alone = len(paragraphs) == 1 and count == len(lines)
    if alone or count > 4 or len(title) > _MAX_TITLE or title.endswith((".", ",", ";", ":")):
        return "", 0
    if _is_known(title) or _RUN_IN.match(title) or sum(map(str.isalpha, title)) * 2 < len(title):
        return "", 0
    return title, count


def _after(paragraphs: list[_Paragraph], lines: int) -> list[_Paragraph]:
    """The paragraphs without so many lines of the first."""
    if not lines:
        return paragraphs
    first = paragraphs[0]
    kept = [_Paragraph(first.lines[lines:], first.page)] if first.lines[lines:] else []
    return kept + paragraphs[1:]


def _record(title: str, paragraphs: list[_Paragraph], text: str) -> tuple[Record, list[_Paragraph]]:
    """The record, from short lines at the top that can only be that; and the paragraphs without them."""
    authors: tuple[Author, ...] = ()
    year, date, licence = None, None, None
    kept: list[_Paragraph] = []
    for at, paragraph in enumerate(paragraphs):
        if at >= _TOP_PARAGRAPHS or _is_known(paragraph.text) or _RUN_IN.match(paragraph.text):
            kept.extend(paragraphs[at:])
            break
        left: list[str] = []
        for line in map(plain, paragraph.lines):
            label, _, value = line.partition(":")
            label = label.casefold()
            if label in ("author", "authors"):
                authors = authors or parse_authors(value)
            elif label in ("license", "licence"):
                licence = licence or plain(value)
            elif _is_date(value if label in ("date", "published") else line):
                year, date = parse_date(plain(value) if label in ("date", "published") else line)
            elif ";" in line and _are_names(line):
                authors = authors or parse_authors(line)
            elif label not in ("doi", "pmid", "pmcid") and not re.fullmatch(r"https?://\S+", line):
                left.append(line)
        if len(left) == len(paragraph.lines):
            kept.append(paragraph)
        elif left:
            kept.append(_Paragraph(left, paragraph.page))
    ids = find_ids(text[:_TOP])
    return Record(title=title, authors=authors, year=year, date=date, ids=ids, licence=licence), kept


def _is_date(line: str) -> bool:
    return len(line) <= 20 and parse_date(line)[0] is not None and not re.search(r"\w{10}", line)


def _are_names(line: str) -> bool:
    """ "Family, Given; Family, Given": every part has one comma and few letters."""
    return all(_NAME.fullmatch(part) for part in line.split(";") if part.strip())


def _is_known(line: str) -> bool:
    """A line that is the name of a section and nothing else."""
    name = bare_heading(line)
    return (
        len(line) <= _MAX_HEADING
        and (name in _KNOWN or role(name) is not None)
        and not line.rstrip().endswith(",")
    )


def _heading(paragraph: _Paragraph) -> tuple[int, str] | None:
    """Level and words of a heading that stands alone; None for what may be a sentence."""
    if len(paragraph.lines) != 1:
        return None
    line = paragraph.text
    if not line or len(line) > _MAX_HEADING or len(line.split()) > _MAX_HEADING_WORDS:
        return None
    numbered = _NUMBERED.match(line)
    level = numbered.group(1).count(".") + 1 if numbered else 1
    if _is_known(line):
        return level, line.rstrip(":")
    if line.endswith((".", ",", ";", ":")) or caption_label(line):
        return None
    letters = [char for char in line if char.isalpha()]
    if numbered or (len(letters) >= 4 and "".join(letters).isupper() and len(letters) * 2 > len(line)):
        return level, line
    return None


def _heads(paragraphs: list[_Paragraph]) -> list[tuple[int, str] | None]:
    """Which paragraphs are headings. Numbered lines one after the other are a list, and a heading has
    something below it."""
    found = [_heading(paragraph) for paragraph in paragraphs]

    def same(at: int, other: int) -> bool:
        head, near = found[at], found[other] if 0 <= other < len(found) else None
        return head is not None and near is not None and head[0] == near[0] and bool(_NUMBERED.match(near[1]))

    return [
        None
        if at == len(found) - 1
        or (head and _NUMBERED.match(head[1]) and (same(at, at - 1) or same(at, at + 1)))
        else head
        for at, head in enumerate(found)
    ]


class _Writer:
    """Writes paragraphs and remembers where each page began."""

    def __init__(self, builder: TextBuilder, hyphenated: frozenset[str]) -> None:
        self._builder = builder
        self._hyphenated = hyphenated
        self._starts = [(1, 0)]  # page, offset
        self._abstract = 0  # offset where it begins
        self.outline = Outline(builder)

    def write(self, paragraphs: list[_Paragraph]) -> None:
        """All paragraphs in order."""
        heads = _heads(paragraphs)
        at = 0
        while at < len(paragraphs):
            self._begin_page(paragraphs[at].page)
            head = heads[at]
            if head is not None:
                self.outline.heading(*head)
                self._abstract = self._builder.length
                at += 1
                continue
            count = 1
            while at + count < len(paragraphs) and heads[at + count] is None:
                if not _goes_on(paragraphs[at + count - 1], paragraphs[at + count]):
                    break
                count += 1
            self._paragraph(paragraphs[at : at + count])
            at += count

    def _begin_page(self, number: int) -> None:
        if number > self._starts[-1][0]:
            self._starts.append((number, self._builder.length + (2 if self._builder.length else 0)))

    def pages(self, total: int) -> Iterator[Page]:
        """The pages that have text; a page ends where the next begins."""
        ends = [start for _, start in self._starts[1:]] + [total]
        for (number, start), end in zip(self._starts, ends, strict=True):
            if start < min(end, total):
                yield Page(number, Span(start, min(end, total)))

    def _paragraph(self, parts: list[_Paragraph]) -> None:
        """One paragraph, whose parts stand on pages that follow each other."""
        if (
            self.outline.kind is SectionKind.ABSTRACT
            and self._builder.length > self._abstract + _MAX_ABSTRACT
        ):
            self.outline.close(1)  # the text has no heading where its body begins
        first = self._without_run_in(parts[0])
        if len(parts) == 1 and sum(bool(_BULLET.match(line)) for line in first.lines) > 1:
            self._list(first.lines)
            return
        parts = [first, *parts[1:]]
        text = ""
        breaks: list[tuple[int, int]] = []
        for part in parts:
            joined = self._join(part.lines)
            if text:
                text = self._glue(text, joined)
                breaks.append((part.page, len(text) - len(joined)))
            else:
                text = joined
        start = self._builder.length + (2 if self._builder.length else 0)
        self.outline.write((Block(BlockKind.PARAGRAPH, (text,)),))
        self._starts.extend((page, start + at) for page, at in breaks)

    def _without_run_in(self, paragraph: _Paragraph) -> _Paragraph:
        """Makes a heading of the "Abstract:" or "Text:" that a paragraph begins with."""
        run_in = _RUN_IN.match(paragraph.text)
        if not run_in:
            return paragraph
        self.outline.heading(1, run_in.group(1))
        self._abstract = self._builder.length
        return _Paragraph([self._join(paragraph.lines)[run_in.end() :]], paragraph.page)

    def _list(self, lines: list[str]) -> None:
        """Items a line each; what stands before the first is a paragraph."""
        items: list[list[str]] = []
        for line in lines:
            if _BULLET.match(line) or not items:
                items.append([])
            items[-1].append(line)
        if not _BULLET.match(items[0][0]):
            self.outline.write((Block(BlockKind.PARAGRAPH, (self._join(items.pop(0)),)),))
        rows = tuple(_BULLET_SIGN.sub("", self._join(item)) for item in items)
        self.outline.write((Block(BlockKind.LINES, rows),))

    def _join(self, lines: list[str]) -> str:
        """Hard-wrapped lines as one."""
        text = ""
        for line in map(plain, lines):
            text = self._glue(text, line) if text else line
        return text

    def _glue(self, text: str, line: str) -> str:
        """A hyphen between lower-case letters goes with the line end, unless the same word stands elsewhere
        in the text with its hyphen."""
        before, after = _HYPHEN_END.search(text[-40:]), _WORD_START.match(line)
        if not before or not after or not (before.group(1) + after.group()).islower():
            return f"{text} {line}"
        if f"{before.group(1)}-{after.group()}" in self._hyphenated:
            return text + line
        return text[:-1] + line


def _goes_on(first: _Paragraph, second: _Paragraph) -> bool:
    """Whether a sentence runs over the end of a page."""
    end, start = first.text[-1:], second.text[:1]
    return (
        second.page == first.page + 1
        and end not in ".?!:;"
        and start.islower()
        and not _BULLET.match(second.text)
    )
