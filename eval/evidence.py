"""Are the quoted sentences the right ones? They are held against the sentences that experts marked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from eval.corpus import Parts
from eval.declining import paper_keys
from eval.judge import Judge
from eval.model import Question
from eval.results import Evidence
from index.events import Advanced, StageStarted
from index.model import Span
from qa.answer import Answerer
from qa.model import Citation, Filters, Finished

_ENOUGH = 0.5  # of the shorter of quote and gold


@dataclass(frozen=True, slots=True)
class _Gold:
    paper_id: int
    span: Span


def measure_evidence(
    questions: Sequence[Question], parts: Parts, *, given_paper: bool
) -> Generator[StageStarted | Advanced | Evidence, None, None]:
    """Answers every question that has quotes and ends with Evidence, micro-averaged over all sentences.

    A quoted sentence is right if it and a gold one share half of the shorter; a gold one is found likewise.
    `given_paper` limits each question to the papers that answer it, so that only the choice is measured.
    """
    asked = [question for question in questions if question.quotes]
    yield StageStarted("quoting", len(asked))
    right = quoted = found = wanted = counted = exact = 0
    for done, question in enumerate(asked, start=1):
        with parts.library.read() as reader:
            gold = _gold(question, Judge(reader))
            papers = tuple(paper_keys(question, reader)) if given_paper else ()
        if gold:
            counted += 1
            citations = _citations(parts.answerer, question.text, Filters(papers=papers))
            quoted += len(citations)
            with parts.library.read() as reader:
                exact += sum(c.span.of(reader.text(c.paper.id)) == c.quote for c in citations)
            wanted += len(gold)
            right += sum(any(_meets(c, g) for g in gold) for c in citations)
            found += sum(any(_meets(c, g) for c in citations) for g in gold)
        yield Advanced(done, question.text)
    precision = right / quoted if quoted else 0.0
    recall = found / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    yield Evidence(
        questions=counted, precision=round(precision, 4), recall=round(recall, 4), f1=round(f1, 4),
        scope="paper" if given_paper else "library", quotes=quoted, exact=exact,
    )  # fmt: skip


def _gold(question: Question, judge: Judge) -> set[_Gold]:
    return {
        _Gold(paper.id, span)
        for quote in question.quotes
        if (paper := judge.paper(quote.paper)) is not None
        for span in judge.places(quote)
    }


def _citations(answerer: Answerer, question: str, filters: Filters) -> list[Citation]:
    for event in answerer.answer(question, filters):
        if isinstance(event, Finished):
            return [citation for sentence in event.answer.sentences for citation in sentence.citations]
    raise AssertionError("an answer always finishes")


def _meets(citation: Citation, gold: _Gold) -> bool:
    if citation.paper.id != gold.paper_id:
        return False
    a, b = citation.span, gold.span
    shared = min(a.end, b.end) - max(a.start, b.start)
    return shared >= _ENOUGH * min(a.end - a.start, b.end - b.start)
