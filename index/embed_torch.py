"""Text to vectors with sentence-transformers and torch: any model there is, on a GPU if there is one.

Importing them takes five seconds, so nothing here is imported before the first text has to be embedded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.embed import DEFAULT_MODEL, Fingerprint, Vectors, unit_vectors
from index.embed_onnx import load_tokenizer
from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

_BATCH = 32  # passages computed at once
_PATIENCE = 10.0  # seconds in which it must be known whether a model can be fetched


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or path; loaded when first needed."""

    def __init__(
        self,
        name: str,
        *,
        folder: Path | None = None,
        fingerprint: Fingerprint | None = None,
        precision: str = "auto",
        local_only: bool = False,
    ) -> None:
        """`folder`: where the model is, if that is known; `fingerprint`: the model's, if it is.

        `precision` is "float32", "bfloat16", or anything else for bfloat16 where the hardware has it. With
        `local_only` a model that is not on this machine is not fetched.
        """
        self._name = name
        self._folder = folder
        self._local_only = local_only
        self._precision = precision
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> Fingerprint:
        """Of a model that is not known beforehand the weights are loaded and hashed."""
        if self._fingerprint is None:
            model = self._loaded()
            self._fingerprint = Fingerprint(
                self._name if not Path(self._name).exists() else Path(self._name).resolve().name,
                _weights_sha256(model),
                int(model.get_embedding_dimension() or 0),
                int(model.max_seq_length or 512),
                *_prompts(model),
            )
        return self._fingerprint

    def load(self, passages: int = 0) -> None:  # noqa: ARG002 - it has but one way to compute
        """Loads the model; ModelError if it cannot be."""
        self._loaded()

    def unload(self) -> None:
        """Lets go of the model."""
        self._model = None

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _load(self) -> SentenceTransformer:
        place = str(self._folder or self._name)
        if self._local_only or Path(place).exists():
            return self._read(place, local=True)
        try:
            return self._read(place, local=True)  # fetched earlier: nobody need be asked
        except ModelError:
            # Without a network their libraries would try each file again and again, for over a minute.
            if reason := _unreachable(place):
                raise ModelError(
                    f"the embedding model {self._name!r} is not here and cannot be fetched: {reason}",
                    f"Try again with a network, or leave it out to use {DEFAULT_MODEL}.",
                ) from None
            return self._read(place, local=False)

    def _read(self, place: str, *, local: bool) -> SentenceTransformer:
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
            raise ModelError(
                f"the embedding model {self._name!r} cannot be loaded: {_first_line(error)}",
                f"Name a sentence-transformers folder or model, or leave it out to use {DEFAULT_MODEL}.",
            ) from error

    def _dtype(self) -> Any:
        import torch

        if self._precision == "float32":
            return torch.float32
        return torch.bfloat16 if self._precision == "bfloat16" or computes_bfloat16() else torch.float32

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        if self._tokenizer is None:
            self._tokenizer = self._load_tokenizer()
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encoded]

    def _load_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        file = Path(self._folder or self._name) / "tokenizer.json"
        if file.is_file():
            return load_tokenizer(file)
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
        # Said here, not left to the library, which passes over prompts called "passage" and "corpus".
        prompt = self.fingerprint.passage_prompt
        found = model.encode_document(list(texts), prompt=prompt, batch_size=_BATCH, show_progress_bar=False)
        return unit_vectors(found, (len(texts), self.fingerprint.dimension))

    def query(self, text: str) -> Vectors:
        """Vector of one query."""
        prompt = self.fingerprint.query_prompt
        found = self._loaded().encode_query([text], prompt=prompt, show_progress_bar=False)
        vector: Vectors = unit_vectors(found, (1, self.fingerprint.dimension))[0]
        return vector


def _unreachable(name: str) -> str:
    """Why whoever keeps the models cannot be asked for one of this name; "" if they answer, however."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        HfApi().model_info(name, timeout=_PATIENCE)
    except (HfHubHTTPError, HFValidationError):
        pass  # an answer, or no name: what it means is told when the model is read
    except Exception as error:  # their HTTP client's own, which has changed before
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    said = str(error).strip()
    return said.splitlines()[0][:200] if said else type(error).__name__


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


def computes_bfloat16() -> bool:
    """Whether GPU or processor multiply bfloat16 by themselves; elsewhere it would be emulated, and slow."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    checks = (
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return any(bool(check()) for check in checks if check is not None)


def has_gpu() -> bool:
    """Whether there seems to be one that torch may use; torch itself is not asked."""
    return any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/kfd"))


def has_fast_hardware() -> bool:
    """Whether torch outruns ONNX Runtime here: on a GPU, or where the processor multiplies bfloat16.

    Asks torch, which takes seconds to import, only where something speaks for it.
    """
    signs = has_gpu()
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
        signs = signs or "avx512_bf16" in flags or "amx_bf16" in flags
    except OSError:
        pass  # not on every system
    if not signs:
        return False
    import torch

    return torch.cuda.is_available() or computes_bfloat16()
