"""Questions with the quotes that answer them, over papers as files: ev2's layout, and a researcher's own."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, BaseModel, Field, field_validator

from eval.datasets.lines import ALL, choose_split, read_lines
from eval.model import Dataset, Material, Question, Quote
from index.errors import DatasetError


class _Row(BaseModel):
    """A line of questions.jsonl."""

    id: str = Field("", coerce_numbers_to_str=True)
    question: str = Field(min_length=1)
    paper: str = Field(
        validation_alias=AliasChoices("paper", "pmcid", "doi"), min_length=1, coerce_numbers_to_str=True
    )
    split: str = ""
    evidence: list[str] = Field(validation_alias=AliasChoices("evidence", "quotes", "quote"))

    @field_validator("evidence", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


def load_quotes(folder: Path, split: str | None) -> Dataset:
    """The questions of one split; the papers are those of xml/ or papers/, else all in the folder."""
    rows = list(read_lines(folder / "questions.jsonl", _Row))
    if not rows:
        raise DatasetError(f"{folder / 'questions.jsonl'} holds no question", "Write one JSON object a line.")
    chosen = choose_split([row.split for row in rows], split, folder)
    questions = tuple(
        Question(
            row.id or str(number), " ".join(row.question.split()),
            tuple(Quote(row.paper, text) for text in dict.fromkeys(row.evidence)),
        )
        for number, row in enumerate(rows, start=1)
        if chosen in (ALL, row.split)
    )  # fmt: skip
    papers = next((folder / name for name in ("xml", "papers") if (folder / name).is_dir()), folder)
    material = Material((papers,), contents=(papers,))
    remark = "Only the paper a question was asked of is judged: another paper's answer counts as wrong."
    return Dataset(folder.name, chosen, "passage", questions, material, remark)
