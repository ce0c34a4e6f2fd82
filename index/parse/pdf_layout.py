"""Words of a page → lines in reading order: columns are found as white strips that no word crosses.

A page is cut in three at the best strip (what stands above it, the columns beside it, what stands below),
and each part again, until no strip is left. Tables have white strips too, so a strip only counts where both
sides read like running text, and a weak one only where the document's other pages have it as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from index.parse.pdf_chars import Font, PageWords, Word

_BIN = 2.0  # points of page in one cell of the grid
_GUTTER = 4  # cells: narrower white strips are word gaps that happen to align
_DEPTH = 12
_Grid = np.ndarray[tuple[int, int], np.dtype[np.bool_]]


@dataclass(slots=True)
class Line:
    """One line of text of one column. `cells` counts its parts that wide gaps keep apart."""

    page: int
    leaf: int
    text: str
    x0: float
    x1: float
    y: float
    size: float
    font: Font
    left: float
    right: float
    cells: int
    words: list[Word] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Strip:
    """A white strip between two columns: `x` is its middle, `bottom` and `top` how far it reaches."""

    x: float
    bottom: float
    top: float
    lines: int
    tight: float


def gutters(pages: Sequence[PageWords]) -> list[float]:
    """Where the document parts its columns: middles of strips that are long or come back on pages."""
    weight: dict[int, float] = defaultdict(float)
    seen: dict[int, set[int]] = defaultdict(set)
    strips = [(page.number, strip) for page in pages for strip in _page_strips(page)]
    for number, strip in strips:
        for near in (-1, 0, 1):
            cell = round(strip.x / 8) + near
            weight[cell] += strip.lines
            seen[cell].add(number)
    found: list[float] = []
    total = len(pages)
    for cell in sorted(weight, key=lambda c: -weight[c]):
        x = cell * 8.0
        if any(abs(x - other) < 24 for other in found):
            continue
        if weight[cell] >= 12 * max(1.0, 0.2 * total) or (len(seen[cell]) >= 2 and weight[cell] >= 30):
            found.append(x)
    return found


def _page_strips(page: PageWords) -> list[Strip]:
    """The strips of a page that can be told to part running text, without other pages' help."""
    words = page.words
    if len(words) < 40:
        return []
    return [s for s in _strips(words, _typical_size(words)) if s.lines >= 8 and s.tight >= 0.8]


def _typical_size(words: Iterable[Word]) -> float:
    sizes: Counter[float] = Counter()
    for word in words:
        sizes[round(word.size * 2) / 2] += len(word.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _strips(words: Sequence[Word], size: float, known: Sequence[float] = ()) -> list[Strip]:
    """All maximal white strips with running text on both sides."""
    x_min, x_max = min(w.x0 for w in words), max(w.x1 for w in words)
    y_min, y_max = min(w.y for w in words) - 0.3 * size, max(w.y + w.size for w in words)
    columns, rows = int((x_max - x_min) / _BIN) + 1, int((y_max - y_min) / _BIN) + 1
    if columns < 3 * _GUTTER or rows < 8 or columns * rows > 4_000_000:
        return []
    grid = np.zeros((rows, columns), dtype=bool)
    for w in words:
        low, high = int((w.y - 0.2 * w.size - y_min) / _BIN), int((w.y + 0.7 * w.size - y_min) / _BIN)
        grid[max(0, low) : high + 1, max(0, int((w.x0 - x_min) / _BIN)) : int((w.x1 - x_min) / _BIN) + 1] = (
            True
        )
    wide = grid.copy()
    for shift in range(1, _GUTTER):
        wide[:, : columns - shift] |= grid[:, shift:]
    shortest = max(3, int((1.8 if known else 2.6) * size / _BIN))
    return _judged(_white_runs(wide[:, : columns - _GUTTER], shortest), words, x_min, y_min, known)


def _white_runs(grid: _Grid, shortest: int) -> list[tuple[int, int, int, int]]:
    """(length, column, first row, row after the last) of the white runs in the columns of a grid."""
    edges = np.ones((grid.shape[1], grid.shape[0] + 2), dtype=np.int8)
    edges[:, 1:-1] = grid.T
    column, row = np.nonzero(np.diff(edges, axis=1))
    low, high, column = row[::2], row[1::2], column[::2]
    long = (high - low >= shortest) & (column > 0)
    runs = np.stack((high - low, column, low, high), axis=1)[long]
    return [(length, at, first, end) for length, at, first, end in runs.tolist()]


def _judged(
    found: list[tuple[int, int, int, int]],
    words: Sequence[Word],
    x_min: float,
    y_min: float,
    known: Sequence[float],
) -> list[Strip]:
    found.sort(key=lambda run: -run[0])
    strips: list[Strip] = []
    tried: list[tuple[int, int, int]] = []
    for _, column, low, high in found:
        if any(abs(column - c) <= 12 and low < h and lo < high for c, lo, h in tried):
            continue
        beside = [run[1] for run in found if run[2:] == (low, high) and abs(run[1] - column) <= 12]
        tried.append((column, low, high))
        if len(tried) > 16:
            break
        x = x_min + (sum(beside) / len(beside) + _GUTTER / 2) * _BIN
        strip = _measured(words, x, y_min + low * _BIN, y_min + high * _BIN, 2 if _near(x, known) else 3)
        if strip is not None:
            strips.append(strip)
    return strips


def _near(x: float, known: Sequence[float]) -> bool:
    return any(abs(x - other) < 20 for other in known)


def _measured(words: Sequence[Word], x: float, bottom: float, top: float, least: int) -> Strip | None:
    """The strip cut down to where text stands on both sides; None if a side does not read like text."""
    inside = [w for w in words if bottom <= w.y <= top]
    left, right = [w for w in inside if w.x1 <= x + 1], [w for w in inside if w.x0 >= x - 1]
    if not left or not right:
        return None
    low = max(min(w.y for w in left), min(w.y for w in right)) - 1
    high = min(max(w.y for w in left), max(w.y for w in right)) + 1
    if high - low < 12:
        return None
    sides = [_prose([w for w in side if low <= w.y <= high], least) for side in (left, right)]
    lines = min(side[0] for side in sides)
    tight = min(side[1] for side in sides)
    if lines < least or tight < 0.6:
        return None
    # A line that stands higher than all of the right column is read before both: it belongs above.
    return Strip(x, bottom, min(top, max(w.y for w in right) + 1), lines, tight)


def _prose(words: Sequence[Word], least: int) -> tuple[int, float]:
    """Number of lines and how tightly they are filled: letters over the width they stand in, 0 if short."""
    rows: dict[int, list[Word]] = defaultdict(list)
    for w in words:
        rows[round(w.y / 3)].append(w)
    spans = [(max(w.x1 for w in row) - min(w.x0 for w in row), row) for row in rows.values()]
    broad = [(span, row) for span, row in spans if sum(len(w.text) for w in row) >= 8]
    if len(broad) < least:
        return 0, 0.0
    letters = sorted(sum(len(w.text) + 1 for w in row) for _, row in broad)
    if letters[len(letters) // 2] < 16:
        return 0, 0.0
    filled = sorted(_filled(row, span) for span, row in broad)
    return len(broad), filled[len(filled) // 2]


def _filled(row: Sequence[Word], span: float) -> float:
    """1 for running text, less the more of the row is gaps; columns beside each other are running text."""
    ordered = sorted(row, key=lambda w: w.x0)
    parts, gaps = [0], 0.0
    for before, word in zip([ordered[0], *ordered], ordered, strict=False):
        gap = word.x0 - before.x1 - 0.9 * word.size
        if gap > 0:
            gaps += gap
            parts.append(0)
        parts[-1] += len(word.text)
    if min(parts) >= 14:
        return 1.0
    return 1.0 - 3.0 * gaps / span if span > 0 else 0.0


def regions(words: list[Word], known: Sequence[float], height: float) -> list[list[Word]]:
    """The words of a page parted into columns, in reading order."""
    return list(_cut(words, known, height, 0)) if words else []


def _cut(words: list[Word], known: Sequence[float], height: float, depth: int) -> list[list[Word]]:
    if len(words) < 12 or depth >= _DEPTH:
        return [words] if words else []
    allowed = [
        s
        for s in _strips(words, _typical_size(words), known)
        if _near(s.x, known) or (s.tight >= 0.85 and (s.top - s.bottom) > 0.3 * height)
    ]
    if not allowed:
        return [words]
    best = max(allowed, key=lambda s: (s.top - s.bottom) * min(s.tight, 0.9))
    above = [w for w in words if w.y > best.top]
    below = [w for w in words if w.y < best.bottom]
    beside = [w for w in words if best.bottom <= w.y <= best.top]
    left = [w for w in beside if (w.x0 + w.x1) / 2 <= best.x]
    right = [w for w in beside if (w.x0 + w.x1) / 2 > best.x]
    if not left or not right:
        return [words]
    left, under = _under_both(left, right)
    below = under + below
    return [leaf for part in (above, left, right, below) for leaf in _cut(part, known, height, depth + 1)]


def _under_both(left: list[Word], right: list[Word]) -> tuple[list[Word], list[Word]]:
    """(left column, what stands under both columns and only looks like the left one's end).

    The two look alike; what tells them apart is a sentence that breaks off in the left column above a wide
    gap and goes on at the head of the right one.
    """
    foot = min(w.y for w in right)
    rows = sorted({round(w.y, 1) for w in left}, reverse=True)
    for upper, lower in pairwise(rows):
        if lower < foot and upper - lower > 14:
            last = max((w for w in left if round(w.y, 1) == upper), key=lambda w: w.x1)
            first = min((w for w in right if w.y > max(v.y for v in right) - 3), key=lambda w: w.x0)
            if last.text[-1].isalpha() and first.text[0].islower():
                return [w for w in left if w.y > lower + 3], [w for w in left if w.y <= lower + 3]
    return left, []


def lines(words: Sequence[Word], page: int, leaf: int) -> list[Line]:
    """The lines of one column from top to bottom. Raised and lowered small type joins its line."""
    rows: list[list[Word]] = []
    heads: dict[int, list[int]] = defaultdict(list)
    for word in sorted(words, key=lambda w: -w.size):
        row = _row_of(word, rows, heads)
        if row is None:
            heads[round(word.y / 8)].append(len(rows))
            rows.append([word])
        else:
            rows[row].append(word)
    rows.sort(key=lambda r: (-r[0].y, min(w.x0 for w in r)))
    left = _edge([min(w.x0 for w in r) for r in rows], low=True)
    right = _edge([max(w.x1 for w in r) for r in rows], low=False)
    return [_line(row, page, leaf, left, right) for row in rows]


def _edge(values: list[float], *, low: bool) -> float:
    """Where most lines begin or end: the outermost place that at least a tenth of the lines share."""
    cells = Counter(round(value / 3) for value in values)
    common = [cell for cell, n in cells.items() if n >= max(2, 0.1 * len(values))]
    if not common:
        return min(values, default=0.0) if low else max(values, default=0.0)
    return 3.0 * (min(common) if low else max(common))


def _row_of(word: Word, rows: list[list[Word]], heads: dict[int, list[int]]) -> int | None:
    best: tuple[float, int] | None = None
    cell = round(word.y / 8)
    for near in range(cell - 3, cell + 4):
        for index in heads.get(near, ()):
            head = rows[index][0]
            rise = word.y - head.y
            ratio = word.size / head.size
            if ratio > 0.85 or ratio < 0.42:
                if abs(rise) > 0.25 * word.size:
                    continue
            elif not -0.4 * head.size < rise < 0.65 * head.size or not (
                abs(rise) < 0.15 * head.size or _beside(word, rows[index], head.size)
            ):
                continue
            if best is None or abs(rise) < best[0]:
                best = (abs(rise), index)
    return best[1] if best else None


def _beside(word: Word, row: Sequence[Word], size: float) -> bool:
    return any(word.x0 - w.x1 < 0.4 * size and w.x0 - word.x1 < 0.4 * size for w in row)


def _line(row: list[Word], page: int, leaf: int, left: float, right: float) -> Line:
    row.sort(key=lambda w: w.x0)
    sizes: Counter[float] = Counter()
    fonts: Counter[Font] = Counter()
    for word in row:
        sizes[word.size] += len(word.text)
        fonts[word.font] += len(word.text)
    size = sizes.most_common(1)[0][0]
    base: Counter[float] = Counter()
    for word in row:
        if word.size > 0.85 * size:
            base[round(word.y, 1)] += len(word.text)
    y = base.most_common(1)[0][0] if base else row[0].y
    gaps = [b.x0 - a.x1 for a, b in pairwise(row)]
    return Line(
        page=page,
        leaf=leaf,
        text="",
        x0=row[0].x0,
        x1=max(w.x1 for w in row),
        y=y,
        size=size,
        font=fonts.most_common(1)[0][0],
        left=left,
        right=right,
        cells=1 + sum(gap > 1.5 * size for gap in gaps),
        words=row,
    )
