"""Which papers of an answer a question means: "the second paper", "[2]", "that trial", "Wang's study"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.followup_words import own_words
from qa.words import fold

_FEW = 4  # words of its own
_ORDINALS = {
    word: number
    for number, words in enumerate(
        ("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th"), start=1
    )
    for word in words.split()
} | {"last": -1}
_NOUN = r"(?:papers?|study|studies|trials?|articles?|reviews?|publications?|source|reference|one)"
_SINGLE = r"(?:paper|study|trial|article|review|publication)"
_OWN = r"(?:'s|’s)?"
# Behind "the first trial", what says which trial it is: then it is no trial of the last answer.
_SAID = """did does do say says said use uses used report reports reported find finds found show shows showed
    mention mentions mentioned measure measured include included enrol enroll enrolled have had has was is
    were about conclude concluded mean means""".split()
_ENDS = rf"(?={_OWN}(?:\s*[?,.;:!]|\s*$)|'s|’s|\s+(?:{'|'.join(_SAID)})\b)"
_LEAD = r"(?:\b(?:in|of|from|by|according to|about)\s+)?"

_ORDINAL = re.compile(
    rf"{_LEAD}\b(?:the|that|this|your)\s+(?P<which>{'|'.join(_ORDINALS)})\s+{_NOUN}\b{_ENDS}{_OWN}",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    rf"{_LEAD}(?:\b(?:citation|source|reference|quote|ref\.?)\s+)?\[(?P<n>\d{{1,3}})\]{_OWN}"
    rf"|{_LEAD}\b(?:citation|source|reference|quote)\s+(?:no\.?\s*)?(?P<m>\d{{1,3}})\b{_OWN}",
    re.IGNORECASE,
)
_THAT = re.compile(
    r"(?:\b(?:in|of|from|by|according to|did|does|was|about|for|on)\s+|^)"
    rf"(?:that|this|the same)\s+{_SINGLE}\b{_ENDS}{_OWN}",
    re.IGNORECASE,
)
_THOSE = re.compile(
    r"(?:\b(?:in|of|from|by|did|do|were|are|about)\s+|^)(?:those|these|the same)\s+"
    r"(?:papers|studies|trials|articles|reviews|publications)\b",
    re.IGNORECASE,
)
_NAME = r"(?P<name>[^\W\d_][\w'’-]*?[^\W\d_])"
# Where only the capital tells a name from a word ("the Long trial", "the long trial"), it must be there.
_NAMED = (
    re.compile(rf"{_LEAD}\b{_NAME}(?:'s|’s|s')\s+{_SINGLE}\b{_OWN}", re.IGNORECASE),
    re.compile(rf"{_LEAD}\b{_NAME}\s+et\s+al\b\.?(?:,?\s*\(?\d{{4}}\)?)?{_OWN}", re.IGNORECASE),
)
_CAPITAL = r"(?P<name>[A-ZÀ-ÖØ-Þ][\w'’-]*?[^\W\d_])"
_CAPITALISED = (
    re.compile(rf"{_LEAD}\b[Tt]he\s+{_CAPITAL}\s+{_SINGLE}\b{_OWN}"),
    re.compile(rf"{_LEAD}(?:[Tt]he\s+)?\b{_SINGLE}\s+(?:by|of|from)\s+{_CAPITAL}\b{_OWN}"),
    re.compile(rf"{_LEAD}\b{_CAPITAL}\s+\(?(?P<year>(?:19|20)\d\d)\)?{_OWN}"),
)


_VERB = re.compile(r"(?:did|do|does|was|were|are|is)\s+", re.IGNORECASE)
_PREPOSITION = re.compile(r"(?:in|of|from|by|according to|about|for|on)\s", re.IGNORECASE)
_VERB_AT_END = re.compile(r"\b(?:did|do|does|was|were|are|is|has|have|had)\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CitedPaper:
    """A paper of an earlier answer: its key, its numbers there, and by what people call it."""

    key: str
    name: str  # "Wang et al. 2026"
    numbers: tuple[int, ...] = ()
    families: tuple[str, ...] = ()  # of its authors
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """The papers that a question means, where it says so, and the question's words without that."""

    papers: tuple[CitedPaper, ...]
    words: str
    rest: str


def find_mention(question: str, papers: Sequence[CitedPaper]) -> Mention | None:
    """The papers of an answer that the question means; None if it means none of them.

    What names no paper of that answer ("the second paper" where one was cited) is no mention.
    """
    if not papers:
        return None
    if ordinal := find_ordinal(question, papers):
        return ordinal
    # In a long question "[2]" came along with pasted text and means another list of references.
    for found in _NUMBER.finditer(question) if len(own_words(question)) <= _FEW else ():
        wanted = int(found["n"] or found["m"])
        meant = [paper for paper in papers if wanted in paper.numbers]
        if meant:
            return _mention(question, found, meant)
    if those := _THOSE.search(question):
        return _mention(question, those, papers)
    if that := _THAT.search(question):
        return _mention(question, that, papers[:1])
    return find_name(question, papers)


def find_ordinal(question: str, papers: Sequence[CitedPaper]) -> Mention | None:
    """The paper that the question counts: "the second paper" of these."""
    found = _ORDINAL.search(question)
    number = _ORDINALS[found["which"].lower()] if found else 0
    if found is None or number > len(papers):
        return None
    return _mention(question, found, [papers[number - 1 if number > 0 else -1]])


def find_name(question: str, papers: Sequence[CitedPaper]) -> Mention | None:
    """The papers that the question calls by an author; such a name may be older than the last answer."""
    for pattern in _NAMED + _CAPITALISED:
        for found in pattern.finditer(question):
            meant = _called(found, papers)
            if meant:
                return _mention(question, found, meant)
    return None


def _called(found: re.Match[str], papers: Sequence[CitedPaper]) -> list[CitedPaper]:
    name, year = fold(found["name"]), found.groupdict().get("year")
    return [
        paper
        for paper in papers
        if any(fold(family) == name for family in paper.families)
        and (year is None or paper.year is None or int(year) == paper.year)
    ]


def _mention(question: str, found: re.Match[str], papers: Sequence[CitedPaper]) -> Mention:
    """The mention, and the question with "it" where the paper was what the verb is said of."""
    before, words = question[: found.start()], found.group().strip()
    if verb := _VERB.match(words):  # "did that trial": the verb is no part of the name
        before, words = before + verb.group(), words[verb.end() :]
    named = not _PREPOSITION.match(words) and not words.endswith(("'s", "’s"))
    stands_for = "it" if named and _VERB_AT_END.search(before) else ""
    rest = " ".join(f"{before} {stands_for} {question[found.end() :]}".split())
    return Mention(tuple(papers), words, rest)
