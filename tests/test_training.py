"""The recipe of the reranker: where its network starts, what it is shown, and what the export keeps."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from training.candidates import Found, Row
from training.groups import Reading, evidence_window, group, reworded, window

WORDS = "mice lost weight after surgery and pericytes increased capillary density by half in pigs".split()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bi-encoder of a few thousand weights that knows the words above."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    import torch

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def _logits(folder: Path, pairs: list[tuple[str, str]]) -> list[float]:
    import torch
    from transformers import AutoTokenizer

    from training.model import read_model

    model = read_model(folder).eval()
    encoded = AutoTokenizer.from_pretrained(folder)(
        [q for q, _ in pairs], [t for _, t in pairs], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        return model(encoded.input_ids, encoded.attention_mask, encoded.token_type_ids)[:, 0].tolist()


def test_it_starts_as_the_bi_encoder_and_its_late_interaction(tiny: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    question, passage = "pericytes increased density", "capillary density increased after surgery in mice"
    encoded = AutoTokenizer.from_pretrained(tiny)(question, passage, return_tensors="pt")
    with torch.inference_mode():
        tokens = AutoModel.from_pretrained(tiny).eval()(**encoded).last_hidden_state[0].numpy()
    asked, said = tokens[1:4], tokens[5:12]  # between [CLS] and [SEP], and between the two [SEP]
    of_length_1 = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (asked, said)]
    likeness = (of_length_1[0] @ of_length_1[1].T).max(axis=1).mean()
    u, v = asked.mean(axis=0), said.mean(axis=0)
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    assert _logits(tiny, [(question, passage)]) == pytest.approx(
        [3 * cosine + 12 * likeness - 0.85 * 15], abs=1e-3
    )


def test_a_pair_scores_alike_alone_and_beside_a_longer_one(tiny: Path) -> None:
    pairs = [("mice lost weight", "mice"), ("pigs", " ".join(WORDS))]
    (alone,) = _logits(tiny, pairs[:1])
    assert _logits(tiny, pairs)[0] == pytest.approx(alone, abs=1e-3)


def test_an_earlier_cross_encoder_goes_on_from_its_own_logits(tiny: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    earlier = AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=1).eval()
    earlier.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    pairs = [("mice lost weight", "after surgery"), ("pigs", "mice lost weight in half")]
    encoded = tokenizer([q for q, _ in pairs], [t for _, t in pairs], padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = earlier(**encoded).logits[:, 0].tolist()
    assert _logits(tmp_path, pairs) == pytest.approx(expected, abs=1e-4)


def _row(split: str = "train") -> Row:
    """Twelve passages, the second of which answers; each has half the score of the one before."""
    texts = ["mice lost weight", "pericytes increased capillary density", "pigs lost weight", "mice in half"]
    texts += [f"{word} lost weight after surgery" for word in WORDS[3:11]]
    found = [Found(n, "Title", text, int(n == 1), 0, 0, 0.8 / 2**n) for n, text in enumerate(texts)]
    return Row("q", "sample", split, "what increased density?", 1, found)


# The exporter of old, whose operators ONNX Runtime knows how to fuse, warns of itself at every turn.
@pytest.mark.filterwarnings("ignore")
def test_training_learns_what_answers_and_the_export_keeps_it(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the export needs the package onnx")
    from qa.rerank import OnnxReranker
    from training.candidates import write_rows
    from training.export import export
    from training.train import Recipe, train

    write_rows(iter([_row()]), tmp_path / "rows.jsonl")
    recipe = Recipe(tiny, 80, reading=Reading(size=4, near=3), rate=3e-3)
    train(tmp_path / "model", recipe, [(tmp_path / "rows.jsonl", 1.0)])
    texts = [f.text for f in _row().found[:4]]
    before = _logits(tiny, [("what increased density?", text) for text in texts])
    after = _logits(tmp_path / "model", [("what increased density?", text) for text in texts])
    assert after[1] - max(after[0], after[2], after[3]) > before[1] - max(before[0], before[2], before[3])
    assert max(range(4), key=lambda n: after[n]) == 1
    export(tmp_path / "model", tmp_path / "onnx", "tiny", "reranker")
    exported = OnnxReranker(tmp_path / "onnx").score("what increased density?", texts)
    assert sorted(range(4), key=lambda n: exported[n]) == sorted(range(4), key=lambda n: after[n])


def test_a_group_is_one_answer_first_and_passages_that_are_none() -> None:
    made = group(_row(), Reading(size=4, near=3, header_dropped=0, fused=10), 48, random.Random(1))
    assert made is not None
    assert made.question == "what increased density?"
    assert made.texts[0] == "Title. pericytes increased capillary density"
    assert made.texts[0] not in made.texts[1:]
    assert made.known[0] == pytest.approx(5.0)  # half of the best score
    assert group(_row(), Reading(size=20), 48, random.Random(1)) is None


def test_a_question_that_labels_itself_brings_no_fused_score() -> None:
    made = group(_row("self"), Reading(size=4, near=3, fused=10), 48, random.Random(1))
    assert made is not None
    assert made.known == [0.0] * 4


def test_an_answer_is_cut_around_its_evidence_and_another_passage_to_the_words_of_the_question() -> None:
    text = " ".join(f"word{n}" for n in range(100))
    wanted = frozenset({"word90", "word91"})
    assert window(text, wanted, 5) == "word87 word88 word89 word90 word91"
    for seed in range(20):
        cut = evidence_window(text, ["Word20, word21 WORD22!"], wanted, 5, random.Random(seed)).split()
        assert len(cut) == 5
        assert {"word20", "word21", "word22"} <= set(cut)
    assert evidence_window(text, ["not in it"], wanted, 5, random.Random(1)).endswith("word90 word91")
    assert evidence_window("a short one", ["short"], wanted, 5, random.Random(1)) == "a short one"


def test_only_questions_that_compare_are_reworded() -> None:
    asked = "What is the effect of aspirin compared with placebo on headache?"
    forms = {reworded(asked, random.Random(seed)) for seed in range(60)}
    assert len(forms) > 5
    assert all("headache" in form for form in forms)
    assert asked not in forms
    assert reworded("How is CHIKV maintained?", random.Random(1)) == "How is CHIKV maintained?"
