"""Claims with a quote that supports them, contradicts them, or does neither: what a verifier is measured by.

Three layouts. ev2: the finding of a trial, worded from its labels, with its evidence. BEIR with
evidence.SPLIT.jsonl (SciFact): claims of experts. claims.jsonl: a researcher's own, beside the papers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from eval.claim_forms import DOWN, SAME, UP, finding
from eval.datasets.beir import TextRow, sentences_of
from eval.datasets.lines import ALL, choose_split, read_lines
from index.errors import DatasetError
from index.model import Paper, Span
from index.sentences import sentence_spans
from qa.locate import KeyedText
from qa.verify import Ground
from qa.words import stems

ReadPaper = Callable[[bytes, str], Paper]

_QUESTION = re.compile(r"What is the effect of (.+?) compared (?:with|to) (.+) on (.+?)\s*\?\s*$", re.DOTALL)
_DIRECTIONS = {
    "significantly increase": UP,
    "significantly decrease": DOWN,
    "no significant difference": SAME,
}
_AROUND = 600  # characters of the paper on each side of a quote that count as its passage
_OTHER = 0.34  # stems of two outcomes in common, of the shorter, from which they may be the same outcome
_WORDS = (6, 90)  # that a sentence has which is taken as a quote


class Label(StrEnum):
    """What a quote does to a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, the ground it is said to stand on, and what that ground does to it."""

    id: str
    text: str
    ground: Ground
    label: Label
    paper: str  # whose words the ground is: splits keep a paper's claims together


class _Trial(BaseModel):
    id: str = Field(coerce_numbers_to_str=True)
    pmcid: str
    split: str = ""
    question: str
    labels: list[str]
    evidence: list[str]


class _Own(BaseModel):
    id: str = Field("", coerce_numbers_to_str=True)
    claim: str = Field(min_length=1)
    paper: str = Field(min_length=1)
    quote: str = Field(min_length=1)
    label: Label


class _Evidence(BaseModel):
    id: str = Field(coerce_numbers_to_str=True)
    claim: str
    doc_id: str = Field(coerce_numbers_to_str=True)
    label: str
    sentences: list[int]


def load_claims(place: Path, split: str | None, read: ReadPaper, seed: int = 5) -> list[Claim]:
    """The claims of a dataset's split; DatasetError where the folder has none.

    The same seed gives the same claims: wordings and unrelated sentences are drawn by it.
    """
    rng = random.Random(seed)  # noqa: S311 (draws samples, guards nothing)
    if (place / "claims.jsonl").is_file():
        return list(_own(place, read))
    there = sorted(path.stem.removeprefix("evidence.") for path in place.glob("evidence.*.jsonl"))
    if there and (place / "corpus.jsonl").is_file():
        return list(_abstracts(place, choose_split(there, split, place), rng))
    if (place / "questions.jsonl").is_file():
        rows = list(read_lines(place / "questions.jsonl", _Trial))
        chosen = choose_split([row.split for row in rows], split, place)
        return list(_trials(place, [r for r in rows if chosen in (ALL, r.split)], read, rng))
    raise DatasetError(
        f"{place} has no claims",
        "Write claims.jsonl (claim, paper, quote, label: supported, contradicted or neither) beside papers.",
    )


def _own(place: Path, read: ReadPaper) -> Iterator[Claim]:
    papers: dict[str, Paper] = {}
    for number, row in enumerate(read_lines(place / "claims.jsonl", _Own), start=1):
        if row.paper not in papers:
            files = [path for path in sorted(place.rglob(f"{row.paper}.*")) if path.is_file()]
            if not files:
                raise DatasetError(
                    f"claims.jsonl, line {number}: no paper {row.paper}", f"Put it into {place}."
                )
            papers[row.paper] = read(files[0].read_bytes(), files[0].name)
        paper = papers[row.paper]
        places = KeyedText(paper.text).find(row.quote)
        if not places:
            raise DatasetError(
                f"claims.jsonl, line {number}: the quote is not in {row.paper}", "Copy it from the paper."
            )
        ground = _ground(paper, places[0])
        yield Claim(row.id or str(number), row.claim, ground, row.label, row.paper)


def _ground(paper: Paper, span: Span) -> Ground:
    """The whole sentences around a place that was found by its letters, and what stands around them."""
    section = next((s for s in paper.sections if s.span.start <= span.start < s.span.end), None)
    within = section.span if section else Span(0, len(paper.text))
    spans = [s for s in sentence_spans(paper.text, within) if s.start < span.end and span.start < s.end]
    start, end = (spans[0].start, spans[-1].end) if spans else (span.start, span.end)
    low, high = max(within.start, start - _AROUND), min(within.end, end + _AROUND)
    heading = section.heading if section else ""
    return Ground(paper.text[start:end], paper.text[low:high], f"{paper.record.title} › {heading}")


# --- Evidence Inference: intervention, comparator, outcome, and the direction that experts agreed on


@dataclass(frozen=True, slots=True)
class _Finding:
    row: _Trial
    one: str
    other: str
    outcome: str
    direction: str
    ground: Ground


def _trials(place: Path, rows: Sequence[_Trial], read: ReadPaper, rng: random.Random) -> Iterator[Claim]:
    papers: dict[str, list[_Trial]] = {}
    for row in rows:
        papers.setdefault(row.pmcid, []).append(row)
    for name, asked in papers.items():
        files = list((place / "xml").glob(f"{name}.*"))
        if not files:
            continue
        paper = read(files[0].read_bytes(), files[0].name)
        keyed = KeyedText(paper.text)
        found = [f for row in asked if (f := _finding(row, paper, keyed)) is not None]
        for one in found:
            yield from _worded(one, found, paper, rng)


def _finding(row: _Trial, paper: Paper, keyed: KeyedText) -> _Finding | None:
    asked = _QUESTION.match(" ".join(row.question.split()))
    directions = {
        _DIRECTIONS.get(label.removesuffix("d") if label.endswith("ed") else label) for label in row.labels
    }
    if asked is None or len(directions) != 1 or None in directions:
        return None
    (direction,) = directions
    assert direction is not None
    grounds = [_ground(paper, places[0]) for quote in row.evidence if (places := keyed.find(quote))]
    grounds = [g for g in grounds if _WORDS[0] <= len(g.quote.split()) <= _WORDS[1]]
    if not grounds:
        return None
    shortest = min(grounds, key=lambda g: len(g.quote))
    return _Finding(row, asked[1].strip(), asked[2].strip(), asked[3].strip(), direction, shortest)


def _worded(one: _Finding, found: Sequence[_Finding], paper: Paper, rng: random.Random) -> Iterator[Claim]:
    """The finding as it is, the two that it excludes, and as it is on a ground that says nothing of it."""

    def claim(kind: str, direction: str, ground: Ground, label: Label) -> Claim:
        text = finding(direction, one.one, one.other, one.outcome, rng)
        return Claim(f"{one.row.id}-{kind}", text, ground, label, one.row.pmcid)

    yield claim("true", one.direction, one.ground, Label.SUPPORTED)
    for direction in (UP, DOWN, SAME):
        if direction != one.direction:
            yield claim(direction, direction, one.ground, Label.CONTRADICTED)
    others = [f for f in found if not _alike(f.outcome, one.outcome) and f.ground.quote != one.ground.quote]
    if others:
        yield claim("outcome", one.direction, rng.choice(others).ground, Label.NEITHER)
    if unrelated := _nearest_sentence(one, found, paper):
        yield claim("sentence", one.direction, unrelated, Label.NEITHER)


def _alike(one: str, other: str) -> bool:
    a, b = stems(one), stems(other)
    return len(a & b) > _OTHER * max(1, min(len(a), len(b)))


def _nearest_sentence(one: _Finding, found: Sequence[_Finding], paper: Paper) -> Ground | None:
    """The sentence of the paper with most words of the finding that does not name its outcome."""
    wanted = stems(f"{one.one} {one.other} {one.outcome}")
    outcome = stems(one.outcome)
    quoted = {f.ground.quote for f in found}
    best: tuple[int, Span] | None = None
    for section in paper.sections:
        if not section.kind.searched:
            continue
        for span in sentence_spans(paper.text, section.span):
            text = span.of(paper.text)
            held = stems(text)
            if not _WORDS[0] <= len(text.split()) <= _WORDS[1] or text in quoted:
                continue
            if len(outcome & held) > _OTHER * len(outcome):
                continue
            if best is None or len(wanted & held) > best[0]:
                best = len(wanted & held), span
    return _ground(paper, best[1]) if best and best[0] else None


# --- SciFact: claims of experts about abstracts


def _abstracts(place: Path, split: str, rng: random.Random) -> Iterator[Claim]:
    names = (
        [split]
        if split != ALL
        else [p.stem.removeprefix("evidence.") for p in place.glob("evidence.*.jsonl")]
    )
    rows = [row for name in names for row in read_lines(place / f"evidence.{name}.jsonl", _Evidence)]
    documents = {d.id: d for d in read_lines(place / "corpus.jsonl", TextRow)}
    deciding: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        deciding.setdefault((row.id, row.doc_id), set()).update(row.sentences)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        document = documents[row.doc_id]
        label = Label.SUPPORTED if row.label.startswith("SUPPORT") else Label.CONTRADICTED
        sentences = sentences_of(document)
        quote = " ".join(sentences[n] for n in row.sentences if n < len(sentences))
        ground = Ground(quote, document.text, document.title)
        yield Claim(f"{row.id}-{row.doc_id}-{row.sentences[0]}", row.claim, ground, label, row.doc_id)
        if (row.id, row.doc_id) in seen:
            continue
        seen.add((row.id, row.doc_id))
        left = [s for n, s in enumerate(sentences) if n not in deciding[row.id, row.doc_id]]
        if left:
            wanted = stems(row.claim)
            # The middle of the list by shared words: the first may well say the same in passing.
            near = sorted(left, key=lambda s: -len(wanted & stems(s)))[: max(1, len(left) // 2)]
            other = Ground(rng.choice(near), document.text, document.title)
            yield Claim(f"{row.id}-{row.doc_id}-other", row.claim, other, Label.NEITHER, row.doc_id)
