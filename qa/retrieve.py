"""Finds the passages for a query: by their words, by their meaning, and the two rankings fused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

import numpy as np

from index.embed import Embedder, Vectors
from index.errors import PaperNotFound
from index.fulltext import ROWS
from index.reader import Reader, StoredPassage
from index.vectors import VectorIndex
from qa.clock import Clock
from qa.coverage import best_sentence, length_factor, raised, rarities
from qa.forms import meanings, other_form
from qa.fuse import reciprocal_rank_fusion, score_fusion
from qa.model import Filters, Query, ScoredPassage
from qa.priors import asks_for_findings, section_prior
from qa.rerank import Reranker, rerank_text
from qa.words import content_words, tokens

_MAX_LOGIT = 8.0
_BY_WORDS = 50  # passages whose sentences are looked at
_NEARLY_IDENTICAL = 0.9  # of their distinct words shared


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """How retrieval weighs what it finds."""

    depth: int = 100  # candidates from each ranking
    title_weight: float = 3.0
    heading_weight: float = 1.0
    scored_rows: int = ROWS  # passages with the rarer words of a question that BM25 ranks
    fusion: Literal["scores", "ranks"] = "scores"
    dense_share: float = 0.6  # of the cosine in the fused score, or of its ranking; the rest is BM25's
    rrf_k: float = 60.0  # for the fusion of ranks
    section_priors: bool = True
    both_forms: bool = True  # of an abbreviation, in the question's vector
    sentence_words: float = 0.3  # weight of how much of a question one sentence holds, beside scores of 1
    sentence_meaning: float = 0.3  # of that sentence's cosine
    sentences: int = 8  # passages whose sentence is embedded
    rerank_ms: float = 400.0  # that the reranker may take for the passages of a question
    rerank_weight: float = 0.1  # of a logit, beside fused scores of at most 1


Ranking = tuple[tuple[int, float], ...]  # passage ids and scores, best first


@dataclass(frozen=True, slots=True)
class Rankings:
    """What each stage made of a query, and the passages that its ids name.

    `reranked` is None where there is no reranker; `read` counts the candidates it had the time to read.
    `rarity` has the weights of the question's stems, `vectors` those of the sentences that were embedded, by
    their text.
    """

    bm25: Ranking
    dense: Ranking
    fused: Ranking
    reranked: Ranking | None
    passages: dict[int, StoredPassage]
    timings_ms: dict[str, float]
    read: int = 0
    best_logit: float | None = None
    rarity: Mapping[str, float] = field(default_factory=dict)
    vectors: Mapping[str, Vectors] = field(default_factory=dict)

    @property
    def final(self) -> Ranking:
        """The last stage there is."""
        return self.fused if self.reranked is None else self.reranked


class Retriever:
    """Ranked passages for a query, from one library."""

    def __init__(
        self,
        embedder: Embedder,
        index: VectorIndex,
        options: RetrievalOptions,
        reranker: Reranker | None = None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._options = options
        self._reranker = reranker
        self._scope: tuple[int, Filters, set[int]] | None = None  # of the last question that had one
        self._loading = Lock()
        self._loaded = False

    def load(self) -> None:
        """Loads models and index now instead of at the first query, side by side: most of it is not Python.

        May be called from several threads; whoever comes second waits. Raises ModelError and LibraryError.
        """
        with self._loading:
            if self._loaded:
                return
            parts = [self._embedder.load, self._index.load]
            parts += [self._reranker.load] if self._reranker is not None else []
            with ThreadPoolExecutor(len(parts)) as pool:
                for done in [pool.submit(part) for part in parts]:
                    done.result()
            self._loaded = True

    def embed(self, query: Query) -> Vectors:
        """The query's vector, of shape (dimension,)."""
        return self._embedder.query(query.text)

    def rank(self, reader: Reader, query: Query, vector: Vectors, depth: int | None = None) -> Rankings:
        """Every stage's ranking of at most `depth` passages (default: that of the options).

        Raises PaperNotFound or TagNotFound for a filter that names what the library lacks.
        """
        options = self._options
        depth = max(options.depth, depth or 0)
        clock = Clock()
        allowed = self.allowed(reader, query.filters)
        weights = (options.title_weight, options.heading_weight, 1.0)
        with clock.timed("bm25"):
            bm25 = reader.match_words(content_words(query.text), depth, weights, allowed, options.scored_rows)
            passages = reader.passages(i for i, _ in bm25)
        with clock.timed("dense"):
            if options.both_forms:
                vector = self._both_forms(query, vector, passages.values())
            dense = self._index.search(reader, vector, depth, allowed)
        with clock.timed("fuse"):
            passages |= reader.passages(i for i, _ in dense if i not in passages)
            bm25, dense = ([hit for hit in hits if hit[0] in passages] for hits in (bm25, dense))
            fused = self._fused(query.text, bm25, dense, passages)
            rarity = rarities(reader, query.text)
            fused, vectors = self._by_sentences(rarity, vector, fused, passages)
        reranked, logits = None, []
        if self._reranker is not None:
            with clock.timed("rerank"):
                texts = [rerank_text(passages[i]) for i, _ in fused]
                logits = self._reranker.score(query.text, texts, options.rerank_ms)
                reranked = tuple(blend(fused, logits, options.rerank_weight))
        return Rankings(
            tuple(bm25), tuple(dense), fused, reranked, passages, clock.milliseconds,
            len(logits), max(logits, default=None), rarity, vectors,
        )  # fmt: skip

    def _both_forms(self, query: Query, vector: Vectors, passages: Iterable[StoredPassage]) -> Vectors:
        """The mean of the question's vector and that of its other form, of length 1, if it has another."""
        other = other_form(query.text, meanings(passage.text for passage in passages))
        if other is None:
            return vector
        mean = vector + self._embedder.query(other)
        return mean / np.linalg.norm(mean)

    def _fused(
        self,
        question: str,
        bm25: Sequence[tuple[int, float]],
        dense: Sequence[tuple[int, float]],
        passages: dict[int, StoredPassage],
    ) -> Ranking:
        share = self._options.dense_share
        if self._options.fusion == "scores":
            pending = {i for i, _ in bm25 if passages[i].pending}
            scores = score_fusion(bm25, dense, share, pending)
        else:
            rankings = [[i for i, _ in hits] for hits in (bm25, dense)]
            scores = dict(reciprocal_rank_fusion(rankings, (1 - share, share), self._options.rrf_k))
        if self._options.section_priors:
            findings = asks_for_findings(question)
            for i in scores:
                scores[i] *= section_prior(passages[i].section, findings=findings)
        return tuple(sorted(scores.items(), key=lambda hit: (-hit[1], hit[0])))

    def _by_sentences(
        self,
        rarity: Mapping[str, float],
        vector: Vectors,
        fused: Ranking,
        passages: Mapping[int, StoredPassage],
    ) -> tuple[Ranking, dict[str, Vectors]]:
        """The passages anew, by the one sentence of each that holds most of the question, and by its meaning;
        and the vectors of the sentences whose meaning was looked at, by their text.

        That all words of a question stand in one sentence says more than that they stand in one passage.
        """
        options, vectors = self._options, dict[str, Vectors]()
        if not fused or options.sentence_words == options.sentence_meaning == 0:
            return fused, vectors
        best = {i: best_sentence(passages[i], rarity) for i, _ in fused[:_BY_WORDS]}
        weight = options.sentence_words * length_factor(len(rarity))
        ranking = raised(fused, [best[i][0] for i, _ in fused[:_BY_WORDS]], weight)
        if options.sentence_meaning and options.sentences:
            texts = [best[i][1] for i, _ in ranking[: options.sentences]]
            vectors = dict(zip(texts, self._embedder.passages(texts), strict=True))
            cosines = [float(vectors[text] @ vector) for text in texts]
            ranking = raised(ranking, cosines, options.sentence_meaning)
        return tuple(ranking), vectors

    def retrieve(
        self, reader: Reader, query: Query, vector: Vectors, limit: int, per_paper: int | None = None
    ) -> list[ScoredPassage]:
        """At most `limit` passages, best first, at most `per_paper` of one paper, no near-copies.

        Raises PaperNotFound for a filter that names a paper the library lacks.
        """
        return select(reader, self.rank(reader, query, vector, limit), limit, per_paper)

    def allowed(self, reader: Reader, filters: Filters) -> set[int] | None:
        """The ids of the passages that lie within the filters, None for all of them.

        Raises PaperNotFound or TagNotFound for a filter that names what the library lacks, PaperNotFound for
        one that nothing meets.
        """
        if not filters:
            return None
        generation = reader.generation()
        if self._scope is None or self._scope[:2] != (generation, filters):
            self._scope = generation, filters, self._within(reader, filters)
        return self._scope[2]

    def _within(self, reader: Reader, filters: Filters) -> set[int]:
        papers = [reader.find_paper(name).id for name in filters.papers] if filters.papers else None
        allowed = reader.scope(papers, filters.years, filters.sections, filters.kinds, filters.tags)
        for name in filters.without:
            allowed.difference_update(reader.passage_ids(reader.find_paper(name).id))
        if not allowed:
            raise PaperNotFound(
                "no passage lies within the given papers, years, sections and tags",
                "Widen the scope, or leave it out.",
            )
        return allowed


def blend(
    fused: Sequence[tuple[int, float]], logits: Sequence[float], weight: float
) -> list[tuple[int, float]]:
    """The fused passages in a new order: by their score, as a part of the best one, plus `weight` times the
    reranker's logit.

    `logits` are those of the first len(logits) passages; the others stay behind them, for each gets the
    lowest logit read. Logits are cut at ±8: however much the reranker likes or dislikes a passage, it moves
    it so far and no further. Unlike a fusion of ranks this keeps how sure the reranker is.
    """
    if not fused or not logits:
        return list(fused)
    top = fused[0][1] or 1.0
    bounded = [min(_MAX_LOGIT, max(-_MAX_LOGIT, logit)) for logit in logits]
    unread = min(bounded)
    scored = [
        (i, score / top + weight * (bounded[n] if n < len(bounded) else unread))
        for n, (i, score) in enumerate(fused)
    ]
    return sorted(scored, key=lambda hit: (-hit[1], hit[0]))


def select(
    reader: Reader, rankings: Rankings, limit: int, per_paper: int | None = None
) -> list[ScoredPassage]:
    """The passages to use of a finished ranking: at most `limit`, at most `per_paper` of one paper, no
    near-copies."""
    passages = rankings.passages
    chosen = diverse(rankings.final, passages, limit, per_paper)
    papers = reader.papers_by_id(passages[i].paper_id for i, _ in chosen)
    bm25, cosine = dict(rankings.bm25), dict(rankings.dense)
    return [
        ScoredPassage(rank, score, passages[i], papers[passages[i].paper_id], cosine.get(i), bm25.get(i))
        for rank, (i, score) in enumerate(chosen, start=1)
    ]


def diverse(
    ranked: Iterable[tuple[int, float]], passages: dict[int, StoredPassage], limit: int, per_paper: int | None
) -> list[tuple[int, float]]:
    """The first `limit` of a ranking, at most `per_paper` of one paper, no near-copies."""
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
