"""The abbreviations that a paper defines: "mesenchymal stem cells (MSCs)".

Found as by Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in biomedical
text", Pacific Symposium on Biocomputing 2003: the letters of the short form stand in order in the words
before its parenthesis, the first of them at the beginning of a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from qa.words import STOP_WORDS

_DEFINED = re.compile(r"\(\s*([A-Za-zΑ-Ωα-ω][\w\-/+.]{0,11}?)\s*(?:[;,][^()]{0,60})?\)")
_LONGEST = 120  # characters before the parenthesis that may hold the long form
_BETWEEN = re.compile(r"[.,;:!?()\[\]]")  # ends a phrase, so that no long form goes across it
# Everyone who reads papers knows these; spelling them out only makes a sentence longer.
_KNOWN = frozenset(
    "DNA RNA mRNA PCR CI SD SE SEM OR RR HR USA UK EU WHO FDA NIH HIV AIDS IQ BMI MRI CT ECG UV pH ANOVA"
    " IQR ATP GFP ELISA vs COVID".split()
)


def definitions(text: str) -> dict[str, str]:
    """Short forms with the long form that the text gives them first."""
    found: dict[str, str] = {}
    for match in _DEFINED.finditer(text):
        short = match[1]
        if short in found or not _is_short_form(short):
            continue
        before = text[max(0, match.start() - _LONGEST) : match.start()].rstrip()
        phrase = _BETWEEN.split(before)[-1]
        long = _long_form(short, phrase)
        if long is not None:
            # "Mesenchymal stem cells (MSCs) …" opens a sentence; elsewhere the paper writes it small.
            small = long[:1].lower() + long[1:]
            found[short] = " ".join((small if small in text else long).split())
    return found


def _is_short_form(short: str) -> bool:
    return (
        2 <= len(short) <= 10
        and sum(c.isupper() for c in short) >= 1
        and not short.istitle()
        and any(c.isalpha() for c in short)
    )


def _long_form(short: str, phrase: str) -> str | None:
    """The shortest end of the phrase that holds the short form's letters in order."""
    plural = short[:-1] if len(short) > 2 and short.endswith("s") and short[-2].isupper() else short
    letters = [c.lower() for c in plural if c.isalnum()]
    at = len(phrase) - 1
    for n in range(len(letters) - 1, -1, -1):
        while at >= 0 and (
            phrase[at].lower() != letters[n] or (n == 0 and at > 0 and phrase[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
        at -= 1
    long = phrase[at + 1 :].strip()
    words = long.split()
    if not words or words[0].lower() in STOP_WORDS:
        return None
    if not len(words) <= min(len(letters) + 5, len(letters) * 2) or len(long) <= len(short):
        return None
    return None if re.search(rf"\b{re.escape(short)}\b", long) else long


def expanded(text: str, meanings: Mapping[str, str], known: set[tuple[str, str]], most: int = 2) -> str:
    """The text with the long form in square brackets behind the first use of up to `most` short forms.

    `known` holds what was explained before, and takes in what is explained here. A short form is left alone
    where the text gives its long form itself.
    """
    places: list[tuple[int, str]] = []
    for short, long in _used(text, meanings):
        if (short, long.lower()) in known or short in _KNOWN or len(places) == most:
            continue
        known.add((short, long.lower()))
        match = re.search(_whole(short), text)
        if match and long.lower() not in text.lower():
            places.append((match.end(), f" [{long}]"))
    for end, addition in sorted(places, reverse=True):
        text = text[:end] + addition + text[end:]
    return text


def _used(text: str, meanings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Short forms that the text uses, in the order in which they come."""
    there = [(m.start(), s, long) for s, long in meanings.items() if (m := re.search(_whole(s), text))]
    for _, short, long in sorted(there):
        yield short, long


def _whole(short: str) -> str:
    return rf"(?<![\w+/-]){re.escape(short)}(?![\w+/-])"
