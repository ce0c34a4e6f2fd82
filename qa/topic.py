"""What a question was about, taken apart by rule, and put together again with another part in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.followup_kinds import Kind, kind_of
from qa.followup_words import (
    ATTRIBUTES,
    AUXILIARIES,
    POPULATIONS,
    PREPOSITIONS,
    QUESTION_WORDS,
    has_population,
)
from qa.slots import ARTICLES, COMPARED, Range, find_object, find_subject, narrowed, pieces
from qa.words import tokens

_SUFFIX = 4  # letters that two parallel words end in alike: angiogenesis, osteogenesis
_MEASURED = frozenset(
    "rate rates number numbers score scores level levels count counts risk incidence".split()
)
_SEVERAL = re.compile(r"what (?:are|were) (?P<several>(?:the )?(?:\w+ )?\w+s of .+)", re.IGNORECASE)
_HOW = frozenset("long often fast soon quickly much well".split())
_THIRD = frozenset("it they them its their this these those one ones".split())
_STUDIES = frozenset("study studies trial trials paper papers reviews review".split())
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
    object: str

    @classmethod
    def of(cls, question: str) -> Topic:
        """The topic of a question that stands alone."""
        text = question.rstrip("?.! ")
        words = text.split()
        return cls(question, text, _at(words, find_subject(words)), _at(words, find_object(words)))

    @property
    def about(self) -> str:
        """What it is about, as a noun: "MSCs and angiogenesis in rats"; "" where no subject can be seen."""
        words = self.text.split()
        place = find_object(words)
        held = [p for p in pieces(words) if not (place and p[0] <= place[0] < p[1]) and not _within(p, words)]
        named = " and ".join(name for name in (self.subject, self.object) if name)
        return " ".join([named, *(_at(words, piece) for piece in held)]) if self.subject else ""

    def asked(self, words: str) -> str:
        """Any question of this topic: "which dose was used in studies of MSCs and angiogenesis in rats?", "do
        MSCs promote angiogenesis in rats, and are they safe?"."""
        said = tokens(words)
        first = self.text.split()[0].lower() if self.text else ""
        measures = said[:1] == ["how"] and len(said) == 2 and said[1] in _HOW
        at_which = said[:1] and said[0] in PREPOSITIONS and set(said) & QUESTION_WORDS
        if (measures or at_which) and not set(said) & AUXILIARIES and first in AUXILIARIES:
            return f"{words} {self.text[:1].lower()}{self.text[1:]}?"  # "for how long does exercise reduce …"
        if said and said[0] in QUESTION_WORDS and self.about and not set(said) & _THIRD:
            link = "of" if said[-1] in _STUDIES else "in studies of"
            return f"{words} {link} {self.about}?"
        added = re.sub(r"^(?:and|or|also|plus) ", "", words, flags=re.IGNORECASE)
        if added[1:2].islower() or not added[1:2].strip():
            added = added[:1].lower() + added[1:]
        return f"{self.text}, and {added}?"

    def meant_by(self, pronoun: str) -> str:
        """What "it" or "they" stands for: the subject, or "the side effects of olanzapine" for "they"."""
        if pronoun.lower() != "it" and (asked := _SEVERAL.match(self.text)):
            return asked["several"]
        return self.subject

    def leads_to(self, text: str) -> str:
        """What the next follow-up leans on after this one: still this, where it was only added to."""
        studies = [f"{word} of {self.about}?" for word in _STUDIES] if self.about else []
        added = text.startswith(f"{self.text}, and ") or text.endswith(tuple(studies))
        return self.question if added else ""

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
        return f"{word} {' '.join([rest[0].lower(), *rest[1:]])}?" if rest else f"{self.text}, and {word}?"

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
        if new[0].lower() in COMPARED:  # "versus ibuprofen" where "compared with placebo" stood
            return self._joined(words[:start], _comparing(words[start:end]), _compared(new), words[end:])
        if has_population(fragment) and new[0].lower() in ("for", "in", "among"):
            new[0] = words[start]  # "the same for women" is "in women" where "in men" stood
        if {"with", "without"} & {word.lower() for word in new}:  # it brings its own: "women with asthma"
            while end < len(words) and words[end].lower() in ("with", "without"):
                end = next((e for s, e in pieces(words) if s == end), len(words))
        return self._joined(words[:start], new, words[end:])

    def with_population(self, who: str) -> str:
        """With another population; the preposition is that of the old one."""
        if tokens(who)[0] in PREPOSITIONS:
            return self.with_fragment(who)
        words = self.text.split()
        old = [piece for piece in pieces(words) if has_population(" ".join(words[slice(*piece)]))]
        return self.with_fragment(f"{words[old[-1][0]] if old else 'in'} {who}")

    def with_parallel(self, word: str, *, named: bool = False) -> str | None:
        """With this in the place of the only word like it (simvastatin for atorvastatin), of the subject if
        it is a treatment or has no other place, of the object if it is an outcome. Else None. `named` is a
        word that was asked with its article."""
        words = self.text.split()
        alike = [i for i, other in enumerate(words) if _alike(word, other.strip("(),;:"))]
        if len(alike) == 1 and " " not in word:
            return self._joined(words[: alike[0]], [word], words[alike[0] + 1 :])
        subject, of = find_subject(words), find_object(words)
        kind = kind_of(word)
        place: Range | None = None
        if kind is Kind.OUTCOME and of:
            place = of if set(tokens(word)) & _MEASURED else narrowed(words, of)
        elif (kind is Kind.TREATMENT and self._may_be_done(subject, words)) or (subject and not of):
            place = subject
        elif of and not subject:
            place = of
        if place is None:
            return None
        whole = place == of and words[place[0] - 1].lower() in ARTICLES
        start = place[0] - whole
        return self._joined(words[:start], ["the"] * (whole and named), word.split(), words[place[1] :])

    def _may_be_done(self, subject: Range | None, words: list[str]) -> bool:
        """Whether the subject can be a treatment: "does smoking raise …" and "do children with …" cannot."""
        return subject is not None and kind_of(_at(words, subject)) is not Kind.OUTCOME

    def _population(self) -> str:
        words = self.text.split()
        found = [" ".join(words[slice(*piece)]) for piece in pieces(words)]
        return next((f" {piece}" for piece in found if has_population(piece)), "")

    @staticmethod
    def _parallel_piece(words: list[str], new: list[str]) -> tuple[int, int] | None:
        """The piece of the question that a fragment takes the place of."""
        first, among = new[0].lower(), has_population(" ".join(new))
        timed = any(word[0].isdigit() for word in new)
        for start, end in reversed(pieces(words)):
            piece = " ".join(words[start:end])
            if has_population(piece) != among or (first in COMPARED) != (words[start].lower() in COMPARED):
                continue
            if first in COMPARED:
                return start, end
            same_kind = any(word[0].isdigit() for word in piece.split()) == timed
            if among or (words[start].lower() == first and same_kind):
                return start, end
        return None

    @staticmethod
    def _joined(*parts: list[str]) -> str:
        return " ".join(word for part in parts for word in part) + "?"


def _at(words: list[str], place: Range | None) -> str:
    return " ".join(words[slice(*place)]).strip(",;:") if place else ""


def _comparing(words: list[str]) -> list[str]:
    """ "compared with", "versus": the words of a comparison that are no name."""
    return words[:2] if words[0].lower() == "compared" and words[1].lower() in ("with", "to") else words[:1]


def _compared(words: list[str]) -> list[str]:
    return words[len(_comparing(words)) :]


def _within(piece: Range, words: list[str]) -> bool:
    """Whether a piece stands inside the subject."""
    subject = find_subject(words)
    return subject is not None and subject[0] <= piece[0] < subject[1]


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
