"""The text of lines, and lines to paragraphs: blanks, raised and lowered type, hyphens at line ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from index.parse.builder import plain
from index.parse.pdf_chars import Word

_CITED = re.compile(r"\[?\(?\d{1,3}[a-z]?(?:\s*[,;–—−-]\s*\d{1,3}[a-z]?)*[,;]?\)?\]?")
_NUMERIC = re.compile(r"[−–+-]?\d+(?:[.,·]\d+)?")
_UNITS = frozenset("m cm mm km nm μm µm pm dm s ms μs kg g mg W kW V Hz eV in ft L K Pa".split())
_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LEFT_HALF = re.compile(r"(\S*?)([^\W\d_]+)-$")
_RIGHT_HALF = re.compile(r"([^\W\d_]+)")
# Halves of compounds that are written with a hyphen far more often than without.
_KEEP_BEFORE = frozenset(
    "self well double single high low long short half cross follow two three four five six ten one age sex "
    "dose evidence population placebo real time cost large small full open best worst decision meta non "
    "state".split()
)
_KEEP_AFTER = frozenset(
    "based related dependent specific like blind blinded controlled label up term associated treated induced "
    "derived free positive negative effective wide dimensional year old day week month fold level scale risk "
    "quality analysis driven centered centred oriented reported rich poor resistant sensitive mediated "
    "scale income making off out in on to".split()
)


def line_text(words: Sequence[Word], size: float, y: float) -> str:
    """The words of a line, from left to right, with blanks, citation marks and exponents."""
    spread = _letterspaced(words)
    if spread is not None:
        return plain(spread)
    parts: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        end = position + 1
        raised = _raised(word, size, y)
        while (
            raised and end < len(words) and _raised(words[end], size, y) and not _gap(words, end, 1.2 * size)
        ):
            end += 1
        text = _run(words[position:end], size)
        if position and _gap(words, position, size):
            parts.append(" ")
        parts.append(_superscript("".join(parts[-6:]), text) if raised else text)
        if raised and parts[-1].endswith("]") and end < len(words) and words[end].text[0].isalnum():
            parts.append(" ")
        position = end
    return plain("".join(parts))


def _gap(words: Sequence[Word], position: int, size: float) -> bool:
    """Whether a blank stands before the word at `position`."""
    word, before = words[position], words[position - 1]
    gap = word.x0 - before.x1
    return gap > 0.17 * size or (word.space and gap > -0.2 * size)


def _raised(word: Word, size: float, y: float) -> bool:
    return word.size < 0.85 * size and word.y - y > 0.12 * size


def _run(words: Sequence[Word], size: float) -> str:
    parts = [words[0].text]
    for position in range(1, len(words)):
        if _gap(words, position, size):
            parts.append(" ")
        parts.append(words[position].text)
    return "".join(parts)


def _superscript(before: str, text: str) -> str:
    """A raised run as it is written on one line: a citation in brackets, an exponent after "^"."""
    stem = before.rstrip()
    last = re.search(r"[^\W\d_]+$", stem)
    if not stem:
        return text
    if _NUMERIC.fullmatch(text) and (
        stem[-1].isdigit() or (last and (len(last[0]) == 1 or last[0] in _UNITS)) or text[0] in "−–+-"
    ):
        return f"^{text}"
    if _CITED.fullmatch(text) and (last or stem[-1] in ".,;:)”\"’'%]"):
        mark = text.strip("[]() ").rstrip(",;")
        return f" [{mark}]" if before == stem else f"[{mark}]"
    return text


def _letterspaced(words: Sequence[Word]) -> str | None:
    """A line set with wide tracking ("A B S T R A C T") as words; None where the line is not one."""
    if len(words) < 4 or sum(len(w.text) == 1 and w.text.isalpha() for w in words) < 0.85 * len(words):
        return None
    gaps = [max(0.0, b.x0 - a.x1) for a, b in pairwise(words)]
    usual = sorted(gaps)[len(gaps) // 2]
    parts = [words[0].text]
    for gap, word in zip(gaps, words[1:], strict=True):
        parts.append(" " if gap > 1.7 * usual and gap > 0.25 * word.size else "")
        parts.append(word.text)
    return "".join(parts)


class Hyphens:
    """Decides what a hyphen at the end of a line is, by the words the document uses elsewhere."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known: Counter[str] = Counter()
        for text in texts:
            tokens = _TOKEN.findall(text.casefold())
            # The last word of a line may be half a word, and so may the first.
            self._known.update(tokens[1:-1])

    def join(self, before: str, after: str) -> tuple[str, str]:
        """(`before` without the hyphen where it goes, what to put between the two)."""
        if before.endswith("-"):
            return self._at_hyphen(before, after)
        token = before.rsplit(" ", 1)[-1]
        if re.search(r"\d[–—]$", before) and after[:1].isdigit():
            return before, ""
        if token.endswith("/") and len(token) > 1:
            return before, ""
        if (
            re.search(r"https?://|www\.|doi\.org|^doi:", token)
            and token[-1] in "/._=?&"
            and after[:1] not in "(A"
        ):
            return before, ""
        return before, " "

    def _at_hyphen(self, before: str, after: str) -> tuple[str, str]:
        left, right = _LEFT_HALF.search(before), _RIGHT_HALF.match(after)
        if not left or not right or before.endswith("--"):
            return before, " " if before.endswith(" -") else ""
        if left[1].endswith("-") or left[1][-1:].isdigit() or not right[1][0].islower():
            return before, ""
        first, second = left[2].casefold(), right[1].casefold()
        if second in ("and", "or", "to", "und") and f"{first}{second}" not in self._known:
            return before, " "
        whole, hyphenated = self._known[first + second], self._known[f"{first}-{second}"]
        if whole != hyphenated:
            keep = hyphenated > whole
        else:
            keep = first in _KEEP_BEFORE or second in _KEEP_AFTER or left[2][-1].isupper() or "://" in left[1]
        return (before, "") if keep else (before[:-1], "")
