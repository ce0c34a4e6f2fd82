"""The stages of benchmarks/scale.py, each run as a process: prints its figures as JSON.

python -m benchmarks.scale_stages STAGE LIBRARY QUESTIONS
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.clusters import float32
from index.doctor import examine
from index.embed import Vectors
from index.library import Library
from index.vectors import VectorIndex, seal, stored_codes
from qa.model import Filters, Query
from qa.retrieve import RetrievalOptions, Retriever
from qa.words import content_words

_DEPTH = 100
_ROUNDS = 3  # of all questions; each counts with the least that it took
_PATIENCE = 60.0  # seconds, after which no further round begins


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions and their vectors, of shape (count, dimension)."""

    texts: list[str]
    vectors: Vectors

    def each(self) -> Iterator[tuple[str, Vectors]]:
        """Each with its vector."""
        return zip(self.texts, self.vectors, strict=True)


def sealing(library: Library, _asked: Asked) -> dict[str, Any]:
    """Writing the index file anew."""
    begun = time.perf_counter()
    seal(library)
    return {"wall_s": time.perf_counter() - begun}


def asking(library: Library, asked: Asked) -> dict[str, Any]:
    """Opening, the first question, and every stage of all questions, in all papers and within scopes."""
    begun = time.perf_counter()
    index = VectorIndex(library)
    index.load()
    found: dict[str, Any] = {"open_ms": 1e3 * (time.perf_counter() - begun)}
    embedder: Any = None  # the questions come with their vectors
    retriever = Retriever(embedder, index, RetrievalOptions())
    with library.read() as reader:
        one = reader.papers_by_id([7])[7].key
    scopes = {
        "all": Filters(),
        "one paper": Filters(papers=(one,)),
        "years": Filters(years=(2005, None)),
        "sections": Filters(sections=("results",)),
    }
    for name, filters in scopes.items():
        rounds: list[list[dict[str, float]]] = []
        begun = time.perf_counter()
        while len(rounds) < _ROUNDS and (not rounds or time.perf_counter() - begun < _PATIENCE):
            rounds.append([_ask(retriever, library, Query(t, t, filters), v) for t, v in asked.each()])
        least = [
            {stage: min(run[stage] for run in runs) for stage in runs[0]}
            for runs in zip(*rounds, strict=True)
        ]
        found[name] = {
            "first_ms": rounds[0][0]["total"],
            "first_core_ms": rounds[0][0]["core"],
            "first_round_ms": _quantiles(rounds[0]),
            "ms": _quantiles(least),
            "rounds": len(rounds),
        }
    return found


def _ask(retriever: Retriever, library: Library, query: Query, vector: Vectors) -> dict[str, float]:
    """Milliseconds of each stage, of all with the opening of the library, and of the processor."""
    started, used = time.perf_counter(), time.process_time()
    with library.read() as reader:
        stages = dict(retriever.rank(reader, query, vector).timings_ms)
    ended = time.perf_counter(), time.process_time()
    return stages | {"total": 1e3 * (ended[0] - started), "core": 1e3 * (ended[1] - used)}


def _quantiles(runs: list[dict[str, float]]) -> dict[str, list[float]]:
    """Median and 95th percentile of each stage."""
    return {
        stage: [float(np.percentile([run[stage] for run in runs], at)) for at in (50, 95)]
        for stage in runs[0]
    }


def alone(library: Library, asked: Asked) -> dict[str, Any]:
    """FAISS (exact, float16) and FTS5 (any word, its own BM25) with nothing around them; and recall."""
    import faiss

    faiss.omp_set_num_threads(1)
    exact = faiss.IndexScalarQuantizer(
        asked.vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    ids: list[int] = []
    with library.read() as reader:
        for rows in reader.vectors(1):
            exact.add(float32(stored_codes(rows, asked.vectors.shape[1])))
            ids += rows.passage_ids
    place = library.database.absolute().as_uri()
    db = sqlite3.connect(f"{place}?mode=ro", uri=True)
    words = "SELECT rowid FROM passage_fts WHERE passage_fts MATCH ? ORDER BY rank LIMIT ?"
    index, runs, recalls, begun = VectorIndex(library), [], [], time.perf_counter()
    for text, vector in asked.each():
        started = time.perf_counter()
        _, near = exact.search(vector[None, :], _DEPTH)
        after = time.perf_counter()
        figures = {"faiss": 1e3 * (after - started)}
        if after - begun < _PATIENCE:
            used = time.process_time()
            expression = " OR ".join(f'"{word}"' for word in content_words(text))
            db.execute(words, (expression, _DEPTH)).fetchall()
            figures |= {
                "fts5": 1e3 * (time.perf_counter() - after),
                "fts5 core": 1e3 * (time.process_time() - used),
            }
            runs.append(figures)
        with library.read() as reader:
            hits = {i for i, _ in index.search(reader, vector, _DEPTH)}
        recalls.append(len(hits & {ids[i] for i in near[0]}) / len(near[0]))
    db.close()
    recall = {"mean": float(np.mean(recalls)), "lowest": float(min(recalls))}
    return {"ms": _quantiles(runs), "questions": len(runs), "recall@100": recall}


def doctor(library: Library, _asked: Asked) -> dict[str, Any]:
    """Whether the library keeps its promises."""
    return {"problems": [problem for finding in examine(library) for problem in finding.problems]}


STAGES: dict[str, Callable[[Library, Asked], dict[str, Any]]] = {
    "sealing": sealing, "asking": asking, "alone": alone, "doctor": doctor,
}  # fmt: skip


def embed_questions(library: Path, datasets: list[Path], each: int, file: Path) -> None:
    """The texts and vectors of the datasets' questions, at most `each` of each, evenly spread."""
    from eval.datasets import load
    from eval.run import sample
    from qa.settings import load_settings
    from tui.parts import Parts

    texts = [question.text for place in datasets for question in sample(load(place).questions, each)]
    with Parts(load_settings(library=library)) as parts:
        vectors = np.stack([parts.embedder.query(text) for text in texts])
    np.savez(file, texts=np.array(texts), vectors=vectors)


@contextmanager
def _counted(figures: dict[str, Any]) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures |= {
        "process_s": time.perf_counter() - begun,
        "core_s": used.ru_utime + used.ru_stime,
        "peak_mb": _peak(used.ru_maxrss),
    }


def _peak(counted: int) -> float:
    """Megabytes. What getrusage counts includes what the starting process had, so Linux is asked directly."""
    if sys.platform == "darwin":
        return counted / 1e6
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), counted / 1e3)


def main() -> None:
    """Runs one stage."""
    stage, folder, questions, *more = sys.argv[1:]
    if stage == "questions":
        embed_questions(Path(folder), [Path(place) for place in more[1:]], int(more[0]), Path(questions))
        return
    with np.load(questions) as stored:
        asked = Asked([str(text) for text in stored["texts"]], stored["vectors"])
    figures: dict[str, Any] = {}
    with _counted(figures):
        found = STAGES[stage](Library(Path(folder)), asked)
    print(json.dumps(found | figures))


if __name__ == "__main__":
    main()
