"""Clusters of like passages, of which a search needs to read only the nearest.

How many it reads is measured, not guessed: so many that of the hundred best passages of a query, exactly
searched, 99 are found. The queries are passages of the library, and passages moved so far along the
differences of others that they are no nearer to anything than questions are: for passages alone an
eighth as many lists would seem to do. Real questions lose up to one more (docs/performance.md). Every
score is that of an exact search, for the rows are those of library.db; what can be missed is a passage in a
list that was not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from index.embed import Vectors
from index.sealed import Codes, Ids, Layout, in_order

_SEED = 20_261_123
_SAMPLED = 64  # rows for each cluster that the clusters are found from
_ROUNDS = 10
_QUERIES = 128  # of each of the two kinds
_DEEP = 100  # recall at so many
_AWAY = 1.5  # of a difference of two passages: the best cosine of such a query is about 0.6
_BLOCK = 32_768  # rows that are float32 at one time


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """When rows are clustered, and how well they must be found then."""

    exact_up_to: int = 200_000  # passages: one core searches so many in about ten milliseconds
    recall: float = 0.99  # of the hundred best, for the queries that are made here


def lay_out(codes: Codes, options: ClusterOptions) -> Layout:
    """The rows in order, or in clusters where there are too many for an exact search.

    The same rows give the same clusters: the seed is fixed, and one thread does the sums.
    """
    import faiss

    count, dimension = len(codes), codes.shape[1] // 2
    if count <= options.exact_up_to:
        return in_order(count, dimension)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        return _clustered(codes, options)
    finally:
        faiss.omp_set_num_threads(threads)


def _clustered(codes: Codes, options: ClusterOptions) -> Layout:
    random = np.random.default_rng(_SEED)
    centroids = _centroids(codes, random)
    belongs = np.concatenate([_nearest(centroids, float32(codes[at : at + _BLOCK])) for at in _blocks(codes)])
    order = np.argsort(belongs, kind="stable").astype(np.int64)
    sizes = np.bincount(belongs, minlength=len(centroids))
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    probes, recall = _measured(codes, belongs, centroids, _queries(codes, random), options.recall)
    return Layout(order, bounds, centroids, probes, recall)


def _blocks(codes: Codes) -> range:
    return range(0, len(codes), _BLOCK)


def float32(codes: Codes) -> Vectors:
    """Float16 rows as float32; FAISS does it several times faster than NumPy."""
    import faiss

    decoder = faiss.IndexScalarQuantizer(
        codes.shape[1] // 2, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    rows: Vectors = decoder.sa_decode(np.ascontiguousarray(codes))
    return rows


def _centroids(codes: Codes, random: np.random.Generator) -> Vectors:
    """Unit vectors, of shape (clusters, dimension): about twice the square root of the passages."""
    import faiss

    clusters = max(1, 2 ** round(np.log2(2 * np.sqrt(len(codes)))))
    sample = np.sort(random.permutation(len(codes))[: _SAMPLED * clusters])
    found = faiss.Kmeans(
        codes.shape[1] // 2, clusters, niter=_ROUNDS, seed=_SEED, spherical=True,
        min_points_per_centroid=1, max_points_per_centroid=_SAMPLED,
    )  # fmt: skip
    found.train(float32(codes[sample]))
    return np.asarray(found.centroids, np.float32)


def _nearest(centroids: Vectors, rows: Vectors) -> npt.NDArray[np.int64]:
    import faiss

    _, found = faiss.knn(rows, centroids, 1, metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(found[:, 0], np.int64)


def _queries(codes: Codes, random: np.random.Generator) -> tuple[Vectors, ...]:
    """Passages, and what lies as far from any passage as a question does."""
    own, a, b = (float32(codes[np.sort(random.integers(0, len(codes), _QUERIES))]) for _ in range(3))
    moved = own + _AWAY * (random.permutation(a) - random.permutation(b))
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return own, np.ascontiguousarray(moved)


def _measured(
    codes: Codes, belongs: Ids, centroids: Vectors, queries: tuple[Vectors, ...], wanted: float
) -> tuple[int, float]:
    """How many of the nearest lists have to be read, and the recall that this gives (of the harder kind)."""
    probes = 1
    ranks = [_ranks(codes, belongs, centroids, kind) for kind in queries]
    for kind in ranks:
        least = int(np.ceil(wanted * kind.size)) - 1  # so many hits, at least, must be in the lists
        probes = max(probes, int(np.partition(kind, least, axis=None)[least]) + 1)
    return probes, min(float((kind < probes).mean()) for kind in ranks)


def _ranks(codes: Codes, belongs: Ids, centroids: Vectors, queries: Vectors) -> Ids:
    """For each of a query's true hits how many lists are nearer than the one that it is in.

    Of shape (queries, hits).
    """
    hits = _exact(codes, queries, min(_DEEP, len(codes)))
    likeness = queries @ centroids.T
    order = np.argsort(-likeness, axis=1, kind="stable")
    place = np.argsort(order, axis=1, kind="stable")  # of each list in that order
    found: Ids = np.take_along_axis(place, belongs[hits], axis=1)
    return found


def _exact(codes: Codes, queries: Vectors, deep: int) -> Ids:
    """The positions of the `deep` best rows for each query, in no order."""
    import faiss

    scores: list[Any] = []
    places: list[Any] = []
    for at in _blocks(codes):
        rows = float32(codes[at : at + _BLOCK])
        best, found = faiss.knn(queries, rows, min(deep, len(rows)), metric=faiss.METRIC_INNER_PRODUCT)
        scores.append(best)
        places.append(found + at)
    order = np.argsort(-np.concatenate(scores, axis=1), axis=1, kind="stable")[:, :deep]
    hits: Ids = np.take_along_axis(np.concatenate(places, axis=1), order, axis=1)
    return hits
