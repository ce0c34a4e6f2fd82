"""Characters of a PDF page through PDFium, gathered into words with their place, size and font.

PDFium gives one character at a time through ctypes (about 0.6 µs a call), so four calls are made for a
character and the rest (size, direction, font) once for a text object. Coordinates are PDF points with y
upwards, turned so that the page's main writing direction is horizontal.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_SPACES = frozenset("\t\n\r \x0b\x0c\x85\u00a0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(code) for code in range(0x2000, 0x200B)
}
_HYPHENS = frozenset("\x02\u00ad\u2010\u2011\ufffe")  # two of them are PDFium's own marks for a line's hyphen
_ACCENTS = dict(
    zip(
        "´`ˆ^˜~¨˘ˇ˚˙¯¸˝˛",
        "\u0301\u0300\u0302\u0302\u0303\u0303\u0308\u0306\u030c\u030a\u0307\u0304\u0327\u030b\u0328",
        strict=True,
    )
)
_LIGATURES = range(0xFB00, 0xFB07)
_BOLD = re.compile(
    r"bold|black|heavy|semibold|demi|(?<![a-z])bd(?![a-z])|-b$|cmbx|advotb|\.b$", re.IGNORECASE
)
_ITALIC = re.compile(r"ital|obli|-it?$|\.i$|slanted", re.IGNORECASE)
_NEAR = 10  # characters back in the file that an accent may belong to
MAX_PAGE_CHARACTERS = 300_000


@dataclass(frozen=True, slots=True)
class Font:
    """A font's name and what it looks like."""

    name: str
    bold: bool
    italic: bool


@dataclass(slots=True)
class Word:
    """Letters of one size on one baseline. `space` says that a blank stands before it in the file."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    font: Font
    space: bool


@dataclass(slots=True)
class PageWords:
    """What one page holds. `turned` is text that runs in another direction (margin stamps, axis labels).

    `unmapped` counts the characters that no reader can name: without a Unicode value, or in private use.
    """

    number: int
    width: float
    height: float
    words: list[Word]
    turned: str
    characters: int
    unmapped: int
    image: bool = False  # there is no text, but a picture
    damaged: bool = False


@dataclass(slots=True)
class _Glyph:
    text: str
    x0: float
    x1: float
    y: float
    size: float
    font: Font
    angle: int
    hint: bool  # PDFium would put a blank before it


@dataclass(frozen=True, slots=True)
class _Style:
    size: float
    angle: int
    font: Font
    hidden: bool


class PageReader:
    """Reads the characters of an open PDFium document, page after page."""

    def __init__(self, document: Any) -> None:
        import pypdfium2.raw as raw

        self._raw = raw
        self._document = document
        self._fonts: dict[str, Font] = {}
        self._calls = _Calls(raw)

    def read(self, index: int) -> PageWords:
        """The words of the page at `index` (from 0); a page that cannot be opened has none."""
        raw = self._raw
        page = raw.FPDF_LoadPage(self._document, index)
        if not page:
            return PageWords(index + 1, 0.0, 0.0, [], "", 0, 0, damaged=True)
        try:
            box = raw.FS_RECTF()
            raw.FPDF_GetPageBoundingBox(page, ctypes.byref(box))
            text_page = raw.FPDFText_LoadPage(page)
            if not text_page:
                return PageWords(index + 1, 0.0, 0.0, [], "", 0, 0, damaged=True)
            try:
                glyphs, unmapped = self._glyphs(text_page, box)
            finally:
                raw.FPDFText_ClosePage(text_page)
            image = not glyphs and self._has_image(page)
        finally:
            raw.FPDF_ClosePage(page)
        found = _page_words(index + 1, box, glyphs, unmapped)
        found.image = image
        return found

    def _has_image(self, page: Any) -> bool:
        raw = self._raw
        for position in range(min(raw.FPDFPage_CountObjects(page), 200)):
            part = raw.FPDFPage_GetObject(page, position)
            kind = raw.FPDFPageObj_GetType(part)
            if kind == raw.FPDF_PAGEOBJ_FORM:
                inner = [
                    raw.FPDFFormObj_GetObject(part, i)
                    for i in range(min(raw.FPDFFormObj_CountObjects(part), 200))
                ]
                if any(raw.FPDFPageObj_GetType(child) == raw.FPDF_PAGEOBJ_IMAGE for child in inner):
                    return True
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                return True
        return False

    def _style(self, text_page: Any, position: int) -> _Style:
        raw = self._raw
        matrix = raw.FS_MATRIX()
        raw.FPDFText_GetMatrix(text_page, position, ctypes.byref(matrix))
        size = abs(raw.FPDFText_GetFontSize(text_page, position)) * math.hypot(matrix.c, matrix.d)
        degrees = math.degrees(math.atan2(matrix.b, matrix.a))
        buffer = ctypes.create_string_buffer(256)
        flags = ctypes.c_int()
        length = raw.FPDFText_GetFontInfo(text_page, position, buffer, 256, ctypes.byref(flags))
        name = buffer.value.decode("utf-8", "replace") if 0 < length <= 256 else ""
        heavy = raw.FPDFText_GetFontWeight(text_page, position) >= 650 or bool(flags.value & 1 << 18)
        key = f"{name}\0{heavy}"
        if key not in self._fonts:
            short = name.split("+", 1)[-1]
            self._fonts[key] = Font(short, heavy or bool(_BOLD.search(short)), bool(_ITALIC.search(short)))
        angle = round(degrees / 5) * 5 % 360
        hidden = self._clipped(raw.FPDFText_GetTextObject(text_page, position))
        return _Style(size if 0.1 < size < 2000 else 1.0, angle, self._fonts[key], hidden)

    def _clipped(self, text_object: Any) -> bool:
        """Whether the text lies outside of what is painted: figures are often cut from whole pages."""
        raw = self._raw
        clip = raw.FPDFPageObj_GetClipPath(text_object)
        paths = min(raw.FPDFClipPath_CountPaths(clip), 8) if clip else 0
        if paths <= 0:
            return False
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not raw.FPDFPageObj_GetBounds(text_object, left, bottom, right, top):
            return False
        middle = ((left.value + right.value) / 2, (bottom.value + top.value) / 2)
        x, y = ctypes.c_float(), ctypes.c_float()
        for path in range(paths):
            points = []
            for number in range(min(raw.FPDFClipPath_CountPathSegments(clip, path), 100)):
                raw.FPDFPathSegment_GetPoint(raw.FPDFClipPath_GetPathSegment(clip, path, number), x, y)
                points.append((x.value, y.value))
            for axis in (0, 1) if len(points) > 1 else ():
                if not min(p[axis] for p in points) - 2 <= middle[axis] <= max(p[axis] for p in points) + 2:
                    return True
        return False

    def _glyphs(self, text_page: Any, box: Any) -> tuple[list[_Glyph], int]:
        raw = self._raw
        calls = self._calls
        page = ctypes.cast(text_page, ctypes.c_void_p).value
        rect, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
        rect_ref, x_ref, y_ref = ctypes.byref(rect), ctypes.byref(x), ctypes.byref(y)
        left, right, bottom, top = box.left - 3, box.right + 3, box.bottom - 3, box.top + 3
        glyphs: list[_Glyph] = []
        hint = False
        styles: dict[int | None, _Style] = {}
        unmapped = 0
        for position in range(min(raw.FPDFText_CountChars(text_page), MAX_PAGE_CHARACTERS)):
            code = calls.code(page, position)
            if code in (10, 13):
                continue
            if code == 32 and raw.FPDFText_IsGenerated(text_page, position) == 1:
                hint = True
                continue
            calls.origin(page, position, x_ref, y_ref)
            if not (left <= x.value <= right and bottom <= y.value <= top):
                continue
            key = calls.text_object(page, position)
            style = styles.get(key)
            if style is None:
                style = styles[key] = self._style(text_page, position)
            if style.hidden:
                continue
            # PDFium writes 2 for a line's hyphen; a font without a map may mean anything by it.
            text = "" if code == 2 and raw.FPDFText_IsHyphen(text_page, position) != 1 else _letters(code)
            if not text:
                unmapped += 1
                continue
            calls.box(page, position, rect_ref)
            x0, x1, base = _turn(rect, x.value, y.value, style.angle)
            glyphs.append(_Glyph(text, x0, x1, base, style.size, style.font, style.angle, hint))
            hint = False
        return glyphs, unmapped


class _Calls:
    """The four calls made for each character, bound with plain addresses: half the cost of typed pointers."""

    def __init__(self, raw: Any) -> None:
        number, address = ctypes.c_int, ctypes.c_void_p
        self.code = _bound(raw.FPDFText_GetUnicode, ctypes.c_uint, address, number)
        self.origin = _bound(raw.FPDFText_GetCharOrigin, number, address, number, address, address)
        self.text_object = _bound(raw.FPDFText_GetTextObject, address, address, number)
        self.box = _bound(raw.FPDFText_GetLooseCharBox, number, address, number, address)


def _bound(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    place = ctypes.cast(function, ctypes.c_void_p).value
    assert place is not None
    return ctypes.CFUNCTYPE(result, *arguments)(place)


def _letters(code: int) -> str:
    """What a character is written as; nothing where the font does not say."""
    if code == 0 or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        return ""
    char = chr(code)
    if char in _HYPHENS:
        return "-"
    if char in _SPACES:
        return " "
    if code in _LIGATURES:
        return unicodedata.normalize("NFKC", char)
    if code < 32 or 0x7F <= code < 0xA0 or 0xE000 <= code <= 0xF8FF or code == 0xFFFD or code >= 0xF0000:
        return ""
    return char


def _turn(rect: Any, x: float, y: float, angle: int) -> tuple[float, float, float]:
    """Start, end and baseline of a character along its writing direction."""
    if angle == 90:
        return rect.bottom, rect.top, -x
    if angle == 270:
        return -rect.top, -rect.bottom, x
    if angle == 180:
        return -rect.right, -rect.left, -y
    return rect.left, rect.right, y


def _page_words(number: int, box: Any, glyphs: list[_Glyph], unmapped: int) -> PageWords:
    angles = Counter(glyph.angle for glyph in glyphs if glyph.text != " ")
    main = angles.most_common(1)[0][0] if angles else 0
    upright = _composed([glyph for glyph in glyphs if glyph.angle == main])
    spaced = sum(glyph.text == " " for glyph in upright) > 0.08 * len(upright)
    width, height = box.right - box.left, box.top - box.bottom
    if main in (90, 270):
        width, height = height, width
    turned = " ".join(
        "".join(
            " " * word.space + word.text for word in _words([g for g in glyphs if g.angle == angle], 0.22)
        )
        for angle in sorted(angles)
        if angle != main
    )
    words = list(_words(upright, 0.22 if spaced else 0.17))
    return PageWords(number, width, height, words, turned, sum(angles.values()) + unmapped, unmapped)


def _composed(glyphs: list[_Glyph]) -> list[_Glyph]:
    """TeX prints an accent as a character of its own, over a letter that stands near it in the file."""
    result: list[_Glyph] = []
    waiting: _Glyph | None = None
    for glyph in glyphs:
        if glyph.text in _ACCENTS:
            base = next((g for g in reversed(result[-_NEAR:]) if _over(glyph, g)), None)
            if base is not None:
                base.text = base.text[:-1] + unicodedata.normalize(
                    "NFC", base.text[-1] + _ACCENTS[glyph.text]
                )
                continue
            if waiting is not None:
                result.append(waiting)
            waiting = glyph
            continue
        if waiting is not None:
            if _over(waiting, glyph):
                glyph.text = (
                    unicodedata.normalize("NFC", glyph.text[0] + _ACCENTS[waiting.text]) + glyph.text[1:]
                )
            else:
                result.append(waiting)
            waiting = None
        result.append(glyph)
    return [*result, waiting] if waiting is not None else result


def _over(accent: _Glyph, letter: _Glyph) -> bool:
    middle = (accent.x0 + accent.x1) / 2
    inside = letter.x0 - 0.05 * letter.size <= middle <= letter.x1 + 0.05 * letter.size
    return inside and letter.text[0].isalpha() and abs(accent.y - letter.y) < 0.6 * letter.size


def _words(glyphs: list[_Glyph], gap: float) -> Iterator[Word]:
    """Words in the order of the file. A gap wider than `gap` times the size parts two words."""
    word: Word | None = None
    last: _Glyph | None = None
    space = False
    for glyph in glyphs:
        if glyph.text == " ":
            space = True
            continue
        if word is not None and last is not None and not space and _continues(last, glyph, gap):
            word.text += glyph.text
            word.x1 = max(word.x1, glyph.x1)
        else:
            if word is not None:
                yield word
            apart = last is not None and glyph.hint and _same_line(last, glyph)
            word = Word(glyph.text, glyph.x0, glyph.x1, glyph.y, glyph.size, glyph.font, space or apart)
        last, space = glyph, False
    if word is not None:
        yield word


def _same_line(last: _Glyph, glyph: _Glyph) -> bool:
    return abs(glyph.y - last.y) <= 0.06 * last.size and 0.12 * last.size < glyph.x0 - last.x1 < 3 * last.size


def _continues(last: _Glyph, glyph: _Glyph, gap: float) -> bool:
    size = last.size
    if abs(glyph.y - last.y) > 0.06 * size or abs(glyph.size - size) > 0.08 * size:
        return False
    if glyph.font.bold != last.font.bold:
        return False
    # The letters of a ligature share one box.
    if abs(glyph.x0 - last.x0) < 0.01 * size:
        return True
    return -0.5 * size < glyph.x0 - last.x1 < (0.6 * gap if glyph.hint else gap) * size
