"""What a question was about, taken apart by rule, and put together again with another part in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from qa.followup_words import (
    ATTRIBUTES,
    AUXILIARIES,
    POPULATIONS,
    PREPOSITIONS,
    QUESTION_WORDS,
    VERBS,
    has_population,
    own_words,
)
from qa.words import tokens

_OF = re.compile(
    r"\b(?P<what>\w+) of (?:the |an? )?(?P<subject>.+?)"
    r"(?= (?:on|in|for|with|during|after|among|against|to|as|by|upon|at)\b|$)",
    re.IGNORECASE,
)
_ROLES = ATTRIBUTES | frozenset("effect effects impact influence role roles use action actions".split())
_ARTICLES = frozenset("the a an".split())
_LONGEST_SUBJECT = 6  # words
_SUFFIX = 4  # letters that two parallel words end in alike: angiogenesis, osteogenesis
_COMPARED = frozenset("compared versus vs against".split())
# An attribute in one of these forms takes no "of": "how effective", "does the effect last".
_NO_NOUNS = frozenset(
    """safe safer safest toxic effective efficacious serious severe optimal recommended usual best maximum
    minimum typical common main major significant statistically important reported observed known
    quickly fast soon late often longer better worse true happen happens happening occur occurs same
    different similar last lasting funded adverse short long average mean total follow""".split()
)


@dataclass(frozen=True, slots=True)
class Topic:
    """The last question: as it was, without its mark, and its subject, "" where none can be seen."""

    question: str
    text: str
    subject: str

    @classmethod
    def of(cls, question: str) -> Topic:
        """The topic of a question that stands alone."""
        text = question.rstrip("?.! ")
        return cls(question, text, _subject(text))

    @property
    def claim(self) -> str:
        """The question without the words that make it one: "MSCs promote angiogenesis in rats"."""
        words = self.text.split()
        at = 0
        while at < len(words) - 1 and words[at].lower() in QUESTION_WORDS | AUXILIARIES | _ARTICLES:
            at += 1
        return " ".join(words[at:])

    def asked(self, words: str) -> str:
        """Any question of this topic: "which dose was used: MSCs promote angiogenesis in rats?"."""
        return f"{words}: {self.claim}?"

    def asked_of(self, words: str, *, with_population: bool = True) -> str:
        """A question for an attribute: "any side effects" becomes "side effects of MSCs in rats?"."""
        said = re.sub(r"^(?:(?:any|and|the)\s+)+", "", words.strip(), flags=re.IGNORECASE)
        if not self.takes_of(said):
            return self.asked(said)
        among = self._population() if with_population and not has_population(said) else ""
        return f"{said} of {self.subject}{among}?"

    def takes_of(self, words: str) -> bool:
        """Whether the words end in what a subject can have ("the dose") and the subject is known."""
        last = (tokens(words) or [""])[-1]
        return bool(self.subject) and last in ATTRIBUTES and last not in _NO_NOUNS

    def with_question_word(self, word: str) -> str:
        """Why, how, when or where it is so."""
        words = self.text.split()
        if words[0].lower() in QUESTION_WORDS and len(words) > 2 and words[1].lower() in AUXILIARIES:
            rest = words[1:] if words[0].lower() in ("how", "why", "when", "where") else []
        else:
            rest = words if words[0].lower() in AUXILIARIES else []
        return f"{word} {' '.join([rest[0].lower(), *rest[1:]])}?" if rest else self.asked(word)

    def with_fragment(self, fragment: str) -> str:
        """With "in mice" in the place of "in rats", or behind the rest where nothing is parallel to it."""
        words, new = self.text.split(), fragment.rstrip("?.! ").split()
        place = self._parallel_piece(words, new)
        if place is None and has_population(fragment):
            alone = [i for i, word in enumerate(words) if set(tokens(word)) & POPULATIONS]
            if len(alone) == 1 and new[0].lower() in PREPOSITIONS:
                return self._joined(words[: alone[0]], new[1:], words[alone[0] + 1 :])
        if place is None:
            return self._joined(words, new, [])
        start, end = place
        if has_population(fragment) and new[0].lower() in ("for", "in", "among"):
            new[0] = words[start]  # "the same for women" is "in women" where "in men" stood
        if {"with", "without"} & {word.lower() for word in new}:  # it brings its own: "women with asthma"
            while end < len(words) and words[end].lower() in ("with", "without"):
                end = next((e for s, e in _pieces(words) if s == end), len(words))
        return self._joined(words[:start], new, words[end:])

    def with_population(self, who: str) -> str:
        """With another population; the preposition is that of the old one."""
        if tokens(who)[0] in PREPOSITIONS:
            return self.with_fragment(who)
        words = self.text.split()
        old = [piece for piece in _pieces(words) if has_population(" ".join(words[slice(*piece)]))]
        return self.with_fragment(f"{words[old[-1][0]] if old else 'in'} {who}")

    def with_parallel(self, word: str) -> str | None:
        """With this in the place of the only word like it (simvastatin for atorvastatin), or of the subject
        where there is no other place for it. Else None."""
        words = self.text.split()
        alike = [i for i, other in enumerate(words) if _alike(word, other.strip("(),;:"))]
        if len(alike) == 1 and " " not in word:
            return self._joined(words[: alike[0]], [word], words[alike[0] + 1 :])
        return self._with_subject(word)

    def _with_subject(self, name: str) -> str | None:
        """Another subject for a question that names nothing else: "safety of aspirin?" has one place only."""
        for found in _OF.finditer(self.text):
            start, end = found.span("subject")
            around = f"{self.text[:start]} {self.text[end:]}"
            if found["what"].lower() in _ROLES and not own_words(around):
                return f"{self.text[:start]}{name}{self.text[end:]}?"
        return None

    def _population(self) -> str:
        words = self.text.split()
        found = [" ".join(words[slice(*piece)]) for piece in _pieces(words)]
        return next((f" {piece}" for piece in found if has_population(piece)), "")

    @staticmethod
    def _parallel_piece(words: list[str], new: list[str]) -> tuple[int, int] | None:
        """The piece of the question that a fragment takes the place of."""
        first, among = new[0].lower(), has_population(" ".join(new))
        timed = any(word[0].isdigit() for word in new)
        for start, end in reversed(_pieces(words)):
            piece = " ".join(words[start:end])
            if has_population(piece) != among or (first in _COMPARED) != (words[start].lower() in _COMPARED):
                continue
            same_kind = any(word[0].isdigit() for word in piece.split()) == timed
            if among or (words[start].lower() == first and same_kind):
                return start, end
        return None

    @staticmethod
    def _joined(*parts: list[str]) -> str:
        return " ".join(word for part in parts for word in part) + "?"


def _pieces(words: list[str]) -> list[tuple[int, int]]:
    """The pieces that begin with a preposition, as ranges of words; "compared with" is one preposition."""
    starts = [
        i
        for i, word in enumerate(words)
        if i > 0
        and word.lower() in PREPOSITIONS
        and words[i - 1].lower() not in _COMPARED
        and i + 1 < len(words)
    ]
    return list(pairwise([*starts, len(words)]))


def _subject(text: str) -> str:
    """Whom or what the question is about: the words before its verb, or behind "effect of"."""
    for found in _OF.finditer(text):
        if found["what"].lower() in _ROLES:
            return _name(found["subject"].split())
    words = text.split()
    at = 0
    while at < len(words) and words[at].lower() in QUESTION_WORDS | AUXILIARIES:
        at += 1
    for end in range(at + 1, len(words)):
        if words[end].lower() in PREPOSITIONS:
            break
        if words[end].lower().strip("(),;:") in VERBS:
            return _name(words[at:end])
    return ""


def _name(words: list[str]) -> str:
    while words and words[0].lower() in _ARTICLES:
        words = words[1:]
    name = " ".join(words)
    return name if len(words) <= _LONGEST_SUBJECT and own_words(name) else ""


def _alike(a: str, b: str) -> bool:
    """Whether two words are of one kind by their form: acronyms of one shape, or one long suffix."""
    if a.lower() == b.lower():
        return False
    acronyms = [sum(c.isupper() for c in word) >= 2 for word in (a, b)]
    if any(acronyms):
        return all(acronyms) and a.endswith("s") == b.endswith("s") and _numbered(a) == _numbered(b)
    suffix = 0
    for x, y in zip(reversed(a.lower()), reversed(b.lower()), strict=False):
        if x != y:
            break
        suffix += 1
    return suffix >= _SUFFIX and min(len(a), len(b)) > _SUFFIX + 1


def _numbered(word: str) -> bool:
    return any(c.isdigit() for c in word)
