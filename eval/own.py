"""Questions made from the user's own papers, with no labelling: how well are my papers found?

A sentence that summarises a paper (of its abstract, or a key finding) is asked; the paper's body should
be found. Abstracts and summaries themselves are left out of what is searched, or the sentence would find
itself. Titles are not asked: every passage carries its paper's title.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from eval.corpus import Parts
from eval.measures import PerQuery, per_query
from index.errors import DatasetError
from index.events import Advanced, StageStarted
from index.model import SectionKind
from index.reader import Reader, StoredPaper
from index.sentences import sentence_spans
from qa.model import Filters, Query
from qa.retrieve import Ranking

_ASKED = (SectionKind.ABSTRACT, SectionKind.SUMMARY)
_MIN_WORDS, _MAX_WORDS = 8, 60


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """One paper: how many of its sentences were asked, and how high its body came on average."""

    key: str
    title: str
    questions: int
    reciprocal_rank: float


@dataclass(frozen=True, slots=True)
class Own:
    """What came out: values by stage, and the papers, worst found first."""

    values: dict[str, PerQuery]
    papers: tuple[FoundPaper, ...]
    without_body: int  # papers that have nothing but their summary


def measure_own(
    parts: Parts, stages: tuple[str, ...], limit: int
) -> Generator[StageStarted | Advanced | Own, None, None]:
    """Asks up to `limit` sentences, spread over the papers; ends with Own.

    Raises DatasetError if no paper has both a summary and a body.
    """
    retriever = parts.retriever
    retriever.load()
    with parts.library.read() as reader:
        stored = reader.papers()
        asked, without_body = _questions(reader, stored, limit)
        if not asked:
            raise DatasetError(
                "no paper here has both an abstract and a body", "Add full papers, or use a dataset."
            )
        body = tuple(kind.value for kind in SectionKind if kind.searched and kind not in _ASKED)
        yield StageStarted("asking", len(asked))
        keys = {paper.id: paper.key for paper in stored}
        runs: dict[str, dict[str, dict[str, float]]] = {}
        for done, (name, (_, text)) in enumerate(asked.items(), start=1):
            query = Query(text, text, Filters(kinds=body))
            rankings = retriever.rank(reader, query, retriever.embed(query))
            for stage in stages:
                ranking: Ranking | None = getattr(rankings, stage)
                if ranking is not None:
                    names = dict.fromkeys(keys[rankings.passages[i].paper_id] for i, _ in ranking)
                    run = {key: float(len(names) - place) for place, key in enumerate(names)}
                    runs.setdefault(stage, {})[name] = run
            yield Advanced(done, text)
    qrels = {name: {paper.key: 1} for name, (paper, _) in asked.items()}
    values = {stage: per_query(qrels, run) for stage, run in runs.items()}
    yield Own(values, _by_paper(asked, values[list(values)[-1]]), without_body)


def _questions(
    reader: Reader, papers: list[StoredPaper], limit: int
) -> tuple[dict[str, tuple[StoredPaper, str]], int]:
    """Sentences by name with their paper, taken in turns from the papers until there are `limit`."""
    of_paper: list[list[tuple[str, tuple[StoredPaper, str]]]] = []
    without_body = 0
    for paper in papers:
        sections = reader.sections(paper.id)
        if not any(s.kind.searched and s.kind not in _ASKED for s in sections):
            without_body += 1
            continue
        text = reader.text(paper.id)
        spans = [span for s in sections if s.kind in _ASKED for span in sentence_spans(text, s.span)]
        sentences = [span.of(text) for span in spans]
        kept = [s for s in sentences if _MIN_WORDS <= len(s.split()) <= _MAX_WORDS]
        of_paper.append([(f"{paper.key}#{n}", (paper, s)) for n, s in enumerate(kept, start=1)])
    chosen: dict[str, tuple[StoredPaper, str]] = {}
    for turn in range(max(map(len, of_paper), default=0)):
        for sentences_of_one in of_paper:
            if turn < len(sentences_of_one) and len(chosen) < limit:
                name, asked = sentences_of_one[turn]
                chosen[name] = asked
    return chosen, without_body


def _by_paper(asked: dict[str, tuple[StoredPaper, str]], values: PerQuery) -> tuple[FoundPaper, ...]:
    ranks: dict[int, list[float]] = {}
    papers = {paper.id: paper for paper, _ in asked.values()}
    for name, (paper, _) in asked.items():
        ranks.setdefault(paper.id, []).append(values["RR@10"][name])
    found = [
        FoundPaper(papers[i].key, papers[i].record.title, len(rr), round(sum(rr) / len(rr), 4))
        for i, rr in ranks.items()
    ]
    return tuple(sorted(found, key=lambda paper: (paper.reciprocal_rank, paper.key)))
