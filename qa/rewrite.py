"""Makes a question that can be searched by itself of a follow-up, by rule: the same every time.

A follow-up is told by what it lacks: a fragment ("and in mice?"), a question that names no topic ("what was
the dose?"), a pronoun with nothing before it to stand for, a paper of the last answer ("the second paper").
It gets its topic from the last question as that was searched for. Whatever is none of these stands alone and
is left to the letter: a topic added to a new question spoils it, a missed follow-up is soon asked again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.followup_kinds import kind_of
from qa.followup_words import (
    ATTRIBUTES,
    AUXILIARIES,
    PREPOSITIONS,
    QUANTITIES,
    QUESTION_WORDS,
    VERBS,
    WEAK_VERBS,
    has_population,
    own_words,
)
from qa.mentions import CitedPaper, Mention, find_mention, find_name, find_ordinal
from qa.model import EVERYTHING, Filters
from qa.topic import Topic
from qa.words import tokens


@dataclass(frozen=True, slots=True)
class Past:
    """A question that was asked before: its words, what was searched for, and the papers then cited."""

    question: str
    query: str
    papers: tuple[CitedPaper, ...] = ()
    topic: str = ""  # what follow-ups lean on, where that is not the query

    @property
    def leaned_on(self) -> str:
        """The question from which a follow-up gets its topic."""
        return self.topic or self.query


@dataclass(frozen=True, slots=True)
class Standalone:
    """What to search for. `filters` are what the question itself limits (papers, years); `because` says what
    it was taken to follow, and is empty for a question that stands alone."""

    text: str
    filters: Filters = EVERYTHING
    because: str = ""
    topic: str = ""  # what later follow-ups lean on: "how many were in that trial?" is no new topic


class Rewriter(Protocol):
    """Whatever can make a follow-up stand alone."""

    def rewrite(self, question: str, past: Sequence[Past]) -> Standalone:
        """The question as it is to be searched, given what was asked before, oldest first."""
        ...


class RuleRewriter:
    """The rules of this module as a Rewriter."""

    def rewrite(self, question: str, past: Sequence[Past]) -> Standalone:
        """The question as it is to be searched; itself, to the letter, where it stands alone."""
        return rewrite(question, past)


_FILLERS = re.compile(
    r"^(?:(?:ok(?:ay)?|thanks|thank you|great|good|well|hmm+|interesting|i see|so|then|now|please|but|yes|no"
    r"|right)\b[\s,.!–-]*)+",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"(?:(?:please |can you )?(?:tell me more|more|(?:some )?more details?|go on|continue|elaborate"
    r"|explain(?: (?:that|this|it|more))*|give me (?:more )?(?:details|examples)|anything else|what else"
    r"|really|are you sure|for example|examples?|what do you mean|such as|and|how so|say more))(?: please)?"
    r"[?.!…]*",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"(?:and )?(why|how|when|where)"
    r"(?: not| come| is (?:that|this|it)| does (?:that|this|it) (?:work|happen))?\?*",
    re.IGNORECASE,
)
_BY_YEAR = re.compile(
    r"(?:and |only |what about |how about |just )*(?:papers |studies |trials |work |those )?(?:published )?"
    r"(?P<how>since|after|from|before|until|in) (?P<year>(?:19|20)\d\d)(?: on| onwards?| or later)?\?*",
    re.IGNORECASE,
)
_WHAT_ABOUT = re.compile(
    r"(?:and |or |also )?(?:what|how) (?:about|of) (?P<x>.+?)[?.!]*|(?:and|or|also|plus) (?P<y>[^?]+?)[?.!]*",
    re.IGNORECASE,
)
_SAME = re.compile(
    r"(?:is (?:it|this|that) |and )?(?:the )?same (?:thing |question )?(?P<x>(?:for|in|with|among) .+?)\?*",
    re.IGNORECASE,
)
_IF = re.compile(r"(?:and |but )?(?:what )?(?P<x>if .+?)\?*", re.IGNORECASE)
_ADVERBS = re.compile(
    r"^(?:and |or |but )?(?:(?:only|just|also|especially|specifically|even|instead) )+", re.IGNORECASE
)
_WHICH_OF = re.compile(r"which (?:one|ones|of (?:them|these|those))\b", re.IGNORECASE)
_DEFINITION = re.compile(r"what(?:'s|’s| is| are| was| were) (?!the\b|its\b|their\b|other\b)", re.IGNORECASE)
_PRONOUN = re.compile(
    r"\b(?P<it>[Ii]t|[Tt]hey|[Tt]hem)\b|\b(?P<its>[Ii]ts|[Tt]heir)\b|\b(?P<this>[Tt]his|[Tt]hese|[Tt]hose)\b"
    r"|^(?:(?:why|how) )?(?:is|was|does|did|do|are|were|can|could|would|will)\s+(?P<that>that)\b",
)
# "is it true that …", "how long does it take for bone to heal?": an "it" that stands for nothing.
_EXPLETIVE = re.compile(
    r"\bit(?:\s+\w+){0,3}\s+(?:to\s+\w+|that|whether|if|when|who)\b|\bit take\w*\s+(?:for|to)\b",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"^(?:if|when|because|although|since|before|after|while|given)\b[^,]*,(?P<main>.+)", re.IGNORECASE
)
# Words that repeat the last question's claim: "does it work in mice?", "is this also true for women?"
_ECHO = frozenset("work works worked happen happens happening occur occurs true same apply applies".split())
# "Which strains?", "how many sessions?": what is asked for, and no word of what it is asked.
_ASKED_FOR = re.compile(r"(?:and )?(?:which|how (?:many|much)) (?:[\w-]+ )?[\w-]+(?<!ed)\?*", re.IGNORECASE)
_CUT_OFF = re.compile(r"\b(?:was|were|are|is)$", re.IGNORECASE)
_LONGEST_FRAGMENT = 10  # words


def rewrite(question: str, past: Sequence[Past]) -> Standalone:
    """The question as it is to be searched; itself, to the letter, where it stands alone."""
    if not past:
        return Standalone(question)
    last = past[-1]
    mention = _mention(question, past)
    if mention is not None:
        return _about_papers(mention, Topic.of(last.leaned_on))
    bare = " ".join(_FILLERS.sub("", question).split()) or question
    because = f"“{question}” follows “{last.query}”"
    if found := _BY_YEAR.fullmatch(bare):
        return Standalone(last.query, Filters(years=_years(found)), because, last.topic)
    topic = Topic.of(last.leaned_on)
    text = _rewritten(bare, topic)
    if text is None:
        return Standalone(question)
    return Standalone(text, because=because, topic=topic.leads_to(text))


def _mention(question: str, past: Sequence[Past]) -> Mention | None:
    """“The second paper” is counted in the last answer that cited several; names may be older still."""
    cited = [one.papers for one in reversed(past) if one.papers]
    several = next((papers for papers in cited if len(papers) > 1), ())
    found = find_ordinal(question, several) if several else None
    if found is None and cited:
        found = find_mention(question, cited[0])
    for papers in cited[1:]:
        found = found or find_name(question, papers)
    return found


def _about_papers(mention: Mention, topic: Topic) -> Standalone:
    """A question about named papers: these as a filter, which is topic enough for most questions. The last
    topic says whose dose is meant, and is asked of them where the question says nothing else."""
    filters = Filters(papers=tuple(paper.key for paper in mention.papers))
    because = f"“{mention.words}”: {'; '.join(paper.name for paper in mention.papers)}"
    rest = re.sub(r"\s+([?.!,])", r"\1", mention.rest).strip(" ,.;:")
    if found := _WHAT_ABOUT.fullmatch(rest):
        rest = found["x"] or found["y"]
    bare = rest.rstrip("?").strip()
    if _CUT_OFF.search(bare):  # "how many patients were in the second paper?"
        bare = f"{bare} there"
    if own_words(bare):
        return Standalone(rest, filters, because, topic.question)
    said = set(tokens(bare))
    if not said & (ATTRIBUTES | QUANTITIES) and not has_population(bare):
        return Standalone(topic.question, filters, because)
    # Not "in mice" as well: the paper may be one on pigs.
    text = topic.asked_of(bare, with_population=False) if topic.takes_of(bare) else f"{bare}?"
    return Standalone(text, filters, because, topic.question)


def _years(found: re.Match[str]) -> tuple[int | None, int | None]:
    year = int(found["year"])
    match found["how"].lower():
        case "since" | "from":
            return year, None
        case "after":
            return year + 1, None
        case "before":
            return None, year - 1
        case "until":
            return None, year
    return year, year


def _rewritten(bare: str, topic: Topic) -> str | None:
    """The follow-up made whole; None for a question that stands alone."""
    if _MORE.fullmatch(bare):
        return topic.question
    if found := _WHY.fullmatch(bare):
        return topic.with_question_word(found[1].lower())
    if found := _SAME.fullmatch(bare):
        return topic.with_fragment(found["x"])
    if (found := _WHAT_ABOUT.fullmatch(bare)) and not (found["y"] and _is_clause(found["y"])):
        return _constrained(found["x"] or found["y"], topic, leans=bool(found["y"]))
    if (found := _IF.fullmatch(bare)) and "," not in bare and not _subject_first(found["x"]):
        return f"{topic.text} {found['x']}?"
    fragment = _ADVERBS.sub("", bare).rstrip("?.! ")
    if _is_fragment(fragment):
        if not own_or_population(fragment):
            return topic.asked(fragment)
        return (
            topic.with_fragment(fragment)
            if fragment.split()[0].lower() in PREPOSITIONS
            else (topic.with_population(fragment))
        )
    if _ASKED_FOR.fullmatch(bare) and not set(tokens(bare)) & (AUXILIARIES | VERBS | WEAK_VERBS):
        asked = bare.rstrip("?.! ")
        return _by_attribute(bare, topic) or topic.asked(asked)
    if _WHICH_OF.match(bare) and len(own_words(bare)) <= 1:
        return topic.asked(bare.rstrip("?"))
    return _by_pronoun(bare, topic) or _by_attribute(bare, topic)


def _constrained(x: str, topic: Topic, *, leans: bool) -> str | None:
    """What "what about X?" asks for: X put in the place of what it is parallel to, where that can be seen.
    A long X may be a question by itself, unless it `leans` on another ("and satisfaction with the care?")."""
    first = x.split()[0].lower()
    if first in PREPOSITIONS:
        return topic.with_fragment(x)
    owned = re.sub(r"^(?:of\s+)?(?:(?:its|their|the|any|this|these|that)\s+)?", "", x, flags=re.IGNORECASE)
    own = own_words(owned)
    if not own and set(tokens(owned)) & ATTRIBUTES:
        return topic.asked_of(owned)
    names_more = kind_of(owned) is None or set(tokens(owned)) & (PREPOSITIONS | {"of"})
    if len(own) >= 3 and not leans and names_more:
        return None
    if has_population(owned):
        return topic.with_population(owned)
    return topic.with_parallel(owned, named=x.lower().startswith("the ")) or topic.asked(owned)


def own_or_population(text: str) -> bool:
    """Whether the text names anything that could stand in a question."""
    return bool(own_words(text)) or has_population(text) or any(c.isdigit() for c in text)


def _is_clause(text: str) -> bool:
    words = tokens(text)
    return bool(set(words) & (AUXILIARIES | QUESTION_WORDS))


def _is_fragment(text: str) -> bool:
    """Whether it is a piece such as "in mice", "compared with placebo", "at what dose", "older adults"."""
    words = tokens(text)
    if not words or len(words) > _LONGEST_FRAGMENT or "," in text or set(words) & AUXILIARIES:
        return False
    if words[0] in PREPOSITIONS | {"of", "to"}:
        return not set(words) & QUESTION_WORDS or not own_words(text)
    if set(words) & QUESTION_WORDS or len(words) > 3:
        return False
    return has_population(text) and not own_words(text) and not set(words) & ATTRIBUTES


def _subject_first(text: str) -> bool:
    """Whether an if-clause is a whole question of its own ("if aspirin is given …, does it …")."""
    return len(own_words(text)) >= 4


def _by_pronoun(bare: str, topic: Topic) -> str | None:
    """A question whose pronoun has nothing before it to stand for, with the topic in its place."""
    found = _PRONOUN.search(bare)
    if found is None or own_words(bare[: found.start()]) or _EXPLETIVE.search(bare):
        return None
    clause = _SUBORDINATE.match(bare)
    if clause and len(own_words(clause["main"])) >= 2:
        return None
    said = bare.rstrip("?.! ")
    words = set(tokens(said))
    if found.lastgroup == "this" and len(own_words(said)) >= 4:
        return None  # "does this gene BRCA1 raise …": it says itself what it means
    echoes = not own_words(said) and not (words & ATTRIBUTES) - _ECHO
    place = re.search(rf"\b(?:{'|'.join(sorted(PREPOSITIONS))})\b .+$", said[found.end() :], re.IGNORECASE)
    if echoes and place and own_or_population(place.group()):
        return topic.with_fragment(place.group())
    if found.lastgroup in ("it", "its") and topic.subject and not (echoes and words & _ECHO):
        start, end = found.span(found.lastgroup)
        name = topic.meant_by(found["it"]) if found.lastgroup == "it" else _possessive(topic.subject)
        return f"{said[:start]}{name}{said[end:]}?"
    return topic.asked(said)


def _possessive(name: str) -> str:
    return f"{name}’" if name.endswith("s") else f"{name}’s"


def _by_attribute(bare: str, topic: Topic) -> str | None:
    """A question that names no topic of its own: "any side effects?", "what was the dose?"."""
    words = tokens(bare)
    if len(words) > _LONGEST_FRAGMENT or own_words(bare) or _DEFINITION.match(bare):
        return None
    if not set(words) & (ATTRIBUTES - {"study", "studies", "trial", "trials", "paper", "papers"}):
        asks = bool(set(words) & QUESTION_WORDS) and has_population(bare)
        return topic.asked(bare.rstrip("?.! ")) if asks else None
    return topic.asked_of(bare.rstrip("?.! "))
