"""Plain text and web pages."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from index.errors import ParseError
from index.model import Author, Page, Paper, PaperIds, Record, Reference, Span
from index.parse.html import fragment_blocks, parse_html
from index.parse.text import parse_text

SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
COVIDQA = SHARED / "covidqa" / "200423_covidQA.json"


def shape(paper: Paper) -> list[tuple[str, tuple[str, ...], str]]:
    return [(section.kind.value, section.path, section.span.of(paper.text)) for section in paper.sections]


ROPES = """A short title about ropes and knots that goes on over
two lines

Berg, Anna; Linden, Jan
2019-05-06
DOI:10.1000/ROPE
License:cc-by

Abstract: Ropes are tied. They are long-
standing tools with care-
ful and well-known uses; well-
known.

INTRODUCTION

Ropes hold. The page ends within a sen-\f

tence that
continues.

2. Methods
We took ropes.

2.1 Knots

Knots were tied:
- one knot that is
  long
- two knots

References

1. Stein A. Ropes. 2011.
2. Pierre B. Knots. 2012.
"""


def test_a_hard_wrapped_paper() -> None:
    paper = parse_text(ROPES, "r.txt")
    assert paper.record == Record(
        title="A short title about ropes and knots that goes on over two lines",
        authors=(Author("Berg", "Anna"), Author("Linden", "Jan")),
        year=2019,
        date="2019-05-06",
        ids=PaperIds(doi="10.1000/rope"),
        licence="cc-by",
    )
    assert shape(paper) == [
        (
            "abstract",
            ("Abstract",),
            "Ropes are tied. They are longstanding tools with careful and well-known uses; well-known.",
        ),
        ("body", ("INTRODUCTION",), "Ropes hold. The page ends within a sentence that continues."),
        ("body", ("2. Methods",), "We took ropes."),
        ("body", ("2. Methods", "2.1 Knots"), "Knots were tied:\n\none knot that is long\ntwo knots"),
        ("references", ("References",), "1. Stein A. Ropes. 2011.\n2. Pierre B. Knots. 2012."),
    ]
    assert paper.references == (
        Reference("Stein A. Ropes. 2011.", label="1", year=2011),
        Reference("Pierre B. Knots. 2012.", label="2", year=2012),
    )
    turn = paper.text.index("tence that")
    assert paper.pages == (Page(1, Span(0, turn)), Page(2, Span(turn, len(paper.text))))


def test_text_without_title_takes_the_files_name() -> None:
    paper = parse_text("This is a sentence.\n\nThis is another one.\n", "my_notes.txt")
    assert paper.record.title == "my notes"
    assert shape(paper) == [("body", (), "This is a sentence.\n\nThis is another one.")]
    assert paper.pages == ()


def test_one_line_of_text_is_text_and_no_title() -> None:
    assert shape(parse_text("Only these words", "x.txt")) == [("body", (), "Only these words")]


def test_long_lines_are_paragraphs_of_their_own() -> None:
    first, second = "a" * 50 + " word" * 40, "b" * 50 + " word" * 40
    assert shape(parse_text(f"Title\n\n{first}\n{second}\n", "x.txt")) == [
        ("body", (), f"{first}\n\n{second}")
    ]


def test_numbered_lines_in_a_row_are_no_headings() -> None:
    paper = parse_text(
        "Title\n\nTake these steps.\n\n1. Wash it\n\n2. Dry it\n\n3. Use it\n\nThe end.\n", "x.txt"
    )
    assert shape(paper) == [
        ("body", (), "Take these steps.\n\n1. Wash it\n\n2. Dry it\n\n3. Use it\n\nThe end.")
    ]


def test_an_abstract_without_end_does_not_swallow_the_paper() -> None:
    long = "Words and more words. " * 200
    paper = parse_text(f"Title\n\nAbstract\n\n{long}\n\nThe body begins.\n", "x.txt")
    assert shape(paper)[1] == ("body", (), "The body begins.")


@pytest.mark.parametrize("text", ["   \n\n ", "123 456", "References\n\n1. Stein A. Ropes. 2011.\n"])
def test_text_without_prose_is_an_error(text: str) -> None:
    with pytest.raises(ParseError, match="no readable text"):
        parse_text(text, "x.txt")


def test_real_papers_as_text_keep_their_words_and_records() -> None:
    if not COVIDQA.exists():
        pytest.skip(f"no papers at {COVIDQA}")
    data = json.loads(COVIDQA.read_text(encoding="utf-8"))["data"]
    texts = [paragraph["context"] for item in data for paragraph in item["paragraphs"]]
    papers = [parse_text(text, "x.txt") for text in texts]
    before, after = (sum(len(re.sub(r"\W", "", t)) for t in ts) for ts in (texts, [p.text for p in papers]))
    assert len(papers) == 98
    assert after >= 0.99 * before
    assert sum(paper.record.ids.doi is not None for paper in papers) >= 94
    assert sum(bool(paper.record.authors) for paper in papers) >= 90


PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>On lamps | J Light</title>
<meta name="citation_title" content="On lamps and light"><meta name="citation_author" content="Berg, Anna">
<meta name="citation_author" content="Jan van der Linden"><meta name="citation_doi" content="10.1000/LAMP.1">
<meta name="citation_publication_date" content="2020/3/9">
<meta name="citation_journal_title" content="J Light">
<meta name="citation_pmid" content="99"><script>var evil = "x"</script></head><body>
<nav><ul><li>Home</li></ul></nav><header><h1>Site</h1></header>
<main><h1>On lamps and light</h1><div>Loose words here.</div><h2>Abstract</h2>
<p>Lamps give light<sup>1</sup> and <sup>4</sup>He at 10<sup>-3</sup> m<sup>2</sup>; H<sub>2</sub>O.</p>
<h2>1. Methods</h2><h3>1.1 Wicks</h3><p>Wicks burn.</p><p hidden>Unseen.</p>
<p style="display: none">Unseen.</p>
<ul><li>one <ul><li>inner</li></ul></li><li><p>two</p><p>more</p></li></ul>
<table><caption>Table 2. Wicks</caption><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<figure><img src=x alt="A burning lamp at night"><figcaption><b>Fig. 3</b> A lamp.</figcaption></figure>
<dl><dt>Wick</dt><dd>A string.</dd></dl><pre>code 1
code 2</pre><blockquote>Quoted <i>words</i>.</blockquote>Tail text<br><br>after breaks
<h2>References</h2><ol><li>Stein A. Lamps. 2011. <a href="https://doi.org/10.1000/r1">link</a></li></ol></main>
<aside>Adverts</aside><footer>Imprint</footer></body></html>"""


def test_a_web_page_gives_the_article_and_its_record() -> None:
    paper = parse_html(PAGE.encode(), "p.html")
    assert paper.record == Record(
        title="On lamps and light",
        authors=(Author("Berg", "Anna"), Author("van der Linden", "Jan")),
        year=2020,
        date="2020-03-09",
        journal="J Light",
        ids=PaperIds(doi="10.1000/lamp.1", pmid="99"),
    )
    wicks = ("1. Methods", "1.1 Wicks")
    assert shape(paper) == [
        ("body", (), "Loose words here."),
        ("abstract", ("Abstract",), "Lamps give light [1] and 4He at 10^-3 m^2; H2O."),
        ("body", wicks, "Wicks burn.\n\none\ninner\ntwo more"),
        ("table", (*wicks, "Table 2"), "Table 2. Wicks\n\na | b\n1 | 2"),
        ("figure", (*wicks, "Figure 3"), "Fig. 3 A lamp.\n\nA burning lamp at night"),
        ("body", wicks, "Wick: A string.\n\ncode 1\ncode 2\n\nQuoted words.\n\nTail text\n\nafter breaks"),
        ("references", ("References",), "Stein A. Lamps. 2011. link"),
    ]
    assert paper.references == (
        Reference("Stein A. Lamps. 2011. link", label="1", year=2011, doi="10.1000/r1"),
    )


def test_a_page_laid_out_with_tables_keeps_its_words() -> None:
    page = "<html><body><table><tr><td>Menu</td><td><h1>On cups</h1>A <b>word</b>.<table><tr><td>x</td><td>y"
    paper = parse_html(page.encode(), "p.html")
    assert paper.record.title == "On cups"
    assert "A word." in paper.text
    assert "x | y" in paper.text


def test_the_encoding_that_a_page_states_is_used_and_a_wrong_one_is_not() -> None:
    for encoding, label in (("cp1252", "iso-8859-1"), ("shift_jis", "shift_jis"), ("utf-8", "no-such-name")):
        words = "naïve – words" if encoding != "shift_jis" else "日本語 words"
        page = f"<html><head><meta charset={label}></head><body><p>{words}</p></body></html>"
        assert parse_html(page.encode(encoding), "p.html").text == words


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            "<html><body><i></i><script>x()</script><noscript>Allow</noscript>",
            "without its scripts",
        ),
        (
            "<html><title>404 Not Found</title><body><h1>Not Found</h1><p>Gone.</p>",
            "a web site's message",
        ),
        ("<html><title>Just a moment...</title><body><p>Checking.</p>", "a web site's message"),
        ("<html>" + "<div>" * 5000 + "deep", "nested too deep"),
        ("<!-- nothing -->", "is empty"),
    ],
)
def test_a_page_without_a_paper_is_an_error(page: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        parse_html(page.encode(), "p.html")


def test_a_short_paper_on_forbidden_things_is_a_paper() -> None:
    page = "<html><body><h1>Forbidden transitions in lamps, not found before</h1><p>They are rare.</p>"
    assert shape(parse_html(page.encode(), "p.html")) == [("body", (), "They are rare.")]


def test_a_piece_of_html_never_raises() -> None:
    assert [block.text for block in fragment_blocks("<div>One <i>two</i>")] == ["One two"]
    assert fragment_blocks("<!-- x -->") == []
    assert [block.text for block in fragment_blocks("<div>" * 400 + "deep")] == ["deep"]
