"""What is checked about a sentence without judgement: numbers, names, directions, abbreviations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.abbreviations import definitions, expanded
from qa.directions import Direction, direction, opposed
from qa.quantities import missing, names_with_digits, quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.8 ± 0.7 mm, a significant gain", [(6.8, "mm"), (0.7, "mm")]),
        ("10, 20 and 30 mg for 12 weeks", [(10, "mg"), (20, "mg"), (30, "mg"), (12, "wk")]),
        ("rose 2.5-fold in 50% of cells (p < 0.05)", [(2.5, "fold"), (50, "%"), (0.05, None)]),
        ("1,234 patients and 1.9×10^7 cfu", [(1234, None), (1.9e7, None)]),
        ("−14.9 vs. −10.7; p = .01", [(-14.9, None), (-10.7, None), (0.01, None)]),
        ("three of twenty-four mice, a 12-week trial", [(3, None), (24, None), (12, "wk")]),
        ("95% CI 5.2 – 23.8 mm", [(95, "%"), (5.2, "mm"), (23.8, "mm")]),
        ("0·05; then 20 percent", [(0.05, None), (20, "%")]),
        ("IL-6, SARS-CoV-2, 5-HT, H3K4me3 and vitamin B12", []),
        ("no number at all", []),
    ],
)
def test_numbers_are_read_with_their_units(text: str, expected: list[tuple[float, str | None]]) -> None:
    assert [(q.value, q.unit) for q in quantities(text)] == expected


def test_names_with_digits_are_names() -> None:
    text = "IL-6 and CD34+ cells in COVID-19; 5-HT, H3K4me3, 5mg, 12-week"
    assert names_with_digits(text) == ["IL-6", "CD34", "COVID-19", "5-HT", "H3K4me3"]


@pytest.mark.parametrize(
    ("claim", "passage", "lacking"),
    [
        ("Pain fell by 3.2 points in 40 patients.", "In 40 patients pain fell (3.2 points).", []),
        ("Pain fell by 3.2 points.", "Pain fell by 2.3 points.", ["3.2"]),
        ("They took 5 mg.", "They took 5 g.", ["5 mg"]),
        ("They took 5 mg.", "Doses of 5, 10 and 20 mg were given.", []),
        ("About 39 % recovered.", "39.4% recovered.", []),
        ("39 % recovered.", "39.4% recovered.", ["39%"]),
        ("Nine patients died.", "9 of the patients died.", []),
        ("It took 24 hours.", "It took 24 h.", []),
        ("IL-6 rose.", "Interleukin 6 (IL6) rose.", []),
        ("IL-8 rose.", "IL-6 rose.", ["IL-8"]),
        ("There were 1,200 people.", "There were 1200 people.", []),
        ("The 12-week course helped.", "The course of 12 weeks helped.", []),
        ("It was safe.", "", []),
    ],
)
def test_what_the_passage_does_not_hold_is_named(claim: str, passage: str, lacking: list[str]) -> None:
    assert missing(claim, [passage]) == lacking


@given(st.text(max_size=200))
def test_a_text_lacks_nothing_of_itself(text: str) -> None:
    assert missing(text, [text]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pain was significantly reduced.", Direction.DOWN),
        ("MSCs promote angiogenesis.", Direction.UP),
        ("The drug did not reduce pain.", Direction.NONE),
        ("There was no significant difference in pain between the groups.", Direction.NONE),
        ("Scores were similar in both groups.", Direction.NONE),
        ("Neither human nor swine pericytes improved ejection fraction.", Direction.NONE),
        ("Pain did not fall except in men.", None),
        ("Pain fell and function improved.", None),
        ("Forty patients were enrolled.", None),
    ],
)
def test_directions_are_told_only_where_they_are_clear(text: str, expected: Direction | None) -> None:
    assert direction(text) == expected


def test_opposite_directions_are_named() -> None:
    assert opposed("X raises Y.", "X lowers Y.") == "the sentence says an increase, the quote a decrease"
    assert (
        opposed("X lowers Y.", "X had no effect on Y.") == "the sentence says a decrease, the quote no effect"
    )
    assert opposed("X raises Y.", "Y was higher with X.") is None
    assert opposed("X raises Y.", "Forty patients took X.") is None


def test_a_papers_own_abbreviations_are_found() -> None:
    text = (
        "Mesenchymal stem cells (MSCs) help. We gave mesenchymal stem cells and measured vascular endothelial"
        " growth factor (VEGF; 50 ng), the visual analogue scale (VAS) and more (see Table 2). Patients"
        " (n = 40) of the World Health Organization (WHO) list, and Obstetricians and Gynecologists (ACOG)."
    )
    assert definitions(text) == {
        "MSCs": "mesenchymal stem cells",
        "VEGF": "vascular endothelial growth factor",
        "VAS": "visual analogue scale",
        "WHO": "World Health Organization",
    }


def test_an_abbreviation_is_spelled_out_once_and_never_where_the_text_does() -> None:
    meanings = {"MSCs": "mesenchymal stem cells", "EA": "electroacupuncture", "DNA": "deoxyribonucleic acid"}
    known: set[tuple[str, str]] = set()
    first = expanded("EA and MSCs change DNA.", meanings, known)
    assert first == "EA [electroacupuncture] and MSCs [mesenchymal stem cells] change DNA."
    assert expanded("EA again, and MSCs.", meanings, known) == "EA again, and MSCs."
    assert (
        expanded("EA differs here.", {"EA": "early abortion"}, known) == "EA [early abortion] differs here."
    )
    own = "Electroacupuncture (EA) helps."
    assert expanded(own, meanings, set()) == own
    assert expanded("SEA and EA-1", meanings, set()) == "SEA and EA-1"


@given(st.text(max_size=300))
def test_no_text_upsets_the_search_for_abbreviations(text: str) -> None:
    meanings = definitions(text)
    without = expanded(text, meanings, set(), most=0)
    assert without == text
