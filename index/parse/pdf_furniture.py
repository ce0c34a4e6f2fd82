"""What a page carries that is not its text: running heads and feet, page numbers, line numbers.

All of it is told by repetition: the same words, or words at the same height in the margin, page after page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from index.parse.pdf_chars import PageWords, Word
from index.parse.pdf_layout import lines

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?(?:[-–|]\s*)?(?:[a-z]?\d{1,5}|[ivxl]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?(?:\s*[-–|])?",
    re.IGNORECASE,
)
_STAMP = re.compile(
    r"downloaded (?:from|by|on)|see the terms and conditions|author manuscript|"
    r"this article is protected by copyright|for personal use only|all rights reserved\. no reuse allowed|"
    r"was not certified by peer review|copyright holder for this preprint|"
    r"\bwww\.\S+/journal/|\.com/journal/|^.{0,100}\b\d{1,3} of \d{1,3}$",
    re.IGNORECASE,
)
_ADDRESS_ROW = re.compile(r".{0,90}\b10\.\d{4,9}/\S+|(?:https?://|www\.)\S+", re.IGNORECASE)
_EDGE_ROWS = 4
_MARGIN = 0.13  # share of the page's height in which heads and feet stand


def strip_furniture(pages: Sequence[PageWords]) -> list[str]:
    """Takes the furniture out of the pages' words, in place; gives back its texts, for the record."""
    for page in pages:
        _strip_line_numbers(page)
    edges = {page.number: _edge_rows(page) for page in pages}
    texts: Counter[str] = Counter()
    places: Counter[tuple[bool, int, float]] = Counter()
    for rows in edges.values():
        texts.update({_key(row) for _, row in rows})
        places.update({_place(top, row) for top, row in rows})
    removed = []
    for page in pages:
        gone: set[int] = set()
        rows = edges[page.number]
        for position, (top, row) in enumerate(rows):
            alone = _stands_alone([other for _, other in rows], position)
            repeated = _repeats(row, texts[_key(row)], places[_place(top, row)], len(pages))
            if repeated or _is_stamp(_text(row), alone, page.number > pages[0].number):
                gone.update(id(word) for word in row)
                removed.append(_text(row))
        page.words = [word for word in page.words if id(word) not in gone]
    return removed


def _is_stamp(text: str, alone: bool, later: bool) -> bool:
    """Whether a row's words alone say that it is no text; addresses only where they stand by themselves."""
    if _STAMP.search(text) or (alone and _PAGE_NUMBER.fullmatch(text)):
        return True
    return alone and bool(_ADDRESS_ROW.fullmatch(text)) and (later or "10." not in text)


def _stands_alone(rows: Sequence[list[Word]], position: int) -> bool:
    """Whether white space keeps a row apart from the text: the last lines of a page are text."""
    row = rows[position]
    near = [abs(rows[i][0].y - row[0].y) for i in (position - 1, position + 1) if 0 <= i < len(rows)]
    return all(distance > 1.6 * row[0].size for distance in near)


def _repeats(row: list[Word], same_text: int, same_place: int, pages: int) -> bool:
    if pages < 2:
        return False
    letters = sum(char.isalpha() for char in _text(row))
    if same_text >= 2 and letters >= 3 and same_place >= 2:
        return same_text >= 0.25 * pages or same_text >= 4 or pages <= 4
    return same_text >= max(3, 0.4 * pages)


def _edge_rows(page: PageWords) -> list[tuple[bool, list[Word]]]:
    """The outermost lines of words at the top and the foot of the page."""
    if not page.words:
        return []
    heights = [word.y for word in page.words]
    high, low = max(heights), min(heights)
    reach = _MARGIN * max(page.height, 1.0)
    top = lines([word for word in page.words if high - word.y <= reach], page.number, 0)
    foot = lines(
        [word for word in page.words if word.y - low <= reach and high - word.y > reach], page.number, 0
    )
    return [(True, line.words) for line in top[:_EDGE_ROWS]] + [
        (False, line.words) for line in foot[-_EDGE_ROWS:]
    ]


def _place(top: bool, row: list[Word]) -> tuple[bool, int, float]:
    return top, round(row[0].y / 4), round(row[0].size)


def _text(row: Sequence[Word]) -> str:
    return " ".join(word.text for word in row)


def _key(row: Sequence[Word]) -> str:
    return _DIGITS.sub("#", "".join(word.text for word in row)).casefold()


def _strip_line_numbers(page: PageWords) -> None:
    """Manuscripts number their lines: whole numbers that count down the left margin, aligned."""
    numbers = [word for word in page.words if word.text.isdecimal() and len(word.text) <= 4]
    if len(numbers) < 10:
        return
    edge = min(word.x0 for word in page.words)
    column = sorted((w for w in numbers if w.x0 - edge < 24), key=lambda w: -w.y)
    steps = Counter(int(b.text) - int(a.text) for a, b in pairwise(column))
    if len(column) < 10 or not steps:
        return
    step, times = steps.most_common(1)[0]
    if step not in (1, 5) or times < 0.8 * (len(column) - 1):
        return
    gone = {id(word) for word in column}
    page.words = [word for word in page.words if id(word) not in gone]
