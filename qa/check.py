"""Checks a draft against the papers it cites: is each cited sentence, and each quotation in it, really there?

A sentence that a cited paper has word for word is a quote. For any other the nearest sentences of the cited
papers are found and, where there is a judge, judged; without one it stays unchecked and says so. Words
between quotation marks must be in a cited paper exactly: what is only similar is no quotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from index.embed import Embedder
from index.errors import PaperNotFound
from index.reader import Reader, StoredPaper
from qa.catalogue import Catalogue, Reference
from qa.citation_marks import Mark
from qa.manuscript import CitedSentence, Manuscript
from qa.model import Filters, Verdict
from qa.retrieve import Retriever
from qa.trace import NearSentence, Texts, TracedPlace, find_nearest
from qa.verify import Ground, Judge
from qa.words import tokens

_NEAR = 3  # sentences of each cited paper that a claim is held against
_NO_PAPER = "none of its papers could be looked into"
_MISQUOTED = "the words in quotation marks are not in the cited papers"
_MOSTLY = 0.8  # of a sentence's words within quotation marks: then it is the quotation


class Problem(StrEnum):
    """Why nothing can be checked of a citation."""

    NOT_HERE = "not in your library"
    NO_ENTRY = "not in the list of references"
    NO_BIBLIOGRAPHY = "no bibliography was given (--bib FILE)"
    SEVERAL = "several papers of your library could be meant"


@dataclass(frozen=True, slots=True)
class CheckedCitation:
    """What a mark of the draft stands for: the paper, or why there is none."""

    mark: Mark
    paper: StoredPaper | None
    problem: Problem | None = None
    reference: str = ""  # as the draft's list has it


@dataclass(frozen=True, slots=True)
class CheckedQuote:
    """Words between quotation marks, and where a cited paper has them; None if none does."""

    words: str
    place: TracedPlace | None


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A cited sentence and what is to be said of it. `place` is where a paper has it word for word."""

    sentence: CitedSentence
    citations: tuple[CheckedCitation, ...]
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    place: TracedPlace | None = None
    quotes: tuple[CheckedQuote, ...] = ()
    nearest: tuple[NearSentence, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether something has to be mended: a citation without a paper, a quotation that is none, or a
        sentence that its papers do not support."""
        return (
            any(citation.problem for citation in self.citations)
            or any(quote.place is None for quote in self.quotes if self.papers)
            or self.verdict is Verdict.UNSUPPORTED
        )

    @property
    def papers(self) -> list[StoredPaper]:
        """The cited papers that the library has, each once."""
        found = {c.paper.id: c.paper for c in self.citations if c.paper is not None}
        return list(found.values())


class Checker:
    """Checks the sentences of drafts against one library, inside one read transaction."""

    def __init__(
        self, reader: Reader, retriever: Retriever, embedder: Embedder, judge: Judge | None = None
    ) -> None:
        self._reader = reader
        self._retriever = retriever
        self._embedder = embedder
        self._judge = judge
        self._catalogue = Catalogue(reader.papers())
        self._texts = Texts(reader)

    def check(
        self, manuscript: Manuscript, bibliography: Mapping[str, Reference] | None = None
    ) -> Iterator[CheckedSentence]:
        """The cited sentences of the draft, one by one; `bibliography` has the entries of its keys."""
        entries = {label: Reference.of(text) for label, text in manuscript.references.items()}
        entries |= bibliography or {}
        keyed = bibliography is not None or any(not label.isdigit() for label in entries)
        for sentence in manuscript.sentences:
            citations = tuple(self._citation(mark, entries, keyed=keyed) for mark in sentence.marks)
            yield self._checked(sentence, citations)

    def _citation(self, mark: Mark, entries: Mapping[str, Reference], *, keyed: bool) -> CheckedCitation:
        if mark.kind == "author":
            papers = self._catalogue.by_authors(mark)
            if len(papers) == 1:
                return CheckedCitation(mark, papers[0])
            return CheckedCitation(mark, None, Problem.SEVERAL if papers else Problem.NOT_HERE)
        entry = entries.get(mark.label)
        if entry is None:
            missing = mark.kind == "key" and not keyed
            return CheckedCitation(mark, None, Problem.NO_BIBLIOGRAPHY if missing else Problem.NO_ENTRY)
        paper = self._catalogue.by_reference(entry)
        return CheckedCitation(mark, paper, None if paper else Problem.NOT_HERE, entry.text)

    def _checked(self, sentence: CitedSentence, citations: tuple[CheckedCitation, ...]) -> CheckedSentence:
        papers = CheckedSentence(sentence, citations, Verdict.UNCHECKED).papers
        quotes = tuple(CheckedQuote(words, self._find(papers, words)) for words in sentence.quotes)
        if not papers:
            return CheckedSentence(sentence, citations, Verdict.UNCHECKED, (_NO_PAPER,), quotes=quotes)
        place = self._find(papers, sentence.text)
        if place is not None:
            return CheckedSentence(sentence, citations, Verdict.VERBATIM, place=place, quotes=quotes)
        if any(quote.place is None for quote in quotes):
            near = self._nearest(papers, sentence.text)
            return CheckedSentence(
                sentence, citations, Verdict.UNSUPPORTED, (_MISQUOTED,), None, quotes, near
            )
        if quotes and _share(sentence.quotes, sentence.text) >= _MOSTLY:
            return CheckedSentence(
                sentence, citations, Verdict.VERBATIM, place=quotes[0].place, quotes=quotes
            )
        nearest = self._nearest(papers, sentence.text)
        verdict, reasons = self._judged(sentence.text, quotes, nearest)
        return CheckedSentence(sentence, citations, verdict, reasons, None, quotes, nearest)

    def _find(self, papers: Sequence[StoredPaper], words: str) -> TracedPlace | None:
        return next((place for paper in papers for place in self._texts.find(paper, words)), None)

    def _nearest(self, papers: Sequence[StoredPaper], sentence: str) -> tuple[NearSentence, ...]:
        """The sentences of the cited papers nearest to the draft's, a few of each paper, best first."""
        found: list[NearSentence] = []
        for paper in papers:
            try:
                found += find_nearest(
                    self._reader, self._retriever, self._embedder, sentence, Filters((paper.key,)), _NEAR
                )
            except PaperNotFound:  # a paper without any passage
                continue
        return tuple(sorted(found, key=lambda near: -near.score))

    def _judged(
        self, claim: str, quotes: Sequence[CheckedQuote], nearest: Sequence[NearSentence]
    ) -> tuple[Verdict, tuple[str, ...]]:
        if self._judge is None or not nearest:
            return Verdict.UNCHECKED, ()
        grounds = [Ground(near.place.text, near.passage.text, near.passage.header) for near in nearest] + [
            Ground(quote.place.text, quote.place.text) for quote in quotes if quote.place is not None
        ]
        made = self._judge.judge(claim, grounds)
        # Only words that were found exactly are verbatim, whatever a judge says.
        verdict = Verdict.SUPPORTED if made.verdict is Verdict.VERBATIM else made.verdict
        return verdict, made.reasons


def _share(quotes: Sequence[str], text: str) -> float:
    return sum(len(tokens(quote)) for quote in quotes) / max(1, len(tokens(text)))
