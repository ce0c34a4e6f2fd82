"""What the quoted sentences say together: a yes, a no, a number, and whether the papers agree.

Only said where the evidence states it. A question that asks whether, or for an effect, is turned into the
statements that would answer it; the verifier's model says which of the sentences support which statement.
Without one, only "a difference" and "no difference" are told apart, by words: there they can be trusted
(docs/decisions/0014-verifier.md), and the direction of a difference cannot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from qa.followup_words import AUXILIARIES, PREPOSITIONS, VERBS, WEAK_VERBS
from qa.model import AnswerSentence, Statement
from qa.quantities import quantities
from qa.stands import EFFECT, WHETHER, asked_about, citations_of, difference_stated
from qa.support import Support, SupportModel
from qa.words import stem, stems, tokens

_SURE = 0.8  # probability from which a sentence counts as stating something
_OF_IT = 0.6  # of the other words of a "how many" question that the quote or its title must hold
_COVERED = 0.5  # share of the statement's words that it, its title or heading must hold
_HOW_MANY = re.compile(r"^how many (.+?)\s*\??$", re.IGNORECASE)
_LONGEST_COUNTED = 3  # words before what is counted: "human influenza cases"
_NEARLY = (
    r"(?:(?:more|less|fewer|greater) than |over |under |at least |at most |up to |about |approximately "
    r"|around |nearly |almost |some )?"
)
_COUNTED = re.compile(
    _NEARLY + r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\d.]*\d|\s*%)(?P<words>(?:\s[A-Za-z-]+){1,4})",
    re.IGNORECASE,
)


class Side(StrEnum):
    """Where a paper stands."""

    YES = "yes"
    NO = "no"
    MORE = "more"
    LESS = "less"
    SAME = "same"
    DIFFERENT = "different"


_SAID = {
    Side.YES: "support it", Side.NO: "speak against it", Side.MORE: "report an increase",
    Side.LESS: "report a decrease", Side.SAME: "showed no difference",
    Side.DIFFERENT: "report a difference",
}  # fmt: skip
_SAID_OF_ONE = {
    Side.YES: "supports it", Side.NO: "speaks against it", Side.MORE: "reports an increase",
    Side.LESS: "reports a decrease", Side.SAME: "showed no difference",
    Side.DIFFERENT: "reports a difference",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stand:
    """A paper, the side it takes, and the number of the citation that says so."""

    paper: int
    side: Side
    number: int


def weigh(
    question: str, sentences: Sequence[AnswerSentence], model: SupportModel | None
) -> tuple[Statement | None, Statement | None]:
    """The headline, and what is to be said of agreement; None where the evidence does not state it."""
    if counted := _counted(question, sentences):
        return counted, None
    statements = statements_of(question)
    if not statements or not sentences:
        return None, None
    if model is None:
        sides = _sides(_stands_by_words(question, sentences))
        quoted = {citation.paper.id for _, citation in citations_of(sentences)}
        # A paper that says nothing clearly may say otherwise.
        unsaid = quoted - {stand.paper for stands in sides.values() for stand in stands}
        return None if unsaid else _headline(sides), _weighing(sides)
    sides = _sides(_stands(statements, sentences, model))
    return _headline(sides), _weighing(sides)


def statements_of(question: str) -> dict[Side, str]:
    """The statements that would answer the question, by the side they take; none for other questions."""
    text = " ".join(question.split())
    if asked := EFFECT.match(text):
        one, other, outcome = asked[1], asked[2], asked[3]
        against = f" compared with {other}" if other else ""
        return {
            Side.MORE: f"{one} increased {outcome}{against}.",
            Side.LESS: f"{one} reduced {outcome}{against}.",
            Side.SAME: f"{one} had no significant effect on {outcome}{against}.",
        }
    if (asked := WHETHER.match(text)) and " or " not in text and len(stems(asked[1])) >= 2:
        return {Side.YES: asked[1][:1].upper() + asked[1][1:] + "."}
    return {}


def decisiveness(question: str, texts: Sequence[str], model: SupportModel | None) -> list[float]:
    """For each text how likely it is, 0 to 1, that it decides the question one way or the other; zeros for a
    question that no statement answers."""
    statements = list(statements_of(question).values())
    if model is None or not statements:
        return [0.0] * len(texts)
    # One statement is enough: what denies it decides the question as well.
    return [1.0 - reading.neither for reading in model.read([(statements[0], text) for text in texts])]


def _stands(
    statements: Mapping[Side, str], sentences: Sequence[AnswerSentence], model: SupportModel
) -> list[_Stand]:
    found: list[_Stand] = []
    cited = [citation for sentence in sentences for citation in sentence.citations]
    wanted = set.intersection(*map(stems, statements.values()))  # what it is about, without the directions
    for citation in cited:
        above = f"{citation.paper.record.title} {citation.passage.section.heading}"
        readings = model.read(
            [(text, f"{citation.passage.header}. {citation.quote}") for text in statements.values()]
        )
        by_side = dict(zip(statements, readings, strict=True))
        side = _side(by_side)
        held = stems(f"{above} {citation.quote}")
        if side is not None and len(wanted & held) >= _COVERED * len(wanted):
            found.append(_Stand(citation.paper.id, side, citation.number))
    return found


def _stands_by_words(question: str, sentences: Sequence[AnswerSentence]) -> list[_Stand]:
    """The sentences that relate what is asked about and say clearly whether there is a difference."""
    asked = asked_about(question)
    found: list[_Stand] = []
    for sentence, citation in citations_of(sentences) if asked else ():
        differs = difference_stated(asked, sentence, citation) if asked else None
        if differs is not None:
            side = Side.DIFFERENT if differs else Side.SAME
            found.append(_Stand(citation.paper.id, side, citation.number))
    return found


def _side(by_side: Mapping[Side, Support]) -> Side | None:
    side, best = max(by_side.items(), key=lambda pair: pair[1].supported)
    if best.supported >= _SURE:
        return side
    if side is Side.YES and best.contradicted >= _SURE:
        return Side.NO
    return None


def _sides(stands: Sequence[_Stand]) -> dict[Side, list[_Stand]]:
    """The sides with their papers, each paper once; a paper that takes two sides takes none."""
    of_paper: dict[int, list[_Stand]] = {}
    for stand in stands:
        of_paper.setdefault(stand.paper, []).append(stand)
    sides: dict[Side, list[_Stand]] = {}
    for taken in of_paper.values():
        if len({stand.side for stand in taken}) == 1:
            sides.setdefault(taken[0].side, []).append(taken[0])
    return sides


def _headline(sides: Mapping[Side, Sequence[_Stand]]) -> Statement | None:
    if len(sides) != 1:
        return None
    ((side, stands),) = sides.items()
    if side is Side.DIFFERENT:
        return None  # which way it goes is what was asked
    numbers = tuple(stand.number for stand in stands)
    said = {
        Side.YES: "Yes.", Side.NO: "No.", Side.MORE: "An increase.", Side.LESS: "A decrease.",
        Side.SAME: "No difference was shown.",
    }  # fmt: skip
    return Statement(said[side], numbers)


def _weighing(sides: Mapping[Side, Sequence[_Stand]]) -> Statement | None:
    """Said where at least two papers take a side."""
    if sum(len(stands) for stands in sides.values()) < 2:
        return None
    ordered = sorted(sides.items(), key=lambda pair: -len(pair[1]))
    parts = [_part(side, len(stands)) for side, stands in ordered]
    opening = "The papers agree: " if len(parts) == 1 else "The papers disagree: "
    numbers = tuple(sorted(stand.number for stands in sides.values() for stand in stands))
    return Statement(opening + ", ".join(parts) + ".", numbers)


def _part(side: Side, papers: int) -> str:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    count = words[papers - 1] if papers <= len(words) else str(papers)
    return f"{count} {_SAID_OF_ONE[side]}" if papers == 1 else f"{count} {_SAID[side]}"


def _counted(question: str, sentences: Sequence[AnswerSentence]) -> Statement | None:
    """ "how many patients …": the one number of what is asked for in the first sentence that has it."""
    asked = _HOW_MANY.match(" ".join(question.split()))
    if asked is None:
        return None
    # "Human cases" in "how many human cases were reported": the last word that a quote counts is the noun.
    nouns = [stem(word) for word in _noun_phrase(asked[1])]
    for noun in reversed(nouns):
        about = stems(question) - {noun}
        for sentence in sentences:
            for citation in sentence.citations:
                if (found := _number_of(noun, citation.quote)) and _OF_IT * len(about) <= len(
                    about & stems(f"{citation.paper.record.title} {citation.quote}")
                ):
                    return Statement(found, (citation.number,))
    return None


def _noun_phrase(words: str) -> list[str]:
    """The words of what is counted: up to the first verb or preposition."""
    ends = AUXILIARIES | PREPOSITIONS | WEAK_VERBS | VERBS | {"of", "there"}
    return list(takewhile(lambda word: word not in ends, tokens(words)))[:_LONGEST_COUNTED]


def _number_of(noun: str, quote: str) -> str | None:
    """The number in the quote that counts the noun, with both; None where there is another number beside it:
    nobody but a reader can tell which one was asked for."""
    found = []
    for match in _COUNTED.finditer(quote):
        words = match["words"].split()
        at = next((n for n, word in enumerate(words) if stem(word.lower()) == noun), None)
        if at is not None:
            number = match[0][: match.start("words") - match.start()]
            found.append(" ".join([*number.split(), *words[: at + 1]]))
    numbers = [quantity for quantity in quantities(quote) if quantity.unit is None]
    return found[0] if len(found) == 1 == len(numbers) else None
