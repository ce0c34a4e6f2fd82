"""Finds the passages for a query: by their words, by their meaning, and the two rankings fused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from index.embed import Embedder, Vectors
from index.errors import PaperNotFound
from index.reader import Reader, StoredPassage
from index.vectors import VectorIndex
from qa.fuse import reciprocal_rank_fusion
from qa.model import Filters, Query, ScoredPassage
from qa.words import match_expression, tokens

_NEARLY_IDENTICAL = 0.9  # of their distinct words shared


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """How retrieval weighs what it finds."""

    depth: int = 100  # candidates from each ranking
    title_weight: float = 3.0
    heading_weight: float = 1.5
    bm25_weight: float = 1.0
    dense_weight: float = 1.0
    rrf_k: float = 60.0


class Retriever:
    """Ranked passages for a query, from one library."""

    def __init__(self, embedder: Embedder, index: VectorIndex, options: RetrievalOptions) -> None:
        self._embedder = embedder
        self._index = index
        self._options = options

    def embed(self, query: Query) -> Vectors:
        """The query's vector, of shape (dimension,)."""
        return self._embedder.query(query.text)

    def retrieve(
        self, reader: Reader, query: Query, vector: Vectors, limit: int, per_paper: int | None = None
    ) -> list[ScoredPassage]:
        """At most `limit` passages, best first, at most `per_paper` of one paper, no near-copies.

        Raises PaperNotFound for a filter that names a paper the library lacks.
        """
        options = self._options
        depth = max(options.depth, limit)
        allowed = self._allowed(reader, query.filters)
        words = reader.match(
            match_expression(query.text), depth, (options.title_weight, options.heading_weight, 1.0), allowed
        )
        dense = self._index.search(reader, vector, depth, allowed)
        passages = reader.passages([i for i, _ in words] + [i for i, _ in dense])
        rankings = [[i for i, _ in hits if i in passages][:depth] for hits in (words, dense)]
        fused = reciprocal_rank_fusion(rankings, (options.bm25_weight, options.dense_weight), options.rrf_k)
        chosen = _diverse(((i, s) for i, s in fused), passages, limit, per_paper)
        papers = reader.papers_by_id(passages[i].paper_id for i, _ in chosen)
        bm25, cosine = dict(words), dict(dense)
        return [
            ScoredPassage(rank, score, passages[i], papers[passages[i].paper_id], cosine.get(i), bm25.get(i))
            for rank, (i, score) in enumerate(chosen, start=1)
        ]

    def _allowed(self, reader: Reader, filters: Filters) -> set[int] | None:
        if not filters:
            return None
        papers = [reader.find_paper(name).id for name in filters.papers] if filters.papers else None
        allowed = reader.scope(papers, filters.years, filters.sections)
        if not allowed:
            raise PaperNotFound(
                "no passage lies within the given papers, years and sections",
                "Widen the scope, or leave it out.",
            )
        return allowed


def _diverse(
    ranked: Iterable[tuple[int, float]], passages: dict[int, StoredPassage], limit: int, per_paper: int | None
) -> list[tuple[int, float]]:
    chosen: list[tuple[int, float]] = []
    words_of: list[frozenset[str]] = []
    of_paper: dict[int, int] = {}
    for i, score in ranked:
        if len(chosen) == limit:
            break
        passage = passages[i]
        if per_paper is not None and of_paper.get(passage.paper_id, 0) >= per_paper:
            continue
        words = frozenset(tokens(passage.text))
        if any(_overlap(words, other) >= _NEARLY_IDENTICAL for other in words_of):
            continue
        chosen.append((i, score))
        words_of.append(words)
        of_paper[passage.paper_id] = of_paper.get(passage.paper_id, 0) + 1
    return chosen


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity; two passages without words are not alike."""
    return len(a & b) / len(a | b) if a and b else 0.0


def renumbered(passages: Iterable[ScoredPassage]) -> list[ScoredPassage]:
    """The same passages with ranks from 1 in their present order."""
    return [replace(passage, rank=rank) for rank, passage in enumerate(passages, start=1)]
