"""Passages are preferred when one of their sentences holds the question, by its words and by its meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.library import Library
from index.vectors import VectorIndex
from qa.coverage import coverage, length_factor, raised, rarities
from qa.model import EVERYTHING, Query
from qa.retrieve import Rankings, RetrievalOptions, Retriever
from tests.fakes import FakeEmbedder, make_library, make_syncer, report_of, tiny

QUESTION = "does zinc shorten colds in adults?"
SCATTERED = "Adults took zinc. Nights shorten in May. Colds came, and colds went."
TOGETHER = "The town kept diaries. In adults, zinc did shorten colds, they say."


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two papers that hold all words of the question: one in one sentence, the other here and there."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "scattered.txt").write_text(tiny("A diary", "# Text", SCATTERED))
    (folder / "together.txt").write_text(tiny("A trial", "# Text", TOGETHER))
    (folder / "other.txt").write_text(tiny("A tale", "# Text", "The fox slept. The hen did not."))
    library = make_library(tmp_path / "library")
    report_of(make_syncer(library).add([folder]))
    return library


def ranked(library: Library, embedder: FakeEmbedder, **options: float) -> tuple[list[str], Rankings]:
    """The texts of the fused passages, best first; by words alone unless the options say otherwise."""
    retriever = Retriever(embedder, VectorIndex(library), RetrievalOptions(**{"dense_share": 0.0, **options}))  # type: ignore[arg-type]  # some options are not numbers; none of those is named here
    query = Query(QUESTION, QUESTION, EVERYTHING)
    with library.read() as reader:
        found = retriever.rank(reader, query, retriever.embed(query))
    return [found.passages[i].text for i, _ in found.fused], found


def test_words_in_one_sentence_say_more_than_words_in_one_passage(library: Library) -> None:
    without, _ = ranked(library, FakeEmbedder(), sentence_words=0.0, sentence_meaning=0.0)
    assert without[:2] == [SCATTERED, TOGETHER], "the shorter text has the better BM25"
    found, _ = ranked(library, FakeEmbedder(), sentence_meaning=0.0)
    assert found[:2] == [TOGETHER, SCATTERED]


def test_one_sentence_of_each_of_the_best_passages_is_embedded(library: Library) -> None:
    embedder = FakeEmbedder()
    _, found = ranked(library, embedder, sentences=2)
    assert embedder.embedded == ["In adults, zinc did shorten colds, they say.", "Adults took zinc."]
    assert list(found.vectors) == embedder.embedded, "they are handed on, and not computed again"
    embedder = FakeEmbedder()
    _, found = ranked(library, embedder, sentence_words=0.0, sentence_meaning=0.0)
    assert (embedder.embedded, found.vectors) == ([], {})


def test_a_rare_word_covers_more_and_the_title_counts_half(library: Library) -> None:
    rarity = {"zinc": 3.0, "cold": 1.0}
    assert coverage({"zinc", "cold"}, {"zinc"}, set(), rarity) == 0.75
    assert coverage({"zinc", "cold"}, {"zinc"}, {"cold"}, rarity) == 0.875
    assert coverage({"zinc", "cold"}, {"zinc", "cold"}, {"cold"}, rarity) == 1.0
    assert coverage(set(), {"zinc"}, set(), rarity) == 0.0
    with library.read() as reader:
        known = rarities(reader, "does zinc tame foxes?")
    assert known["fox"] > known["zinc"] > 0, "of three passages two speak of zinc"


def test_nobody_expects_a_long_question_in_one_sentence() -> None:
    assert [length_factor(words) for words in (0, 1, 6, 12)] == [0.0, 1.0, 1.0, 0.25]


def test_scores_are_raised_by_shares_of_the_best_one_and_stay_in_their_range() -> None:
    ranking = [(1, 0.8), (2, 0.6), (3, 0.1)]
    found = raised(ranking, [0.0, 1.0], 0.5)
    assert [i for i, _ in found] == [2, 1, 3]
    assert [score for _, score in found] == pytest.approx([1.0 / 1.5, 0.8 / 1.5, 0.1 / 1.5])
    assert raised(ranking, [], 0.5) == raised(ranking, [1.0], 0.0) == ranking
    assert raised([], [], 0.5) == []


@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=30).map(lambda s: sorted(s, reverse=True)),
    st.lists(st.floats(-1.0, 1.0), max_size=30),
    st.floats(0.0, 2.0),
)
def test_raising_loses_no_passage_and_keeps_those_not_looked_at_behind_in_their_order(
    scores: list[float], shares: list[float], weight: float
) -> None:
    ranking = list(enumerate(scores))
    shares = shares[: len(ranking)]
    found = [i for i, _ in raised(ranking, shares, weight)]
    assert sorted(found) == list(range(len(ranking)))
    if shares:
        assert found[len(shares) :] == list(range(len(shares), len(ranking)))
