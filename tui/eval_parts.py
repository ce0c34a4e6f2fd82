"""Where evaluations keep their libraries and results, and what of the settings decides their figures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
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
