"""Questions that a library is likely to answer, made by rule from its papers' key findings and titles.

A first question is the hardest to think of. No model is asked, and the same library suggests the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.model import SectionKind
from index.reader import Reader, StoredPaper

_LONGEST = 100
_SHORTEST = 12
_LOOKED_AT = 24  # papers, spread over the library
_VERBS = tuple(
    "accelerate activate affect alleviate ameliorate attenuate augment cause decrease drive enhance"
    " facilitate impair improve increase induce inhibit limit mediate mitigate modulate predict prevent"
    " promote protect reduce regulate rescue restore reverse stimulate support suppress".split()
)
_CLAIM = re.compile(rf"(?P<who>.+?) (?P<verb>{'|'.join(_VERBS)})(?P<one>s?) (?P<what>.+)", re.IGNORECASE)
_NOUN = (
    "effects?|roles?|impact|influence|efficacy|effectiveness|safety|tolerability|benefits?|mechanisms?"
    "|prevalence|incidence|pathogenesis"
)
_EFFECT = re.compile(
    rf"(?:the )?(?P<noun>(?:{_NOUN})(?:(?:,| and| or) (?:{_NOUN}))*) of (?P<what>.+)", re.IGNORECASE
)
_NOUNS = re.compile(rf"(?:the )?(?:{_NOUN})\b", re.IGNORECASE)
_COMPARED = re.compile(
    r"(?P<one>.+?)(?:,? (?:versus|vs\.?|compared (?:with|to)) )(?P<other>.+?)"
    r"(?P<where> (?:in|for|on|as|during|after|among|with) .+)?",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"(?:a |the )?comparison (?:of|between) (?P<one>.+?) (?:and|with) (?P<other>.+?)"
    r"(?P<where> (?:in|for|on|as|during|after|among|with) .+)?",
    re.IGNORECASE,
)
# "A randomised controlled trial of ": what the paper is, before what it is about.
_DESIGN = re.compile(
    r"(?:an? |the )?(?:[\w-]+ ){0,5}?(?:trials?|stud(?:y|ies)|comparison|evaluation|assessment) (?:of|on) ",
    re.IGNORECASE,
)
# What follows these narrows a claim down further than a question should.
_MEANS = re.compile(rf",? (?:via|through|by|using|in an?|and (?:{'|'.join(_VERBS)})s?)\b.*", re.IGNORECASE)
_DETAIL = re.compile(r",? (?:associated|after|during|following|that|in|with|for)\b.*", re.IGNORECASE)
_SUBTITLE = re.compile(r"(?:(?:[:;?–—]| - )\s| \[NCT).*")
_ASKS = re.compile(
    r"(?:^|[:;–—,.] )(?:are|can|could|do|does|has|have|how|is|should|was|were|what|when|where|which|who|why"
    r"|will|would)\b",
    re.IGNORECASE,
)
_FINDINGS = re.compile(r"(?:key )?findings|highlights", re.IGNORECASE)
# No subject of its own, or a whole sentence of which no rule here makes a question.
_NO_TOPIC = re.compile(
    r"\b(?:review|meta-analysis|protocol|survey|guidelines?|perspectives?|editorial|erratum|correction"
    r"|proceedings|conference|is|are|was|were|has|have|\w+i[sz]es)\b",
    re.IGNORECASE,
)
_NOT_BEFORE_A_VERB = frozenset(
    {"to", "that", "which", "and", "or", "may", "can", "could", "not", "the", "of"}
)
_TITLE_WORD = re.compile(r"\b[A-Z][a-z]+(?:-[A-Za-z][a-z]+)*\b")


def suggestions(reader: Reader, number: int = 3) -> list[str]:
    """At most so many questions, from papers spread over the library; those that ask for something definite
    before those that ask what is known."""
    papers = sorted(reader.papers(), key=lambda paper: paper.key)
    made: dict[str, None] = {}
    topics: dict[str, None] = {}
    for paper in _spread(papers, number):
        text = reader.text(paper.id)
        findings = (f for f in _findings(reader, paper, text) if (m := _CLAIM.fullmatch(f)) and not m["one"])
        claims = (q for finding in findings if (q := question_of(finding)).startswith("do "))
        title = _plain_words(paper.record.title, text)
        if question := next(claims, "") or question_of(title):
            made[question] = None
        elif topic := topic_of(title):
            topics[topic] = None
        if len(made) == number:
            break
    return [*made, *topics][:number]


def _findings(reader: Reader, paper: StoredPaper, text: str) -> Iterator[str]:
    """The first sentences of a paper's key findings, where it has such a section."""
    for section in reader.sections(paper.id):
        if section.kind is SectionKind.SUMMARY and _FINDINGS.search(section.heading):
            for finding in section.span.of(text).split("\n"):
                yield finding.strip(" -•").rstrip(".")


def question_of(title: str) -> str:
    """What a paper with this title or key finding may be asked, "" where no rule makes a good one of it."""
    title = title.strip().rstrip(".")
    if title.endswith("?"):
        return title if len(title) <= _LONGEST and _ASKS.search(title) else ""
    head = _head(title)
    for said in (head, _DETAIL.sub("", head)):
        question = _comparison(said) or _effect(said) or _claim(said)
        if question and len(head) > _SHORTEST and len(question) <= _LONGEST:
            return question
    return ""


def _comparison(head: str) -> str:
    found = _COMPARISON.fullmatch(head) or _COMPARED.fullmatch(_without_design(head))
    if not found or _NOUNS.match(found["one"]):
        return ""
    return f"how do {_lowered(found['one'])} and {found['other']} compare{found['where'] or ''}?"


def _effect(head: str) -> str:
    found = _EFFECT.fullmatch(_without_design(head))
    if not found:
        return ""
    noun = found["noun"].lower()
    several = " and " in noun or (noun.endswith("s") and not noun.endswith("ss"))
    return f"what {'are' if several else 'is'} the {noun} of {found['what']}?"


def _claim(head: str) -> str:
    found = _CLAIM.fullmatch(head)
    if not found or not _is_subject(found["who"]):
        return ""
    does = "does" if found["one"] else "do"
    return f"{does} {_lowered(found['who'])} {found['verb'].lower()} {_MEANS.sub('', found['what'])}?"


def _without_design(head: str) -> str:
    return _DESIGN.sub("", head, count=1) if _DESIGN.match(head) else head


def topic_of(title: str) -> str:
    """A question for whatever a paper with this title says, "" if it is no mere topic."""
    head = _head(title.strip().rstrip("."))
    if title.endswith("?") or _NO_TOPIC.search(head) or _DESIGN.match(head) or len(head) <= _SHORTEST:
        return ""
    for topic in (head, _DETAIL.sub("", head)):
        if len(question := f"what do these papers say about {_lowered(topic)}?") <= _LONGEST:
            return question
    return ""


def _head(title: str) -> str:
    return _SUBTITLE.sub("", title).strip()


def _lowered(words: str) -> str:
    """The words as they stand inside of a sentence."""
    return words[0].lower() + words[1:] if words[1:2].islower() else words


def _is_subject(words: str) -> bool:
    """Whether a verb may follow: not after "to", "that", "which" and their like."""
    return words.split()[-1].lower() not in _NOT_BEFORE_A_VERB and ":" not in words and "," not in words


def _plain_words(title: str, text: str) -> str:
    """The title with its words in lower case as far as they are no names: a paper writes those with a capital
    in mid-sentence as well."""
    body = text.replace(title, "")
    small = set(re.findall(r"\b[a-z]+(?:-[a-z]+)*\b", body))
    names = set(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+(?:-[A-Za-z][a-z]+)*", body))
    words = re.findall(r"[^\W\d_]{4,}", title)
    capital = sum(word[0].isupper() for word in words) > len(words) / 2

    def plain(found: re.Match[str]) -> str:
        word = found[0].lower()
        return word if word in small or (capital and found[0] not in names) else found[0]

    return _TITLE_WORD.sub(plain, " ".join(title.split()))


def _spread(papers: Sequence[StoredPaper], number: int) -> Iterator[StoredPaper]:
    """Papers from the whole list: first a few far apart, then those between them."""
    looked_at = papers[:: max(1, len(papers) // _LOOKED_AT)][:_LOOKED_AT]
    step = max(1, len(looked_at) // number)
    for offset in range(step):
        yield from looked_at[offset::step]
