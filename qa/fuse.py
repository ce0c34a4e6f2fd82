"""Reciprocal rank fusion: several rankings of the same things made one."""

from __future__ import annotations

from collections.abc import Sequence


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], weights: Sequence[float], k: float = 60.0
) -> list[tuple[int, float]]:
    """Ids and fused scores, best first; ties by id, so that the order never depends on chance.

    An id at rank r (from 1) of a ranking with weight w scores w / (k + r); scores add up.
    Cormack, Clarke and Buettcher, SIGIR 2009, with k = 60.
    """
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
