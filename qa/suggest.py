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
_EFFECT = re.compile(
    r"(?:the )?(?P<noun>effects?|roles?|impact|influence)(?: and \w+)? of (?P<what>.+)", re.IGNORECASE
)
# What follows these narrows a claim down further than a question should.
_MEANS = re.compile(rf",? (?:via|through|by|using|in an?|and (?:{'|'.join(_VERBS)})s?)\b.*", re.IGNORECASE)
_DETAIL = re.compile(r",? (?:after|during|following|that|in|with|for)\b.*", re.IGNORECASE)
_SUBTITLE = re.compile(r"(?:(?:[:;?–—]| - )\s| \[NCT).*")
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
    """At most so many questions, from papers spread over the library."""
    papers = sorted(reader.papers(), key=lambda paper: paper.key)
    made: dict[str, None] = {}
    for paper in _spread(papers, number):
        text = reader.text(paper.id)
        findings = (f for f in _findings(reader, paper, text) if (m := _CLAIM.fullmatch(f)) and not m["one"])
        claims = (q for finding in findings if (q := question_of(finding)).startswith("do "))
        if question := next(claims, "") or question_of(_plain_words(paper.record.title, text)):
            made[question] = None
        if len(made) == number:
            break
    return list(made)


def _findings(reader: Reader, paper: StoredPaper, text: str) -> Iterator[str]:
    """The first sentences of a paper's key findings, where it has such a section."""
    for section in reader.sections(paper.id):
        if section.kind is SectionKind.SUMMARY and _FINDINGS.search(section.heading):
            for finding in section.span.of(text).split("\n"):
                yield finding.strip(" -•").rstrip(".")


def question_of(title: str) -> str:
    """What a paper with this title may be asked, "" where no rule makes a good question of it."""
    title = title.strip().rstrip(".")
    if title.endswith("?"):
        return title if len(title) <= _LONGEST else ""
    head = _SUBTITLE.sub("", title).strip()
    if found := _EFFECT.fullmatch(head):
        noun = found["noun"].lower()
        question = f"what {'are' if noun.endswith('s') else 'is'} the {noun} of {found['what']}?"
    elif (found := _CLAIM.fullmatch(head)) and _is_subject(found["who"]):
        does = "does" if found["one"] else "do"
        what = _MEANS.sub("", found["what"])
        question = f"{does} {_lowered(found['who'])} {found['verb'].lower()} {what}?"
    elif _NO_TOPIC.search(head):
        return ""
    else:
        question = f"what is known about {_lowered(head)}?"
        if len(question) > _LONGEST:
            question = f"what is known about {_lowered(_DETAIL.sub('', head))}?"
    return question if len(head) > _SHORTEST and len(question) <= _LONGEST else ""


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
