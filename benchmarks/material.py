"""The papers and questions of a run, and the same passages for every tool.

    python -m benchmarks.material --library DIR --dataset DIR --to DIR

writes what the other tools get of a library that citewell has built: passages.jsonl (what its encoder reads
of each passage, with a name), papers.jsonl (whole texts, for a tool that splits by itself), questions.json,
and quotes.json and qrels.json, by which what they find is judged.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks.rivals.driver import Text
from eval.datasets import load
from eval.model import Dataset, Question
from index.parse import SUFFIXES
from index.sources import find


def choose(dataset: Dataset, papers: int) -> list[Path]:
    """At most so many files: those that questions were asked of, in that order, then others by name."""
    found = {path.stem: path for path in find(dataset.material.roots, SUFFIXES).files}
    asked = [file_name(quote.paper) for question in dataset.questions for quote in question.quotes]
    names = [name for name in dict.fromkeys(asked) if name in found]
    names += sorted(set(found) - set(names))
    return [found[name] for name in names[:papers]]


def file_name(paper: str) -> str:
    """How the file of a paper is called, its suffix left out; a DOI's prefix is in no file's name."""
    return paper.rpartition("/")[2]


def lay_out(place: Path, split: str | None, papers: int, work: Path) -> Path:
    """Copies the papers of a dataset into WORK/papers, and one more to WORK/more; returns the latter."""
    files = choose(load(place, split), papers + 1)
    if len(files) < 2:
        raise SystemExit(f"{place} has fewer than two papers: one is added to the others.")
    kept, more = files[:-1], files[-1:]
    for name, paths in (("papers", kept), ("more", more)):
        shutil.rmtree(work / name, ignore_errors=True)
        (work / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, work / name / path.name)
    return work / "more" / more[0].name


def export(library: Path, dataset: Dataset, to: Path) -> None:
    """Writes what the other tools are given, and what is right."""
    from eval.judge import Judge, passage_name
    from index.chunk import passage_input
    from index.library import Library

    with Library(library).read() as reader:
        passages, papers = [], []
        for paper in reader.papers():
            name = Path(paper.paths[0]).stem
            papers.append(Text(name, reader.text(paper.id), name, paper.record.title))
            for passage in reader.passages(reader.passage_ids(paper.id)).values():
                text = passage_input(passage.header, passage.text)
                passages.append(Text(passage_name(paper, passage), text, name))
        present = {paper.name for paper in papers}
        asked = [q for q in dataset.questions if any(file_name(quote.paper) in present for quote in q.quotes)]
        qrels = Judge(reader).judge(asked).qrels
    _write_lines(to / "passages.jsonl", map(asdict, passages))
    _write_lines(to / "papers.jsonl", map(asdict, papers))
    judged = [question for question in asked if question.id in qrels]
    (to / "questions.json").write_text(json.dumps({q.id: q.text for q in judged}), "utf-8")
    (to / "quotes.json").write_text(json.dumps({q.id: _quotes(q) for q in judged}), "utf-8")
    (to / "qrels.json").write_text(json.dumps(qrels), "utf-8")


def _quotes(question: Question) -> list[tuple[str, str]]:
    return [(file_name(quote.paper), quote.text) for quote in question.quotes]


def _write_lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("--library", "--dataset", "--to"):
        options.add_argument(name, type=Path, required=True)
    options.add_argument("--split")
    given = options.parse_args()
    export(given.library, load(given.dataset, given.split), given.to)


if __name__ == "__main__":
    main()
