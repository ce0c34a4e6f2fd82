"""Reciprocal rank fusion: several rankings of the same things made one."""

from __future__ import annotations

from collections.abc import Sequence, Set


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


def score_fusion(
    bm25: Sequence[tuple[int, float]],
    dense: Sequence[tuple[int, float]],
    share: float,
    pending: Set[int] = frozenset(),
) -> dict[int, float]:
    """A score for each id of either ranking: `share` of its cosine and the rest of its BM25, as a part of
    the best BM25. Both rankings are best first.

    A convex combination with the theoretical minimum 0 (Bruch, Gai and Ingber, TOIS 2023), which keeps how
    much better the first is than the second; ranks alone lose that. An id that one ranking lacks gets no
    BM25, or nine tenths of the lowest cosine seen. An id that is `pending` lacks its cosine for no fault of
    its own: it gets the mean of that and of the cosine at the place that it has among the words.
    """
    top = bm25[0][1] if bm25 and bm25[0][1] > 0 else 1.0
    words = {item: score / top for item, score in bm25}
    meaning = {item: max(0.0, cosine) for item, cosine in dense}
    unseen = 0.9 * min(meaning.values(), default=0.0)
    for (item, _), (_, cosine) in zip(bm25, dense, strict=False):
        if item in pending:
            meaning.setdefault(item, (max(0.0, cosine) + unseen) / 2)
    return {
        item: (1 - share) * words.get(item, 0.0) + share * meaning.get(item, unseen)
        for item in [*words, *(item for item in meaning if item not in words)]
    }
