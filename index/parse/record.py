"""What the text formats share of the bibliographic record: dates, people, titles, references."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

from index.model import Author, Reference
from index.parse.builder import plain
from index.parse.ids import find_ids

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_YEAR = r"((?:1[5-9]|20)\d\d)"
_NUMERIC = re.compile(_YEAR + r"(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)")
_DAY_FIRST = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\s+)?" + _MONTH + r",?\s+" + _YEAR + r"\b", re.IGNORECASE
)
_MONTH_FIRST = re.compile(_MONTH + r"\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+" + _YEAR + r"\b", re.IGNORECASE)
_YEAR_MONTH = re.compile(_YEAR + r"\s+" + _MONTH + r"(?:\s+(\d{1,2}))?\b", re.IGNORECASE)

_PARTICLES = frozenset(
    "af al ap ben bin da dal das de del dela della den der des di do dos du el ibn la le los san st st. "
    "te ten ter van vander vom von y zu zum zur".split()
)
_INITIALS = re.compile(r"(?:[A-Z]\.?[- ]?){1,4}$")
_SUFFIX = re.compile(r",?\s+(?:jr|sr|ii|iii|iv|md|m\.d|phd|ph\.d|msc)\.?$", re.IGNORECASE)
_AND = re.compile(r"(?:^|\s)(?:and|&)\s+")
_MORE = re.compile(r"^(?:et al\b|and \d+ |\d+ (?:more|others)|\.\.\.|…)", re.IGNORECASE)
_ENTRY_LABEL = re.compile(r"^(?:\[\^?(\w{1,12})\]|\(?(\d{1,4})[.)])\s+")
_BRACKET_YEAR = re.compile(r"[(\[]" + _YEAR + r"[a-z]?\b")
_ANY_YEAR = re.compile(r"\b" + _YEAR + r"(?=[a-z]?[;.,:\s)\]]|$)")
_ADDRESS = re.compile(r"https?://\S+|\b10\.\d{4,9}/\S+", re.IGNORECASE)


def parse_date(value: str) -> tuple[int | None, str | None]:
    """Year and ISO date as far as known: "12 March 2026" is (2026, "2026-03-12"), "2026" is (2026, "2026").

    (None, None) for what is no date. A day or month that cannot be is left out.
    """
    value = value.strip().strip("()")
    if found := _YEAR_MONTH.match(value):
        return _date(found.group(1), _month(found.group(2)), found.group(3))
    if found := _NUMERIC.match(value):
        return _date(found.group(1), found.group(2), found.group(3))
    if found := _MONTH_FIRST.match(value):
        return _date(found.group(3), _month(found.group(1)), found.group(2))
    if found := _DAY_FIRST.match(value):
        return _date(found.group(3), _month(found.group(2)), found.group(1))
    return None, None


def _month(name: str) -> str:
    return str(_MONTHS.index(name[:3].lower()) + 1)


def _date(year: str, month: str | None, day: str | None) -> tuple[int, str]:
    if not month or not 1 <= int(month) <= 12:
        return int(year), year
    if not day or not 1 <= int(day) <= 31:
        return int(year), f"{year}-{int(month):02}"
    return int(year), f"{year}-{int(month):02}-{int(day):02}"


def parse_author(name: str, *, family_first: bool = False) -> Author | None:
    """One person; None for an empty name.

    "Family, Given" is clear. With `family_first` the first word is the family name, else all before closing
    initials ("Smith JA"), else the last word; in each case with its particles ("van der Berg").
    """
    name = plain(_SUFFIX.sub("", plain(name))).strip(" ,;*†‡")
    if not name:
        return None
    if "," in name:
        family, given = name.split(",", 1)
        return Author(plain(family), plain(given)) if plain(family) else parse_author(given)
    words = name.split(" ")
    if len(words) == 1:
        return Author(name)
    initials = _INITIALS.search(words[-1])
    if not family_first and initials and initials.start() == 0 and len(words[0].strip(".")) > 1:
        cut = len(words) - 1
        while cut > 1 and re.fullmatch(r"[A-Z]\.?", words[cut - 1]):
            cut -= 1
        return Author(" ".join(words[:cut]), " ".join(words[cut:]))
    if family_first:
        cut = 0
        while cut < len(words) - 2 and words[cut].lower() in _PARTICLES:
            cut += 1
        return Author(" ".join(words[: cut + 1]), " ".join(words[cut + 1 :]))
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].lower() in _PARTICLES:
        cut -= 1
    return Author(" ".join(words[cut:]), " ".join(words[:cut]))


def parse_authors(value: str, *, family_first: bool = False) -> tuple[Author, ...]:
    """A list of people in one line: split at semicolons if there are any, else at commas."""
    parts = value.split(";") if ";" in value else value.split(",")
    names = [name for part in parts for name in _AND.split(part)]
    return people((name for name in names if not _MORE.match(name.strip())), family_first=family_first)


def people(names: Iterable[str], *, family_first: bool = False) -> tuple[Author, ...]:
    """The names that are names, each once."""
    authors = (parse_author(name, family_first=family_first) for name in names)
    return tuple(
        dict.fromkeys(author for author in authors if author and any(map(str.isalpha, author.family)))
    )


def title_from_name(name: str) -> str:
    """A title for a paper that states none: "some_file-name.txt" becomes "some file name"."""
    path = PurePath(plain(name).replace("\\", "/"))
    return plain(re.sub(r"[_\-\s]+", " ", path.stem)) or plain(path.name) or "Untitled"


def parse_reference(line: str, *, number: int | None = None, links: str = "") -> Reference:
    """One entry of a list of references. `links` are the addresses behind its words."""
    text = plain(line)
    label = str(number) if number is not None else ""
    if found := _ENTRY_LABEL.match(text):
        label = found.group(1) or found.group(2)
        text = text[found.end() :]
    ids = find_ids(f"{text} {links}")
    bare = _ADDRESS.sub(" ", text)
    year = _BRACKET_YEAR.search(bare) or _ANY_YEAR.search(bare)
    return Reference(
        text=text,
        label=label,
        year=int(year.group(1)) if year else None,
        doi=ids.doi,
        pmid=ids.pmid,
        pmcid=ids.pmcid,
    )
