"""A small model on ONNX Runtime that reads two texts together: what the reranker and the verifier share.

Its folder holds model.onnx, tokenizer.json and a description in JSON with the model's name, the sha256 of
model.onnx and `max_tokens`. No torch is needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import ModelError
from index.ort import open_session

_HINT = "Reinstall citewell, or name another model in the settings."

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from tokenizers import Encoding, Tokenizer


class PairModel:
    """Loaded when it is first asked. Its files are checked against the description before anything runs."""

    def __init__(self, folder: Path, description: str, what: str) -> None:
        """`description` is the JSON file's name; `what` the model is called in errors."""
        self._folder = folder
        self._description = description
        self._what = what
        self._session: Any = None
        self._tokenizer: Tokenizer | None = None
        self._about: dict[str, Any] = {}

    @property
    def about(self) -> dict[str, Any]:
        """The description; ModelError if it is missing."""
        if not self._about:
            try:
                self._about = json.loads((self._folder / self._description).read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise ModelError(
                    f"the {self._what} in {self._folder} is not complete: {error}", _HINT
                ) from error
        return self._about

    def load(self) -> None:
        """Loads the model; ModelError if its files are missing or not those of its description."""
        if self._session is not None:
            return
        from tokenizers import Tokenizer

        about = self.about
        try:
            weights = (self._folder / "model.onnx").read_bytes()
        except OSError as error:
            raise ModelError(f"the {self._what} in {self._folder} is not complete: {error}", _HINT) from error
        if hashlib.sha256(weights).hexdigest() != about["sha256"]:
            raise ModelError(f"the {self._what} in {self._folder} is damaged", _HINT)
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(about["max_tokens"])  # the longest first: either text may be long
        self._tokenizer = tokenizer
        self._session = open_session(weights)

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[Encoding]:
        """The pairs as tokens, each cut to what the model reads."""
        self.load()
        assert self._tokenizer is not None
        return list(self._tokenizer.encode_batch(list(pairs)))

    def run(self, encoded: Sequence[Encoding]) -> npt.NDArray[np.float32]:
        """Logits, float32 of shape (pairs, outputs), in one batch."""
        import numpy as np

        self.load()
        longest = max(len(e.ids) for e in encoded)

        def padded(rows: Iterable[Sequence[int]]) -> Any:
            return np.array([[*row, *[0] * (longest - len(row))] for row in rows], dtype=np.int64)

        (logits,) = self._session.run(
            None,
            {
                "input_ids": padded(e.ids for e in encoded),
                "attention_mask": padded(e.attention_mask for e in encoded),
                "token_type_ids": padded(e.type_ids for e in encoded),
            },
        )
        return np.asarray(logits, dtype=np.float32).reshape(len(encoded), -1)
