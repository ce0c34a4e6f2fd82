"""Blocks of a document and how they become sections: what Markdown, HTML and tomesphere pages share.

A format's own module says which blocks there are; this one finds captions, keeps the heading path and
writes everything through the TextBuilder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from index.model import Reference, SectionKind
from index.parse.builder import TextBuilder, plain
from index.parse.record import parse_reference


class BlockKind(Enum):
    """What a block is."""

    HEADING = auto()
    PARAGRAPH = auto()
    LINES = auto()  # a list or code
    TABLE = auto()
    FIGURE = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """One block in plain words. `lines`: one for a heading or paragraph, else one an item or row."""

    kind: BlockKind
    lines: tuple[str, ...]
    level: int = 0  # of a heading, from 1
    lead: str = ""  # the bold words a paragraph begins with
    caption: str = ""
    links: tuple[str, ...] = ()  # a line each: the addresses its words link to
    first: int | None = None  # number of the first item of a numbered list

    @property
    def text(self) -> str:
        """All lines as one."""
        return " ".join(self.lines)


_ROLES: dict[str, SectionKind] = {
    **dict.fromkeys(("abstract", "structured abstract", "abstract and keywords"), SectionKind.ABSTRACT),
    # Not parts of an abstract or a list of references, whatever the levels of the headings say.
    **dict.fromkeys(("introduction", "materials and methods", "main text"), SectionKind.BODY),
    **dict.fromkeys(
        ("references", "bibliography", "literature cited", "works cited", "reference list", "literature"),
        SectionKind.REFERENCES,
    ),
    **dict.fromkeys(
        ("figures", "figure legends", "figure captions", "legends to figures"), SectionKind.FIGURE
    ),
    **dict.fromkeys(
        (
            "acknowledgements",
            "acknowledgments",
            "acknowledgement",
            "acknowledgment",
            "abbreviations",
            "additional information",
            "author contributions",
            "authors' contributions",
            "availability of data and materials",
            "competing interests",
            "conflict of interest",
            "conflicts of interest",
            "consent for publication",
            "data availability",
            "data availability statement",
            "declaration of competing interest",
            "declarations",
            "disclosure",
            "disclosures",
            "ethics approval and consent to participate",
            "ethics statement",
            "financial disclosure",
            "footnotes",
            "funding",
            "funding statement",
            "publisher's note",
            "supplementary material",
        ),
        SectionKind.BACK,
    ),
}
_BACK_START = ("appendix", "appendices", "supplementary ", "supporting information", "supplemental ")
_NUMBERING = re.compile(r"^(?:\d{1,2}(?:\.\d{1,2}){0,5}\.?|[IVX]{1,5}\.|[A-Z]\.)\s+(?=\S)")
_CAPTION = re.compile(
    r"^((?:supplement(?:ary|al)|extended data|appendix|online)\s+)?"
    r"(fig(?:ure)?s?|tab(?:le)?s?|scheme)\b\.?\s*"
    r"([A-Z]{0,2}\.?\d{1,3}(?:\.\d{1,2})?[A-Za-z]?|[IVX]{1,5})(?=[\s.:|)–—-]|$)",
    re.IGNORECASE,
)
_AFTER_LABEL = re.compile(r"\s*(?:[.:|)–—]|-\s|$)")
_CITED = re.compile(r"\d{1,4}(?:\s*[,;–—-]\s*\d{1,4})*")
_POWER_BASE = re.compile(r"(?:^|[^A-Za-zµμ])(?:[kcdmµμn]?m|[A-Za-zµμχα-ω]|min|kg)$")

_TAIL = 40  # characters of the text before a superscript that say how to read it


def superscript(before: str, raised: str) -> str:
    """How raised characters read on one line after `before`: "word [12]", "10^6", "m^2", "Ca2+", "4th"."""
    raised = plain(raised)
    if not raised:
        return ""
    base = before.rstrip()
    bare = raised.strip("[]() ")
    if not _CITED.fullmatch(bare):
        return "^" + raised if base[-1:].isdigit() and raised[0] in "-−–" else raised
    if raised != bare:
        return f"[{bare}]" if not base or before[-1].isspace() else f" [{bare}]"
    if base[-1:].isdigit() or (bare in ("2", "3") and _POWER_BASE.search(base)):
        return "^" + bare
    return f"[{bare}]" if not base or before[-1].isspace() else f" [{bare}]"


class RunningText:
    """Collects the words of one block; knows what raised characters stand behind."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._tail = ""
        self._raised: list[tuple[int, str]] = []
        self._leading = ""  # a superscript at the start of a word: "4" of "4He"

    def add(self, text: str) -> None:
        """Words as they stand, white space included."""
        if self._leading and text:
            if text[0].isalpha() and self._parts and self._parts[-1] == f"[{self._leading}]":
                self._parts[-1] = self._leading
            self._leading = ""
        self._parts.append(text)
        self._tail = (self._tail + text)[-_TAIL:]

    def start_raised(self) -> None:
        """What follows is a superscript."""
        self._raised.append((len(self._parts), self._tail))

    def end_raised(self) -> None:
        """The superscript ends; without one this does nothing."""
        if not self._raised:
            return
        at, self._tail = self._raised.pop()
        raised = "".join(self._parts[at:])
        del self._parts[at:]
        shown = superscript(self._tail, raised)
        self.add(shown)
        if shown.startswith("["):
            self._leading = plain(raised)

    def take(self) -> str:
        """All words so far as one line; starts afresh."""
        while self._raised:
            self.end_raised()
        text = plain("".join(self._parts))
        self._parts.clear()
        self._tail = ""
        return text


def role(heading: str) -> SectionKind | None:
    """What a section under this heading holds, as far as the heading says."""
    name = bare_heading(heading)
    if name.startswith(_BACK_START):
        return SectionKind.BACK
    return _ROLES.get(name)


def bare_heading(heading: str) -> str:
    """A heading for comparing: lower case, without number, colon and full stop."""
    return _NUMBERING.sub("", plain(heading)).casefold().replace("’", "'").strip(" .:*_")


def caption_label(text: str, lead: str = "") -> tuple[str, str] | None:
    """ "Fig. 2. Flow of …" gives ("Figure", "Figure 2"); None if `text` is no caption.

    After the label a sentence goes on with a verb and a caption with a sign, if it is not in bold
    (`lead`); hence "Figure 2 shows …" is none.
    """
    found = _CAPTION.match(text)
    if not found:
        return None
    bold = bool(lead) and len(lead) >= found.end()
    if not bold and not _AFTER_LABEL.match(text, found.end()):
        return None
    word = found.group(2).lower()
    noun = "Figure" if word.startswith("fig") else "Table" if word.startswith("tab") else word.capitalize()
    prefix = (found.group(1) or "").strip().capitalize()
    return ("Table" if noun == "Table" else "Figure"), plain(f"{prefix} {noun} {found.group(3)}")


def with_captions(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with each caption moved into the table or figure it belongs to."""
    out: list[Block] = []
    rest = list(reversed(_split_captions(blocks)))
    while rest:
        block = rest.pop()
        if block.kind is BlockKind.TABLE and not block.caption:
            out.append(_caption_table(block, out, rest))
        elif block.kind is BlockKind.FIGURE and not block.caption:
            out.append(_caption_figure(block, out, rest))
        elif block.kind is BlockKind.PARAGRAPH and _captions(block, "Figure"):
            following = rest[-1] if rest else None
            if following is not None and following.kind is BlockKind.FIGURE and not following.caption:
                out.append(block)  # the figure takes it when its turn comes
            else:
                out.append(Block(BlockKind.FIGURE, (), caption=block.text))
        else:
            out.append(block)
    return out


def _captions(block: Block, what: str) -> bool:
    label = caption_label(block.text, block.lead) if block.kind is BlockKind.PARAGRAPH else None
    return label is not None and label[0] == what


def _caption_table(table: Block, before: list[Block], rest: list[Block]) -> Block:
    """Takes the caption from the paragraph before, else after unless it is the next table's."""
    if before and _captions(before[-1], "Table"):
        return replace(table, caption=before.pop().text)
    next_is_table = len(rest) > 1 and rest[-2].kind is BlockKind.TABLE
    if rest and _captions(rest[-1], "Table") and not next_is_table:
        return replace(table, caption=rest.pop().text)
    return table


def _caption_figure(figure: Block, before: list[Block], rest: list[Block]) -> Block:
    """Takes the caption from the paragraph after or before; the image's own words stay if they add any."""
    if rest and _captions(rest[-1], "Figure"):
        caption = rest.pop().text
    elif before and _captions(before[-1], "Figure"):
        caption = before.pop().text
    else:
        return replace(figure, caption=figure.text, lines=())
    alone = tuple(line for line in figure.lines if plain(line) not in caption)
    return replace(figure, caption=caption, lines=alone)


def _split_captions(blocks: Sequence[Block]) -> list[Block]:
    """Lists of captions as paragraphs; a heading that is a label ("Figure 1") joined to what it labels."""
    out: list[Block] = []
    label: Block | None = None
    for block in blocks:
        if label is not None:
            if block.kind is BlockKind.FIGURE and not block.caption:
                out.append(block)
                continue
            if block.kind is BlockKind.PARAGRAPH:
                joined = (
                    block.text if caption_label(block.text) else f"{label.text.rstrip('.:')}. {block.text}"
                )
                out.append(Block(BlockKind.PARAGRAPH, (joined,), links=block.links))
                label = None
                continue
            out.append(replace(label, kind=BlockKind.PARAGRAPH))
            label = None
        if block.kind is BlockKind.HEADING and caption_label(block.text):
            label = block
        elif block.kind is BlockKind.LINES and all(map(caption_label, block.lines)):
            out.extend(Block(BlockKind.PARAGRAPH, (line,)) for line in block.lines)
        else:
            out.append(block)
    if label is not None:
        out.append(replace(label, kind=BlockKind.PARAGRAPH))
    return out


class Outline:
    """Writes blocks into a TextBuilder, keeping the heading path; collects the references on the way."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._open: list[tuple[int, str, SectionKind]] = []
        self.references: list[Reference] = []
        builder.section(())

    @property
    def kind(self) -> SectionKind:
        """Of the section that is open."""
        return self._open[-1][2] if self._open else SectionKind.BODY

    def close(self, level: int) -> None:
        """Ends all sections of this level and deeper."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._reopen()

    def heading(self, level: int, text: str, kind: SectionKind | None = None) -> None:
        """Opens a section; what its name does not say about its kind is taken from the section around it."""
        self.close(level)
        if not plain(text):
            return
        self._open.append((level, text, kind or role(text) or self.kind))
        self._builder.heading(text)
        self._reopen()

    def _reopen(self) -> None:
        self._builder.section((text for _, text, _ in self._open), self.kind)

    def write(self, blocks: Iterable[Block]) -> None:
        """All blocks in order. Captions must have found their tables and figures before (`with_captions`)."""
        for block in blocks:
            if block.kind is BlockKind.HEADING:
                self.heading(block.level, block.text)
            elif block.kind in (BlockKind.TABLE, BlockKind.FIGURE):
                self._float(block)
            elif block.kind is BlockKind.LINES:
                self._lines(block)
            elif self._builder.block(block.text) and self.kind is SectionKind.REFERENCES:
                self.references.append(parse_reference(block.text, links=" ".join(block.links)))

    def _lines(self, block: Block) -> None:
        self._builder.lines(block.lines)
        if self.kind is not SectionKind.REFERENCES:
            return
        for at, line in enumerate(block.lines):
            links = block.links[at] if at < len(block.links) else ""
            number = block.first + at if block.first is not None else None
            if plain(line):
                self.references.append(parse_reference(line, number=number, links=links))

    def _float(self, block: Block) -> None:
        """A table or figure: a section of its own, whose path ends in its label."""
        table = block.kind is BlockKind.TABLE
        label = caption_label(block.caption, block.caption)
        name = label[1] if label else "Table" if table else "Figure"
        path = [text for _, text, kind in self._open if kind is not SectionKind.FIGURE]
        kind = SectionKind.TABLE if table else SectionKind.FIGURE
        if self.kind in (SectionKind.REFERENCES, SectionKind.ENTITIES):
            kind = self.kind
        self._builder.section((*path, name), kind, caption=block.caption)
        self._builder.block(block.caption)
        if table:
            self._builder.lines(block.lines)
        else:
            for line in block.lines:
                self._builder.block(line)
        self._reopen()
