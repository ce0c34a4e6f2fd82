"""Asks our own retriever every question of a dataset once and keeps what it found, for training and judging.

    python -m training.candidates OUT DATASET [--split S] [--limit N] [--cache DIR]

OUT is a JSON lines file: one Row a question. Training on a collection and judging by it use the same file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from eval.corpus import build, library_folder
from eval.datasets import load
from eval.datasets.beir import document_id
from eval.judge import passage_name
from eval.model import Dataset
from eval.run import judge, sample
from index.reader import Reader
from qa.model import Query
from qa.retrieve import Rankings, Retriever
from qa.settings import load_settings
from tui.eval_parts import cache_folder
from tui.parts import Parts

DEPTH = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate: what a reranker reads of it, its rank (from 1, 0 for none) by words and by meaning."""

    paper: int
    header: str
    text: str
    relevant: int  # 0, or its grade
    bm25: int
    dense: int
    score: float  # fused


@dataclass(frozen=True, slots=True)
class Row:
    """A question with its fused candidates, best first; `relevant` counts all there are in the library."""

    id: str
    collection: str
    split: str
    question: str
    relevant: int
    found: list[Found]
    documents: bool = False  # judged, not passages


ROW = TypeAdapter(Row)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file that this module wrote."""
    with path.open("rb") as lines:
        return [ROW.validate_json(line) for line in lines]


def write_rows(rows: Iterator[Row], path: Path) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for row in rows:
            out.write(ROW.dump_json(row) + b"\n")


def candidates(
    retriever: Retriever, reader: Reader, question: str
) -> tuple[Rankings, dict[int, tuple[int, int]]]:
    """The rankings, and for each fused passage its ranks by words and by meaning."""
    query = Query(question, question)
    rankings = retriever.rank(reader, query, retriever.embed(query))
    words = {i: rank for rank, (i, _) in enumerate(rankings.bm25, start=1)}
    meaning = {i: rank for rank, (i, _) in enumerate(rankings.dense, start=1)}
    return rankings, {i: (words.get(i, 0), meaning.get(i, 0)) for i, _ in rankings.fused}


def rows(dataset: Dataset, parts: Parts, limit: int | None) -> Iterator[Row]:
    """Every question that can be judged, with its candidates."""
    with parts.library.read() as reader:
        judged = judge(dataset, dataset.questions, reader)
        papers = {paper.id: paper for paper in reader.papers()}
        asked = [question for question in dataset.questions if question.id in judged.qrels]
        for question in sample(asked, limit):
            qrels = judged.qrels[question.id]
            rankings, ranks = candidates(parts.retriever, reader, question.text)
            found = []
            for i, score in rankings.fused[:DEPTH]:
                passage = rankings.passages[i]
                paper = papers[passage.paper_id]
                if dataset.unit == "passage":
                    grade = qrels.get(passage_name(paper, passage), 0)
                else:
                    grade = max(qrels.get(document_id(path), 0) for path in paper.paths)
                found.append(Found(paper.id, passage.header, passage.text, grade, *ranks[i], score))
            relevant = sum(grade > 0 for grade in qrels.values())
            yield Row(question.id, dataset.name, dataset.split, question.text, relevant, found,
                      dataset.unit == "document")  # fmt: skip


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("dataset", type=Path)
    options.add_argument("--split")
    options.add_argument("--limit", type=int)
    options.add_argument("--cache", type=Path, default=cache_folder())
    given = options.parse_args()
    dataset = load(given.dataset, given.split)
    with library_parts(dataset, given.cache) as parts:
        write_rows(rows(dataset, parts, given.limit), given.out)


def library_parts(dataset: Dataset, cache: Path) -> Parts:
    """The parts for the dataset's library, which is built if it is not there; without a reranker."""
    settings = load_settings(reranker="none", library=cache)
    with Parts(settings) as parts:
        folder = library_folder(cache, dataset, (), parts.embedder)
    parts = Parts(settings.model_copy(update={"library": folder / "library"}))
    for event in build(folder, dataset, (), parts):
        print(asdict(event), file=sys.stderr)
    return parts


if __name__ == "__main__":
    main()
