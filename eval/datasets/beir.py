"""Datasets in the layout of BEIR (Thakur et al., NeurIPS 2021): documents, queries, and graded qrels."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pydantic import BaseModel, Field, field_validator

from eval.datasets.lines import ALL, choose_split, read_lines
from eval.model import Dataset, Material, Question, Quote
from index.errors import DatasetError, ParseError
from index.model import Format, Paper, Record, SectionKind
from index.parse.builder import TextBuilder

SUFFIX = ".document"


class TextRow(BaseModel):
    """A line of corpus.jsonl or queries.jsonl."""

    id: str = Field(alias="_id", coerce_numbers_to_str=True)
    title: str = ""
    text: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("title", "text", mode="before")
    @classmethod
    def _empty_for_null(cls, value: object) -> object:
        return "" if value is None else value


class _Evidence(BaseModel):
    """A line of evidence.SPLIT.jsonl: the sentences of a document that decide a claim."""

    id: str = Field(coerce_numbers_to_str=True)
    doc_id: str = Field(coerce_numbers_to_str=True)
    sentences: list[int]


def load_beir(folder: Path, split: str | None) -> Dataset:
    """The queries of one split that have a relevant document, and the corpus."""
    there = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
    if not there:
        raise DatasetError(f"{folder} has no qrels/*.tsv", "BEIR keeps the judgements there, a file a split.")
    chosen = choose_split(there, split, folder)
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for name in there if chosen == ALL else [chosen]:
        for query, document, grade in _qrels(folder / "qrels" / f"{name}.tsv"):
            grades[query][document] = grade
    quotes = _evidence(folder, there if chosen == ALL else [chosen])
    questions = tuple(
        Question(row.id, row.text, tuple(quotes.get(row.id, ())), grades[row.id])
        for row in read_lines(folder / "queries.jsonl", TextRow)
        if any(grade > 0 for grade in grades.get(row.id, {}).values())
    )
    corpus = folder / "corpus.jsonl"

    def write(into: Path) -> None:
        for row in read_lines(corpus, TextRow):
            document = {"id": row.id, "title": row.title, "text": row.text}
            (into / file_name(row.id)).write_text(json.dumps(document), "utf-8")

    material = Material((), write, parse_document, SUFFIX, (corpus,))
    return Dataset(folder.name, chosen, "document", questions, material)


def file_name(document_id: str) -> str:
    """A file name for a document's id, whatever the id holds."""
    return quote(document_id, safe="") + SUFFIX


def document_id(path: str) -> str:
    """The id whose file this is."""
    return unquote(Path(path).name.removesuffix(SUFFIX))


def parse_document(data: bytes, name: str) -> Paper:
    """A document as a paper: its title, and its text as an abstract."""
    row = json.loads(data)
    builder = TextBuilder()
    builder.heading(row["title"] or name.removesuffix(SUFFIX))
    builder.section(["Abstract"], SectionKind.ABSTRACT)
    if builder.block(row["text"]) is None and builder.block(row["title"]) is None:
        raise ParseError("the document is empty", "Nothing can be found in it.")
    text, sections, pages = builder.finish()
    return Paper(Record(row["title"] or row["id"]), text, sections, Format.TEXT, pages)


def _qrels(path: Path) -> list[tuple[str, str, int]]:
    found: list[tuple[str, str, int]] = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if number == 1 and row[:1] == ["query-id"]:
                continue
            try:
                found.append((row[0], row[1], int(float(row[2]))))
            except (IndexError, ValueError) as error:
                raise DatasetError(
                    f"{path.name}, line {number} is no judgement: {row}", "query-id, corpus-id, score."
                ) from error
    return found


def _evidence(folder: Path, splits: list[str]) -> dict[str, list[Quote]]:
    """The sentences that decide each claim, where the folder has evidence.SPLIT.jsonl."""
    rows = [
        row
        for split in splits
        if (folder / f"evidence.{split}.jsonl").is_file()
        for row in read_lines(folder / f"evidence.{split}.jsonl", _Evidence)
    ]
    if not rows:
        return {}
    wanted = {row.doc_id for row in rows}
    sentences = {
        row.id: sentences_of(row) for row in read_lines(folder / "corpus.jsonl", TextRow) if row.id in wanted
    }
    quotes: dict[str, list[Quote]] = defaultdict(list)
    for row in rows:
        for number in row.sentences:
            document = sentences.get(row.doc_id, [])
            if number < len(document):
                quotes[row.id].append(Quote(file_name(row.doc_id), document[number]))
    return quotes


def sentences_of(row: TextRow) -> list[str]:
    """The sentences of a document, by their lengths in metadata.sentences; a space stands between two."""
    found: list[str] = []
    at = 0
    for length in row.metadata.get("sentences", []):
        found.append(row.text[at : at + length])
        at += length + 1
    return found
