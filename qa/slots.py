"""The places of a question that a follow-up may fill anew: its subject, its object, its pieces ("in rats").

Each is a range of the question's words, or None where it cannot be seen.
"""

from __future__ import annotations

import re
from itertools import pairwise

from qa.followup_words import (
    ATTRIBUTES,
    AUXILIARIES,
    PREPOSITIONS,
    QUESTION_WORDS,
    VERBS,
    has_population,
    own_words,
)

Range = tuple[int, int]

COMPARED = frozenset("compared versus vs against".split())
ARTICLES = frozenset("the a an".split())
ROLES = ATTRIBUTES | frozenset("effect effects impact influence role roles use action actions".split())
_OF = re.compile(
    r"\b(?P<what>\w+) of (?:the |an? )?(?P<subject>.+?)"
    r"(?= (?:on|in|for|with|during|after|among|against|to|as|by|upon|at|compared|versus|vs)\b|$)",
    re.IGNORECASE,
)
_HOW_IS = re.compile(
    r"how \w+ (?:is|are|was|were) (?P<subject>.+?)(?= (?:on|in|for|with|against|among|at)\b|$)", re.I
)
_LONGEST_SUBJECT = 6  # words
_WHERE = frozenset("in among amongst for".split()) | COMPARED
_UPON = frozenset("on upon for against".split())
# "The risk of stroke": a disease that takes the place of stroke leaves the rest alone.
_MEASURES = frozenset(
    "risk risks odds incidence prevalence rate rates severity symptoms frequency likelihood number".split()
)


def pieces(words: list[str]) -> list[Range]:
    """The pieces that begin with a preposition; "compared with" is one preposition."""
    starts = [
        i
        for i, word in enumerate(words)
        if i > 0
        and word.lower() in PREPOSITIONS
        and words[i - 1].lower() not in COMPARED
        and i + 1 < len(words)
    ]
    return list(pairwise([*starts, len(words)]))


def find_subject(words: list[str]) -> Range | None:
    """Whom or what the question is about: the words before its verb, or behind "effect of"."""
    text, verb = " ".join(words), _verb(words)
    for found in _OF.finditer(text):
        if found["what"].lower() in ROLES and (verb is None or _range(text, *found.span("what"))[0] < verb):
            return _named(words, _range(text, found.start("subject"), found.end("subject")))
    if how := _HOW_IS.match(text):
        return _named(words, _range(text, *how.span("subject")))
    if verb is None or (words[0].lower() in ("what", "which") and words[1].lower() not in AUXILIARIES):
        return None  # "which drugs lower …", "what causes …": the subject is what is asked for
    return _named(words, (_first(words), verb))


def find_object(words: list[str]) -> Range | None:
    """What the effect is on: the words behind the verb, or the piece with "on" or "for"."""
    verb = _verb(words)
    if verb is not None:
        end = next((s for s, _ in pieces(words) if s > verb), len(words))
        if found := _named(words, (verb + 1, end), len(words)):
            return found
    after = pieces(words)
    upon = [
        i for i, p in enumerate(after) if words[p[0]].lower() in _UPON and not has_population(_said(words, p))
    ]
    if not upon:
        return None
    end = after[upon[0]][1]
    for start, stop in after[upon[0] + 1 :]:  # "on pain after surgery": the outcome goes on to whom it is in
        if words[start].lower() in _WHERE or has_population(_said(words, (start, stop))):
            break
        end = stop
    return _named(words, (after[upon[0]][0] + 1, end), len(words))


def narrowed(words: list[str], place: Range) -> Range:
    """The disease in "the risk of stroke"; else the place itself."""
    start, end = place
    inner = [w.lower() for w in words[start:end]]
    if "of" in inner and inner.index("of") > 0 and inner[inner.index("of") - 1] in _MEASURES:
        return start + inner.index("of") + 1, end
    return place


def _first(words: list[str]) -> int:
    at = 0
    while at < len(words) and words[at].lower() in QUESTION_WORDS | AUXILIARIES:
        at += 1
    return at


def _verb(words: list[str]) -> int | None:
    at = _first(words)
    asks_itself = at > 0 and words[0].lower() in ("what", "which", "who") and at == 1  # "what causes …"
    for i in range(at if asks_itself else at + 1, len(words)):
        if words[i].lower() in PREPOSITIONS:
            return None
        if words[i].lower().strip("(),;:") in VERBS:
            return i
    return None


def _range(text: str, start: int, end: int) -> Range:
    first = len(text[:start].split())
    return first, first + len(text[start:end].split())


def _named(words: list[str], place: Range, longest: int = _LONGEST_SUBJECT) -> Range | None:
    """The range without its article; None where it names nothing, or too much to be a name."""
    start, end = place
    while start < end and words[start].lower() in ARTICLES:
        start += 1
    name = _said(words, (start, end))
    return (start, end) if end - start <= longest and own_words(name) else None


def _said(words: list[str], place: Range) -> str:
    return " ".join(words[slice(*place)])
