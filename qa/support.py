"""A model that says what a quote does to a claim: supports it, contradicts it, or neither.

training/ has the recipe. None is shipped so far: docs/decisions/0014-verifier.md says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from qa.pairs import PairModel

OWN = "citewell"
NONE = "none"
_FOLDER = Path(__file__).with_name("verifier")
_DESCRIPTION = "verifier.json"
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Support:
    """Three probabilities that sum to 1."""

    supported: float
    contradicted: float
    neither: float


class SupportModel(Protocol):
    """Reads a claim and a quote."""

    @property
    def name(self) -> str:
        """Which model."""
        ...

    def load(self) -> None:
        """Loads the model now instead of at the first claim; a second call does nothing."""
        ...

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """One Support for each pair of a claim and a text, in their order."""
        ...


class OnnxSupportModel:
    """The model in a folder with model.onnx, tokenizer.json and verifier.json, on ONNX Runtime."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._model = PairModel(folder, _DESCRIPTION, "verifier")

    @property
    def name(self) -> str:
        """The model's own name and version."""
        return str(self._model.about["name"])

    def load(self) -> None:
        """See SupportModel; ModelError if its files are missing or not those of its description."""
        self._model.load()

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """See SupportModel. The temperature of the description makes the probabilities honest."""
        temperature = float(self._model.about.get("temperature", 1.0))
        found: list[Support] = []
        for start in range(0, len(pairs), _BATCH):
            logits = self._model.run(self._model.encode(pairs[start : start + _BATCH])) / temperature
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares = odds / odds.sum(axis=1, keepdims=True)
            found += [Support(*(float(x) for x in row)) for row in shares]
        return found


def make_support_model(name: str) -> SupportModel | None:
    """The model called `name`: what is shipped with citewell ("citewell", None where nothing is), none
    ("none"), or the one in a folder that `training.export --kind verifier` wrote."""
    if name == OWN:
        return OnnxSupportModel() if (_FOLDER / _DESCRIPTION).is_file() else None
    return None if name == NONE else OnnxSupportModel(Path(name).expanduser())
