"""The other form of what a question abbreviates: "MSC" for "mesenchymal stem cells", and the reverse.

An embedding model knows the two apart, mostly as different things. Which short form means what is taken from
the passages that the question's words find: those define it, and define it as this field does.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from qa.abbreviations import definitions
from qa.words import fold, stem, tokens

_SHORT = re.compile(r"(?<![\w+/-])[A-Za-zΑ-Ωα-ω][\w+/-]{1,9}(?![\w+/-])")
_WORD = re.compile(r"[^\W_]+")
_SURE = 0.5  # of the definitions of a short form that must agree
_MOST_WORDS = 7  # of a long form

Meanings = Mapping[str, str]  # a short form without its plural, and the words of its long form


def meanings(texts: Iterable[str]) -> dict[str, str]:
    """What most of these texts that define a short form define it to mean."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for short, long in definitions(text).items():
            counted[_singular(short)][" ".join(tokens(long))] += 1
    found = {}
    for short, longs in counted.items():
        alike = Counter[str]()  # "stem cell" and "stem cells" are one long form
        for long, count in longs.items():
            alike[_stemmed(long)] += count
        best, count = alike.most_common(1)[0]
        if count >= _SURE * sum(alike.values()):
            found[short] = next(long for long in longs if _stemmed(long) == best)
    return found


def other_form(question: str, known: Meanings) -> str | None:
    """The question with each long form shortened, and each short form spelled out whose long form it does not
    have; None if it has neither."""
    given = f" {_stemmed(question)} "
    unsaid = {short: long for short, long in known.items() if f" {_stemmed(long)} " not in given}
    changed = _spelled_out(_shortened(question, known), unsaid)
    return changed if changed != question else None


def _shortened(question: str, known: Meanings) -> str:
    """Long forms replaced by their short ones, the longest first."""
    by_stems = {_stemmed(long): short for short, long in sorted(known.items(), reverse=True)}
    words = list(_WORD.finditer(question))
    stems = [stem(fold(word[0])) for word in words]
    places: list[tuple[int, int, str]] = []
    at = 0
    while at < len(words):
        for end in range(min(len(words), at + _MOST_WORDS), at + 1, -1):
            short = by_stems.get(" ".join(stems[at:end]))
            if short is not None:
                places.append((words[at].start(), words[end - 1].end(), short))
                at = end
                break
        else:
            at += 1
    text = question
    for start, end, short in reversed(places):
        text = text[:start] + short + text[end:]
    return text


def _spelled_out(question: str, known: Meanings) -> str:
    return _SHORT.sub(lambda match: known.get(_singular(match[0]), match[0]), question)


def _singular(short: str) -> str:
    return short[:-1] if len(short) > 2 and short.endswith("s") and short[-2].isupper() else short


def _stemmed(words: str) -> str:
    return " ".join(stem(word) for word in tokens(words))
