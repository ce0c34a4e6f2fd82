"""citewell, and the parts that it is made of by themselves, asked like the rivals.

    python -m benchmarks.ours NAME index|ask|search ...      (see benchmarks/rivals/driver.py)

answer, search       what `citewell ask` and `citewell search` do
retrieval            search without the reranker
bare                 the encoder, a flat FAISS index and an FTS5 table, and nothing around them: the limit
sentence-transformers  the encoder as most tools run it, in torch and float32, and nothing around it
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.rivals.driver import Hit, Search, Text, Tool, main

if TYPE_CHECKING:
    from qa.model import ScoredPassage
    from tui.parts import Parts

_WINDOW = 512  # passages sorted by length together, as `add` does it
_BATCH = 64
_DEPTH = 100  # candidates of each search, as in citewell
_RRF = 60.0

Stages = dict[str, list[float]]  # milliseconds or seconds of every question or all texts


class Citewell:
    """A library that `citewell add` has built, through the parts that the commands use."""

    whole_papers = False

    def __init__(
        self, find: Callable[[Parts, str, int, Stages], Sequence[ScoredPassage]], **settings: Any
    ) -> None:
        self._find = find
        self._settings = settings
        self.stages: Stages = {}

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Not here: `citewell add` is measured as users run it."""
        raise NotImplementedError

    def open(self, model: Path, folder: Path) -> Search:
        """Loads what a question needs."""
        from eval.judge import passage_name
        from qa.settings import load_settings
        from tui.parts import Parts

        parts = Parts(load_settings(library=folder, **self._settings))
        parts.retriever.load()

        def search(question: str, limit: int) -> list[Hit]:
            found = self._find(parts, question, limit, self.stages)
            return [Hit(passage_name(hit.paper, hit.passage), hit.passage.text) for hit in found]

        return search


def _answer(parts: Parts, question: str, _limit: int, stages: Stages) -> Sequence[ScoredPassage]:
    from qa.model import Finished

    *_, last = parts.answerer.answer(question)
    assert isinstance(last, Finished)
    _note(stages, last.answer.timings_ms)
    return last.answer.evidence


def _search(parts: Parts, question: str, limit: int, stages: Stages) -> Sequence[ScoredPassage]:
    from qa.model import EVERYTHING

    found = parts.answerer.search(question, EVERYTHING, limit, None)
    _note(stages, found.timings_ms)
    return found.evidence


def _retrieval(parts: Parts, question: str, limit: int, stages: Stages) -> Sequence[ScoredPassage]:
    """Timed stage by stage: embedding apart from looking, as the bare parts are."""
    from qa.model import Query
    from qa.retrieve import select

    query = Query(question, question)
    with parts.library.read() as reader:
        begun = time.perf_counter()
        vector = parts.retriever.embed(query)
        embedded = time.perf_counter()
        rankings = parts.retriever.rank(reader, query, vector)
        found = select(reader, rankings, limit)
        looked = time.perf_counter() - embedded
    _note(stages, {"embed": (embedded - begun) * 1000, "look": looked * 1000, **rankings.timings_ms})
    return found


def _note(stages: Stages, milliseconds: dict[str, float]) -> None:
    for name, value in milliseconds.items():
        stages.setdefault(name, []).append(value)


class Bare:
    """The same encoder over the same passages in the same batches; exact search; the same words asked for."""

    whole_papers = False

    def __init__(self) -> None:
        self.stages: Stages = {}

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Encodes, and writes one FAISS file and one table."""
        import faiss
        import numpy as np

        embedder = _embedder(bulk=True)
        with _Timed(self.stages, "load"):
            embedder.load()
        with _Timed(self.stages, "encode"):
            vectors = np.empty((len(texts), embedder.fingerprint.dimension), np.float32)
            for batch in in_batches([len(text.text) for text in texts]):
                vectors[batch] = embedder.passages([texts[i].text for i in batch])
        with _Timed(self.stages, "store"):
            index = faiss.IndexFlatIP(vectors.shape[1])
            index.add(vectors)
            faiss.write_index(index, str(folder / "vectors.faiss"))
            database = sqlite3.connect(folder / "texts.db")
            database.execute(
                "CREATE VIRTUAL TABLE passages USING fts5"
                " (name UNINDEXED, text, tokenize = 'porter unicode61 remove_diacritics 2')"
            )
            rows = [(number, text.name, text.text) for number, text in enumerate(texts)]
            database.executemany("INSERT INTO passages (rowid, name, text) VALUES (?, ?, ?)", rows)
            database.commit()
            database.close()

    def open(self, model: Path, folder: Path) -> Search:
        """The first passages by words and by meaning, by the sum of their reciprocal ranks."""
        import faiss

        from qa.words import content_words

        embedder = _embedder(bulk=False)
        embedder.load()
        index = faiss.read_index(str(folder / "vectors.faiss"))
        faiss.omp_set_num_threads(1)
        database = sqlite3.connect(folder / "texts.db")
        stages = self.stages

        def search(question: str, limit: int) -> list[Hit]:
            with _Timed(stages, "embed", 1000):
                vector = embedder.query(question)[None, :]
            with _Timed(stages, "look", 1000):
                with _Timed(stages, "dense", 1000):
                    dense = [int(i) for i in index.search(vector, min(_DEPTH, index.ntotal))[1][0]]
                with _Timed(stages, "bm25", 1000):
                    words = database.execute(
                        "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?",
                        (" OR ".join(f'"{word}"' for word in content_words(question)), _DEPTH),
                    ).fetchall()
                best = fused(dense, [int(row[0]) for row in words])[:limit]
                return [Hit(*_passage(database, number)) for number in best]

        return search


def _passage(database: sqlite3.Connection, number: int) -> tuple[str, str]:
    row = database.execute("SELECT name, text FROM passages WHERE rowid = ?", (number,)).fetchone()
    return row[0], row[1]


def fused(*rankings: Sequence[int]) -> list[int]:
    """Numbers by the sum of their reciprocal ranks, best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=lambda number: (-scores[number], number))


def in_batches(lengths: Sequence[int]) -> list[list[int]]:
    """Places of texts in batches of like length, as `add` forms them: within what waits together."""
    found = []
    for at in range(0, len(lengths), _WINDOW):
        window = sorted(range(at, min(at + _WINDOW, len(lengths))), key=lambda i: lengths[i])
        found += [window[i : i + _BATCH] for i in range(0, len(window), _BATCH)]
    return found


class SentenceTransformers:
    """What the rivals compute vectors with, in one call, and nothing kept."""

    whole_papers = False

    def __init__(self) -> None:
        self.stages: Stages = {}

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Its own defaults: float32, batches of 32, sorted by length over all texts."""
        with _Timed(self.stages, "load"):
            from sentence_transformers import SentenceTransformer

            encoder = SentenceTransformer(str(model), local_files_only=True)
        with _Timed(self.stages, "encode"):
            encoder.encode([text.text for text in texts], show_progress_bar=False)

    def open(self, model: Path, folder: Path) -> Search:
        """It keeps nothing to search in."""
        raise NotImplementedError


def _embedder(*, bulk: bool) -> Any:
    from qa.settings import load_settings
    from tui.parts import Parts

    parts = Parts(load_settings())
    return parts.bulk_embedder if bulk else parts.embedder


class _Timed:
    """Notes how long what is inside took, in seconds times `unit`."""

    def __init__(self, stages: Stages, name: str, unit: float = 1) -> None:
        self._stages, self._name, self._unit = stages, name, unit

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        took = (time.perf_counter() - self._begun) * self._unit
        self._stages.setdefault(self._name, []).append(took)


def tools() -> dict[str, Tool]:
    """What can be asked, by name."""
    return {
        "answer": Citewell(_answer),
        "search": Citewell(_search),
        "retrieval": Citewell(_retrieval, reranker="none"),
        "bare": Bare(),
        "sentence-transformers": SentenceTransformers(),
    }


if __name__ == "__main__":
    main(tools()[sys.argv.pop(1)])
