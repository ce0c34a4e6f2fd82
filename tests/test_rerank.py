"""The reranker: what it reads, when it stops, and how its word is weighed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa.rerank
from index.errors import ModelError
from index.model import Section, SectionKind, Span
from qa.fuse import score_fusion
from qa.locate import KeyedText, letters_key
from qa.priors import asks_for_findings, section_prior
from qa.rerank import OnnxReranker, make_reranker
from qa.retrieve import blend

OWN = Path(qa.rerank.__file__).with_name("reranker")
QUESTION = "do pericytes increase capillary density after infarction?"
PASSAGES = [
    "Methods. The pigs were housed in pairs and fed twice a day.",
    "Results. Pericytes increased capillary density by 51% around the infarct.",
    "Discussion. The price of feed has risen.",
    "Introduction. Coronary artery disease is common.",
]


def test_the_shipped_reranker_prefers_the_passage_that_answers() -> None:
    logits = OnnxReranker().score(QUESTION, PASSAGES)
    assert len(logits) == 4
    assert max(range(4), key=lambda i: logits[i]) == 1
    assert logits[1] > max(logits[0], logits[2], logits[3]) + 1


def test_a_score_does_not_depend_on_the_company_it_is_in() -> None:
    reranker = OnnxReranker()
    (alone,) = reranker.score(QUESTION, PASSAGES[1:2])
    assert reranker.score(QUESTION, PASSAGES)[1] == pytest.approx(alone, abs=0.2)
    assert reranker.score(QUESTION, PASSAGES) == reranker.score(QUESTION, PASSAGES)


def test_it_stops_when_its_time_is_up_and_reads_nothing_in_no_time() -> None:
    reranker = OnnxReranker()
    assert len(reranker.score(QUESTION, PASSAGES * 10, 0.001)) == 4
    assert reranker.score(QUESTION, PASSAGES, 0) == []
    assert len(reranker.score(QUESTION, PASSAGES * 10, 60_000)) == 40
    assert len(OnnxReranker(limit=6).score(QUESTION, PASSAGES * 10)) == 6


def test_a_question_longer_than_the_model_reads_is_cut_like_a_passage() -> None:
    long = "do pericytes increase capillary density " * 50
    assert len(OnnxReranker().score(long, PASSAGES)) == 4
    assert len(OnnxReranker().score(long, [PASSAGES[1] * 60])) == 1


def test_a_damaged_reranker_is_refused(tmp_path: Path) -> None:
    for name in ("reranker.json", "tokenizer.json"):
        shutil.copy(OWN / name, tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="is damaged"):
        OnnxReranker(tmp_path).score(QUESTION, PASSAGES)
    with pytest.raises(ModelError, match="is not complete"):
        OnnxReranker(tmp_path / "nowhere").load()


def test_rerankers_are_made_by_name(tmp_path: Path) -> None:
    assert make_reranker("none") is None
    own = make_reranker("citewell")
    assert own is not None
    assert own.name == json.loads((OWN / "reranker.json").read_text())["name"]
    other = make_reranker(str(tmp_path / "no-such-model"))
    assert other is not None
    with pytest.raises(ModelError, match="cannot be loaded"):
        other.load()


@given(
    st.lists(st.floats(0.1, 1.2), min_size=1, max_size=30).map(lambda s: sorted(s, reverse=True)),
    st.lists(st.floats(-30, 30), max_size=30),
)
def test_blending_loses_nothing_and_keeps_what_was_not_read_behind_in_its_order(
    scores: list[float], logits: list[float]
) -> None:
    fused = [(100 + n, score) for n, score in enumerate(scores)]
    logits = logits[: len(fused)]
    blended = blend(fused, logits, 0.1)
    assert sorted(i for i, _ in blended) == [i for i, _ in fused]
    unread = [i for i, _ in blended if i >= 100 + len(logits)]
    assert unread == sorted(unread)
    if not logits:
        assert blended == fused


def test_an_exact_hit_is_moved_only_so_far() -> None:
    """A passage that holds all the words keeps its place over one that is half as good by words and meaning,
    unless the reranker prefers the other one by five logits."""
    fused = [(1, 1.0), (2, 0.5)]
    assert [i for i, _ in blend(fused, [-2.0, 2.9], 0.1)] == [1, 2]
    assert [i for i, _ in blend(fused, [-2.0, 3.1], 0.1)] == [2, 1]
    assert blend(fused, [-99.0, 99.0], 0.1) == blend(fused, [-8.0, 8.0], 0.1)


def test_fused_scores_keep_how_much_better_the_first_is() -> None:
    scores = score_fusion([(1, 20.0), (2, 10.0)], [(2, 0.5), (3, 0.4)], 0.6)
    assert scores == pytest.approx({1: 0.4 + 0.6 * 0.36, 2: 0.4 * 0.5 + 0.6 * 0.5, 3: 0.6 * 0.4})
    assert score_fusion([], [(3, 0.4)], 0.5) == {3: 0.2}
    assert score_fusion([(1, 3.0)], [], 0.5) == {1: 0.5}
    assert score_fusion([], [], 0.5) == {}


def test_sections_that_say_what_was_found_come_first_unless_methods_were_asked_for() -> None:
    def prior(heading: str, question: str, kind: SectionKind = SectionKind.BODY) -> float:
        section = Section((heading,), Span(0, 1), kind)
        return section_prior(section, findings=asks_for_findings(question))

    assert prior("Results", "does it work?") == 1.05
    assert prior("Statistical analysis", "does it work?") == 0.95
    assert prior("Statistical analysis", "which statistical test was used?") == 1.0
    assert prior("Vessels", "does it work?") == 1.0
    assert prior("Abstract", "does it work?", SectionKind.ABSTRACT) == 1.05
    assert prior("Table 1", "does it work?", SectionKind.TABLE) == 0.8


@given(st.text(max_size=80), st.text(alphabet="aé ﬁ-ß²", min_size=1, max_size=12), st.text(max_size=80))
def test_a_quote_is_found_wherever_it_was_put(before: str, quote: str, after: str) -> None:
    text = before + quote + after
    spans = KeyedText(text).find(quote)
    if letters_key(quote):
        assert any(letters_key(span.of(text)) == letters_key(quote) for span in spans)
    else:
        assert spans == []


def test_a_quote_with_other_hyphens_spaces_and_ligatures_is_found_exactly() -> None:
    text = "We saw a signiﬁcant in-\ncrease (p < 0.05) in Müller cells, and no signiﬁcant decrease."
    keyed = KeyedText(text)
    (span,) = keyed.find("significant increase (P<0.05) in Muller cells")
    assert span.of(text) == "signiﬁcant in-\ncrease (p < 0.05) in Müller cells"
    second = keyed.nearest("significant", 0.99)
    assert second is not None
    assert second.start == text.rindex("signi")
