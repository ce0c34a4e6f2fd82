"""The marks by which running text cites: numbers, keys, notes, authors with a year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_NUMBERS = re.compile(r"(?<!!)\[(\d{1,3}(?:\s*[,;–—-]\s*\d{1,3})*)\](?!\()")
_NOTES = re.compile(r"\[\^([\w-]+)\]")
_PANDOC = re.compile(r"\[(?=[^\[\]]*@)[^\[\]]*\]")
_KEY = re.compile(r"(?<![\w.@])-?@\{?([A-Za-z0-9_](?:[\w:.#$%&+?<>~/-]*\w)?)\}?")
_LATEX = re.compile(r"~?\\\w*cite\w*\*?(?:\[[^\]]*\])*\{([^}]*)\}")
_PARENTHESIS = re.compile(r"\(([^()]*\b(?:19|20)\d\d[a-z]?\b[^()]*)\)")
_YEARS = r"(?P<years>(?:19|20)\d\d[a-z]?(?:\s*,\s*(?:19|20)\d\d[a-z]?)*)"
_PARTICLE = r"(?:(?:van|von|der|den|de|del|della|di|da|la|le|el|al|bin)\s+|d’|d'|O’|O')"
_ONE = rf"{_PARTICLE}{{0,3}}[A-ZÀ-ÖØ-Þ][\w’'-]+"
_NAMES = rf"(?P<names>{_ONE}(?:(?:,\s*{_ONE})*,?\s*(?:and|&)\s*{_ONE}|(?:,?\s*{_ONE})?,?\s+et\s+al\.?)?)"
_CITED = re.compile(
    rf"^(?:(?:see|see also|e\.g\.|cf\.|also|reviewed (?:in|by)|as in|for example|i\.e\.),?\s+)*{_NAMES}"
    rf",?\s+\(?{_YEARS}\)?"
)
_NARRATIVE = re.compile(rf"{_NAMES}(?:’s|'s)?\s*(?P<paren>\({_YEARS}(?:,\s*p+\.?\s*[\d–-]+)?\))")
_NO_NAMES = frozenset(
    """January February March April May June July August September October November December Figure Fig Table
    Since In From Until Before After During The Between By Version Spring Summer Autumn Winter Early Late
    Phase Part Study Group Trial""".split()
)
_OPENERS = frozenset(
    """As In While Although Whereas When See And But Similarly However Here Recently By For From With Like
    Unlike Following Both Also Because If Later Earlier Then Thus Again Moreover""".split()
)
_LONGEST_RANGE = 50


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing cited, as it is written. `label` is a number, a note's name or a key; authors have families
    and a year instead."""

    kind: Literal["number", "key", "author"]
    label: str
    families: tuple[str, ...] = ()
    year: int | None = None
    more: bool = False  # et al.


def find_marks(text: str) -> list[Mark]:
    """What the text cites, each once, in the order in which it is written."""
    found = sorted(_all(text), key=lambda hit: hit[0])
    return list(dict.fromkeys(mark for _, _, marks in found for mark in marks))


def without_marks(text: str) -> str:
    """The text without its citations; names that are part of the sentence stay."""
    for start, end, _ in sorted(_all(text), key=lambda hit: -hit[0]):
        text = text[:start] + text[end:]
    return re.sub(r"\s+([.,;:?])", r"\1", " ".join(text.split()))


def _all(text: str) -> list[tuple[int, int, list[Mark]]]:
    """Start, end and marks of every citation; none overlaps an earlier kind."""
    hits: list[tuple[int, int, list[Mark]]] = []
    for kind in (_latex, _pandoc, _notes, _numbers, _parentheses, _narrative):
        for start, end, marks in kind(text):
            if marks and all(end <= s or e <= start for s, e, _ in hits):
                hits.append((start, end, marks))
    return hits


_Hits = Iterator[tuple[int, int, list[Mark]]]


def _latex(text: str) -> _Hits:
    for found in _LATEX.finditer(text):
        keys = [key.strip() for key in found[1].split(",")]
        yield found.start(), found.end(), [Mark("key", key) for key in keys if key]


def _pandoc(text: str) -> _Hits:
    for found in _PANDOC.finditer(text):
        yield found.start(), found.end(), [Mark("key", key[1]) for key in _KEY.finditer(found[0])]
    for found in _KEY.finditer(text):
        yield found.start(), found.end(), [Mark("key", found[1])]


def _notes(text: str) -> _Hits:
    for found in _NOTES.finditer(text):
        yield found.start(), found.end(), [Mark("number", found[1])]


def _numbers(text: str) -> _Hits:
    for found in _NUMBERS.finditer(text):
        labels: list[str] = []
        for part in re.split(r"[,;]", found[1]):
            ends = [int(n) for n in re.findall(r"\d+", part)]
            if len(ends) == 2 and 0 <= ends[1] - ends[0] <= _LONGEST_RANGE:
                labels += map(str, range(ends[0], ends[1] + 1))
            else:
                labels += map(str, ends)
        yield found.start(), found.end(), [Mark("number", label) for label in labels]


def _parentheses(text: str) -> _Hits:
    for found in _PARENTHESIS.finditer(text):
        marks = [mark for part in found[1].split(";") for mark in _by_authors(_CITED.match(part.strip()))]
        yield found.start(), found.end(), marks


def _narrative(text: str) -> _Hits:
    for found in _NARRATIVE.finditer(text):
        yield found.start("paren"), found.end("paren"), list(_by_authors(found))


def _by_authors(found: re.Match[str] | None) -> Iterator[Mark]:
    if found is None:
        return
    names = found["names"]
    first, _, rest = names.partition(" ")
    if first in _OPENERS:  # "As Wang et al. (2020) say": the capital is the sentence's
        names = rest
    bare = re.sub(r",?\s+et\s+al\.?", "", names)
    families = tuple(part.strip() for part in re.split(r",|\band\b|&", bare) if part.strip())
    if not families or families[0] in _NO_NAMES | _OPENERS:
        return
    for year in re.findall(r"\d{4}", found["years"]):
        label = f"{' '.join(names.split())} {year}"
        yield Mark("author", label, families, int(year), more="et al" in names)
