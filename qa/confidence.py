"""How sure citewell is that its evidence answers the question, and when it says that it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qa.extract import Candidate
from qa.model import ScoredPassage

ANSWERABLE = 0.5


def features(evidence: Sequence[ScoredPassage], ranked: Sequence[Candidate]) -> tuple[float, float, float]:
    """Best cosine of a passage; best coverage of the question by a sentence; mean cosine of the best three
    sentences. Each 0 to 1, 0 where there is nothing."""
    passage = max((p.cosine or 0.0 for p in evidence), default=0.0)
    coverage = max((c.coverage for c in ranked), default=0.0)
    best = sorted((c.cosine for c in ranked), reverse=True)[:3]
    return passage, coverage, sum(best) / len(best) if best else 0.0


def confidence(evidence: Sequence[ScoredPassage], ranked: Sequence[Candidate]) -> float:
    """Between 0 and 1; a logistic function of the features above."""
    passage, coverage, sentences = features(evidence, ranked)
    return 1 / (1 + math.exp(-(8 * passage + 5 * coverage + 4 * sentences - 8)))


def is_answerable(value: float) -> bool:
    """Whether an answer is given at this confidence."""
    return value >= ANSWERABLE
