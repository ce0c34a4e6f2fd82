"""The nouns of an evaluation: questions with what answers them, and where their papers come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from index.model import Paper

Unit = Literal["passage", "document"]
STAGES = ("bm25", "dense", "fused", "reranked")


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a paper that answer a question.

    `paper` names it as the library would (a key, an id, a file name). `position` is where in the paper the
    words stand, 0 to 1, if the dataset says so; else every place of them counts.
    """

    paper: str
    text: str
    position: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what a retriever should find for it.

    In a dataset of passages, a passage that holds one of the quotes; in one of documents, those in
    `grades` (0 is not relevant). There the quotes, if any, are the sentences that an answer should use.
    """

    id: str
    text: str
    quotes: tuple[Quote, ...] = ()
    grades: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Material:
    """The papers of a dataset: files and folders to follow, and how to read those that are not papers.

    `write` puts what the dataset holds in one big file into a folder, a file a paper, and is called once.
    """

    roots: tuple[Path, ...] = ()
    write: Callable[[Path], None] | None = None
    parse: Callable[[bytes, str], Paper] | None = None
    suffix: str = ""  # of the files that `parse` reads
    contents: tuple[Path, ...] = ()  # the files whose bytes decide whether a built library can be used again


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions over papers."""

    name: str
    split: str
    unit: Unit
    questions: tuple[Question, ...]
    material: Material
    remark: str = ""  # what a reader of the figures has to know
