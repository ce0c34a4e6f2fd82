"""How sure citewell is that its evidence answers the question, and when it says that it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa.extract import Candidate
from qa.model import ScoredPassage
from qa.words import stems

ANSWERABLE = 0.5

# Fitted by logistic regression on questions of Evidence Inference 2.0, each asked of a library with its
# paper and of the same library without it (see docs/decisions/0005-extractive-answers.md).
_WEIGHTS = (2.5, 5.5, 4.5, 2.0)
_BIAS = -7.3


def features(
    evidence: Sequence[ScoredPassage], ranked: Sequence[Candidate], rarity: Mapping[str, float]
) -> tuple[float, float, float, float]:
    """Four figures from 0 to 1: the best cosine of a passage; the largest share of the question's words,
    weighted by their rarity, that one passage holds with its title; the same for a sentence; the mean cosine
    of the best three sentences."""
    cosine = max((p.cosine or 0.0 for p in evidence), default=0.0)
    passage = max((_held(p, rarity) for p in evidence), default=0.0)
    sentence = max((c.coverage for c in ranked), default=0.0)
    best = sorted((c.cosine for c in ranked), reverse=True)[:3]
    return cosine, passage, sentence, sum(best) / len(best) if best else 0.0


def _held(found: ScoredPassage, rarity: Mapping[str, float]) -> float:
    whole = sum(rarity.values())
    held = stems(f"{found.paper.record.title} {found.passage.section.heading} {found.passage.text}")
    return sum(weight for stem, weight in rarity.items() if stem in held) / whole if whole else 0.0


def confidence(
    evidence: Sequence[ScoredPassage], ranked: Sequence[Candidate], rarity: Mapping[str, float]
) -> float:
    """Between 0 and 1; a logistic function of the features above."""
    if not ranked:
        return 0.0
    values = features(evidence, ranked, rarity)
    return 1 / (1 + math.exp(-(_BIAS + sum(w * v for w, v in zip(_WEIGHTS, values, strict=True)))))


def is_answerable(value: float) -> bool:
    """Whether an answer is given at this confidence."""
    return value >= ANSWERABLE
