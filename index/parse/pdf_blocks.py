"""Lines in reading order → blocks: paragraphs joined over columns and pages, headings, captions, rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from index.parse.pdf_chars import Word
from index.parse.pdf_headings import (
    CAPTION,
    KNOWN,
    NUMBERED,
    REFERENCES,
    Body,
    bare_name,
    half,
    is_caption,
    is_known,
    looks_like_heading,
)
from index.parse.pdf_layout import Line
from index.parse.pdf_text import Hyphens, line_text

_END = re.compile(r"[.!?:;][\"'”’)\]]*(?:\s?\[\d[^\]]*\])?$")
_BULLET = re.compile(r"[•●○▪■◦‣–—*·]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s")
_THEOREM = re.compile(
    r"(?:proposition|theorem|lemma|definition|example|corollary|remark|proof|algorithm|claim|assumption|note|p)\b",
    re.IGNORECASE,
)
_LOWER_WORD = re.compile(r"(?<![^\s(])[a-zà-ÿ]{2,}")


class Kind(Enum):
    """What a block is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    CAPTION = "caption"
    ROWS = "rows"
    SMALL = "small"  # footnotes, affiliations, notices: prose in smaller type than the body's


@dataclass(slots=True)
class Block:
    """Lines that belong together. `pieces` are (page, text) parts of one paragraph, ready to be set
    one after the other; for ROWS one piece is one row."""

    kind: Kind
    lines: list[Line]
    pieces: list[tuple[int, str]] = field(default_factory=list)
    label: str = ""
    level: int = 0
    run_in: bool = False

    @property
    def text(self) -> str:
        """All of it on one line."""
        return (" " if self.kind is Kind.ROWS else "").join(piece for _, piece in self.pieces)

    @property
    def first_page(self) -> int:
        """The page it begins on."""
        return self.lines[0].page

    @property
    def last_page(self) -> int:
        """The page it ends on."""
        return self.lines[-1].page


def blocks(lines: Sequence[Line], body: Body, hyphens: Hyphens) -> list[Block]:
    """The document's blocks in reading order, headings with their level."""
    found = _grouped(lines, body)
    found = _captions_first(_run_in(found, body))
    found = _joined(found, body)
    for block in found:
        block.pieces = _pieces(block, hyphens)
    _set_levels(found)
    return found


def _grouped(lines: Sequence[Line], body: Body) -> list[Block]:
    found: list[Block] = []
    for position, line in enumerate(lines):
        before = found[-1] if found else None
        following = lines[position + 1] if position + 1 < len(lines) else None
        if before is not None and _goes_on(before, line, body):
            before.lines.append(line)
            continue
        found.append(_opened(line, before, following, body))
    return _settled(found, body)


def _opened(line: Line, before: Block | None, following: Line | None, body: Body) -> Block:
    caption = CAPTION.match(line.text)
    if caption and is_caption(line, caption, body):
        return Block(Kind.CAPTION, [line], label=caption["label"])
    if looks_like_heading(line, body):
        header = _is_table_head(line, before, following, body)
        return Block(Kind.ROWS if header else Kind.HEADING, [line])
    if _is_row(line, following, before, body):
        return Block(Kind.ROWS, [line])
    return Block(Kind.SMALL if line.size < 0.93 * body.size else Kind.PARAGRAPH, [line])


def _is_table_head(line: Line, before: Block | None, following: Line | None, body: Body) -> bool:
    """Whether a bold line is a table's first row: between its caption, or its rows, and a row."""
    if before is None or before.kind not in (Kind.CAPTION, Kind.ROWS) or before.last_page != line.page:
        return False
    if (
        is_known(bare_name(line.text))
        or NUMBERED.fullmatch(line.text)
        or before.label[:3].casefold() == "fig"
    ):
        return False
    return following is not None and following.page == line.page and _is_row(following, None, before, body)


def _is_row(line: Line, following: Line | None, before: Block | None, body: Body) -> bool:
    if line.cells >= 3 or (line.cells == 2 and len(line.text) < 60):
        return True
    prose = len(_LOWER_WORD.findall(line.text)) >= 4
    if prose:
        return False
    in_table = (
        before is not None and before.kind in (Kind.ROWS, Kind.CAPTION) and before.lines[-1].page == line.page
    )
    off_style = abs(line.size - body.size) > 0.06 * body.size or line.font.name != body.font.name
    if in_table and before is not None and (off_style or before.kind is Kind.ROWS):
        narrow = line.x1 - line.x0 < 0.7 * max(1.0, line.right - line.left)
        return narrow and following is not None
    return (
        off_style
        and len(line.text) < 40
        and len(_LOWER_WORD.findall(line.text)) < 2
        and line.size < body.size
    )


def _goes_on(block: Block, line: Line, body: Body) -> bool:
    """Whether `line` continues the block before it, in the same column."""
    last = block.lines[-1]
    gap = last.y - line.y
    if last.page != line.page or not gap > 0:
        return False
    if last.leaf != line.leaf and not (abs(last.x0 - line.x0) < 3 * body.size and gap < 1.6 * body.pitch):
        return False
    if block.kind is Kind.ROWS:
        numbered = NUMBERED.fullmatch(line.text) and looks_like_heading(line, body)
        return not numbered and gap < 4 * body.pitch and _is_row(line, None, None, body)
    if abs(last.size - line.size) > 0.08 * last.size:
        return False
    if gap > 1.45 * max(body.pitch * last.size / body.size, 1.1 * last.size):
        return False
    caption = CAPTION.match(line.text)
    if caption and is_caption(line, caption, body) and _END.search(last.text):
        return False
    if block.kind is Kind.HEADING and len(block.lines) > 3:
        block.kind = Kind.PARAGRAPH  # bold running text: an abstract, often
    if block.kind is Kind.HEADING:
        return _heading_goes_on(last, line, body)
    if line.font.bold != last.font.bold and looks_like_heading(line, body):
        return False
    if line.cells >= 3 or (looks_like_heading(line, body) and is_known(bare_name(line.text))):
        return False
    return not _new_paragraph(block, last, line, body)


def _heading_goes_on(last: Line, line: Line, body: Body) -> bool:
    if last.font.bold != line.font.bold or last.font.italic != line.font.italic:
        return False
    if is_known(bare_name(last.text)) or NUMBERED.fullmatch(line.text):
        return False
    same_look = abs(last.size - line.size) < 0.3 and last.font.name == line.font.name
    distinct = line.size >= 1.08 * body.size or line.font != body.font
    return same_look and distinct


def _new_paragraph(block: Block, last: Line, line: Line, body: Body) -> bool:
    ended = bool(_END.search(last.text))
    short = last.x1 < last.right - 0.12 * max(1.0, last.right - last.left)
    opens = line.text[0].isupper() or line.text[0].isdigit() or line.text[0] in '“"(‘['
    if _BULLET.match(line.text) and (ended or short or bool(_BULLET.match(block.lines[0].text))):
        return not (line.text[0].isdigit() and not ended)
    if line.x0 - last.x0 > 0.7 * line.size and line.x0 - line.left < 5 * line.size:
        hanging = len(block.lines) == 1 and not body.indented
        return (ended or short) and opens and not hanging
    if last.x0 - line.x0 > 0.7 * line.size and len(block.lines) > 1 and ended and opens:
        return True
    return ended and short and opens and not last.text.endswith((";", ":"))


def _settled(found: list[Block], body: Body) -> list[Block]:
    """Second look at kinds that only the whole block can tell."""
    for block in found:
        if block.kind is Kind.HEADING and (
            len(block.lines) > 3 or sum(len(x.text) for x in block.lines) > 220
        ):
            block.kind = Kind.PARAGRAPH
        if block.kind is Kind.PARAGRAPH and block.lines[0].size < 0.93 * body.size:
            block.kind = Kind.SMALL
    return found


def _run_in(found: list[Block], body: Body) -> list[Block]:
    """Parts bold words that open a paragraph ("Study design. We …") from it, as a heading of their own."""
    if body.font.bold:
        return found
    result: list[Block] = []
    for block in found:
        if block.kind is Kind.PARAGRAPH and result and _runs_over(result[-1], block):
            block.lines[:0] = result.pop().lines
        parts = _bold_opening(block) if block.kind in (Kind.PARAGRAPH, Kind.SMALL) else None
        result.extend(parts or [block])
    return result


def _runs_over(heading: Block, block: Block) -> bool:
    """Whether a bold line, taken for a heading, goes on with bold words in the next line."""
    last, line = heading.lines[-1], block.lines[0]
    return (
        heading.kind is Kind.HEADING
        and (last.page, last.leaf) == (line.page, line.leaf)
        and last.x1 > last.right - 0.06 * (last.right - last.left)
        and (
            (line.text[0].islower() and line.size < 1.05 * last.size)
            or (last.font.bold and abs(last.size - line.size) < 0.3 and line.words[0].font.bold)
        )
    )


def _bold_opening(block: Block) -> list[Block] | None:
    opening: list[Line] = []
    for position, line in enumerate(block.lines[:3]):
        bold = next((i for i, word in enumerate(line.words) if not word.font.bold), len(line.words))
        if bold == len(line.words):
            opening.append(line)
            continue
        if bold:
            opening.append(_part(line, 0, bold))
        title = " ".join(part.text for part in opening).strip()
        if not _is_run_in(title, block, line.words[bold:]):
            return None
        rest = _part(line, bold, len(line.words))
        heading = Block(Kind.HEADING, opening, run_in=True)
        return [heading, Block(block.kind, [rest, *block.lines[position + 1 :]])]
    return None


def _is_run_in(title: str, block: Block, after: Sequence[Word]) -> bool:
    bare = bare_name(title)
    if _THEOREM.match(title):
        return False
    if not 4 <= len(title) <= 150 or not title[0].isupper() or CAPTION.match(title) or not after:
        return False
    if REFERENCES.fullmatch(bare) or bare.casefold() in ("keywords", "key words") or block.kind is Kind.SMALL:
        return bool(KNOWN.fullmatch(bare)) and bare.casefold() not in ("keywords", "key words")
    if block.lines[0].page == 1:
        return is_known(bare)
    return title[-1] in ".:—" and sum(len(line.text) for line in block.lines) > len(title) + 40


def _part(line: Line, start: int, end: int) -> Line:
    words = line.words[start:end]
    text = line_text(words, line.size, line.y)
    return replace(line, words=words, text=text, x0=words[0].x0, x1=words[-1].x1, font=words[0].font)


def _captions_first(found: list[Block]) -> list[Block]:
    """Puts a caption that stands under its rows before them, so that they are read as its own."""
    result: list[Block] = []
    for block in found:
        at = len(result)
        if block.kind is Kind.CAPTION:
            while at and result[at - 1].kind is Kind.ROWS and result[at - 1].last_page == block.first_page:
                at -= 1
            if at and result[at - 1].kind is Kind.CAPTION and result[at - 1].last_page == block.first_page:
                at = len(result)  # those rows have a caption already
        result.insert(at, block)
    return result


def _joined(found: list[Block], body: Body) -> list[Block]:
    """Joins paragraphs that a column's or page's end cut in two; floats between them keep their page."""
    result: list[Block] = []
    for block in found:
        if block.kind in (Kind.PARAGRAPH, Kind.SMALL) and _is_prose(block):
            last = _open_paragraph(result, block)
            between = result[last + 1 :] if last is not None else []
            if (
                last is not None
                and _cut_in_two(result[last], block, body, bool(between))
                and _may_join(result[last], between, block)
            ):
                _merge(result, last, block)
                continue
        result.append(block)
    return result


def _open_paragraph(result: list[Block], block: Block) -> int | None:
    """Where the last paragraph set like `block` stands, if no heading came after it."""
    fonts = {line.font.name for line in block.lines[:3]}
    for position in range(len(result) - 1, max(-1, len(result) - 40), -1):
        before = result[position]
        if before.kind is Kind.HEADING:
            return None
        if before.kind is not block.kind or abs(before.lines[-1].size - block.lines[0].size) > 0.4:
            continue
        if fonts & {line.font.name for line in before.lines[-3:]}:
            return position
    return None


def _is_prose(block: Block) -> bool:
    return len(_LOWER_WORD.findall(block.lines[0].text)) >= 2 or len(block.lines) > 1


def _cut_in_two(block: Block, other: Block, body: Body, parted: bool) -> bool:
    last, line = block.lines[-1], other.lines[0]
    if (last.page, last.leaf) == (line.page, line.leaf) and not (parted and last.y - line.y > 3 * body.pitch):
        return False
    if abs(last.size - line.size) > 0.06 * last.size or last.font.bold != line.font.bold:
        return False
    if line.page - last.page > 2:
        return False
    if line.text[0].islower() or last.text.endswith("-") or not _END.search(last.text):
        return not _BULLET.match(line.text)
    full = last.x1 > last.right - 0.02 * (last.right - last.left)
    return body.indented and full and line.x0 - line.left < 0.4 * line.size and line.text[0].isalpha()


def _may_join(block: Block, between: list[Block], other: Block) -> bool:
    """Text runs in page order, so what stands between must be on the first or the last page of the two."""
    return all(b.last_page == block.first_page or b.first_page == other.last_page for b in between)


def _merge(result: list[Block], last: int, block: Block) -> None:
    paragraph, between = result[last], result[last + 1 :]
    before = [b for b in between if b.last_page == paragraph.first_page]
    after = [b for b in between if b.last_page != paragraph.first_page]
    paragraph.lines.extend(block.lines)
    result[last:] = [*before, paragraph, *after]


def _pieces(block: Block, hyphens: Hyphens) -> list[tuple[int, str]]:
    if block.kind is Kind.ROWS:
        return [(line.page, line.text) for line in block.lines]
    pieces: list[tuple[int, str]] = []
    for line in block.lines:
        if not line.text:
            continue
        if pieces:
            page, before = pieces[-1]
            before, joint = hyphens.join(before, line.text)
            pieces[-1] = (page, before + joint)
        pieces.append((line.page, line.text))
    return pieces


def _set_levels(found: list[Block]) -> None:
    """Levels by number where there is one, else by rank of the look among the document's headings."""
    headings = [block for block in found if block.kind is Kind.HEADING]
    looks: dict[tuple[float, bool, bool, bool], int] = {}
    for block in headings:
        name = bare_name(block.text)
        if (not block.run_in and KNOWN.fullmatch(name)) or REFERENCES.fullmatch(name):
            looks[_look(block)] = looks.get(_look(block), 0) + 1
    top = max(looks, key=lambda look: (looks[look], look), default=None)
    ranks: dict[tuple[float, bool, bool, bool], int] = {}
    for look in sorted({_look(block) for block in headings if not block.run_in}, reverse=True):
        if top is None or look >= top:
            ranks[look] = 1
        else:
            ranks[look] = min(4, 1 + len({r for r in ranks.values() if r > 1}) + 1)
    for block in headings:
        numbered = NUMBERED.fullmatch(block.text.strip())
        depth = numbered["number"].strip(".").count(".") + 1 if numbered else 0
        name = bare_name(block.text)
        if numbered and numbered["number"][0].isdigit():
            block.level = depth
        elif block.run_in:
            block.level = 5
        elif REFERENCES.fullmatch(name):
            block.level = 1
        else:
            block.level = ranks[_look(block)]


def _look(block: Block) -> tuple[float, bool, bool, bool]:
    line = block.lines[0]
    return half(line.size), line.text.isupper(), line.font.bold, not line.font.italic
