"""Where evaluations keep their libraries and results, and what of the settings decides their figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    from eval.model import Dataset
    from eval.results import Result
    from tui.parts import Parts

_HERE = Path("eval") / "results"


def cache_folder() -> Path:
    """Libraries that evaluations built; may be deleted at any time."""
    return Path(platformdirs.user_cache_dir("citewell", appauthor=False)) / "eval"


def results_folder(wanted: Path | None) -> Path:
    """Where results are kept: where the user says, in a checkout of citewell, else in the cache."""
    if wanted is not None:
        return wanted
    return _HERE if _HERE.is_dir() else cache_folder() / "results"


def config_of(parts: Parts, distractors: tuple[Path, ...], limit: int | None) -> dict[str, Any]:
    """All that changes the figures besides the code and the dataset."""
    reranker = parts.reranker
    return {
        "model": parts.embedder.fingerprint.name,
        "precision": parts.settings.precision,
        "reranker": reranker.name if reranker is not None else "none",
        "distractors": [path.name for path in distractors],
        "limit": limit,
        "retrieval": asdict(parts.retrieval),
    }


@contextmanager
def dataset_parts(
    given: Parts, dataset: Dataset, distractors: tuple[Path, ...], stages: tuple[str, ...]
) -> Iterator[tuple[Parts, Path]]:
    """The parts for the dataset's own library, and the folder in which it is or will be."""
    from eval.corpus import library_folder
    from tui.parts import Parts

    settings = given.settings
    if "reranked" not in stages:
        settings = settings.model_copy(update={"reranker": "none"})
    with Parts(settings.model_copy(update={"library": cache_folder()})) as parts:
        folder = library_folder(cache_folder(), dataset, distractors, parts.embedder)
    with Parts(settings.model_copy(update={"library": folder / "library"})) as parts:
        if parts.library.exists():
            parts.library.create()  # brings the tables of an older citewell up to date
        parts.retrieval = given.retrieval
        yield parts, folder


def latest_result(folder: Path, dataset: str, split: str) -> Result | None:
    """The result of this dataset that was kept last."""
    from eval.results import read
    from index.errors import DatasetError

    found: list[Result] = []
    for path in folder.glob("*.json") if folder.is_dir() else ():
        try:
            result = read(path)
        except DatasetError:
            continue  # another program's, or an older citewell's
        if (result.dataset, result.split) == (dataset, split):
            found.append(result)
    return max(found, key=lambda result: result.created, default=None)
