"""The library that an evaluation asks: built once for the papers' bytes and the model, then used again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from eval.model import Dataset
from index.embed import Embedder
from index.errors import DatasetError
from index.events import Synced, SyncEvent
from index.library import Library
from index.model import Paper
from index.parse import SUFFIXES
from index.sources import find
from index.sync import RECIPE, Syncer
from qa.answer import Answerer
from qa.retrieve import Retriever

ReadPaper = Callable[[bytes, str], Paper]


class Parts(Protocol):
    """What the composition root makes for one library."""

    @property
    def library(self) -> Library: ...
    @property
    def embedder(self) -> Embedder: ...
    @property
    def bulk_embedder(self) -> Embedder: ...
    @property
    def syncer(self) -> Syncer: ...
    @property
    def retriever(self) -> Retriever: ...
    @property
    def answerer(self) -> Answerer: ...
    def parse(self, data: bytes, name: str) -> Paper:
        """A file's paper."""
        ...


MakeParts = Callable[[Path], AbstractContextManager[Parts]]


def library_folder(cache: Path, dataset: Dataset, distractors: Iterable[Path], embedder: Embedder) -> Path:
    """Where the library of these papers and this model is, or will be."""
    digest = hashlib.sha256()
    digest.update(json.dumps([RECIPE, asdict(embedder.fingerprint)], sort_keys=True).encode())
    for place in (*dataset.material.contents, *distractors):
        for path in [place] if place.is_file() else find([place], SUFFIXES).files:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        digest.update(b"/")
    name = "".join(c if c.isalnum() else "-" for c in dataset.name.lower())[:40]
    return cache / f"{name}-{digest.hexdigest()[:16]}"


def build(
    folder: Path, dataset: Dataset, distractors: tuple[Path, ...], parts: Parts
) -> Generator[SyncEvent, None, None]:
    """Builds the library at `folder` / library unless it is there whole; stopped, it goes on next time."""
    if (folder / "complete.json").is_file():
        return
    material = dataset.material
    roots = [*material.roots, *distractors]
    if material.write is not None:
        papers = folder / "papers"
        if not (folder / "written").exists():
            shutil.rmtree(papers, ignore_errors=True)
            papers.mkdir(parents=True)
            material.write(papers)
            (folder / "written").touch()
        roots.append(papers)
    suffixes = SUFFIXES | ({material.suffix} if material.suffix else set())

    def parse(data: bytes, name: str) -> Paper:
        if material.parse is not None and name.endswith(material.suffix):
            return material.parse(data, name)
        return parts.parse(data, name)

    parts.library.create()
    syncer = Syncer(parts.library, parts.bulk_embedder, parse, frozenset(suffixes))
    for event in syncer.add([root.resolve() for root in roots]):
        yield event
        if isinstance(event, Synced):
            failed = [{"path": Path(f.path).name, "reason": f.reason} for f in event.report.failed]
            with parts.library.read() as reader:
                if not reader.counts()["papers"]:
                    raise DatasetError(f"no paper of {dataset.name} could be read", "Check its files.")
                if reader.pending():
                    raise DatasetError(
                        f"another citewell is embedding the papers of {dataset.name}",
                        "Try again when it is done.",
                    )
            (folder / "complete.json").write_text(json.dumps({"failed": failed}, indent=1), "utf-8")


def failures(folder: Path) -> list[dict[str, str]]:
    """The files of the dataset that gave no paper, with their reasons."""
    found: list[dict[str, str]] = json.loads((folder / "complete.json").read_text("utf-8"))["failed"]
    return found
