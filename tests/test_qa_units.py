"""The small parts that answering stands on, each against exact expectations."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import SettingsError
from index.fulltext import match_words
from index.model import Author, Page, PaperIds, Record, Span
from qa.answer import checked_question
from qa.fuse import reciprocal_rank_fusion
from qa.references import full_reference, link, short_name
from qa.settings import config_file, load_settings
from qa.verify import page_of, stands_at
from qa.words import content_words, fold, stems


def test_reciprocal_rank_fusion_is_the_published_formula() -> None:
    fused = reciprocal_rank_fusion([[7, 8, 9], [9, 7]], [1.0, 2.0], k=60)
    expected = {
        7: Fraction(1, 61) + Fraction(2, 62),
        8: Fraction(1, 62),
        9: Fraction(1, 63) + Fraction(2, 61),
    }
    assert [item for item, _ in fused] == [9, 7, 8]
    assert dict(fused) == pytest.approx({item: float(score) for item, score in expected.items()})


def test_equal_fused_scores_are_ordered_by_id() -> None:
    assert [i for i, _ in reciprocal_rank_fusion([[5, 3], [3, 5]], [1, 1])] == [3, 5]


@given(st.lists(st.lists(st.integers(0, 20), unique=True), min_size=1, max_size=4))
def test_fusion_returns_every_id_once_best_first(rankings: list[list[int]]) -> None:
    fused = reciprocal_rank_fusion(rankings, [1.0] * len(rankings))
    assert sorted(i for i, _ in fused) == sorted({i for ranking in rankings for i in ranking})
    assert [s for _, s in fused] == sorted((s for _, s in fused), reverse=True)


def test_content_words_leave_the_question_behind() -> None:
    assert content_words("How do MSCs promote angiogenesis, please?") == ["mscs", "promote", "angiogenesis"]
    assert content_words("What is it?") == ["what", "is", "it"]
    assert stems("promotes promoted promoting") == {"promot"}
    assert fold("Müller ﬁbrosis m²") == "muller fibrosis m2"


@given(st.text(max_size=200))
def test_no_question_is_ever_full_text_syntax(text: str) -> None:
    import sqlite3

    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE passages (id INTEGER PRIMARY KEY)")
    db.execute(
        "CREATE VIRTUAL TABLE passage_fts USING fts5 (title, heading, text, tokenize = 'porter unicode61')"
    )
    assert match_words(db, content_words(text), 10, (1.0, 1.0, 1.0)) == []
    db.close()


@given(st.text(min_size=1, max_size=80), st.data())
def test_a_quote_stands_at_its_span_and_nowhere_else(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    assert stands_at(text, Span(start, end), quote)
    assert not stands_at(text, Span(start, end), quote + "x")
    assert not stands_at(text, Span(start, len(text) + 5), text[start:])
    assert not stands_at(text, Span(start, start), "")


def test_the_page_of_a_quote_is_where_it_begins() -> None:
    pages = [Page(1, Span(0, 100)), Page(2, Span(100, 180))]
    assert [page_of(pages, Span(at, at + 30)) for at in (0, 80, 100, 150)] == [1, 1, 2, 2]
    assert page_of([], Span(0, 5)) is None


def test_references_name_people_years_and_a_place_to_open() -> None:
    record = Record(
        "A title.",
        tuple(
            Author(family, given) for family, given in [("Shi", "Hong-fei"), ("Xiong", "Jin"), ("Wu", "XS")]
        ),
        2013,
        journal="BMC Musculoskeletal Disorders",
        ids=PaperIds(doi="10.1186/1471-2474-14-35"),
    )
    assert short_name(record) == "Shi et al. 2013"
    assert full_reference(record) == (
        "Shi HF, Xiong J, Wu XS (2013). A title. BMC Musculoskeletal Disorders. https://doi.org/10.1186/1471-2474-14-35"
    )
    assert short_name(Record("T", (Author("Shi"), Author("Wu")))) == "Shi & Wu"
    assert short_name(Record("A paper whose authors nobody knows, with a long title", year=2001)) == (
        "A paper whose authors nobody knows, wit… 2001"
    )
    assert full_reference(Record("Only a title")) == "Only a title"
    assert link(Record("T", ids=PaperIds(pmcid="PMC1"))) == "https://pmc.ncbi.nlm.nih.gov/articles/PMC1/"
    assert link(Record("T")) is None


def test_questions_are_checked_before_anything_is_loaded() -> None:
    assert checked_question("  why \n not? ") == "why not?"
    for empty in ("", " \t\n", "???", "\u200b"):
        with pytest.raises(SettingsError, match="the question is empty"):
            checked_question(empty)
    assert checked_question("a" * 2000) == "a" * 2000
    with pytest.raises(SettingsError, match="2,001 characters"):
        checked_question("a" * 2001)


def test_flags_win_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('library = "~/from-file"\nsentences = 3\nevidence = 7\n')
    assert load_settings().library == Path("~/from-file").expanduser()
    monkeypatch.setenv("CITEWELL_SENTENCES", "4")
    monkeypatch.setenv("CITEWELL_LIBRARY", str(tmp_path / "env"))
    settings = load_settings(library=tmp_path / "flag", model=None)
    assert (settings.library, settings.sentences, settings.evidence) == (tmp_path / "flag", 4, 7)


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_EVIDENCE", "many")
    with pytest.raises(SettingsError, match="the setting evidence cannot be used"):
        load_settings()
    monkeypatch.delenv("CITEWELL_EVIDENCE")
    config_file().parent.mkdir(parents=True)
    config_file().write_text("library = ")
    with pytest.raises(SettingsError, match=r"config\.toml cannot be read"):
        load_settings()
