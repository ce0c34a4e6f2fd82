"""Answers a question from the papers' own sentences, as a lazy stream of typed events.

Where there is a language model, it writes the answer; the papers' own sentences are chosen all the same.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from index.embed import Embedder
from index.errors import SettingsError
from index.library import Library
from index.reader import Reader
from qa.abbreviations import definitions, expanded
from qa.caveat import Spoken, allowed_by, caveat, preferring
from qa.clock import Clock
from qa.confidence import confidence, is_answerable
from qa.extract import Candidate, candidates, choose
from qa.model import (
    EVERYTHING,
    Answer,
    AnswerEvent,
    AnswerSentence,
    Citation,
    Filters,
    Finished,
    Query,
    Retrieved,
    ScoredPassage,
    SentenceReady,
    StageBegun,
    Verdict,
)
from qa.references import reference_list
from qa.rerank import Reranker
from qa.retrieve import Retriever, renumbered, select
from qa.support import SupportModel
from qa.verify import page_of, stands_at
from qa.weigh import weigh

if TYPE_CHECKING:
    from qa.write import Writer

MAX_QUESTION = 2_000  # characters; a model reads far fewer, and a pasted paper is no question


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How much evidence an answer may use and how long it may be."""

    evidence: int = 10
    per_paper: int = 5
    sentences: int = 5
    rerank_ms: float = 120.0  # that the reranker may take for the sentences of a question


def checked_question(question: str) -> str:
    """The question without superfluous white space; SettingsError if there is none, or far too much."""
    text = " ".join(question.split())
    if not any(c.isalnum() for c in text):
        raise SettingsError("the question is empty", 'Ask something, e.g. citewell ask "how do …?"')
    if len(text) > MAX_QUESTION:
        raise SettingsError(
            f"the question has {len(text):,} characters; at most {MAX_QUESTION:,} are read",
            "Ask one thing at a time, in a sentence or two.",
        )
    return text


class Answerer:
    """Questions to cited answers, from one library."""

    def __init__(
        self,
        library: Library,
        embedder: Embedder,
        retriever: Retriever,
        options: AnswerOptions,
        reranker: Reranker | None = None,
        support: SupportModel | None = None,
        writer: Writer | None = None,
    ) -> None:
        self._library = library
        self._embedder = embedder
        self._retriever = retriever
        self._options = options
        self._reranker = reranker
        self._support = support
        self._writer = writer

    def search(self, question: str, filters: Filters, limit: int, per_paper: int | None) -> Answer:
        """Only the evidence: an answer without sentences."""
        query = Query(question, checked_question(question), filters)
        clock = Clock()
        with clock.timed("load"):
            self._retriever.load()
        with self._library.read() as reader, clock.timed("retrieve"):
            vector = self._retriever.embed(query)
            evidence = self._retriever.retrieve(reader, query, vector, limit, per_paper)
        return Answer(question, query.text, False, (), (), tuple(evidence), timings_ms=clock.milliseconds)

    def answer(self, question: str, filters: Filters = EVERYTHING) -> Generator[AnswerEvent, None, None]:
        """Retrieves, extracts, re-finds every quote, and finishes with the whole answer.

        Everything is read in one transaction: an answer never mixes two states of the library.
        """
        query = Query(question, checked_question(question), filters)
        clock = Clock()
        yield StageBegun("loading the model")
        with clock.timed("load"):
            self._retriever.load()
        yield StageBegun("searching")
        with self._library.read() as reader:
            yield from self._answer(reader, query, clock)

    def _answer(self, reader: Reader, query: Query, clock: Clock) -> Generator[AnswerEvent, None, None]:
        options = self._options
        per_paper = None if len(query.filters.papers) == 1 else options.per_paper
        with clock.timed("retrieve"):
            vector = self._retriever.embed(query)
            rankings = self._retriever.rank(reader, query, vector, options.evidence)
            evidence = select(reader, rankings, options.evidence, per_paper)
            if len(evidence) < options.evidence and per_paper is not None:
                # The cap is there for variety. Where no other paper has anything, more of the same helps.
                whole = select(reader, rankings, options.evidence)
                known = {found.passage.id for found in evidence}
                evidence += [found for found in whole if found.passage.id not in known]
                evidence = renumbered(evidence[: options.evidence])
        yield Retrieved(tuple(evidence))
        yield StageBegun("reading")
        with clock.timed("extract"):
            meanings = abbreviations(reader, evidence)
            ranked = candidates(
                evidence, query.text, vector, rankings.rarity, self._embedder, self._reranker,
                options.rerank_ms, meanings, self._support, rankings.vectors,
            )  # fmt: skip
            certainty = confidence(evidence, ranked, rankings.rarity, rankings.best_logit)
            spoken = Spoken(reader, query.text)
            fitting = preferring(ranked, spoken) if is_answerable(certainty) else []
            chosen = choose(fitting, options.sentences)
        with clock.timed("verify"):
            sentences = _cited(reader, chosen, meanings)
        with clock.timed("weigh"):
            headline, weighing = weigh(query.text, sentences, self._support)
        answer = Answer(
            query.question, query.text, not sentences, tuple(sentences), reference_list(sentences),
            tuple(evidence), round(certainty, 4), timings_ms=clock.milliseconds,
            headline=headline, weighing=weighing,
        )  # fmt: skip
        if self._writer is not None and not answer.declined:
            answer = yield from self._writer.write(reader, answer, clock)
        said = caveat(answer.citations, spoken)
        answer = replace(
            answer, caveat=said,
            headline=allowed_by(said, answer.headline), weighing=allowed_by(said, answer.weighing),
        )  # fmt: skip
        for sentence in (*answer.sentences, *answer.extracted):
            yield SentenceReady(sentence)
        yield Finished(answer)


def abbreviations(reader: Reader, evidence: Sequence[ScoredPassage]) -> dict[int, dict[str, str]]:
    """For each paper of the evidence the abbreviations that its text defines."""
    papers = {found.paper.id for found in evidence}
    return {paper_id: definitions(reader.text(paper_id)) for paper_id in papers}


def _cited(
    reader: Reader, chosen: Sequence[Candidate], meanings: Mapping[int, Mapping[str, str]]
) -> list[AnswerSentence]:
    """The chosen sentences as cited ones; a quote that is not at its span is dropped, never shown."""
    sentences: list[AnswerSentence] = []
    texts = {c.source.paper.id: reader.text(c.source.paper.id) for c in chosen}
    pages = {paper_id: reader.pages(paper_id) for paper_id in texts}
    explained: set[tuple[str, str]] = set()
    for candidate in chosen:
        paper = candidate.source.paper
        if not stands_at(texts[paper.id], candidate.span, candidate.text):
            continue
        citation = Citation(
            number=len(sentences) + 1,
            paper=paper,
            passage=candidate.source.passage,
            quote=candidate.text,
            span=candidate.span,
            page=page_of(pages[paper.id], candidate.span),
            verdict=Verdict.VERBATIM,
        )
        text = expanded(candidate.text, meanings[paper.id], explained)
        sentences.append(AnswerSentence(text, (citation,), Verdict.VERBATIM))
    return sentences


def nearest(evidence: Sequence[ScoredPassage]) -> ScoredPassage | None:
    """What to name when the papers do not answer: the passage that came nearest."""
    return evidence[0] if evidence else None
