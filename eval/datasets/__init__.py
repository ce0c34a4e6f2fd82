"""Recognises a dataset by the files in its folder and loads it. One module a layout.

beir     corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv           documents are judged
quotes   questions.jsonl beside papers, in xml/ or anywhere     passages that hold a quote
squad    one JSON file with data › paragraphs › qas             passages that hold an answer
"""

from __future__ import annotations

from pathlib import Path

from eval.model import Dataset
from index.errors import DatasetError

_LAYOUTS = (
    "a folder with corpus.jsonl, queries.jsonl and qrels/ (BEIR), with questions.jsonl and papers, or a"
    " JSON file in the layout of SQuAD"
)


def load(place: Path, split: str | None = None) -> Dataset:
    """The dataset in a folder or file; DatasetError says what is missing or wrong, and where."""
    if not _exists(place):
        raise DatasetError(f"there is no dataset at {str(place)[:200]}", f"Name {_LAYOUTS}.")
    if (place / "corpus.jsonl").is_file() and (place / "queries.jsonl").is_file():
        from eval.datasets.beir import load_beir

        return load_beir(place, split)
    if (place / "questions.jsonl").is_file():
        from eval.datasets.quotes import load_quotes

        return load_quotes(place, split)
    files = [place] if place.is_file() else sorted(place.glob("*.json"))
    if len(files) == 1:
        from eval.datasets.squad import load_squad

        return load_squad(files[0], split)
    raise DatasetError(
        f"the layout of {place} is not known" + (f": it has {len(files)} JSON files" if files else ""),
        f"Name {_LAYOUTS}.",
    )


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # too long a name, say
        return False
