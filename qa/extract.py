"""Chooses the sentences of the evidence that answer the question. No LLM, no chance: the same every time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from index.embed import Embedder, Vectors
from index.model import SectionKind, Span
from index.sentences import CELL_SEPARATOR, sentence_spans
from qa.abbreviations import expanded
from qa.coverage import coverage
from qa.model import ScoredPassage
from qa.rerank import Reranker
from qa.support import SupportModel
from qa.weigh import decisiveness
from qa.words import stems

# Speaks of what the sentence before it named; quoted alone it would say nothing, or something else.
_LEANING = re.compile(
    r"(?:(?:however|moreover|furthermore|also|thus|therefore|in addition|additionally|similarly|interestingly"
    r"|importantly|notably|nevertheless|consequently|hence|overall|finally|in contrast|conversely),? )?"
    r"(?:"
    r"(?:this|these|those|such)\b(?! (?:\w+ )?(?:study|studies|trial|review|paper|work|article|analysis"
    r"|meta-analysis|survey|experiment|report|results|findings|data)\b)"
    r"|(?:it|they|he|she)\b"
    r"(?! (?:is|was|has been|seems|appears|can be|should be) (?:\w+ ){1,2}?(?:that|to)\b)"
    r"|(?:its|their|his|her|both|here)\b|the (?:former|latter|same|other)\b"
    r"|(?:as a result|in this (?:case|way))\b"
    r"|(?:one|another) of (?:these|them)\b)",
    re.IGNORECASE,
)
# Points back, but says something by itself.
_CONNECTED = re.compile(
    r"(?:however|moreover|furthermore|therefore|thus|hence|also|additionally|similarly|conversely|in addition"
    r"|in contrast|on the other hand|consequently|nevertheless|nonetheless|again)\b",
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
    r" (?:by|using|with|at|before|as)|remains? (?:unclear|unknown|to be)"
    r"|(?:is|are|was|were) (?:shown|given|listed|presented|summari[sz]ed|depicted|displayed|described) in)",
    re.IGNORECASE,
)
_METHODS = re.compile(r"\b(?:methods?|materials|design|protocol|statistical|procedure)", re.IGNORECASE)
_FINDINGS = re.compile(r"\b(?:results?|findings|conclusions?|discussion)\b", re.IGNORECASE)
_MIN_WORDS = 5
_MAX_CHARACTERS = 700
_SPELLED_OUT = 4  # abbreviations of a sentence

# Chosen by the quotes of Evidence Inference, COVID-QA and SciFact: docs/decisions/0008-quoting.md.
_WEIGHT_MEANING = 0.55
_WEIGHT_WORDS = 0.35
_WEIGHT_PASSAGE = 0.30  # of the passage's score
_WEIGHT_LOGIT = 0.05  # of the reranker's logit for the sentence
_WEIGHT_DECIDED = 0.30  # of how likely a sentence decides a question that asks whether, or for an effect
_READ = 16  # sentences that the reranker reads
_EMBEDDED = 10  # sentences whose meaning is compared
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
    reading: str  # the text with its abbreviations spelled out
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
    meanings: Mapping[int, Mapping[str, str]] | None = None,
    support: SupportModel | None = None,
    vectors: Mapping[str, Vectors] | None = None,
) -> list[Candidate]:
    """The most promising quotable sentences of the evidence with their scores, best first.

    `vector` is the question's; `rarity` gives each stem of the question its weight; `meanings` has each
    paper's abbreviations: a sentence that says "EA" is read as one that says electroacupuncture. Words and
    the passage's score say which sentences the reranker reads, and these three which ones are embedded:
    reading all of them would cost more than finding the passages did, and changed no choice in 200 questions.
    A question that asks whether, or for an effect, is best answered by a sentence that decides it.
    `vectors` are of sentences that retrieval has embedded already, by their text.
    """
    found = sorted(_weighed(evidence, question, rarity, meanings or {}), key=lambda s: -s.early)[:_READ]
    if not found:
        return []
    texts = [f"{s.source.passage.header}. {s.reading}" for s in found]
    logits = _logits(question, texts, reranker, budget_ms)
    decided = decisiveness(question, texts, support)
    unread = min((x for x in logits if x is not None), default=0.0)
    early = [
        s.early + _WEIGHT_LOGIT * (unread if logit is None else logit) + _WEIGHT_DECIDED * sure
        for s, logit, sure in zip(found, logits, decided, strict=True)
    ]
    promising = sorted(range(len(found)), key=lambda n: -early[n])[:_EMBEDDED]
    embedded = _embedded([found[n].reading for n in promising], embedder, vectors or {})
    scored = [
        _candidate(found[n], early[n], logits[n], row, float(row @ vector))
        for n, row in zip(promising, embedded, strict=True)
    ]
    return sorted(scored, key=lambda c: (-c.score, c.source.rank, c.span.start))


def _candidate(
    sentence: _Sentence, early: float, logit: float | None, vector: Vectors, cosine: float
) -> Candidate:
    return Candidate(
        sentence.source, sentence.span, sentence.text, early + _WEIGHT_MEANING * cosine, sentence.coverage,
        cosine, vector, logit, sentence.stems,
    )  # fmt: skip


def _embedded(texts: Sequence[str], embedder: Embedder, known: Mapping[str, Vectors]) -> list[Vectors]:
    """The vector of each text; those that are known are not computed again."""
    new = [text for text in texts if text not in known]
    found = {**known, **(dict(zip(new, embedder.passages(new), strict=True)) if new else {})}
    return [found[text] for text in texts]


def _logits(
    question: str, texts: Sequence[str], reranker: Reranker | None, budget_ms: float | None
) -> list[float | None]:
    """The reranker's logits; None for those that it had no time for."""
    read = reranker.score(question, texts, budget_ms) if reranker is not None else []
    return [*read, *[None] * (len(texts) - len(read))]


def _weighed(
    evidence: Sequence[ScoredPassage],
    question: str,
    rarity: Mapping[str, float],
    meanings: Mapping[int, Mapping[str, str]],
) -> list[_Sentence]:
    wanted = stems(question)
    weighed: list[_Sentence] = []
    for source in evidence:
        title = stems(source.paper.record.title)
        for span, text in _sentences(source):
            reading = expanded(text, meanings.get(source.paper.id, {}), set(), most=_SPELLED_OUT)
            held = frozenset(stems(reading))
            share = coverage(wanted, held, title, rarity)
            early = _WEIGHT_WORDS * share + _WEIGHT_PASSAGE * source.score - _drawback(source, text)
            weighed.append(_Sentence(source, span, text, reading, share, held, early))
    return weighed


def _sentences(source: ScoredPassage) -> list[tuple[Span, str]]:
    """The quotable sentences of a passage. One that leans on the sentence before it takes that along; where
    it stands at the passage's beginning, or that one leans as well, it is left out."""
    passage = source.passage
    found: list[tuple[Span, str]] = []
    before: Span | None = None  # the last sentence, if it can be leaned on
    for local in sentence_spans(passage.text, Span(0, len(passage.text))):
        bare = local.of(passage.text).lstrip(_BULLETS + " ")  # a list item's mark is no part of what it says
        local = Span(local.end - len(bare), local.end)
        leans = _LEANING.match(bare) is not None
        quoted = Span(before.start, local.end) if leans and before is not None else local
        stands = not leans or (before is not None and not passage.text[before.end : local.start].strip())
        if stands and _is_quotable(quoted.of(passage.text)):
            offset = passage.span.start
            found.append((Span(offset + quoted.start, offset + quoted.end), quoted.of(passage.text)))
        before = None if leans else local
    return found


def _is_quotable(text: str) -> bool:
    return len(text.split()) >= _MIN_WORDS and len(text) <= _MAX_CHARACTERS and any(c.islower() for c in text)


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
    if _CONNECTED.match(text):
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

    Chosen by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998); none that scores far below
    the best. The best sentence comes first, then its paper's others, then paper by paper in their order.
    """
    chosen: list[Candidate] = []
    left = [c for c in ranked if c.score >= ranked[0].score - _BELOW_BEST]
    while left and len(chosen) < limit:
        best = max(left, key=lambda c: c.score - _REDUNDANCY * _likeness(c, chosen))
        left.remove(best)
        of_paper = sum(c.source.paper.id == best.source.paper.id for c in chosen)
        overlaps = any(_overlap(best, other) for other in chosen)
        if of_paper < per_paper and not overlaps and _likeness(best, chosen) < _SAME:
            chosen.append(best)
    first: dict[int, int] = {}
    for candidate in chosen:
        first.setdefault(candidate.source.paper.id, len(first))
    # The most direct sentence opens the answer, whatever stands before it in its paper.
    return sorted(chosen, key=lambda c: (first[c.source.paper.id], c is not chosen[0], c.span.start))


def _overlap(one: Candidate, other: Candidate) -> bool:
    same = one.source.paper.id == other.source.paper.id
    return same and one.span.start < other.span.end and other.span.start < one.span.end


def _likeness(candidate: Candidate, chosen: Sequence[Candidate]) -> float:
    """How much of it is said already: half by meaning, half by the words of the shorter of the two."""
    return max((_alike(candidate, other) for other in chosen), default=0.0)


def _alike(a: Candidate, b: Candidate) -> float:
    shorter = min(len(a.stems), len(b.stems))
    words = len(a.stems & b.stems) / shorter if shorter else 0.0
    return 0.5 * float(np.dot(a.vector, b.vector)) + 0.5 * words
