"""Rerankers: models that read a question and a passage together and say how well they match.

The default one is citewell's own, small enough to ship inside the package (qa/reranker/, with its model
card). It runs on ONNX Runtime, without torch, and stops when its time is up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from index.errors import ModelError
from index.reader import StoredPassage
from qa.pairs import PairModel

OWN = "citewell"
NONE = "none"
_FOLDER = Path(__file__).with_name("reranker")
_BATCH = 4  # candidates between two looks at the clock


class Reranker(Protocol):
    """Scores passages for a question."""

    @property
    def name(self) -> str:
        """Which model; two rerankers of one name score alike."""
        ...

    def load(self) -> None:
        """Loads the model now instead of at the first question; a second call does nothing."""
        ...

    def score(self, question: str, passages: Sequence[str], budget_ms: float | None = None) -> list[float]:
        """A logit for each of the first passages, in their order; fewer than given when `budget_ms` is up."""
        ...


def rerank_text(passage: StoredPassage) -> str:
    """What a reranker reads of a passage: where it stands, then what it says."""
    return f"{passage.header}. {passage.text}"


class OnnxReranker:
    """A cross-encoder with one logit on ONNX Runtime, within a budget of time."""

    def __init__(self, folder: Path = _FOLDER, *, limit: int = 50) -> None:
        """`folder` holds model.onnx, tokenizer.json and reranker.json; at most `limit` passages are read."""
        self._model = PairModel(folder, "reranker.json", "reranker")
        self._limit = limit
        self._seconds_per_token = 0.0  # as last measured: the next question begins with it

    @property
    def name(self) -> str:
        """The model's own name and version."""
        return str(self._model.about["name"])

    def load(self) -> None:
        """Loads and checks the model; ModelError if its files are missing or not those of its description."""
        self._model.load()

    def score(self, question: str, passages: Sequence[str], budget_ms: float | None = None) -> list[float]:
        """See Reranker. No batch is begun that would not end in time, but the first one is always read,
        unless the budget is 0."""
        self._model.load()
        begun = time.perf_counter()
        found: list[float] = []
        wanted = passages[: self._limit] if budget_ms != 0 else []
        for start in range(0, len(wanted), _BATCH):
            encoded = self._model.encode([(question, text) for text in wanted[start : start + _BATCH]])
            tokens = len(encoded) * max(len(e.ids) for e in encoded)
            now = time.perf_counter()
            expected_ms = 1000 * (now + tokens * self._seconds_per_token - begun)
            if budget_ms is not None and found and expected_ms > budget_ms:
                break
            found += [float(value) for value in self._model.run(encoded)[:, 0]]
            self._seconds_per_token = (time.perf_counter() - now) / tokens
        return found


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder, by name or path; needs torch, and reads `limit` passages."""

    def __init__(self, name: str, *, limit: int = 50, local_only: bool = False) -> None:
        """`local_only`: a model that is not on this disk is an error, and nobody is asked for it."""
        self._name = name
        self._local_only = local_only
        self._limit = limit
        self._model: Any = None

    @property
    def name(self) -> str:
        """As the user named it."""
        return self._name

    def load(self) -> None:
        """See Reranker. ModelError if there is no such model, or if it gives more than one logit."""
        if self._model is not None:
            return
        from sentence_transformers import CrossEncoder

        try:
            model = CrossEncoder(
                self._name,
                trust_remote_code=False,
                local_files_only=self._local_only,
                model_kwargs={"use_safetensors": True},  # and no pickle
            )
        except Exception as error:  # whatever hub, disk and torch raise
            raise ModelError(
                f"the reranker {self._name!r} cannot be loaded: {str(error).splitlines()[0][:200]}",
                'Check its name, or set reranker = "none".',
            ) from error
        if model.num_labels != 1:
            raise ModelError(
                f"{self._name!r} gives {model.num_labels} scores a pair, not one", "Name a reranking model."
            )
        self._model = model

    def score(self, question: str, passages: Sequence[str], budget_ms: float | None = None) -> list[float]:
        """See Reranker; here the budget only decides between all and, at 0, none."""
        if budget_ms == 0:
            return []
        self.load()
        from torch.nn import Identity

        pairs = [(question, text) for text in passages[: self._limit]]
        logits = self._model.predict(pairs, activation_fn=Identity(), show_progress_bar=False)
        return [float(value) for value in logits]


def make_reranker(name: str, *, local_only: bool = False) -> Reranker | None:
    """The reranker called `name`: citewell's own, none, a folder with an ONNX one, or a CrossEncoder."""
    if name == NONE:
        return None
    if name == OWN:
        return OnnxReranker()
    if (Path(name).expanduser() / "reranker.json").is_file():
        return OnnxReranker(Path(name).expanduser())
    return CrossEncoderReranker(name, local_only=local_only)
