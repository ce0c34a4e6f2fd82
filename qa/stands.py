"""Which quotes say clearly, by their words alone, whether there is a difference in what the question asks of.

A quote counts where it names the outcome, its paper or its subject is the cause, and it reports a finding of
its own paper: not what others found, what was so before, is known, planned or supposed. Few quotes do; these
can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.model import SectionKind
from qa.directions import Direction, denies, direction
from qa.model import AnswerSentence, Citation
from qa.slots import find_object, find_subject
from qa.words import stems

EFFECT = re.compile(
    r"^(?:what (?:is|are|was|were) the )?(?:effects?|impact|influence) of (.+?)"
    r"(?: compared (?:with|to) (.+?))? (?:on|upon) (.+?)\s*\??$",
    re.IGNORECASE,
)
WHETHER = re.compile(
    r"^(?:do|does|did|is|are|was|were|can|could|has|have|had|will|would|should|may|might)\b\s+(.+?)\s*\??$",
    re.IGNORECASE,
)
_CAUSE = 0.5  # of the words of a long cause that the quote, its title or its heading must hold
_OUTCOME = 0.6  # of the words of a long outcome that the quote itself must hold
_OPENING = 1  # words beside the cause at the beginning of a quote that may be "the", or "programmes"
_SHORT = 3  # words of which all must be there
_MANY = r"(?:previous|prior|earlier|other|several|many|most|numerous|some|recent|published|observational)"
_OTHERS = re.compile(
    r"\[\s*\d|\bet al\b|\((?:[A-ZÀ-Þ][\w'’-]+[^()]{0,60})?(?:19|20)\d\d[a-z]?\)"
    r"|\bmeta-?analys\w+\b|\bliterature\b|\bsystematic review"
    rf"|\b{_MANY} (?:\w+ )?(?:stud(?:y|ies)|trials?|reports?|reviews?|evidence|research\w*|authors)\b"
    r"|\b(?:has|have) (?:also )?(?:been )?(?:shown|reported|demonstrated|suggested|found|proven|established"
    r"|described|associated|known)\b"
    r"|\b(?:is|are) (?:well[- ])?(?:known|established|recommended|thought|believed|considered)\b",
)
_BEFORE = re.compile(
    r"(?<!from )(?<!with )(?<!to )(?<!over )(?<!than )(?<!versus )\bbaseline\b", re.IGNORECASE
)
_BESIDE = re.compile(
    r"\b(?:compared|versus|vs|than|add-?on to|added to|in addition to|or|after|during|on)\b", re.I
)
_SUPPOSED = re.compile(
    r"\b(?:may|might|could|would|should|whether|hypothes\w+|aim\w*|expected|needed|unclear|uncertain|controversial"
    r"|unknown|rarely|designed|objective|purpose|potential\w*|possib\w+|if|believe|emphasi[sz]es)\b|\?",
    re.IGNORECASE,
)
# A tendency, or a change in both arms: no difference between them.
_NOT_SURE = re.compile(
    r"\b(?:tend\w*|trends?|numerical\w*|slight\w*|marginal\w*|both|over time|as well as|approach\w*"
    r"|post[- ]hoc)\b",
    re.I,
)
_P_VALUE = re.compile(r"\bp(?:[- ]values?)?\s*[=>≥:]\s*(0?[.·]\d+)", re.IGNORECASE)
_SIGNIFICANT = 0.05
_CONCEDED = re.compile(r"^(?:although|though|while|whereas|despite|in spite of|even though)\b", re.IGNORECASE)
_BEFORE_FINDING = re.compile(
    r"\b(?:introduction|background|methods?|materials|protocol|design|objectives?|aims?)\b", re.I
)
_CLAUSES = re.compile(r";|,? (?:but|whereas|while|although|though|however)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """The stems of the cause and the outcome that a question asks about."""

    cause: frozenset[str]
    outcome: frozenset[str]


def asked_about(question: str) -> Asked | None:
    """What the question wants to be related; None where that cannot be seen."""
    text = " ".join(question.split())
    if effect := EFFECT.match(text):
        return _asked(effect[1], effect[3])
    if WHETHER.match(text) is None:
        return None
    words = text.rstrip("?.! ").split()
    subject, of = find_subject(words), find_object(words)
    if subject is None or of is None:
        return None
    return _asked(" ".join(words[slice(*subject)]), " ".join(words[slice(*of)]))


def difference_stated(asked: Asked, sentence: AnswerSentence, citation: Citation) -> bool | None:
    """Whether the quote says that there was a difference (True) or none (False); None where it says neither
    clearly, or of something else."""
    quote = citation.quote
    if any(what.search(quote) for what in (_OTHERS, _CONCEDED, _SUPPOSED, _BEFORE)):
        return None
    section = citation.passage.section
    if section.kind is SectionKind.BODY and _BEFORE_FINDING.search(section.heading):
        return None
    # Abbreviations are spelled out in what is shown of a single quote.
    shown = sentence.text if len(sentence.citations) == 1 else quote
    clause = next((c for c in _CLAUSES.split(shown) if _holds(asked.outcome, stems(c), _OUTCOME)), None)
    if clause is None or not _is_cause(asked.cause, citation, shown):
        return None
    said = direction(clause) or direction(shown)
    if said is None or said is Direction.NONE:
        return None if said is None else False
    return None if _NOT_SURE.search(shown) or denies(shown) or _by_chance(shown) else True


def _by_chance(text: str) -> bool:
    """Whether a P value above 0.05 is given."""
    return any(float(found[1].replace("·", ".")) > _SIGNIFICANT for found in _P_VALUE.finditer(text))


def _is_cause(cause: frozenset[str], citation: Citation, shown: str) -> bool:
    """Whether the paper is about the effect of this cause: its title names it, not as what something else was
    compared with, or the quote begins with it. A long cause need only be there by half."""
    title = citation.paper.record.title
    if len(cause) > _SHORT:
        return _holds(cause, stems(f"{title} {citation.passage.section.heading} {shown}"), _CAUSE)
    opening = " ".join(shown.split()[: len(cause) + _OPENING])
    first, *others = (stems(part) for part in _BESIDE.split(title, maxsplit=1))
    if cause <= first:
        return not any(cause <= other for other in others)  # one form of it against another
    return cause <= stems(opening)


def _asked(cause: str, outcome: str) -> Asked | None:
    found = Asked(frozenset(stems(cause)), frozenset(stems(outcome)))
    return found if found.cause and found.outcome else None


def _holds(wanted: frozenset[str], held: set[str], share: float) -> bool:
    needed = len(wanted) if len(wanted) <= _SHORT else share * len(wanted)
    return len(wanted & held) >= needed


def citations_of(sentences: Sequence[AnswerSentence]) -> list[tuple[AnswerSentence, Citation]]:
    """Each citation with its sentence."""
    return [(sentence, citation) for sentence in sentences for citation in sentence.citations]
