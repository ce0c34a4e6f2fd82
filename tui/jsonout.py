"""Answers, evidence and papers as JSON for programs. Fields are added over time, never renamed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from index.reader import StoredPaper
from qa.model import Answer, AnswerSentence, Citation, ReferenceEntry, ScoredPassage, Statement
from qa.references import link


def answer_json(answer: Answer) -> dict[str, Any]:
    """What `ask --json` prints. `start` and `end` are offsets into what `show PAPER --text` prints."""
    return {
        "question": answer.question,
        "query": answer.query,
        "declined": answer.declined,
        "confidence": answer.confidence,
        "caveat": _statement(answer.caveat),
        "headline": _statement(answer.headline),
        "weighing": _statement(answer.weighing),
        "answer": [_sentence(sentence) for sentence in answer.sentences],
        "writer": answer.writer or None,
        "incomplete": answer.incomplete,
        "extracted": [_sentence(sentence) for sentence in answer.extracted],
        "notices": list(answer.notices),
        "references": [_reference(entry) for entry in answer.references],
        "evidence": [_evidence(p) for p in answer.evidence],
        "timings_ms": answer.timings_ms,
    }


def search_json(answer: Answer) -> dict[str, Any]:
    """What `search --json` prints."""
    return {
        "question": answer.question,
        "query": answer.query,
        "evidence": [_evidence(p) for p in answer.evidence],
        "timings_ms": answer.timings_ms,
    }


def paper_json(paper: StoredPaper) -> dict[str, Any]:
    """One paper of the catalogue."""
    return {
        "paper_id": paper.key,
        **asdict(paper.record.ids),
        "title": paper.record.title,
        "authors": [{"family": a.family, "given": a.given} for a in paper.record.authors],
        "year": paper.record.year,
        "date": paper.record.date,
        "journal": paper.record.journal,
        "licence": paper.record.licence,
        "url": link(paper.record),
        "format": str(paper.format),
        "passages": paper.passages,
        "body_missing": paper.body_missing,
        "pending": paper.pending,
        "notes": list(paper.notes),
        "tags": list(paper.tags),
        "paths": list(paper.paths),
        "added": paper.added,
        "updated": paper.updated,
    }


def _statement(statement: Statement | None) -> dict[str, Any] | None:
    return {"text": statement.text, "numbers": list(statement.numbers)} if statement else None


def _sentence(sentence: AnswerSentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "verdict": str(sentence.verdict),
        "reasons": list(sentence.reasons),
        "citations": [_citation(c) for c in sentence.citations],
    }


def _citation(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "paper_id": citation.paper.key,
        "passage_id": citation.passage.id,
        "quote": citation.quote,
        "start": citation.span.start,
        "end": citation.span.end,
        "page": citation.page,
        "heading": citation.passage.section.heading,
        "verdict": str(citation.verdict),
        "reasons": list(citation.reasons),
    }


def _reference(entry: ReferenceEntry) -> dict[str, Any]:
    record = entry.paper.record
    return {
        "numbers": list(entry.numbers),
        "paper_id": entry.paper.key,
        "text": entry.text,
        "title": record.title,
        "year": record.year,
        "journal": record.journal,
        "doi": record.ids.doi,
        "pmcid": record.ids.pmcid,
        "url": link(record),
    }


def _evidence(found: ScoredPassage) -> dict[str, Any]:
    passage = found.passage
    return {
        "passage_id": passage.id,
        "paper_id": found.paper.key,
        "rank": found.rank,
        "score": round(found.score, 6),
        "cosine": None if found.cosine is None else round(found.cosine, 4),
        "bm25": None if found.bm25 is None else round(found.bm25, 4),
        "title": found.paper.record.title,
        "heading": passage.section.heading,
        "text": passage.text,
        "start": passage.span.start,
        "end": passage.span.end,
        "page": passage.page,
    }
