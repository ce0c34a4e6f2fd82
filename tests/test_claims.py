"""Claims whose label is known: made by wording, by turning, and read from the layouts of datasets."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from eval.claim_forms import DOWN, SAME, UP, contradicted, finding, misnumbered, reworded, shortened
from eval.claims import Label, load_claims
from index.errors import DatasetError
from index.model import Paper
from index.parse.markdown import parse_markdown

PAPER = """# Aspirin in headache

## Abstract

Forty adults took aspirin or placebo. Pain fell by 3.2 points with aspirin. Sleep did not change.
"""


def read(data: bytes, name: str) -> Paper:
    return parse_markdown(data.decode(), name)


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.mark.parametrize("direction", [UP, DOWN, SAME])
def test_a_finding_names_both_arms_and_the_outcome(direction: str) -> None:
    for seed in range(30):
        text = finding(direction, "aspirin", "placebo", "pain", random.Random(seed))
        assert "pain" in text.lower()
        assert "aspirin" in text.lower() or "placebo" in text.lower()
        assert text.endswith(".")


def test_a_sentence_is_turned_by_one_word() -> None:
    rng = random.Random(1)
    assert contradicted("There was no significant difference.", rng) == "There was a significant difference."
    assert contradicted("Pain did not fall.", rng) == "Pain did fall."
    assert contradicted("Patients were seen.", random.Random(3)) == "Patients were not seen."
    assert contradicted("Forty patients.", rng) is None


def test_a_number_is_changed_and_only_a_number() -> None:
    for seed in range(20):
        made = misnumbered("Pain fell by 3.2 points.", random.Random(seed))
        assert made is None or (made.startswith("Pain fell by ") and "3.2 " not in made)


def test_what_is_said_in_other_words_keeps_its_numbers() -> None:
    for seed in range(20):
        said = reworded(
            shortened("However, pain decreased by 3.2 points (p = 0.01).", random.Random(seed)),
            random.Random(seed),
        )
        assert "3.2 points" in said
        assert said.startswith("Pain ")


def test_own_claims_come_with_the_sentence_around_their_quote(tmp_path: Path) -> None:
    (tmp_path / "aspirin.md").write_text(PAPER, "utf-8")
    row = {"claim": "Aspirin eases pain.", "paper": "aspirin", "quote": "fell by 3.2", "label": "supported"}
    write(tmp_path, "claims.jsonl", [row])
    (claim,) = load_claims(tmp_path, None, read)
    assert claim.label is Label.SUPPORTED
    assert claim.ground.quote == "Pain fell by 3.2 points with aspirin."
    assert "Forty adults" in claim.ground.passage
    assert claim.ground.header == "Aspirin in headache › Abstract"


def test_a_quote_that_is_not_in_the_paper_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "aspirin.md").write_text(PAPER, "utf-8")
    row = {"claim": "x", "paper": "aspirin", "quote": "rose by 3.2", "label": "supported"}
    write(tmp_path, "claims.jsonl", [row])
    with pytest.raises(DatasetError, match="line 1: the quote is not in aspirin"):
        load_claims(tmp_path, None, read)


def test_scifacts_layout_gives_supported_contradicted_and_unrelated_claims(tmp_path: Path) -> None:
    text = "Aspirin eases pain. Forty took part. Sleep did not change."
    document = {"_id": "7", "title": "Aspirin", "text": text, "metadata": {"sentences": [19, 16, 21]}}
    write(tmp_path, "corpus.jsonl", [document])
    write(tmp_path, "evidence.train.jsonl", [
        {"id": "1", "claim": "Aspirin helps.", "doc_id": "7", "label": "SUPPORT", "sentences": [0]},
        {"id": "2", "claim": "Aspirin mends sleep.", "doc_id": "7", "label": "CONTRADICT", "sentences": [2]},
    ])  # fmt: skip
    found = load_claims(tmp_path, None, read)
    assert [(c.text, str(c.label)) for c in found] == [
        ("Aspirin helps.", "supported"), ("Aspirin helps.", "neither"),
        ("Aspirin mends sleep.", "contradicted"), ("Aspirin mends sleep.", "neither"),
    ]  # fmt: skip
    assert found[0].ground.quote == "Aspirin eases pain."
    assert found[2].ground.quote == "Sleep did not change."


def test_ev2s_layout_gives_the_finding_and_the_two_it_excludes(tmp_path: Path) -> None:
    (tmp_path / "xml").mkdir()
    (tmp_path / "xml" / "PMC1.md").write_text(PAPER, "utf-8")
    write(tmp_path, "questions.jsonl", [{
        "id": 1, "pmcid": "PMC1", "split": "train", "labels": ["significantly decreased"],
        "question": "What is the effect of aspirin compared with placebo on pain?",
        "evidence": ["Pain fell by 3.2 points with aspirin."],
    }])  # fmt: skip
    found = load_claims(tmp_path, None, read)
    assert [str(c.label) for c in found[:3]] == ["supported", "contradicted", "contradicted"]
    assert {c.ground.quote for c in found[:3]} == {"Pain fell by 3.2 points with aspirin."}
    assert load_claims(tmp_path, None, read) == found


def test_a_folder_without_claims_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no claims") as error:
        load_claims(tmp_path, None, read)
    assert "claims.jsonl" in error.value.hint
