"""Datasets in the layout of SQuAD: contexts as plain text, questions with their answers' offsets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from eval.datasets.lines import choose_split
from eval.model import Dataset, Material, Question, Quote
from index.errors import DatasetError


class _Answer(BaseModel):
    text: str
    answer_start: int = 0


class _Asked(BaseModel):
    id: str = Field(coerce_numbers_to_str=True)
    question: str
    answers: list[_Answer] = Field(default_factory=list)
    is_impossible: bool = False

    @field_validator("answers", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or []


class _Paragraph(BaseModel):
    context: str
    qas: list[_Asked] = Field(default_factory=list)


class _Article(BaseModel):
    title: str = ""
    paragraphs: list[_Paragraph]


class _File(BaseModel):
    data: list[_Article]


def load_squad(path: Path, split: str | None) -> Dataset:
    """Every question that has an answer. Each context is a paper of its own."""
    choose_split([], split, path)
    try:
        articles = _File.model_validate_json(path.read_bytes()).data
    except (OSError, ValidationError) as error:
        raise DatasetError(
            f"{path.name} is not in the layout of SQuAD: {str(error)[:200]}", "Check the file."
        ) from error
    named = {
        f"{number:05}.txt": (article, paragraph)
        for number, (article, paragraph) in enumerate(
            (article, paragraph) for article in articles for paragraph in article.paragraphs
        )
    }
    questions = tuple(
        Question(asked.id, " ".join(asked.question.split()), _quotes(name, paragraph.context, asked.answers))
        for name, (_, paragraph) in named.items()
        for asked in paragraph.qas
        if asked.answers and not asked.is_impossible
    )

    def write(into: Path) -> None:
        for name, (article, paragraph) in named.items():
            heading = f"{article.title.replace('_', ' ')}\n\n" if article.title else ""
            (into / name).write_text(heading + paragraph.context, "utf-8")

    remark = "Each answer is judged at its own place: the same words elsewhere count as wrong."
    name = path.parent.name if len(list(path.parent.glob("*.json"))) == 1 else path.stem
    return Dataset(name, "all", "passage", questions, Material((), write, contents=(path,)), remark)


def _quotes(name: str, context: str, answers: list[_Answer]) -> tuple[Quote, ...]:
    """Offsets are often off, so an answer is the place of its words that is nearest to its offset."""
    length = max(1, len(context))
    return tuple(Quote(name, answer.text, min(1.0, answer.answer_start / length)) for answer in answers)
