"""Turns text into vectors: what every embedder promises, and what makes the vectors of two comparable.

Backends are in embed_onnx.py and embed_torch.py; embedders.py chooses between them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from index.chunk import TokenCounter
from index.errors import ModelError

Vectors = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SAME_MODEL = 0.999  # cosine below which no two backends may be for one text, to count as one model


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be the same for two vectors to be comparable.

    Backend and arithmetic (torch or ONNX Runtime, float32 or bfloat16) are left out on purpose: what is
    used for one model agrees to at least SAME_MODEL for every text that was tried, and ranks alike:
    docs/decisions/0013-onnx-embedder.md.
    """

    name: str
    weights_sha256: str
    dimension: int
    max_tokens: int
    query_prompt: str = ""
    passage_prompt: str = ""
    normalised: bool = True

    def digest(self) -> str:
        """Sixteen hex digits that name this model in file names and tables."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


class Embedder(TokenCounter, Protocol):
    """Texts to unit vectors of one model."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model; may load it."""
        ...

    def load(self, passages: int = 0) -> None:
        """Loads the model now instead of at the first text; a second call does nothing.

        `passages` is how many are about to come, where that is known: it may decide what computes them.
        """
        ...

    def unload(self) -> None:
        """Lets go of what was loaded; the next text loads it again."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32 of shape (len(texts), dimension), each of length 1."""
        ...

    def query(self, text: str) -> Vectors:
        """Vector of one query, float32 of shape (dimension,), of length 1."""
        ...


def passage_room(embedder: Embedder) -> int:
    """Word pieces a passage may have with its header and the special tokens."""
    prompt = embedder.fingerprint.passage_prompt
    return embedder.fingerprint.max_tokens - (embedder.count([prompt])[0] if prompt else 0)


def unit_vectors(found: Any, shape: tuple[int, int]) -> Vectors:
    """Float32 rows of length 1; ModelError for a wrong shape, NaN, infinity or a zero vector.

    FAISS would accept all of these and answer nonsense.
    """
    vectors = np.asarray(found, dtype=np.float32)
    if vectors.shape != shape:
        raise ModelError(f"the embedding model returned vectors of shape {vectors.shape}, not {shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths < 1e-6).any():
        raise ModelError("the embedding model returned a vector that is zero or not a number")
    normalised: Vectors = vectors / lengths
    return normalised
