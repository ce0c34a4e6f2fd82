"""Where biomedical sentences end, and where a full stop is only a full stop."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.model import Span
from index.sentences import sentence_spans


def split(text: str) -> list[str]:
    """The sentences of a whole text."""
    return [span.of(text) for span in sentence_spans(text, Span(0, len(text)))]


@pytest.mark.parametrize(
    "sentence",
    [
        "As shown in Fig. 2, e.g. by Smith et al. (2010), it fell (p < 0.05) at 2.5 mg.",
        "The E. coli grew in 0.5 ml at 37 °C vs. C. elegans at 20 °C.",
        "The cells (Sigma, St. Louis, MO. USA) were kept.",
        "See ref. 12 and Suppl. Table 3 in vol. 4.",
        "In U.S. adults, i.v. doses of 5 mg/kg b.i.d. were given.",
        "The mean was 3.5 (95% CI 1.2 to 4.5; P = 0.03).",
        "No. 3 was the best of them.",
        "J. R. Smith and K. Jones kept the records.",
        "Group A | 3.5. Higher | 4.1. Lower",
        "We thank Drs. Lantos and Soden for their advice.",
        "The tablets (Zocor) came from lot no. W4010 and were white.",
        "It is covered by Patent No. EP 1 651 166 and by Grant No. UVT 2010.",
        "It was observed that (in the U.S. Army) all i.p. injections hurt.",
    ],
)
def test_what_is_one_sentence_stays_one(sentence: str) -> None:
    assert split(sentence) == [sentence]


@pytest.mark.parametrize(
    "sentences",
    [
        ["We gave vitamin C.", "The mice lived."],
        ["This was done by Wang et al.", "The result was clear."],
        ["miR-21 rose.[12]", "The effect was small."],
        ["It grew. [3, 4]", "Then it fell."],
        ["Was it so?", "Yes!", "It was."],
        ["It fell.", "mRNA rose.", "p53 did not.", "α-SMA was unchanged."],
        ["Patients came at 5 p.m.", "The end came later."],
        ["The drug was given i.v.", "The mice slept."],
        ["The answer was no.", "Then nothing happened."],
        ["It ended (n = 5).", "12 patients left."],
        ['"It works."', "They said so."],
        ["He lives in the U.S.", "The others do not."],
        ["They were starting ART.", "The use was low.", "Drugs treat ED.", "Negative ones do not."],
        [
            "We fasted them for 48 h.",
            "Vascular function fell after 3 wk.",
            "Values rose after 30 min.",
            "A rest came.",
        ],
        ["It grew…", "Then it stopped."],
        ['He said "no."', '"Yes," said she.'],
    ],
)
def test_where_one_sentence_ends_the_next_begins(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_a_newline_ends_every_sentence() -> None:
    assert split("A heading without a stop\nFig.\n2 is here") == [
        "A heading without a stop",
        "Fig.",
        "2 is here",
    ]


@pytest.mark.parametrize("piece", [".", ".x", "e.g. A ", "J. ", "(A. The ", '."', "A", ". [1 "])
def test_hostile_text_takes_no_more_than_its_length(piece: str) -> None:
    """Leader dots and lists of initials were quadratic: 20 kB of dots took 39 seconds."""
    text = piece * (100_000 // len(piece)) + "x"
    begun = time.process_time()
    assert "".join(split(text)[-1:]).endswith("x")
    assert time.process_time() - begun < 3.0


@given(st.text(st.sampled_from("aA1 .?!()[]\n|\u03b1"), max_size=120))
def test_sentences_hold_every_character_once_and_in_order(text: str) -> None:
    spans = sentence_spans(text, Span(0, len(text)))
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all("\n" not in span.of(text) and span.of(text).strip() == span.of(text) != "" for span in spans)
    assert "".join("".join(span.of(text).split()) for span in spans) == "".join(text.split())


@given(st.text(max_size=200), st.data())
def test_no_sentence_leaves_the_span_it_was_asked_for(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert all(Span(start, end).contains(s) for s in sentence_spans(text, Span(start, end)))
