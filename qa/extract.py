"""Chooses the sentences of the evidence that answer the question. No LLM, no chance: the same every time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from index.embed import Embedder, Vectors
from index.model import SectionKind, Span
from index.sentences import CELL_SEPARATOR, sentence_spans
from qa.model import ScoredPassage
from qa.words import stems

# Leans on what the sentence before it said; quoted alone it would say nothing, or something else.
_LEANING = re.compile(
    r"(?:this|these|those|such|it|its|they|their|he|she|his|her|however|moreover|furthermore|therefore|thus"
    r"|hence|also|additionally|similarly|conversely|in addition|in contrast|on the other hand|consequently"
    r"|as a result|nevertheless|nonetheless|again|both|the (?:former|latter|same)|here)\b",
    re.IGNORECASE,
)
# Says what was asked or done, not what was found.
_INTENT = re.compile(
    r"\b(?:we (?:aim|sought|hypothesi[sz]e|investigate|examine|evaluate|assess|describe|discuss|review)"
    r"|(?:the |our )?(?:aim|aims|objective|objectives|purpose|goal)s? (?:of|was|were|is)"
    r"|(?:this|the present|our|the) (?:study|trial|review|paper|article|work)"
    r" (?:aim|was designed|will|investigates|examines|evaluates|assesses|discusses|describes|explores)"
    r"|to (?:determine|investigate|assess|evaluate|examine) (?:the|whether|if)"
    r"|(?:was|were) (?:assessed|measured|evaluated|recorded|analy[sz]ed|calculated|performed|randomi[sz]ed)"
    r" (?:by|using|with|at|before|as)|remains? (?:unclear|unknown|to be))",
    re.IGNORECASE,
)
_METHODS = re.compile(r"\b(?:methods?|materials|design|protocol|statistical|procedure)", re.IGNORECASE)
_FINDINGS = re.compile(r"\b(?:results?|findings|conclusions?|discussion)\b", re.IGNORECASE)
_MIN_WORDS = 5
_MAX_CHARACTERS = 700

_WEIGHT_MEANING = 0.55
_WEIGHT_WORDS = 0.35
_WEIGHT_RANK = 0.10
_TITLE_CREDIT = 0.5  # a word of the question that only the paper's title holds counts this much
_REDUNDANCY = 0.25
_SAME = 0.78  # likeness from which two sentences say the same thing
_FLOOR_OF_BEST = 0.6
_FLOOR = 0.35


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted: its place in the paper, and how well it answers."""

    source: ScoredPassage
    span: Span
    text: str
    score: float
    coverage: float  # of the question's words, weighted by how rare they are: 0 to 1
    cosine: float
    vector: Vectors  # shape (dimension,), length 1
    stems: frozenset[str]


def candidates(
    evidence: Sequence[ScoredPassage],
    question: str,
    vector: Vectors,
    rarity: Mapping[str, float],
    embedder: Embedder,
) -> list[Candidate]:
    """Every quotable sentence of the evidence with its score, best first.

    `vector` is the question's; `rarity` gives each stem of the question its weight.
    """
    found = [(p, span, span_text) for p in evidence for span, span_text in _sentences(p)]
    if not found:
        return []
    vectors = embedder.passages([text for _, _, text in found])
    cosines = vectors @ vector
    wanted = stems(question)
    scored: list[Candidate] = []
    for (source, span, text), cosine, row in zip(found, cosines, vectors, strict=True):
        held = frozenset(stems(text))
        coverage = _coverage(wanted, held, stems(source.paper.record.title), rarity)
        score = (
            _WEIGHT_MEANING * float(cosine)
            + _WEIGHT_WORDS * coverage
            + _WEIGHT_RANK / source.rank
            - _drawback(source, text)
        )
        scored.append(Candidate(source, span, text, score, coverage, float(cosine), row, held))
    return sorted(scored, key=lambda c: (-c.score, c.source.rank, c.span.start))


def _sentences(source: ScoredPassage) -> list[tuple[Span, str]]:
    passage = source.passage
    found: list[tuple[Span, str]] = []
    for local in sentence_spans(passage.text, Span(0, len(passage.text))):
        text = local.of(passage.text)
        if (
            len(text.split()) >= _MIN_WORDS
            and len(text) <= _MAX_CHARACTERS
            and any(c.islower() for c in text)
        ):
            offset = passage.span.start
            found.append((Span(offset + local.start, offset + local.end), text))
    return found


def _coverage(wanted: set[str], held: frozenset[str], title: set[str], rarity: Mapping[str, float]) -> float:
    whole = sum(rarity.get(stem, 1.0) for stem in wanted)
    if not whole:
        return 0.0
    here = sum(rarity.get(stem, 1.0) for stem in wanted & held)
    above = sum(rarity.get(stem, 1.0) for stem in (wanted & title) - held)
    return (here + _TITLE_CREDIT * above) / whole


def _drawback(source: ScoredPassage, text: str) -> float:
    """What speaks against quoting this sentence although its words fit."""
    section = source.passage.section
    drawback = 0.0
    if section.kind is SectionKind.SUMMARY:
        drawback += 0.04  # somebody's words about the paper; the paper's own come first
    if CELL_SEPARATOR in text or section.kind is SectionKind.TABLE:
        drawback += 0.10
    if section.kind in (SectionKind.FIGURE, SectionKind.BACK):
        drawback += 0.05
    if text.rstrip().endswith("?"):
        drawback += 0.20
    elif not text.rstrip().endswith((".", "!", ")", "]", '"', "”")):
        drawback += 0.04  # a piece cut off, a heading, a list item
    if _LEANING.match(text):
        drawback += 0.07
    if _INTENT.search(text):
        drawback += 0.20
    if section.kind is SectionKind.BODY and _METHODS.search(section.heading):
        drawback += 0.10
    if section.kind is SectionKind.ABSTRACT or _FINDINGS.search(section.heading):
        drawback -= 0.03
    return drawback


def select(ranked: Sequence[Candidate], limit: int, *, per_paper: int = 3) -> list[Candidate]:
    """The best sentences that do not repeat each other, in the order in which they read best.

    Chosen by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998); none that scores far
    below the best. The paper with the best sentence comes first, each paper's sentences in its order.
    """
    chosen: list[Candidate] = []
    left = [c for c in ranked if c.score >= max(_FLOOR, _FLOOR_OF_BEST * ranked[0].score)]
    while left and len(chosen) < limit:
        best = max(left, key=lambda c: c.score - _REDUNDANCY * _likeness(c, chosen))
        left.remove(best)
        of_paper = sum(c.source.paper.id == best.source.paper.id for c in chosen)
        if of_paper < per_paper and _likeness(best, chosen) < _SAME:
            chosen.append(best)
    first: dict[int, int] = {}
    for candidate in chosen:
        first.setdefault(candidate.source.paper.id, len(first))
    return sorted(chosen, key=lambda c: (first[c.source.paper.id], c.span.start))


def _likeness(candidate: Candidate, chosen: Sequence[Candidate]) -> float:
    """How much of it is said already: half by meaning, half by the words of the shorter of the two."""
    return max((_alike(candidate, other) for other in chosen), default=0.0)


def _alike(a: Candidate, b: Candidate) -> float:
    shorter = min(len(a.stems), len(b.stems))
    words = len(a.stems & b.stems) / shorter if shorter else 0.0
    return 0.5 * float(np.dot(a.vector, b.vector)) + 0.5 * words
