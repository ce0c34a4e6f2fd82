"""OpenVINO embeds many papers where the processor multiplies bfloat16: the same vectors, nobody is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index import embedders
from index.bert_openvino import OpenVinoEncoder, has_openvino
from index.embed import DEFAULT_MODEL, SAME_MODEL, Embedder
from index.embed_onnx import EncoderEmbedder, EncoderFiles
from index.embedders import ModelEmbedder, agreement, bundled_model_folder
from index.model_notes import ModelNotes
from tests.test_encoder import FINGERPRINT

pytestmark = pytest.mark.skipif(
    not has_openvino(), reason="OpenVINO is not installed, or this processor does not multiply bfloat16"
)
TEXTS = [
    "Pericytes raised the density of capillaries in the hearts of mice.",
    "No difference was seen between the groups (P = 0.41), neither in week 4 nor in week 12.",
    "α-synuclein, IL-1β and Na⁺/K⁺-ATPase.",
    "word " * 400,
    "",
]


def embedder(make: type[OpenVinoEncoder] | None = None) -> EncoderEmbedder:
    files = EncoderFiles.read(bundled_model_folder())
    assert files is not None
    return EncoderEmbedder(files, FINGERPRINT, make) if make else EncoderEmbedder(files, FINGERPRINT)


def test_its_vectors_are_those_of_the_model_whatever_they_are_computed_with() -> None:
    openvino, onnx = embedder(OpenVinoEncoder), embedder()
    assert agreement(openvino, onnx, TEXTS) > SAME_MODEL
    together = openvino.passages(TEXTS * 9)
    alone = np.concatenate([openvino.passages([text]) for text in TEXTS] * 9)
    assert float((together * alone).sum(axis=1).min()) > SAME_MODEL, "batches keep their order"


def test_nothing_is_told_or_kept_at_its_import(tmp_path: Path) -> None:
    script = """
import socket, sys
def refuse(*args, **words):
    raise AssertionError("something was to be sent")
socket.socket.connect = socket.getaddrinfo = refuse
from index.bert_openvino import import_openvino
import_openvino()
assert not [name for name in sys.modules if "openvino_telemetry" in name]
"""
    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=home, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bulk", "precision", "agrees", "changes"),
    [
        (True, "auto", 1.0, True),
        (True, "auto", 0.9, False),
        (True, "float32", 1.0, False),
        (False, "auto", 1.0, False),
    ],
)
def test_many_passages_go_over_to_it_where_it_agrees(
    bulk: bool, precision: str, agrees: float, changes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []

    class Counted(OpenVinoEncoder):
        def hidden(self, batches):  # type: ignore[no-untyped-def]  # as it is there
            computed.append(1)
            return super().hidden(batches)

    def agreed(one: Embedder, other: Embedder, texts: object) -> float:
        return agrees

    monkeypatch.setattr(embedders, "OpenVinoEncoder", Counted)
    monkeypatch.setattr(embedders, "agreement", agreed)
    monkeypatch.setattr(embedders, "has_gpu", lambda: False)
    monkeypatch.setattr(embedders, "_SOME", 2)
    several = ModelEmbedder(DEFAULT_MODEL, ModelNotes(tmp_path), precision=precision, bulk=bulk)
    for text in ("a", "b"):
        several.passages([text])
    assert computed == []
    several.passages(["c"])
    assert bool(computed) == changes
