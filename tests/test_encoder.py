"""The embedding model on ONNX Runtime: its vectors are torch's, and whatever is damaged is noticed."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import embedders
from index.bert import BertConfig, batches
from index.embed import DEFAULT_MODEL, DEFAULT_SHA256, SAME_MODEL, Fingerprint, Vectors
from index.embed_onnx import EncoderEmbedder, EncoderFiles
from index.embed_torch import SentenceTransformerEmbedder
from index.embedders import ModelEmbedder, agreement, bundled_model_folder
from index.errors import ModelError
from index.model_notes import ModelNote, ModelNotes
from index.onnx_wire import _field, _varint
from index.tensors import read_tensors
from tests.conftest import SAMPLES

FINGERPRINT = Fingerprint(DEFAULT_MODEL, DEFAULT_SHA256, 384, 256)
ODD = [
    "",
    " ",
    "a",
    "…",
    "α-syn, IL-1β, Na⁺/K⁺-ATPase «naïve» 細胞 😀\x00\x1b[31m",
    "long " * 2_000,
    "ß" * 5_000,
]


def sentences() -> list[str]:
    """Real ones, from the samples, and odd ones."""
    text = " ".join(path.read_text("utf-8") for path in sorted(SAMPLES.glob("*.md")))
    return [*(s.strip() for s in text.split(". ")[:120:3]), *ODD]


@pytest.fixture(scope="module")
def torch_embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(
        DEFAULT_MODEL, folder=bundled_model_folder(), fingerprint=FINGERPRINT, precision="float32"
    )


def onnx(folder: Path | None = None, fingerprint: Fingerprint = FINGERPRINT) -> EncoderEmbedder:
    files = EncoderFiles.read(folder or bundled_model_folder())
    assert files is not None
    return EncoderEmbedder(files, fingerprint)


def copy_of_the_model(to: Path, **changes: object) -> Path:
    """The default model's folder with some of config.json changed; the weights are linked."""
    source = bundled_model_folder()
    (to / "1_Pooling").mkdir(parents=True)
    for path in source.rglob("*.json"):
        (to / path.relative_to(source)).write_bytes(path.read_bytes())
    (to / "vocab.txt").write_bytes((source / "vocab.txt").read_bytes())
    (to / "model.safetensors").symlink_to(source / "model.safetensors")
    change(to / "config.json", **changes)
    return to


def change(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


# --- the vectors ---------------------------------------------------------------------------------------


def test_vectors_are_those_of_torch(torch_embedder: SentenceTransformerEmbedder) -> None:
    assert agreement(torch_embedder, onnx(), sentences()) > 0.9999


def test_counts_are_those_of_torch(torch_embedder: SentenceTransformerEmbedder) -> None:
    assert onnx().count(sentences()) == torch_embedder.count(sentences())


def test_a_text_has_the_same_vector_in_any_company() -> None:
    embedder, texts = onnx(), sentences()
    together = embedder.passages(texts)
    alone = np.stack([embedder.query(text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    assert embedder.passages([]).shape == (0, 384)


def test_the_first_token_may_stand_for_the_text_and_prompts_go_before_it(tmp_path: Path) -> None:
    folder = copy_of_the_model(tmp_path / "cls")
    change(folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
    change(folder / "config_sentence_transformers.json", prompts={"query": "query: ", "passage": "passage: "})
    theirs = SentenceTransformerEmbedder(str(folder), precision="float32")
    assert (theirs.fingerprint.query_prompt, theirs.fingerprint.passage_prompt) == ("query: ", "passage: ")
    ours = onnx(folder, theirs.fingerprint)
    assert agreement(theirs, ours, sentences()) > 0.9999
    assert float(ours.query("angiogenesis") @ onnx().query("angiogenesis")) < 0.9


@given(st.lists(st.integers(1, 600)))
def test_batches_hold_every_text_once_and_are_small(lengths: list[int]) -> None:
    found = batches(lengths)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 1024 for b in found)


# --- what can be run, and what is damaged ----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "mpnet"},
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
    ],
)
def test_other_architectures_are_left_to_torch(tmp_path: Path, changes: dict[str, object]) -> None:
    assert EncoderFiles.read(copy_of_the_model(tmp_path / "other", **changes)) is None


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
        ("1_Pooling/config.json", {"include_prompt": False}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
    ],
)
def test_other_ways_to_a_vector_are_left_to_torch(
    tmp_path: Path, file: str, changes: dict[str, object]
) -> None:
    folder = copy_of_the_model(tmp_path / "other")
    assert EncoderFiles.read(folder) is not None
    change(folder / file, **changes)
    assert EncoderFiles.read(folder) is None


def test_a_folder_without_a_model_is_none(tmp_path: Path) -> None:
    assert EncoderFiles.read(tmp_path) is None
    (tmp_path / "config.json").write_text("[]")
    assert BertConfig.read(tmp_path / "config.json") is None


def test_a_configuration_that_does_not_fit_the_weights_is_an_error(tmp_path: Path) -> None:
    embedder = onnx(copy_of_the_model(tmp_path / "seven", num_hidden_layers=7))
    with pytest.raises(ModelError, match="do not fit"):
        embedder.load()


@pytest.mark.parametrize(
    "content",
    [b"", b"1234567", struct.pack("<Q", 1 << 40), struct.pack("<Q", 2) + b"[]",
     struct.pack("<Q", 4) + b"\xff{]}",
     struct.pack("<Q", 58) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}   ' + b"\0" * 8],
)  # fmt: skip
def test_damaged_weights_are_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        read_tensors(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="cannot be read"):
        read_tensors(tmp_path / "absent")


def test_narrow_tensors_are_widened(tmp_path: Path) -> None:
    header = json.dumps(
        {
            "half": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]},
            "brain": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [4, 8]},
            "ids": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
        }
    ).encode()
    data = np.array([1.5, -2], "<f2").tobytes() + np.array([0x3FC0, 0xC000], "<u2").tobytes() + bytes(8)
    (tmp_path / "w").write_bytes(struct.pack("<Q", len(header)) + header + data)
    found = read_tensors(tmp_path / "w")
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        "half": [1.5, -2],
        "brain": [[1.5, -2]],
    }


def test_the_wire_format() -> None:
    assert _varint(0) == b"\x00"
    assert _varint(300) == b"\xac\x02"  # the example of the specification
    assert _field(2, "testing") == b"\x12\x07testing"
    assert _field(1, 1.0) == b"\x0d\x00\x00\x80\x3f"
    with pytest.raises(ValueError, match="from 0"):
        _varint(-1)


def test_onnx_runtime_reports_nothing(tmp_path: Path) -> None:
    """With its telemetry on it keeps an id of the machine in the cache."""
    code = (
        "from pathlib import Path; from index.embedders import ModelEmbedder as Embedder;"
        "from index.model_notes import ModelNotes;"
        f"Embedder({DEFAULT_MODEL!r}, ModelNotes(Path({str(tmp_path)!r}) / 'notes')).query('angiogenesis')"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "home")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(path.is_file() for place in ("cache", "home") for path in (tmp_path / place).rglob("*"))


# --- which backend, and what is remembered ---------------------------------------------------------------


def no_torch(*_words: object, **_more: object) -> SentenceTransformerEmbedder:
    raise AssertionError("torch is not needed for this")


def test_the_default_model_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "SentenceTransformerEmbedder", no_torch)
    notes = ModelNotes(tmp_path / "notes")
    first = ModelEmbedder(DEFAULT_MODEL, notes)
    first.load()
    note = notes.read(DEFAULT_MODEL)
    assert note == ModelNote(bundled_model_folder(), FINGERPRINT, None)

    checked = []
    monkeypatch.setattr(embedders, "_check_bundled", checked.append)
    ModelEmbedder(DEFAULT_MODEL, notes).load()
    assert checked == []
    for damage in (b"", b"{", b"[]", b'{"version": 1}'):
        (file,) = (tmp_path / "notes").iterdir()
        file.write_bytes(damage)
        assert notes.read(DEFAULT_MODEL) is None
        ModelEmbedder(DEFAULT_MODEL, notes).load()
        assert notes.read(DEFAULT_MODEL) == note
    assert len(checked) == 4


def test_other_weights_than_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    monkeypatch.setattr(embedders, "bundled_model_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="not the published ones"):
        ModelEmbedder(DEFAULT_MODEL, ModelNotes(tmp_path / "notes")).load()


def test_a_note_is_for_one_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    notes, note = ModelNotes(tmp_path / "notes"), ModelNote(tmp_path, FINGERPRINT, 0.5)
    assert notes.read("m") is None
    notes.write("m", note)
    assert notes.read("m") == note
    assert notes.read("another") is None
    (tmp_path / "model.safetensors").write_bytes(b"changed")
    (tmp_path / "new").write_bytes(b"weights")
    (tmp_path / "new").replace(tmp_path / "model.safetensors")
    assert notes.read("m") is None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a file where the folder should be")
    embedder = ModelEmbedder(DEFAULT_MODEL, ModelNotes(tmp_path / "notes"))
    assert embedder.query("angiogenesis").shape == (384,)


def test_a_named_model_is_compared_with_torch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, notes = str(copy_of_the_model(tmp_path / "mine")), ModelNotes(tmp_path / "notes")
    first = ModelEmbedder(name, notes, local_only=True)
    assert first.fingerprint.name == "mine"
    note = notes.read(name)
    assert note is not None
    assert note.agreement is not None
    assert 0.9999 < note.agreement < 1.0001
    vector = first.query("angiogenesis")

    monkeypatch.setattr(embedders, "SentenceTransformerEmbedder", no_torch)
    second = ModelEmbedder(name, notes, local_only=True)
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.query("angiogenesis"), vector)


def test_a_model_that_nobody_can_be_asked_for_is_told_without_trying_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def unreachable(name: str) -> str:
        asked.append(name)
        return "no route to host"

    monkeypatch.setattr("index.embed_torch._unreachable", unreachable)
    with pytest.raises(ModelError, match="not here and cannot be fetched: no route to host") as error:
        SentenceTransformerEmbedder("someone/a-model-that-is-nowhere").load()
    assert error.value.hint == "Try again with a network, or leave it out to use all-MiniLM-L6-v2."
    assert asked == ["someone/a-model-that-is-nowhere"]
    with pytest.raises(ModelError, match="cannot be loaded"):  # and who wants no network gets none
        SentenceTransformerEmbedder("someone/a-model-that-is-nowhere", local_only=True).load()
    assert len(asked) == 1


class OneDirection:
    """Stands in for torch: every text has the same vector."""

    fingerprint = FINGERPRINT

    def __init__(self, *_words: object, **_more: object) -> None:
        pass

    def load(self, passages: int = 0) -> None: ...

    def unload(self) -> None: ...

    def count(self, texts: Sequence[str]) -> list[int]:
        return [1 for _ in texts]

    def passages(self, texts: Sequence[str]) -> Vectors:
        return np.eye(1, 384, dtype=np.float32).repeat(len(texts), axis=0)

    def query(self, text: str) -> Vectors:
        return self.passages([text])[0]


def test_a_model_that_comes_out_differently_stays_with_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "SentenceTransformerEmbedder", OneDirection)
    name, notes = str(copy_of_the_model(tmp_path / "mine")), ModelNotes(tmp_path / "notes")
    assert ModelEmbedder(name, notes).query("angiogenesis")[0] == 1
    note = notes.read(name)
    assert note is not None
    assert note.agreement is not None
    assert note.agreement < SAME_MODEL


@pytest.mark.parametrize(
    ("bulk", "precision", "fast", "changed"),
    [
        (True, "auto", True, True),
        (True, "auto", False, False),
        (False, "auto", True, False),
        (True, "float32", True, False),
    ],
)
def test_much_work_goes_over_to_faster_hardware(
    bulk: bool, precision: str, fast: bool, changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "SentenceTransformerEmbedder", OneDirection)
    monkeypatch.setattr(embedders, "has_fast_hardware", lambda: fast)
    monkeypatch.setattr(embedders, "_MANY", 3)
    embedder = ModelEmbedder(DEFAULT_MODEL, ModelNotes(tmp_path), precision=precision, bulk=bulk)
    assert [bool(embedder.passages([text])[0, 0] == 1) for text in "abcd"] == [False, False, False, changed]


def test_bfloat16_is_computed_by_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "SentenceTransformerEmbedder", OneDirection)
    notes = ModelNotes(tmp_path)
    for bulk in (True, False):
        embedder = ModelEmbedder(DEFAULT_MODEL, notes, precision="bfloat16", bulk=bulk)
        assert (embedder.query("a")[0] == 1) == bulk
