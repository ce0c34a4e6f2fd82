"""Does citewell know when the papers do not answer? Each question is asked with and without its paper."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from eval.corpus import Parts
from eval.datasets.beir import file_name
from eval.measures import auroc, coverage_at_precision
from eval.model import Question
from eval.results import Declining
from index.errors import PaperNotFound
from index.events import Advanced, StageStarted
from index.reader import Reader
from qa.answer import Answerer
from qa.confidence import ANSWERABLE
from qa.model import Filters, Finished

_WANTED_PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Confidences:
    """What the answerer's confidence was for each question, with its papers and without them."""

    question_ids: tuple[str, ...]
    present: tuple[float, ...]
    absent: tuple[float, ...]

    def measured(self) -> Declining:
        """The two lists as figures."""
        return Declining(
            questions=len(self.present),
            auroc=auroc(self.present, self.absent),
            coverage_at_95_precision=coverage_at_precision(self.present, self.absent, _WANTED_PRECISION),
            answered=round(_part(self.present, at_least=ANSWERABLE), 4),
            declined=round(1 - _part(self.absent, at_least=ANSWERABLE), 4),
        )


def measure_declining(
    questions: Sequence[Question], parts: Parts
) -> Generator[StageStarted | Advanced | Confidences, None, None]:
    """Asks every question twice; ends with Confidences. What the question's papers held is left out the
    second time as if they had never been added."""
    yield StageStarted("asking with and without the paper", len(questions))
    ids: list[str] = []
    present: list[float] = []
    absent: list[float] = []
    for done, question in enumerate(questions, start=1):
        with parts.library.read() as reader:
            papers = tuple(paper_keys(question, reader))
        if papers:
            ids.append(question.id)
            present.append(_confidence(parts.answerer, question.text, Filters()))
            absent.append(_confidence(parts.answerer, question.text, Filters(without=papers)))
        yield Advanced(done, question.text)
    yield Confidences(tuple(ids), tuple(present), tuple(absent))


def paper_keys(question: Question, reader: Reader) -> list[str]:
    """The keys of the papers that answer the question, those that the library has."""
    names = [quote.paper for quote in question.quotes]
    names += [file_name(document) for document, grade in question.grades.items() if grade > 0]
    found: list[str] = []
    for name in dict.fromkeys(names):
        try:
            found.append(reader.find_paper(name).key)
        except PaperNotFound:
            continue
    return list(dict.fromkeys(found))


def _confidence(answerer: Answerer, question: str, filters: Filters) -> float:
    for event in answerer.answer(question, filters):
        if isinstance(event, Finished):
            return event.answer.confidence
    raise AssertionError("an answer always finishes")


def _part(values: Iterable[float], *, at_least: float) -> float:
    found = [value >= at_least for value in values]
    return sum(found) / len(found) if found else 0.0
