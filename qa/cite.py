"""From what a model wrote to sentences that stand on quotes: keys to passages, quotes to places, verdicts.

Fails closed. A key that stands for no passage is taken out; a quote that is not in its passage is never
shown; what is shown of a quote is the whole sentence of the paper around it, because a piece of a sentence
may say the opposite of the sentence ("… that X reduces mortality" of "there is no evidence that …").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from index.errors import CitewellError
from index.model import Page, Span
from index.reader import Reader
from index.sentences import sentence_spans
from qa.draft import Draft, DraftQuote, DraftSentence
from qa.locate import KeyedText, letters_key
from qa.model import AnswerSentence, Citation, ScoredPassage, Verdict
from qa.verify import Ground, Judge, Judgement, is_verbatim, page_of, stands_at
from qa.words import stems

INVENTED = "it cites a passage that does not exist"
NOT_FOUND = "the quote the model gave is not in the paper"
NO_QUOTE = "the model gave no quote for it"
NO_CITATION = "it cites no passage"
_LEAST_LETTERS = 12  # fewer stand in too many places to be a quote
_MOST_GROUNDS = 3  # sentences that one key lends to a claim
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.|\[ ?…? ?\])\s*")


@dataclass(frozen=True, slots=True)
class _Spot:
    """A whole sentence of a paper that may be shown as a quote."""

    found: ScoredPassage
    span: Span
    text: str
    stems: frozenset[str]

    @property
    def ground(self) -> Ground:
        return Ground(self.text, self.found.passage.text, self.found.passage.header)


class Citer:
    """Ties the sentences of one answer to its passages. Numbers count on from `first`."""

    def __init__(
        self, reader: Reader, passages: Mapping[str, ScoredPassage], judge: Judge | None, first: int = 1
    ) -> None:
        self._reader = reader
        self._passages = passages
        self._judge = judge
        self._first = first
        self._numbers: dict[tuple[int, Span], int] = {}
        self._papers: dict[int, tuple[str, list[Page]]] = {}
        self.lost = 0  # quotes that are not in their passages

    def sentences(self, draft: Draft) -> list[AnswerSentence]:
        """The sentences of a draft with what each stands on, and how well."""
        quoted = self._quoted(draft.quotes)
        given = {quote.key for quote in draft.quotes}
        return [self._sentence(sentence, quoted, given) for sentence in draft.sentences]

    # --- quotes -----------------------------------------------------------------------------------------

    def _quoted(self, quotes: Iterable[DraftQuote]) -> dict[str, list[_Spot]]:
        """For every key the sentences of its passage in which its quotes were found again."""
        quoted: dict[str, list[_Spot]] = {}
        for quote in quotes:
            found = self._passages.get(quote.key)
            spots = self._refound(found, quote.text) if found else []
            self.lost += not spots
            known = quoted.setdefault(quote.key, [])
            known += [spot for spot in spots if spot not in known]
        return quoted

    def _refound(self, found: ScoredPassage, quote: str) -> list[_Spot]:
        """The sentences that a quote covers: in the passage of its key, else in one of the same paper."""
        same = [p for p in self._passages.values() if p.paper.id == found.paper.id and p is not found]
        for candidate in [found, *same]:
            spans = find_quote(candidate.passage.text, quote)
            if spans:
                return [s for s in self._spots(candidate) if any(_meet(s.span, p, candidate) for p in spans)]
        return []

    def _spots(self, found: ScoredPassage) -> list[_Spot]:
        """The sentences of a passage, each at its place in the paper; none that is not there exactly."""
        passage = found.passage
        text, _ = self._paper(found.paper.id)
        spots: list[_Spot] = []
        for local in sentence_spans(passage.text, Span(0, len(passage.text))):
            quote = local.of(passage.text)
            span = Span(passage.span.start + local.start, passage.span.start + local.end)
            if stands_at(text, span, quote):
                spots.append(_Spot(found, span, quote, frozenset(stems(quote))))
        return spots

    def _paper(self, paper_id: int) -> tuple[str, list[Page]]:
        if paper_id not in self._papers:
            self._papers[paper_id] = (self._reader.text(paper_id), self._reader.pages(paper_id))
        return self._papers[paper_id]

    # --- sentences --------------------------------------------------------------------------------------

    def _sentence(
        self, sentence: DraftSentence, quoted: Mapping[str, list[_Spot]], given: set[str]
    ) -> AnswerSentence:
        text, keys = self._without_keys(sentence)
        reasons: list[str] = []
        spots: list[_Spot] = []
        for key in keys:
            if key not in self._passages:
                reasons.append(INVENTED)
                continue
            mine = _relevant(text, quoted.get(key, [])) or self._own_choice(text, self._passages[key])
            if not mine:
                reasons.append(NOT_FOUND if key in given else NO_QUOTE)
            spots += [spot for spot in mine if spot not in spots]
        if not keys:
            reasons.append(NO_CITATION)
        if not spots:
            return AnswerSentence(text, (), Verdict.UNSUPPORTED, tuple(dict.fromkeys(reasons)))
        whole = self._judged(text, spots)
        citations = tuple(self._citation(text, spot, whole, alone=len(spots) == 1) for spot in spots)
        return AnswerSentence(
            text, citations, whole.verdict, tuple(dict.fromkeys([*reasons, *whole.reasons]))
        )

    def _without_keys(self, sentence: DraftSentence) -> tuple[str, tuple[str, ...]]:
        """A sentence in which no key stands, also not as a word ("passage k7f2 says"), and all its keys."""
        text, keys = sentence.text, list(sentence.keys)
        for key in self._passages:
            pattern = re.compile(rf"\s?[\[(]?\b{re.escape(key)}\b[\])]?", re.IGNORECASE)
            if pattern.search(text):
                text, keys = " ".join(pattern.sub("", text).split()), [*keys, key]
        return text, tuple(dict.fromkeys(keys))

    def _own_choice(self, claim: str, found: ScoredPassage) -> list[_Spot]:
        """Where the model's quote is missing or not in the paper: the passage's nearest sentence, but only if
        the judge says that it supports the claim."""
        if self._judge is None:
            return []
        best = _relevant(claim, self._spots(found))[:1]
        supported = (Verdict.VERBATIM, Verdict.SUPPORTED)
        return best if best and self._judged(claim, best).verdict in supported else []

    def _judged(self, claim: str, spots: Sequence[_Spot]) -> Judgement:
        if any(is_verbatim(claim, spot.text) for spot in spots):
            return Judgement(Verdict.VERBATIM)
        if self._judge is None:
            return Judgement(Verdict.UNCHECKED)
        try:
            return self._judge.judge(claim, [spot.ground for spot in spots])
        except CitewellError as error:
            return Judgement(Verdict.UNCHECKED, reasons=(error.message,))

    def _citation(self, claim: str, spot: _Spot, whole: Judgement, *, alone: bool) -> Citation:
        judged = whole if alone else self._judged(claim, [spot])
        place = (spot.found.paper.id, spot.span)
        number = self._numbers.setdefault(place, self._first + len(self._numbers))
        return Citation(
            number, spot.found.paper, spot.found.passage, spot.text, spot.span,
            page_of(self._paper(spot.found.paper.id)[1], spot.span), judged.verdict, judged.reasons,
        )  # fmt: skip


def find_quote(text: str, quote: str) -> list[Span]:
    """Where a quote stands: to the letter, else by its letters and digits, else by the parts between
    ellipses if all of them are there. Nothing looser counts."""
    if len(letters_key(quote)) < _LEAST_LETTERS:
        return []
    at = text.find(quote)
    if at >= 0:
        return [Span(at, at + len(quote))]
    keyed = KeyedText(text)
    found = keyed.find(quote)
    if found:
        return found[:1]
    parts = [part for part in _ELLIPSIS.split(quote) if part]
    if len(parts) < 2 or any(len(letters_key(part)) < _LEAST_LETTERS for part in parts):
        return []
    places = [keyed.find(part)[:1] for part in parts]
    return [span for place in places for span in place] if all(places) else []


def _meet(span: Span, local: Span, found: ScoredPassage) -> bool:
    """Whether a sentence, given in the paper, and a place, given in the passage, overlap."""
    start = found.passage.span.start
    return span.start < start + local.end and start + local.start < span.end


def _relevant(claim: str, spots: Sequence[_Spot]) -> list[_Spot]:
    """Of the sentences quoted for a claim those that hold its words: the best, then what adds to it."""
    missing = stems(claim)
    left, chosen = list(spots), list[_Spot]()
    while left and len(chosen) < _MOST_GROUNDS:
        best = max(left, key=lambda spot: _weight(missing & spot.stems))
        if chosen and _weight(missing & best.stems) < 2:
            break
        chosen.append(best)
        left.remove(best)
        missing -= best.stems
    return chosen


def _weight(words: Iterable[str]) -> int:
    return sum(2 if any(c.isdigit() for c in word) else 1 for word in words)
