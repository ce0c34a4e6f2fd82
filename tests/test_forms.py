"""A question that says MSC is also asked as one that says mesenchymal stem cells, and the other way round."""

from __future__ import annotations

import pytest

from qa.forms import meanings, other_form

TEXTS = (
    "Mesenchymal stem cells (MSCs) promote the growth of vessels.",
    "A mesenchymal stem cell (MSC) was seen.",
    "Minor salivary cells (MSC) were rare.",
    "Tumour necrosis factor (TNF) rose.",
)


def test_what_most_passages_mean_is_taken() -> None:
    assert meanings(TEXTS) == {"MSC": "mesenchymal stem cells", "TNF": "tumour necrosis factor"}


def test_a_short_form_without_a_majority_has_no_meaning() -> None:
    texts = (
        "Atrial fibrillation (AF) was seen.",
        "Amniotic fluid (AF) was seen.",
        "Anterior fossa (AF) too.",
    )
    assert meanings(texts) == {}


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("how do MSCs promote angiogenesis?", "how do mesenchymal stem cells promote angiogenesis?"),
        ("do Mesenchymal Stem Cells help?", "do MSC help?"),
        ("does TNF harm mesenchymal stem cells?", "does tumour necrosis factor harm MSC?"),
        ("do mesenchymal stem cells (MSCs) help?", "do MSC (MSCs) help?"),
        ("what is an msc?", None),  # in small letters it may be another word
        ("what helps?", None),
    ],
)
def test_the_other_form_of_a_question(question: str, other: str | None) -> None:
    assert other_form(question, meanings(TEXTS)) == other


def test_without_definitions_a_question_stays_as_it_is() -> None:
    assert other_form("how do MSCs promote angiogenesis?", meanings(["nothing is defined here"])) is None
