"""The recipe of the reranker: where its network starts, what it is shown, and what the export keeps."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.candidates import Found, Row
from training.citances import citances, rows
from training.groups import Reading, group, reworded, window

if TYPE_CHECKING:
    from training.model import Kind

WORDS = "mice lost weight after surgery and pericytes increased capillary density by half in pigs".split()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bi-encoder of a few thousand weights that knows the words above."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def _logits(folder: Path, question: str, texts: list[str], kind: Kind | None = None) -> list[float]:
    import torch

    from training.model import read_model

    model = read_model(folder, kind).eval()
    with torch.inference_mode():
        return [float(x) for x in model([question], [texts], 64)[0]]


def test_a_late_interaction_starts_as_the_bi_encoder_it_is_made_of(tiny: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    question, passage = "pericytes increased density", "capillary density increased after surgery in mice"
    tokenizer, encoder = AutoTokenizer.from_pretrained(tiny), AutoModel.from_pretrained(tiny).eval()
    with torch.inference_mode():
        asked, said = (
            encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1].numpy()
            for text in (question, passage)
        )  # between [CLS] and [SEP]
    assert (len(asked), len(said)) == (3, 7)
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (asked, said)]
    likeness = (unit[0] @ unit[1].T).max(axis=1).mean()
    u, v = asked.mean(axis=0), said.mean(axis=0)
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    # A passage of less than 32 tokens is one window.
    expected = 1.5 * (cosine - 0.5) + 8 * (likeness - 0.5) + 1.5 * (cosine - 0.5)
    assert _logits(tiny, question, [passage], "late") == pytest.approx([expected], abs=1e-3)


@pytest.mark.parametrize("kind", ["late", "cross"])
def test_a_passage_scores_alike_alone_and_beside_a_longer_one(tiny: Path, tmp_path: Path, kind: Kind) -> None:
    from training.model import read_model

    read_model(tiny, kind).save(tmp_path)  # a new head is chance: the same one for both
    (alone,) = _logits(tmp_path, "mice lost weight", ["mice"])
    beside = _logits(tmp_path, "mice lost weight", ["mice", " ".join(WORDS * 4)])
    assert beside[0] == pytest.approx(alone, abs=1e-3)
    assert beside[1] != pytest.approx(alone, abs=1e-3)


def _row(split: str = "train") -> Row:
    """Twelve passages, the second of which answers; each has half the score of the one before."""
    texts = ["mice lost weight", "pericytes increased capillary density", "pigs lost weight", "mice in half"]
    texts += [f"{word} lost weight after surgery" for word in WORDS[3:11]]
    found = [Found(n, "Title", text, int(n == 1), 0, 0, 0.8 / 2**n) for n, text in enumerate(texts)]
    return Row("q", "sample", split, "what increased density?", 1, found)


@pytest.mark.parametrize("kind", ["late", "cross"])
def test_training_learns_what_answers_and_keeps_it(tiny: Path, tmp_path: Path, kind: Kind) -> None:
    from training.candidates import write_rows
    from training.train import Recipe, train

    write_rows(iter([_row()]), tmp_path / "rows.jsonl")
    recipe = Recipe(tiny, 80, kind, reading=Reading(size=4, near=3), rate=3e-3)
    train(tmp_path / "model", recipe, [(tmp_path / "rows.jsonl", 1.0)])
    logits = _logits(tmp_path / "model", "what increased density?", [f.text for f in _row().found])
    assert max(range(12), key=lambda n: logits[n]) == 1
    assert logits[1] - max(logits[:1] + logits[2:]) > 1


def test_of_the_trained_weights_as_much_is_kept_as_was_asked_for(tiny: Path, tmp_path: Path) -> None:
    from training.candidates import write_rows
    from training.model import read_model
    from training.train import Recipe, train

    write_rows(iter([_row()]), tmp_path / "rows.jsonl")
    files = [(tmp_path / "rows.jsonl", 1.0)]
    for kept in (0.0, 0.5, 1.0):
        recipe = Recipe(tiny, 8, "late", reading=Reading(size=4, near=3), rate=3e-3, kept=kept)
        train(tmp_path / str(kept), recipe, files)
    start = read_model(tiny, "late").state_dict()
    none, half, whole = (read_model(tmp_path / str(kept)).state_dict() for kept in (0.0, 0.5, 1.0))
    for name, value in start.items():
        assert np.allclose(none[name], value, atol=1e-6)
        assert np.allclose(half[name], (value + whole[name]) / 2, atol=1e-5)
    assert not np.allclose(whole["times"], start["times"], atol=1e-3)


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


def test_a_passage_is_cut_to_where_the_words_of_the_question_are() -> None:
    text = " ".join(f"word{n}" for n in range(100))
    assert window(text, frozenset({"word90", "word91"}), 5) == "word87 word88 word89 word90 word91"
    assert window(text, frozenset(), 3) == "word0 word1 word2"
    assert window("A short one.", frozenset({"short"}), 5) == "A short one."


def test_only_questions_that_compare_are_reworded() -> None:
    asked = "What is the effect of aspirin compared with placebo on headache?"
    forms = {reworded(asked, random.Random(seed)) for seed in range(60)}
    assert len(forms) > 5
    assert all("headache" in form for form in forms)
    assert asked not in forms
    assert reworded("How is CHIKV maintained?", random.Random(1)) == "How is CHIKV maintained?"


def test_a_sentence_that_cites_a_paper_is_a_claim_about_its_title(tmp_path: Path) -> None:
    """Not one that cites many, speaks of methods, or is short; the other titles of the list are negatives."""
    references = "".join(
        f'<ref id="r{n}"><mixed-citation><article-title>A study of the <italic>animal</italic> number {n}'
        "</article-title></mixed-citation></ref>"
        for n in range(30)
    )
    cite = '<xref ref-type="bibr" rid="r{}">{}</xref>'.format
    paper = f"""<article><body><sec><p>Animals of the seventh kind sleep by day and eat by night
        [{cite(7, 8)}]. They dream [{cite(1, 2)}]. All these kinds were seen in the woods of the north by many
        others [{cite(2, 3)},{cite(3, 4)},{cite(4, 5)}]. The pictures of the animals were drawn with the
        software of a friend [{cite(5, 6)}]. No paper says why they have such different tails.</p></sec>
        </body><back><ref-list>{references}</ref-list></back></article>"""
    ((claim, cited, others),) = citances(paper.encode(), random.Random(1))
    assert claim == "Animals of the seventh kind sleep by day and eat by night."
    assert cited == ["A study of the animal number 7"]
    assert len(set(others)) == 29
    assert cited[0] not in others
    (tmp_path / "paper.nxml").write_text(paper)
    (tmp_path / "broken.xml").write_text("<article>")
    (row,) = rows(tmp_path, seed=1)
    made = group(row, Reading(header_dropped=0.0), 90, random.Random(1))
    assert made is not None
    assert made.texts[0] == "A study of the animal number 7"
    assert (len(made.texts), made.known) == (8, [0.0] * 8)
