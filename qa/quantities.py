"""The numbers, units and named things with digits of a sentence, and whether a passage holds them.

A number that is wrong is the worst thing an answer can say with a citation beside it, and the one thing
about a sentence that can be checked without judgement.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from qa.locate import letters_key

_WORDS = dict(zip(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety".split(),
    [*range(2, 21), *range(30, 100, 10)], strict=True,
))  # fmt: skip
_NUMBER = re.compile(
    r"""(?<![\w.,])                       # not inside a name or another number
        (?P<sign>-(?=\d))?
        (?P<value>\d{1,3}(?:[,\u202f\u2009]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
        (?:\s?(?:×|x|\*)\s?10\s?\^?(?P<power>-?\d{1,2}))?
        (?![\d])""",
    re.VERBOSE,
)
_SPELLED = re.compile(
    r"\b(" + "|".join(_WORDS) + r")\b(?:[- ](one|two|three|four|five|six|seven|eight|nine)\b)?"
)
# A name with digits: IL-6, CD34+, H3K4me3, SARS-CoV-2, p53, 5-HT.
_NAME = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-zα-ω])\w+(?:-\w+)*")
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "percentage points": "%", "pct": "%",
    "mg": "mg", "milligram": "mg", "milligrams": "mg", "g": "g", "gram": "g", "grams": "g", "kg": "kg",
    "kilogram": "kg", "kilograms": "kg", "µg": "µg", "mcg": "µg", "ug": "µg", "ng": "ng", "pg": "pg",
    "l": "l", "liter": "l", "litre": "l", "liters": "l", "litres": "l", "dl": "dl", "ml": "ml", "µl": "µl",
    "mm": "mm", "cm": "cm", "m": "m", "km": "km", "µm": "µm", "nm": "nm",
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "mins": "min", "minute": "min",
    "minutes": "min", "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "d": "d", "day": "d",
    "days": "d", "wk": "wk", "wks": "wk", "week": "wk", "weeks": "wk", "mo": "mo", "month": "mo",
    "months": "mo", "yr": "yr", "yrs": "yr", "year": "yr", "years": "yr", "mmhg": "mmhg", "mmol": "mmol",
    "µmol": "µmol", "nmol": "nmol", "mol": "mol", "mm ol": "mmol", "iu": "iu", "u": "iu", "units": "iu",
    "fold": "fold", "-fold": "fold", "times": "fold", "kcal": "kcal", "°c": "°c", "hz": "hz", "kda": "kda",
    "mv": "mv", "gy": "gy", "bpm": "bpm",
}  # fmt: skip
_UNIT = re.compile(
    r"(?:-|\s)?(" + "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True))) + r")(?![A-Za-z0-9])",
    re.I,
)
# "1.5 ± 1.8 vs. 4.8 ± 5.3 mm", "10, 20 and 30 mg": the unit is said once, at the end.
_ON = re.compile(r"(?:\s|,|;|and|or|to|vs\.?|versus|±|-|/|\d+(?:\.\d+)?)*")
_ROUGHLY = re.compile(
    r"(?:about|around|approximately|approx\.|nearly|almost|roughly|some|~|≈|over|more than|c\.)\s*$", re.I
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it was written, its value, its unit if it has a known one, and whether it is rounded."""

    written: str
    value: float
    unit: str | None = None
    rough: bool = False


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order, those in words among them; digits of names and of years count too."""
    plain = _plain(text)
    found: list[tuple[int, Quantity]] = []
    for match in _NUMBER.finditer(plain):
        if _is_of_a_name(plain, match):
            continue
        value = float(re.sub(r"[,\u202f\u2009]", "", match["value"])) * (-1 if match["sign"] else 1)
        if match["power"]:
            value *= 10.0 ** int(match["power"])
        unit, said = _unit(plain, match.end())
        written = plain[match.start() : match.end()] + said
        rough = bool(_ROUGHLY.search(plain[: match.start()]))
        found.append((match.start(), Quantity(written, value, unit, rough)))
    for match in _SPELLED.finditer(plain.lower()):
        value = float(_WORDS[match[1]] + (_ONES[match[2]] if match[2] else 0))
        unit, said = _unit(plain, match.end())
        found.append((match.start(), Quantity(match[0] + said, value, unit)))
    return [quantity for _, quantity in sorted(found, key=lambda pair: pair[0])]


_ONES = {word: n for n, word in enumerate("one two three four five six seven eight nine".split(), start=1)}


def names_with_digits(text: str) -> list[str]:
    """IL-6, CD34, H3K4me3 and their like, each once, in order."""
    return list(dict.fromkeys(m[0] for m in _NAME.finditer(_plain(text)) if not _measured(m[0])))


def missing(claim: str, passages: Iterable[str]) -> list[str]:
    """What the claim counts or names with digits and none of the passages holds, as it was written.

    A number is held where the same value stands, with the same unit if both have one that is known; a
    rounded one ("about 40 %") where a value stands that it is the rounding of.
    """
    texts = list(passages)
    held = [quantity for text in texts for quantity in quantities(text)]
    keys = letters_key(" ".join(texts))
    lacking = [q.written for q in quantities(claim) if not any(_same(q, other) for other in held)]
    lacking += [name for name in names_with_digits(claim) if letters_key(name) not in keys]
    return list(dict.fromkeys(lacking))


def _same(claimed: Quantity, held: Quantity) -> bool:
    if claimed.unit and held.unit and claimed.unit != held.unit:
        return False
    # A minus is often a dash, and "a decrease of 3" is written "−3".
    one, other = abs(claimed.value), abs(held.value)
    if abs(one - other) <= 1e-9 * max(1.0, other):
        return True
    if not claimed.rough or not other:
        return False
    return abs(one - other) <= max(0.5 * 10.0 ** -_decimals(claimed.written), 0.05 * other)


def _decimals(written: str) -> int:
    return len(re.sub(r"[^\d.]", "", written).partition(".")[2])


def _plain(text: str) -> str:
    """Compatibility forms unified (superscripts, wide digits), one kind of minus, dash and micro sign."""
    text = unicodedata.normalize("NFKC", text.replace("·", "."))
    return re.sub(r"[\u2010-\u2015\u2212]", "-", text).replace("μ", "µ")


def _is_of_a_name(text: str, match: re.Match[str]) -> bool:
    """The 6 of IL-6, the 2 of SARS-CoV-2, the 5 of 5-HT: joined to letters that are no unit."""
    before = text[: match.start() + (1 if match["sign"] else 0)]
    if re.search(r"[A-Za-zα-ωΑ-Ω]\w*-$", before):
        return True
    after = re.match(r"-?([A-Za-z]+)", text[match.end() :])
    return after is not None and after[1].lower() not in _UNITS


def _measured(name: str) -> bool:
    """5mg and 12-week are measures, not names."""
    return re.fullmatch(r"\d+(?:\.\d+)?-?([A-Za-zµ]+)(?:-old)?", name) is not None and (
        re.sub(r"^[\d.-]+|-old$", "", name).lower() in _UNITS
    )


def _unit(text: str, end: int) -> tuple[str | None, str]:
    """The unit of a number that ends here, in its one spelling and as it was written."""
    on = _ON.match(text, end)
    for at in (end, on.end() if on else end):
        unit = _UNIT.match(text, at) or _UNIT.match(text, max(end, at - 1))
        if unit:
            return _UNITS[unit[1].lower()], unit[1] if unit[1] == "%" else f" {unit[1]}"
    return None, ""
