"""Passages: whole sentences of one section, in order, none longer than the model reads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.chunk import SPECIAL_TOKENS, passage_input, split
from index.model import Format, Paper, Record, SectionKind
from index.parse.builder import TextBuilder
from index.sentences import sentence_spans


class Words:
    """Counts words."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class Pieces:
    """Counts as byte-level tokenizers do: long words are several pieces, and sums do not add up."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [sum(-(-len(word.encode()) // 3) for word in text.split()) + ("  " in text) for text in texts]


def paper_of(title: str, sections: Sequence[tuple[str, SectionKind, Sequence[str]]]) -> Paper:
    builder = TextBuilder()
    builder.heading(title)
    for heading, kind, blocks in sections:
        builder.heading(heading)
        builder.section([heading], kind)
        for block in blocks:
            builder.lines(block.split("\n")) if "\n" in block else builder.block(block)
    text, found, pages = builder.finish()
    return Paper(Record(title), text, found, Format.TEXT, pages)


WORD = st.text(
    st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=12
) | st.sampled_from(
    "cells Fig. 2 e.g. vs. p < 0.05 (n = 5). The mice ran. In vitro α-synuclein [12] | … ? 日本語。".split()
)
BLOCK = st.lists(WORD, min_size=1, max_size=60).map(" ".join)
SECTION = st.tuples(BLOCK.map(lambda b: b[:80]), st.sampled_from(SectionKind), st.lists(BLOCK, max_size=4))
PAPER = st.builds(paper_of, BLOCK.map(lambda b: b[:200]), st.lists(SECTION, max_size=4))


@settings(max_examples=80, deadline=None)
@given(PAPER, st.integers(40, 120), st.sampled_from([Words(), Pieces()]))
def test_passages_cover_their_sections_in_order_and_fit_the_model(
    paper: Paper, most: int, counter: object
) -> None:
    passages = split(paper, counter, most)
    by_section: dict[int, list[str]] = {}
    end = 0
    for passage in passages:
        section = paper.sections[passage.section]
        assert section.kind.searched
        assert section.span.contains(passage.span), "a passage never crosses a section"
        assert passage.span.start >= end, "passages are in order and do not overlap"
        end = passage.span.end
        quote = passage.span.of(paper.text)
        assert quote == paper.text[passage.span.start : passage.span.end] != ""
        by_section.setdefault(passage.section, []).append(quote)
        size = counter.count([passage_input(passage.header, quote)])[0] + SPECIAL_TOKENS
        assert size <= most or len(quote) == 1
    for i, section in enumerate(paper.sections):
        whole = "".join(section.span.of(paper.text).split()) if section.kind.searched else ""
        assert "".join("".join(by_section.get(i, [])).split()) == whole, "every character is in one passage"


@settings(max_examples=60, deadline=None)
@given(PAPER, st.integers(40, 120))
def test_every_sentence_is_whole_in_one_passage_unless_longer_than_a_passage(paper: Paper, most: int) -> None:
    counter = Words()
    passages = split(paper, counter, most)
    for i, section in enumerate(paper.sections):
        if not section.kind.searched:
            continue
        mine = [p for p in passages if p.section == i]
        room = most - SPECIAL_TOKENS - (counter.count([mine[0].header])[0] if mine else 0)
        for sentence in sentence_spans(paper.text, section.span):
            if counter.count([sentence.of(paper.text)])[0] <= room:
                assert sum(p.span.contains(sentence) for p in mine) == 1


def test_a_short_section_is_one_passage_with_its_header() -> None:
    paper = paper_of("Frogs", [("Results", SectionKind.BODY, ["Frogs glow.", "They glow again."])])
    (passage,) = split(paper, Words(), 40)
    assert passage.span.of(paper.text) == "Frogs glow.\n\nThey glow again."
    assert passage.header == "Frogs › Results"


def test_sections_that_answer_nothing_have_no_passages() -> None:
    kinds = (SectionKind.REFERENCES, SectionKind.ENTITIES, SectionKind.BACK)
    paper = paper_of("Frogs", [(kind.value, kind, ["Some words."]) for kind in kinds])
    assert [paper.sections[p.section].kind for p in split(paper, Words(), 40)] == [SectionKind.BACK]


def test_passages_are_filled_evenly() -> None:
    """Twelve sentences of five words and room for ten of them: two passages of six, not ten and two."""
    block = " ".join(f"Frog {word} glows very much." for word in "a b c d e f g h i j k l".split())
    paper = paper_of("T", [("H", SectionKind.BODY, [block])])
    passages = split(paper, Words(), 50 + SPECIAL_TOKENS + len("T › H".split()))
    assert [len(p.span.of(paper.text).split()) for p in passages] == [30, 30]


def test_a_sentence_longer_than_a_passage_is_cut_at_blanks_and_its_neighbours_stay_whole() -> None:
    long = " ".join(f"w{i}" for i in range(100)) + "."
    paper = paper_of("T", [("H", SectionKind.BODY, [f"Before it. {long} After it."])])
    quotes = [p.span.of(paper.text) for p in split(paper, Words(), 40)]
    assert quotes[0].startswith("Before it.")
    assert quotes[-1].endswith("After it.")
    assert " ".join(quotes) == f"Before it. {long} After it."
    assert max(len(q.split()) for q in quotes) <= 40 - SPECIAL_TOKENS - 3


def test_a_word_longer_than_a_passage_is_cut_too() -> None:
    paper = paper_of("T", [("H", SectionKind.BODY, ["ACGT" * 500])])
    quotes = [p.span.of(paper.text) for p in split(paper, Pieces(), 60)]
    assert "".join(quotes) == "ACGT" * 500
    assert max(Pieces().count(quotes)) <= 60


def test_a_table_caption_is_in_the_header_of_each_of_its_passages() -> None:
    builder = TextBuilder()
    builder.section(["Results", "Table 1"], SectionKind.TABLE, caption="Doses of the drug")
    builder.block("Doses of the drug")
    builder.lines([f"Group {i} | {i} mg | {i} mice" for i in range(30)])
    text, sections, _ = builder.finish()
    passages = split(Paper(Record("Frogs"), text, sections, Format.TEXT), Words(), 60)
    assert len(passages) > 2
    assert {p.header for p in passages} == {"Frogs › Results › Table 1 › Doses of the drug"}
    for passage in passages:
        assert all(
            row.count("|") == 2 for row in passage.span.of(text).split("\n") if row.startswith("Group")
        )


@pytest.mark.parametrize("words", [1, 10, 200])
def test_long_titles_give_way_so_that_text_has_room(words: int) -> None:
    title = " ".join(f"word{i}" for i in range(words))
    paper = paper_of(title, [("A heading " * 20, SectionKind.BODY, ["Frogs glow. " * 50])])
    for passage in split(paper, Words(), 64):
        assert len(passage.header.split()) <= 64 // 3 + 3
        assert passage.header.startswith("word0")


@pytest.mark.parametrize("most", [16, 24, 40])
def test_a_model_that_reads_very_little_still_gets_passages(most: int) -> None:
    paper = paper_of(
        "A title of six words here", [("A heading of five words", SectionKind.BODY, ["Frogs glow. " * 9])]
    )
    passages = split(paper, Words(), most)
    assert "".join(p.span.of(paper.text) for p in passages).count("Frogs") == 9
    for p in passages:
        assert Words().count([passage_input(p.header, p.span.of(paper.text))])[0] + SPECIAL_TOKENS <= most
