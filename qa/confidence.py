"""How sure citewell is that its evidence answers the question, and when it says that it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa.extract import Candidate
from qa.model import ScoredPassage
from qa.words import stems

# Below a half: an answer wrongly withheld costs the reader more than one that shows weak evidence.
ANSWERABLE = 0.4

# Fitted by logistic regression on questions of four sets, each asked of a library with its paper and of the
# same library without it (docs/decisions/0008-quoting.md): with a reranker's logit, and without.
_WEIGHTS = (1.58, -2.80, 2.99, 1.66, -2.81, 7.16)
_BIAS = -1.87
_WEIGHTS_UNREAD = (1.87, -1.22, 2.97, 2.42, -3.62, 6.79)
_BIAS_UNREAD = -3.74
_LOGITS = 8.0  # logits lie between −8 and 8
_LONG = 3.0  # the logarithm of the number of words of a long question


def features(
    evidence: Sequence[ScoredPassage], ranked: Sequence[Candidate], rarity: Mapping[str, float]
) -> tuple[float, float, float, float]:
    """Four figures from 0 to 1: the best cosine of a passage; the largest share of the question's words,
    weighted by their rarity, that one passage holds with its title; the same for a sentence; the mean cosine
    of the best three sentences. A passage that waits to be embedded has no cosine yet: the best of its
    sentences stands for it."""
    cosine = max((p.cosine or 0.0 for p in evidence), default=0.0)
    cosine = max(cosine, max((c.cosine for c in ranked if c.source.passage.pending), default=0.0))
    passage = max((_held(p, rarity) for p in evidence), default=0.0)
    sentence = max((c.coverage for c in ranked), default=0.0)
    best = sorted((c.cosine for c in ranked), reverse=True)[:3]
    return cosine, passage, sentence, sum(best) / len(best) if best else 0.0


def _held(found: ScoredPassage, rarity: Mapping[str, float]) -> float:
    whole = sum(rarity.values())
    held = stems(f"{found.paper.record.title} {found.passage.section.heading} {found.passage.text}")
    return sum(weight for stem, weight in rarity.items() if stem in held) / whole if whole else 0.0


def confidence(
    evidence: Sequence[ScoredPassage],
    ranked: Sequence[Candidate],
    rarity: Mapping[str, float],
    best_logit: float | None = None,
) -> float:
    """Between 0 and 1; a logistic function of the features above, of which the reranker's best logit for a
    passage, where there is one, replaces the last, and of the question's length: that a passage holds all
    words of "does yoga reduce stress?" says little, that it holds most of a long question says much."""
    if not ranked:
        return 0.0
    values = features(evidence, ranked, rarity)
    weights, bias = _WEIGHTS_UNREAD, _BIAS_UNREAD
    if best_logit is not None:
        values = (*values[:3], max(-1.0, min(1.0, best_logit / _LOGITS)))
        weights, bias = _WEIGHTS, _BIAS
    length = math.log1p(len(rarity)) / _LONG
    weighed = zip(weights, (*values, length, length * values[1]), strict=True)
    return 1 / (1 + math.exp(-(bias + sum(weight * value for weight, value in weighed))))


def is_answerable(value: float) -> bool:
    """Whether an answer is given at this confidence."""
    return value >= ANSWERABLE
