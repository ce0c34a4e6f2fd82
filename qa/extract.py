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
from qa.rerank import Reranker
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

# Chosen by the quotes of Evidence Inference, COVID-QA and SciFact: docs/decisions/0008-quoting.md.
_WEIGHT_MEANING = 0.55
_WEIGHT_WORDS = 0.35
_WEIGHT_PASSAGE = 0.30  # of the passage's score
_WEIGHT_LOGIT = 0.05  # of the reranker's logit for the sentence
_READ = 16  # sentences that the reranker reads
_EMBEDDED = 10  # sentences whose meaning is compared
_TITLE_CREDIT = 0.5  # a word of the question that only the paper's title holds counts this much
_REDUNDANCY = 0.25
_SAME = 0.78  # likeness from which two sentences say the same thing
_BELOW_BEST = 0.35  # a sentence that scores less than the best by more than this is not quoted
_BULLETS = "•·▪◦‣–*"


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
    logit: float | None  # the reranker's; None if it did not read the sentence
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the evidence and what costs nothing to know of it."""

    source: ScoredPassage
    span: Span
    text: str
    coverage: float
    stems: frozenset[str]
    early: float  # score without meaning and logit


def candidates(
    evidence: Sequence[ScoredPassage],
    question: str,
    vector: Vectors,
    rarity: Mapping[str, float],
    embedder: Embedder,
    reranker: Reranker | None = None,
    budget_ms: float | None = None,
) -> list[Candidate]:
    """The most promising quotable sentences of the evidence with their scores, best first.

    `vector` is the question's; `rarity` gives each stem of the question its weight. Words and the passage's
    score say which sentences the reranker reads, and these three which ones are embedded: reading all of
    them would cost more than finding the passages did, and changed no choice in 200 questions.
    """
    found = sorted(_weighed(evidence, question, rarity), key=lambda s: -s.early)[:_READ]
    if not found:
        return []
    logits: list[float | None] = [None] * len(found)
    if reranker is not None:
        texts = [f"{s.source.passage.header}. {s.text}" for s in found]
        read = reranker.score(question, texts, budget_ms)
        logits[: len(read)] = read
    unread = min((x for x in logits if x is not None), default=0.0)
    weighed = [(s, logit, s.early + _WEIGHT_LOGIT * (unread if logit is None else logit))
               for s, logit in zip(found, logits, strict=True)]  # fmt: skip
    weighed = sorted(weighed, key=lambda w: -w[2])[:_EMBEDDED]
    vectors = embedder.passages([s.text for s, _, _ in weighed])
    scored = [
        Candidate(
            s.source, s.span, s.text, score + _WEIGHT_MEANING * float(row @ vector), s.coverage,
            float(row @ vector), row, logit, s.stems,
        )
        for (s, logit, score), row in zip(weighed, vectors, strict=True)
    ]  # fmt: skip
    return sorted(scored, key=lambda c: (-c.score, c.source.rank, c.span.start))


def _weighed(
    evidence: Sequence[ScoredPassage], question: str, rarity: Mapping[str, float]
) -> list[_Sentence]:
    wanted = stems(question)
    weighed: list[_Sentence] = []
    for source in evidence:
        title = stems(source.paper.record.title)
        for span, text in _sentences(source):
            held = frozenset(stems(text))
            coverage = _coverage(wanted, held, title, rarity)
            early = _WEIGHT_WORDS * coverage + _WEIGHT_PASSAGE * source.score - _drawback(source, text)
            weighed.append(_Sentence(source, span, text, coverage, held, early))
    return weighed


def _sentences(source: ScoredPassage) -> list[tuple[Span, str]]:
    passage = source.passage
    found: list[tuple[Span, str]] = []
    for local in sentence_spans(passage.text, Span(0, len(passage.text))):
        text = local.of(passage.text)
        bare = text.lstrip(_BULLETS + " ")  # the mark of a list item is no part of what it says
        local, text = Span(local.end - len(bare), local.end), bare
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


def choose(ranked: Sequence[Candidate], limit: int, *, per_paper: int = 3) -> list[Candidate]:
    """The best sentences that do not repeat each other, in the order in which they read best.

    Chosen by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998); none that scores far
    below the best. The paper with the best sentence comes first, each paper's sentences in its order.
    """
    chosen: list[Candidate] = []
    left = [c for c in ranked if c.score >= ranked[0].score - _BELOW_BEST]
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
