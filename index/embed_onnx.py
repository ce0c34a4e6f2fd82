"""Text to vectors without torch, for sentence-transformers folders with an encoder of the BERT family."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.bert import Batch, BertConfig, BertEncoder, batches
from index.embed import Fingerprint, Vectors, unit_vectors
from index.errors import ModelError
from index.tensors import Floats

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_STEPS = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_POOLING = "pooling_mode_"


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """A sentence-transformers folder that can be run without sentence-transformers."""

    folder: Path
    config: BertConfig
    first_token: bool  # whether the first token's vector stands for the text, or the mean of them all

    @property
    def weights(self) -> Path:
        """The one file with the weights."""
        return self.folder / "model.safetensors"

    @classmethod
    def read(cls, folder: Path) -> EncoderFiles | None:
        """What the folder holds; None for anything that is not known to be computed here as it is there."""
        config = BertConfig.read(folder / "config.json")
        try:
            steps = _json(folder / "modules.json")
            names = [str(step["type"]).rpartition(".")[2] for step in steps]
            pooling = _json(folder / str(steps[1]["path"]) / "config.json")
            settings = _json(folder / "sentence_bert_config.json")
            modes = _pooling_modes(pooling)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
        known = (
            config is not None
            and names in _STEPS
            and modes in (["mean_tokens"], ["cls_token"])
            and pooling.get("include_prompt", True)
            and not settings.get("do_lower_case")
            and all((folder / name).is_file() for name in ("model.safetensors", "tokenizer.json"))
        )
        return cls(folder, config, modes == ["cls_token"]) if known and config is not None else None


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _pooling_modes(pooling: dict[str, Any]) -> list[str]:
    """How the tokens' vectors become one: a flag for each way in older folders, a word in newer ones."""
    if "pooling_mode" in pooling:
        named = {"mean": "mean_tokens", "cls": "cls_token"}
        return [named.get(str(pooling["pooling_mode"]), "another")]
    return [name.removeprefix(_POOLING) for name, on in pooling.items() if name.startswith(_POOLING) and on]


class PieceCounter:
    """Counts word pieces by a tokenizer.json, loaded when first needed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tokenizer: Tokenizer | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """Neither cuts nor pads; ModelError if the file is damaged."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self._file)
        return self._tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        return [len(e) for e in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


class Encoder(Protocol):
    """What computes the last layer."""

    def hidden(self, batches: Iterable[Batch]) -> Iterator[Floats]:
        """Of each batch, float32 of shape (texts, tokens, width), in the order given."""


class EncoderEmbedder:
    """An Embedder that needs no torch: starts in a fraction of a second."""

    def __init__(
        self,
        files: EncoderFiles,
        fingerprint: Fingerprint,
        make: Callable[[BertConfig, Path], Encoder] = BertEncoder,
    ) -> None:
        """`make` loads the encoder; ONNX Runtime's if nothing else is said."""
        self._files = files
        self._make = make
        self._encoder: Encoder | None = None
        self._pieces = PieceCounter(files.folder / "tokenizer.json")
        self.fingerprint = fingerprint

    def load(self, passages: int = 0) -> None:  # noqa: ARG002 - it has but one way to compute
        """Loads model and tokenizer; ModelError if a file is damaged."""
        self._loaded()
        assert self._pieces.tokenizer is not None

    def unload(self) -> None:
        """Lets go of the model."""
        self._encoder = None

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._make(self._files.config, self._files.weights)
        return self._encoder

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        return self._pieces.count(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, in the order given; batches are sorted by length inside."""
        return self._vectors([self.fingerprint.passage_prompt + text for text in texts])

    def query(self, text: str) -> Vectors:
        """Vector of one query."""
        vector: Vectors = self._vectors([self.fingerprint.query_prompt + text])[0]
        return vector

    def _vectors(self, texts: list[str]) -> Vectors:
        encoder = self._loaded()
        rows = [self._cut(e.ids) for e in self._pieces.tokenizer.encode_batch_fast(texts)]
        found = np.empty((len(rows), self.fingerprint.dimension), np.float32)
        order = batches([len(row) for row in rows])
        padded = [_padded([rows[i] for i in batch]) for batch in order]
        for batch, (_, mask), hidden in zip(order, padded, encoder.hidden(padded), strict=True):
            found[batch] = self._pooled(hidden, mask)
        return unit_vectors(found, found.shape)

    def _cut(self, ids: list[int]) -> list[int]:
        """What is too long loses its end, but not the token that marks the end."""
        room = self.fingerprint.max_tokens
        return ids if len(ids) <= room else [*ids[: room - 1], ids[-1]]

    def _pooled(self, hidden: Floats, mask: npt.NDArray[np.int32]) -> Vectors:
        if self._files.first_token:
            first: Vectors = hidden[:, 0]
            return first
        # The sum stands for the mean: whatever it is divided by, its length becomes 1 in the end.
        summed: Vectors = np.matmul(mask[:, None, :].astype(np.float32), hidden)[:, 0]
        return summed


def _padded(rows: Sequence[Sequence[int]]) -> Batch:
    ids = np.zeros((len(rows), max(map(len, rows))), np.int32)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in tokenizer.json, neither cutting nor padding; ModelError if it cannot be read."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(
            f"the tokenizer in {path} cannot be read: {str(error)[:200]}",
            "Fetch or install the model again.",
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
