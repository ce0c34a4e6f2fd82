"""Where a sentence comes from: found by its words wherever they are, never where they only look alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import SettingsError
from index.library import Library
from qa.trace import checked_sentence, figures, find_exact
from tests.conftest import Citewell
from tests.fakes import make_library, make_syncer, report_of, tiny

ALPHA = tiny(
    "Alpha trial of heparin",
    "# Results",
    "Heparin lowered clots by 19% (P < 0.05) in 1,200 mice, whose hearts often grew.",
    "The eﬃcacy of high-dose “heparin” was clear: naïve cells died.",
    "The next block speaks of something else altogether, at some length, to fill a passage of its own here.",
    doi="10.1/a",
)
BETA = tiny(
    "Beta trial", "# Methods", "We gave heparin.", "# Results", "Heparin lowered clots.", doi="10.1/b"
)
LOWERED = "Heparin lowered clots by 19% (P < 0.05) in 1,200 mice"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("trace")
    (folder / "papers").mkdir()
    (folder / "papers" / "alpha.txt").write_text(ALPHA)
    (folder / "papers" / "beta.txt").write_text(BETA)
    made = make_library(folder / "library")
    report_of(make_syncer(made).add([folder / "papers"]))
    return made


def places(library: Library, words: str) -> list[tuple[str, str, str]]:
    with library.read() as reader:
        found = find_exact(reader, words)
        for place in found:
            assert place.span.of(reader.text(place.paper.id)) == place.text
        return [(place.paper.key, place.heading, place.text) for place in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (LOWERED, LOWERED),
        ("heparin LOWERED clots by 19 % (p<0.05) in 1200 mice", LOWERED),
        ("in 1,200 mice, whose hearts often grew.", "in 1,200 mice, whose hearts often grew."),
        ("The efficacy of high dose 'heparin' was clear", "The eﬃcacy of high-dose “heparin” was clear"),
        ("was clear: naive cells died.", "was clear: naïve cells died."),
        ("whose hearts often grew. The efficacy of high-dose",
         "whose hearts often grew.\n\nThe eﬃcacy of high-dose"),
        ("naïve cells died. The next block speaks", "naïve cells died.\n\nThe next block speaks"),
    ],
)  # fmt: skip
def test_words_are_found_whatever_their_layout(library: Library, words: str, expected: str) -> None:
    assert places(library, words) == [("10.1/a", "Results", expected)]


@pytest.mark.parametrize(
    "words",
    [
        "Heparin lowered clots by 19% (P > 0.05) in 1,200 mice",  # the other way round
        "Heparin lowered clots by 19% (P < 0.50) in 1,200 mice",
        "Heparin lowered clots by 1.9% (P < 0.05) in 1,200 mice",
        "art of tengrew hearts",
        "earts often grew.",  # begins inside a word
        "Heparin lowered clots by 19% in 1,200 mice",  # words left out
        "Heparin raised clots by 19% (P < 0.05)",
    ],
)
def test_words_that_only_look_alike_are_not_found(library: Library, words: str) -> None:
    assert places(library, words) == []


def test_every_place_is_named(library: Library) -> None:
    assert sorted(places(library, "Heparin lowered clots")) == [
        ("10.1/a", "Results", "Heparin lowered clots"), ("10.1/b", "Results", "Heparin lowered clots"),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_run_of_whole_words_of_a_paper_is_found_in_it(library: Library, data: st.DataObject) -> None:
    with library.read() as reader:
        paper = reader.find_paper("10.1/a")
        text = reader.text(paper.id)
        words = text.split()
        start = data.draw(st.integers(4, len(words) - 3))
        run = " ".join(words[start : data.draw(st.integers(start + 3, len(words)))])
        assert paper.id in {place.paper.id for place in find_exact(reader, run)}


def test_figures_in_one_spelling() -> None:
    assert figures("P<0.05, 1,200 mice, −5 to 5·2 °C, IL-6") == ["<", "0.05", "1200", "-5", "5.2", "6"]
    assert figures("p < 0.05; 1200 mice, -5 to 5.2 °C, IL6") == ["<", "0.05", "1200", "-5", "5.2", "6"]
    assert figures("≥ 12%") != figures("≤ 12%")


def test_too_little_cannot_be_traced() -> None:
    assert checked_sentence(" heparin \n lowered clots ") == "heparin lowered clots"
    for short in ("", "in the", "a b c d", "…"):
        with pytest.raises(SettingsError, match="is too short to be traced"):
            checked_sentence(short)
    with pytest.raises(SettingsError, match="at most 5,000 are looked for"):
        checked_sentence("word " * 2000)


# --- the command -----------------------------------------------------------------------------------------


def test_a_sentence_is_traced_on_the_command_line(
    citewell: Citewell, sample_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "mscs promote angio-genesis by secreting growth factors"
    found = citewell("trace", words, library=sample_library)
    assert found.code == 0
    assert found.out.splitlines()[:2] == [
        "✓ Wang et al. 2026 · Abstract · but for punctuation and layout",
        "  “MSCs promote angiogenesis by secreting growth factors”",
    ]
    shown = json.loads(citewell("trace", words, "--json", library=sample_library).out)
    (place,) = shown["exact"]
    text = citewell("show", place["paper_id"], "--text", library=sample_library).out
    assert text[place["start"] : place["end"]] == place["text"]
    assert (place["to_the_letter"], shown["nearest"]) == (False, [])
    outside = citewell("trace", words, "--year", "-2019", library=sample_library)
    assert outside.code == 3
    elsewhere = citewell("trace", words, "--section", "conclusion", library=sample_library)
    assert elsewhere.code in (1, 3)  # said in an abstract; there may be no such section at all


def test_without_its_words_the_nearest_sentences_are_named(citewell: Citewell, sample_library: Path) -> None:
    words = "Human pericytes cut fibrosis at the infarct border by 25% against vehicle (P<0.01)"
    found = citewell("trace", words, library=sample_library)
    assert found.code == 3
    assert found.out.splitlines()[:2] == [
        "No paper of this library has these words.", "The nearest sentences; they are no quotes of it:",
    ]  # fmt: skip
    shown = json.loads(citewell("trace", words, "--json", "-n", "2", library=sample_library).out)
    assert (shown["exact"], len(shown["nearest"])) == ([], 2)
    assert shown["nearest"][0]["text"].startswith("Human pericytes cut fibrosis at the infarct border by 19%")
    assert shown["nearest"][0]["score"] > 0.8


def test_what_cannot_be_traced_is_said(citewell: Citewell, sample_library: Path) -> None:
    short = citewell("trace", "why not", library=sample_library)
    assert (short.code, "is too short to be traced" in short.err) == (1, True)
