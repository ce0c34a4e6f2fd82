"""One question and its answer as a line of a kept conversation, and back.

All that was shown is kept, the papers' records too: a conversation can be read and exported when the library
has changed. What then no longer stands in its paper is said to be unchecked, never shown as verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from index.errors import PaperNotFound
from index.model import Format, Record, Section, SectionKind, Span
from index.reader import Reader, StoredPaper, StoredPassage
from qa.mentions import CitedPaper
from qa.model import (
    EVERYTHING,
    Answer,
    AnswerSentence,
    Citation,
    Filters,
    ReferenceEntry,
    ScoredPassage,
    Statement,
    Verdict,
)
from qa.references import short_name
from qa.verify import page_of, stands_at

CHANGED = "the paper has changed or was removed"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)  # a later version may add fields


class KeptPaper(_Kept):
    """A cited paper as it was then."""

    key: str
    record: Record


class KeptQuote(_Kept):
    """A citation; for a declined question the passage that came nearest."""

    paper: str
    quote: str
    start: int
    end: int
    path: tuple[str, ...] = ()
    kind: SectionKind = SectionKind.BODY
    page: int | None = None
    number: int = 0
    verdict: Verdict = Verdict.UNCHECKED
    reasons: tuple[str, ...] = ()


class KeptSentence(_Kept):
    """A sentence of the answer."""

    text: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    citations: tuple[KeptQuote, ...] = ()


class KeptReference(_Kept):
    """An entry of the list beneath the answer."""

    paper: str
    numbers: tuple[int, ...]
    text: str


class KeptTurn(_Kept):
    """A question and all that was answered. `scope` is the conversation's, `filters` are what was used."""

    version: Literal[1] = 1
    asked: str  # ISO, UTC
    question: str
    query: str
    because: str = ""
    topic: str = ""  # what follow-ups lean on, where that is not the query
    scope: Filters = EVERYTHING
    filters: Filters = EVERYTHING
    declined: bool = False
    confidence: float = 0.0
    sentences: tuple[KeptSentence, ...] = ()
    extracted: tuple[KeptSentence, ...] = ()
    references: tuple[KeptReference, ...] = ()
    papers: tuple[KeptPaper, ...] = ()
    nearest: KeptQuote | None = None
    caveat: Statement | None = None
    headline: Statement | None = None
    weighing: Statement | None = None
    notices: tuple[str, ...] = ()
    writer: str = ""
    incomplete: bool = False

    def cited(self) -> tuple[CitedPaper, ...]:
        """The papers of the answer, as a later question may call them."""
        records = {paper.key: paper.record for paper in self.papers}
        return tuple(
            CitedPaper(
                r.paper, short_name(records[r.paper]), r.numbers,
                tuple(author.family for author in records[r.paper].authors), records[r.paper].year,
            )
            for r in self.references
            if r.paper in records
        )  # fmt: skip


def names(turns: Iterable[KeptTurn]) -> dict[str, str]:
    """How the papers cited in these turns are called, by their keys."""
    return {paper.key: paper.name for turn in turns for paper in turn.cited()}


def keep(
    answer: Answer, asked: str, because: str, scope: Filters, filters: Filters, topic: str = ""
) -> KeptTurn:
    """A finished answer as it is kept."""
    nearest = answer.evidence[0] if answer.declined and answer.evidence else None
    papers = {entry.paper.key: entry.paper.record for entry in answer.references}
    papers |= {c.paper.key: c.paper.record for c in _citations(answer)}
    if nearest is not None:
        papers[nearest.paper.key] = nearest.paper.record
    return KeptTurn(
        asked=asked,
        question=answer.question,
        query=answer.query,
        because=because,
        topic=topic,
        scope=scope,
        filters=filters,
        declined=answer.declined,
        confidence=answer.confidence,
        sentences=_sentences(answer.sentences),
        extracted=_sentences(answer.extracted),
        references=tuple(
            KeptReference(paper=e.paper.key, numbers=e.numbers, text=e.text) for e in answer.references
        ),
        papers=tuple(KeptPaper(key=key, record=record) for key, record in papers.items()),
        nearest=None if nearest is None else _nearest(nearest),
        caveat=answer.caveat,
        headline=answer.headline,
        weighing=answer.weighing,
        notices=answer.notices,
        writer=answer.writer,
        incomplete=answer.incomplete,
    )


def _citations(answer: Answer) -> Iterator[Citation]:
    for sentence in (*answer.sentences, *answer.extracted):
        yield from sentence.citations


def _sentences(sentences: Sequence[AnswerSentence]) -> tuple[KeptSentence, ...]:
    return tuple(
        KeptSentence(
            text=s.text, verdict=s.verdict, reasons=s.reasons, citations=tuple(map(_quote, s.citations))
        )
        for s in sentences
    )


def _quote(c: Citation) -> KeptQuote:
    section = c.passage.section
    return KeptQuote(
        paper=c.paper.key, quote=c.quote, start=c.span.start, end=c.span.end, path=section.path,
        kind=section.kind, page=c.page, number=c.number, verdict=c.verdict, reasons=c.reasons,
    )  # fmt: skip


def _nearest(found: ScoredPassage) -> KeptQuote:
    passage = found.passage
    return KeptQuote(
        paper=found.paper.key, quote=passage.text, start=passage.span.start, end=passage.span.end,
        path=passage.section.path, kind=passage.section.kind, page=passage.page,
    )  # fmt: skip


# --- back ------------------------------------------------------------------------------------------------


def restore(turn: KeptTurn, reader: Reader) -> Answer:
    """The answer as it stands today: each quote is looked for in the library's paper of that key.

    A quote that stands elsewhere in the text now gets its new place. One that is no longer in it keeps its
    words and loses its verdict, and so does its sentence.
    """
    return _Restorer(turn, reader).answer()


class _Restorer:
    def __init__(self, turn: KeptTurn, reader: Reader) -> None:
        self._turn = turn
        self._reader = reader
        self._papers = {
            kept.key: _in_library(reader, kept.key) or _as_kept(kept, -number)
            for number, kept in enumerate(turn.papers, start=1)
        }
        self._texts = {key: reader.text(p.id) for key, p in self._papers.items() if p.id > 0}

    def answer(self) -> Answer:
        turn = self._turn
        nearest = turn.nearest if turn.nearest and turn.nearest.paper in self._papers else None
        return Answer(
            turn.question,
            turn.query,
            turn.declined,
            tuple(self._sentence(s) for s in turn.sentences),
            tuple(
                ReferenceEntry(r.numbers, self._papers[r.paper], r.text)
                for r in turn.references
                if r.paper in self._papers
            ),
            (ScoredPassage(1, 0.0, self._passage(nearest), self._papers[nearest.paper]),) if nearest else (),
            turn.confidence,
            turn.notices,
            caveat=turn.caveat,
            headline=turn.headline,
            weighing=turn.weighing,
            writer=turn.writer,
            incomplete=turn.incomplete,
            extracted=tuple(self._sentence(s) for s in turn.extracted),
        )

    def _sentence(self, kept: KeptSentence) -> AnswerSentence:
        citations = tuple(self._citation(c) for c in kept.citations if c.paper in self._papers)
        if len(citations) == len(kept.citations) and not any(CHANGED in c.reasons for c in citations):
            return AnswerSentence(kept.text, citations, kept.verdict, kept.reasons)
        return AnswerSentence(kept.text, citations, Verdict.UNCHECKED, (*kept.reasons, CHANGED))

    def _citation(self, kept: KeptQuote) -> Citation:
        paper, span = self._papers[kept.paper], Span(kept.start, kept.end)
        citation = Citation(
            kept.number, paper, self._passage(kept), kept.quote, span, kept.page, kept.verdict, kept.reasons
        )
        text = self._texts.get(kept.paper, "")
        if stands_at(text, span, kept.quote):
            return citation
        at = text.find(kept.quote) if kept.quote else -1
        if at < 0:
            return replace(citation, verdict=Verdict.UNCHECKED, reasons=(*kept.reasons, CHANGED))
        moved = Span(at, at + len(kept.quote))
        return replace(citation, span=moved, page=page_of(self._reader.pages(paper.id), moved))

    def _passage(self, kept: KeptQuote) -> StoredPassage:
        span = Span(kept.start, kept.end)
        section = Section(kept.path, span, kept.kind)
        return StoredPassage(0, self._papers[kept.paper].id, 0, span, kept.quote, "", section, kept.page)


def _in_library(reader: Reader, key: str) -> StoredPaper | None:
    try:
        paper = reader.find_paper(key)
    except PaperNotFound:
        return None
    return paper if paper.key == key else None


def _as_kept(kept: KeptPaper, identifier: int) -> StoredPaper:
    """A paper that the library no longer has; its id is negative, so that it is taken for none of its own."""
    return StoredPaper(identifier, kept.key, kept.record, Format.TEXT, False, (), (), 0, "", "")
