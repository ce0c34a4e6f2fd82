"""Asks every question of a dataset and measures each stage of retrieval, as a lazy stream of events."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from eval.corpus import Parts, build, failures
from eval.datasets.beir import SUFFIX, document_id
from eval.judge import Judge, Judgements, passage_name
from eval.measures import PerQuery, per_query
from eval.model import STAGES, Dataset, Question
from index.events import Advanced, StageStarted, SyncEvent
from index.reader import Reader, StoredPaper
from qa.model import Query
from qa.retrieve import Ranking, Rankings, Retriever

Item = TypeVar("Item")
_CUT = 100  # of a run, as in R@100


@dataclass(frozen=True, slots=True)
class Ran:
    """What came out: runs and values by stage, and where the time went."""

    runs: dict[str, dict[str, dict[str, float]]]  # stage, question, passage or document: score
    qrels: dict[str, dict[str, int]]
    values: dict[str, PerQuery]  # stage
    unjudged: dict[str, str]
    split_quotes: int
    papers: int
    passages: int
    failed: list[dict[str, str]]
    milliseconds: dict[str, list[float]]  # stage, and "total": one for each question
    read: list[int] = field(default_factory=list)  # candidates the reranker had time for


EvalEvent = SyncEvent | Ran


def run(
    dataset: Dataset,
    folder: Path,
    parts: Parts,
    *,
    distractors: tuple[Path, ...] = (),
    stages: Sequence[str] = STAGES,
    limit: int | None = None,
) -> Generator[EvalEvent, None, None]:
    """Builds the library if need be, asks the questions, and ends with Ran."""
    yield from build(folder, dataset, distractors, parts)
    questions = sample(dataset.questions, limit)
    yield StageStarted("loading the model")
    retriever = parts.retriever
    retriever.load()
    with parts.library.read() as reader:
        yield StageStarted("judging")
        judged = judge(dataset, questions, reader)
        asked = [question for question in questions if question.id in judged.qrels]
        yield StageStarted("asking", len(asked))
        recorder = _Recorder(stages, _namer(dataset, reader))
        for done, question in enumerate(asked, start=1):
            recorder.ask(retriever, reader, question)
            yield Advanced(done, question.text)
        counts = reader.counts()
    values = {stage: per_query(judged.qrels, found) for stage, found in recorder.runs.items()}
    yield Ran(
        dict(recorder.runs), judged.qrels, values, judged.unjudged, judged.split_quotes, counts["papers"],
        counts["passages"], failures(folder), dict(recorder.milliseconds), recorder.read,
    )  # fmt: skip


def sample(questions: Sequence[Item], limit: int | None) -> list[Item]:
    """At most `limit` of them, spread evenly over the dataset: the same ones every time."""
    if limit is None or limit >= len(questions):
        return list(questions)
    return [questions[i * len(questions) // limit] for i in range(limit)]


def judge(dataset: Dataset, questions: Iterable[Question], reader: Reader) -> Judgements:
    """The qrels of these questions in this library."""
    if dataset.unit == "passage":
        return Judge(reader).judge(questions)
    return Judgements({question.id: dict(question.grades) for question in questions})


class _Names:
    """The names under which a passage counts: its own, or those of its documents."""

    def __init__(self, unit: str, reader: Reader) -> None:
        self._unit = unit
        self._reader = reader
        self._papers: dict[int, StoredPaper] = {}

    def run(self, ranking: Ranking, rankings: Rankings) -> dict[str, float]:
        """Names in the order of the ranking, each once, with scores that fall by one."""
        passages = rankings.passages
        unknown = {passages[i].paper_id for i, _ in ranking} - set(self._papers)
        self._papers |= self._reader.papers_by_id(unknown)
        names: dict[str, None] = {}
        for i, _ in ranking:
            paper = self._papers[passages[i].paper_id]
            if self._unit == "passage":
                names[passage_name(paper, passages[i])] = None
            else:
                # Documents with the very same text are one paper; each counts.
                names |= dict.fromkeys(
                    document_id(path) if path.endswith(SUFFIX) else paper.key for path in paper.paths
                )
        kept = list(names)[:_CUT]
        return {name: float(len(kept) - place) for place, name in enumerate(kept)}


def _namer(dataset: Dataset, reader: Reader) -> _Names:
    return _Names(dataset.unit, reader)


class _Recorder:
    """Keeps each stage's run and time."""

    def __init__(self, stages: Sequence[str], names: _Names) -> None:
        self._stages = stages
        self._names = names
        self.runs: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
        self.milliseconds: dict[str, list[float]] = defaultdict(list)
        self.read: list[int] = []

    def ask(self, retriever: Retriever, reader: Reader, question: Question) -> None:
        """One question through every stage."""
        query = Query(question.text, question.text)
        begun = time.perf_counter()
        vector = retriever.embed(query)
        embedded = time.perf_counter()
        rankings = retriever.rank(reader, query, vector)
        ended = time.perf_counter()
        spent = dict(rankings.timings_ms)
        spent["dense"] += (embedded - begun) * 1000
        for stage, milliseconds in spent.items():
            self.milliseconds[stage].append(milliseconds)
        self.milliseconds["total"].append((ended - begun) * 1000)
        self.read.append(rankings.read)
        for stage in self._stages:
            ranking: Ranking | None = getattr(rankings, stage)
            if ranking is not None:
                self.runs[stage][question.id] = self._names.run(ranking, rankings)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    median, high = np.percentile(milliseconds, (50, 95))
    return {"median": round(float(median), 1), "p95": round(float(high), 1)}
