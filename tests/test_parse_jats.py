"""A JATS file becomes a paper whose words are all there, in order, and nothing else is."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from index.errors import ParseError
from index.model import Author, Format, Paper, PaperIds, SectionKind
from index.parse.jats import parse_jats
from index.parse.jats_xml import MAX_DEPTH

SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
NAMESPACES = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"'
HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def article(body: str = "<p>Mice slept.</p>", *, meta: str = "", back: str = "", doctype: str = "") -> bytes:
    """A small article; `meta` goes beside the title."""
    title = "<title-group><article-title>Sleep in mice</article-title></title-group>"
    return (
        f"{doctype}<article {NAMESPACES}><front><article-meta>{title}{meta}</article-meta></front>"
        f"<body>{body}</body><back>{back}</back></article>"
    ).encode()


def sections_of(paper: Paper) -> list[tuple[str, str, str]]:
    """Kind, heading and text of each section."""
    return [(s.kind.value, s.heading, s.span.of(paper.text)) for s in paper.sections]


def paragraph(inside: str) -> str:
    """What an article with this one paragraph says in it."""
    paper = parse_jats(article(f"<p>{inside}</p>"))
    assert [s.path for s in paper.sections] == [("Main text",)]
    return paper.sections[0].span.of(paper.text)


def assert_sound(paper: Paper) -> None:
    """The properties of every paper."""
    assert any(s.kind.searched for s in paper.sections)
    assert HOSTILE.search(paper.text) is None
    assert "  " not in paper.text
    assert re.search(r"\n{3}| \n|\n ", paper.text) is None
    position = 0
    for section in paper.sections:
        assert position <= section.span.start < section.span.end <= len(paper.text)
        assert section.path
        assert any(c.isalnum() for c in section.span.of(paper.text))
        position = section.span.end


FRONT = """
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front>
<journal-meta><journal-title-group><journal-title>Journal of Naps</journal-title></journal-title-group>
</journal-meta>
<article-meta>
<article-id pub-id-type="pmid">0012345</article-id><article-id pub-id-type="pmc">678</article-id>
<article-id pub-id-type="doi">https://doi.org/10.1234/NAP.5</article-id>
<article-id pub-id-type="arxiv">arXiv:2101.00001v3</article-id>
<title-group><article-title>Sleep of <italic>Mus</italic> and CO<sub>2</sub><xref ref-type="fn">*</xref>
</article-title>
<subtitle>a trial</subtitle></title-group>
<contrib-group>
<contrib contrib-type="author"><name><surname>Owl</surname><given-names>Ann B</given-names>
<suffix>Jr</suffix></name></contrib>
<contrib contrib-type="author"><collab>The Nap Group<contrib-group><contrib><name>
<surname>Not</surname></name></contrib></contrib-group></collab></contrib>
<contrib contrib-type="editor"><name><surname>Boss</surname></name></contrib></contrib-group>
<pub-date pub-type="collection"><year>2018</year></pub-date>
<pub-date pub-type="pmc-release"><day>1</day><month>1</month><year>2017</year></pub-date>
<pub-date pub-type="epub"><day>7</day><month>03</month><year>2019</year></pub-date>
<permissions><license><license-p>Under the
<ext-link xlink:href="https://creativecommons.org/licenses/by-nc/4.0/">
licence</ext-link>.</license-p></license></permissions>
<abstract><sec><title>Methods:</title><p>We watched.</p></sec>
<sec><title>Results</title><p>They slept.</p></sec></abstract>
<abstract abstract-type="summary"><title>Author Summary</title><p>In short, they slept.</p></abstract>
<abstract abstract-type="toc"><p>Sleepy mice.</p></abstract>
<trans-abstract xml:lang="de"><p>Sie schliefen.</p></trans-abstract>
<kwd-group><kwd>sleep</kwd><kwd><italic>Mus</italic></kwd><kwd>sleep</kwd></kwd-group>
</article-meta></front></article>
"""


def test_a_retraction_is_noted() -> None:
    meta = '<related-article related-article-type="retraction-forward" id="d1" xlink:href="10.1/x"/>'
    assert parse_jats(article(meta=meta)).notes == ("this paper was retracted",)
    other = meta.replace("retraction-forward", "correction-forward")
    assert parse_jats(article(meta=other)).notes == ()


def test_the_front_matter_becomes_the_record() -> None:
    paper = parse_jats(FRONT.encode())
    assert paper.record.title == "Sleep of Mus and CO2: a trial"
    assert paper.record.authors == (Author("Owl Jr", "Ann B"), Author("The Nap Group"))
    assert paper.record.ids == PaperIds("10.1234/nap.5", "PMC678", "12345", "2101.00001")
    assert (paper.record.year, paper.record.date) == (2019, "2019-03-07")
    assert paper.record.journal == "Journal of Naps"
    assert paper.record.licence == "CC BY-NC 4.0"
    assert paper.record.keywords == ("sleep", "Mus")
    assert paper.format is Format.JATS


def test_an_article_with_abstracts_only_says_that_its_body_is_missing() -> None:
    paper = parse_jats(FRONT.encode())
    assert paper.body_missing
    assert paper.notes == ("the file holds the abstract only, no full text",)
    assert sections_of(paper) == [
        ("abstract", "Abstract › Methods", "We watched."),
        ("abstract", "Abstract › Results", "They slept."),
        ("abstract", "Author Summary", "In short, they slept."),
        ("abstract", "In brief", "Sleepy mice."),
    ]
    assert paper.text.startswith(
        "Sleep of Mus and CO2: a trial\n\nAbstract\n\nMethods\n\nWe watched.\n\nResults"
    )


def test_a_foreign_abstract_is_kept_where_there_is_no_english_one() -> None:
    meta = (
        '<trans-abstract xml:lang="de"><title>Zusammenfassung</title><p>Sie schliefen.</p></trans-abstract>'
    )
    paper = parse_jats(article(meta=meta))
    assert sections_of(paper)[0] == ("abstract", "Zusammenfassung", "Sie schliefen.")


@pytest.mark.parametrize(
    ("statement", "short"),
    [
        ('<license xlink:href="http://creativecommons.org/licenses/by/2.0"/>', "CC BY 2.0"),
        ('<license xlink:href="https://creativecommons.org/publicdomain/zero/1.0/"/>', "CC0 1.0"),
        ("<license_ref>https://creativecommons.org/licenses/by-nc-nd/4.0/</license_ref>", "CC BY-NC-ND 4.0"),
        ("<license><p>Creative Commons Attribution Non-Commercial License 3.0</p></license>", "CC BY-NC 3.0"),
        ("<license><p>the Creative Commons Attribution License, which permits</p></license>", "CC BY"),
        ("<license><p>the Creative Commons CC0 public domain dedication</p></license>", "CC0"),
        ('<license license-type="open-access"><p>free to read</p></license>', "open-access"),
        ("<copyright-statement>all rights reserved</copyright-statement>", None),
    ],
)
def test_licences_have_a_short_form(statement: str, short: str | None) -> None:
    assert parse_jats(article(meta=f"<permissions>{statement}</permissions>")).record.licence == short


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ('<pub-date pub-type="ppub"><month>Feb</month><year>2004</year></pub-date>', (2004, "2004-02")),
        ('<pub-date pub-type="ppub"><season>Fall</season><year>2004</year></pub-date>', (2004, "2004")),
        (
            '<pub-date date-type="pub" iso-8601-date="2005-06-07"><year>2005</year></pub-date>',
            (2005, "2005-06-07"),
        ),
        ("<pub-date><day>31</day><month>6</month><year>2004</year></pub-date>", (2004, "2004-06")),
        ('<pub-date pub-type="pmc-release"><year>2009</year></pub-date>', (2009, "2009")),
        ("<permissions><copyright-year>1999</copyright-year></permissions>", (1999, "1999")),
        ("<pub-date><year>soon</year></pub-date>", (None, None)),
    ],
)
def test_dates_are_as_complete_as_the_file_has_them(
    dates: str, expected: tuple[int | None, str | None]
) -> None:
    record = parse_jats(article(meta=dates)).record
    assert (record.year, record.date) == expected


def test_sections_keep_their_paths_and_go_on_after_what_interrupts_them() -> None:
    body = """
    <p>Before all.</p>
    <sec><label>2</label><title>Methods</title><p>First
      <fig><label>Figure 1</label><caption><title>Cages</title>
      <p>Seen from above.</p></caption><graphic/></fig>second.</p>
      <sec><title>Mice.</title><p>Twelve mice.</p></sec><p>After the subsection.</p></sec>
    <sec><p>Without a title.</p></sec>
    <boxed-text><caption><title>Key points</title></caption><p>Mice sleep.</p></boxed-text>
    <p>At the end.</p>"""
    paper = parse_jats(article(body))
    assert_sound(paper)
    assert sections_of(paper) == [
        ("body", "Main text", "Before all."),
        ("body", "2 Methods", "First second."),
        ("figure", "2 Methods › Figure 1", "Figure 1. Cages. Seen from above."),
        ("body", "2 Methods › Mice", "Twelve mice."),
        ("body", "2 Methods", "After the subsection."),
        ("body", "Main text", "Without a title."),
        ("box", "Key points", "Mice sleep."),
        ("body", "Main text", "At the end."),
    ]
    assert paper.sections[2].caption == "Figure 1. Cages. Seen from above."
    assert "2 Methods\n\nFirst second.\n\nFigure 1." in paper.text


def test_paragraphs_are_split_around_lists_formulas_and_quotes() -> None:
    body = """<p>Three things<list list-type="order"><list-item><p>one</p>
    <list list-type="bullet"><list-item><p>a</p></list-item></list></list-item>
    <list-item><label>(ii)</label><p>two</p></list-item></list>follow. Then
    <disp-formula><mml:math><mml:mi>E</mml:mi><mml:mo>=</mml:mo><mml:mi>m</mml:mi><mml:msup><mml:mi>c</mml:mi>
    <mml:mn>2</mml:mn></mml:msup></mml:math><label>(1)</label></disp-formula>, where <italic>c</italic> is
    known<fn>
    <p>To most.</p></fn> by all.<disp-quote><p>So it is.</p><attrib>Owl</attrib></disp-quote>
    <def-list><def-item><term>EEG</term><def><p>electroencephalogram</p></def></def-item></def-list>
    <verse-group><verse-line>Sleep now</verse-line><verse-line>mouse</verse-line></verse-group>
    <speech><speaker>Ann</speaker><p>Hush.</p></speech></p>"""
    paper = parse_jats(article(body))
    assert_sound(paper)
    assert sections_of(paper)[0][2].split("\n\n") == [
        "Three things",
        "1. one\n• a\n(ii) two",
        "follow. Then",
        "E = mc^2 (1)",
        "where c is known by all.",
        "To most.",
        "So it is.",
        "Owl",
        "EEG: electroencephalogram",
        "Sleep now\nmouse",
        "Ann: Hush.",
    ]


TABLE = """
<table-wrap><label>Table 2</label><caption><p>Baseline.</p></caption><alternatives><graphic/><table>
<tfoot><tr><td>Total</td><td>9</td><td>9</td></tr></tfoot>
<thead><tr><th rowspan="2">Mice</th><th colspan="2">Weight (g)<hr/></th></tr>
<tr><th>Mean</th><th>SD</th></tr></thead>
<tbody><tr><td colspan="3"><bold>Males</bold></td></tr>
<tr><td rowspan="2">Old</td><td>34.2<break/>± 5.1</td><td/></tr><tr><td>35.0</td><td>4.9<sup>a</sup></td></tr>
<tr><td/><td><hr/></td><td/></tr></tbody></table></alternatives>
<table-wrap-foot><fn><label>a</label><p>Estimated.</p></fn>
<fn><p>SD, standard deviation</p></fn></table-wrap-foot>
</table-wrap>"""


def test_a_table_is_a_section_whose_rows_can_be_read_alone() -> None:
    paper = parse_jats(article(f"<sec><title>Results</title><p>See.</p>{TABLE}</sec>"))
    assert_sound(paper)
    table = paper.sections[1]
    assert (table.kind, table.path) == (SectionKind.TABLE, ("Results", "Table 2"))
    assert table.caption == "Table 2. Baseline."
    assert table.span.of(paper.text).split("\n") == [
        "Table 2. Baseline.",
        "",
        "Mice | Weight (g) | Weight (g)",
        "Mice | Mean | SD",
        "Males",
        "Old | 34.2 ± 5.1",
        "Old | 35.0 | 4.9a",
        "Total | 9 | 9",
        "",
        "a Estimated.",
        "SD, standard deviation",
    ]


def test_back_matter_is_kept_and_references_are_data() -> None:
    back = """<ack><p>We thank the mice.</p></ack>
    <fn-group><fn fn-type="conflict"><p>None.</p></fn></fn-group>
    <app-group><app><title>Appendix A</title><sec><title>Details</title><p>Cheese.</p></sec></app></app-group>
    <glossary><def-list><def-item><term>REM</term>
    <def><p>rapid eye movement</p></def></def-item></def-list></glossary>
    <sec><title>References</title><ref-list><ref><label>1.</label><element-citation><person-group><name>
    <surname>Owl</surname><given-names>A</given-names></name><name>
    <surname>Bat</surname><given-names>C</given-names>
    </name></person-group><article-title>Naps</article-title>
    <source>J Naps</source><year>2001a</year>
    <volume>7</volume><fpage>1</fpage><lpage>9</lpage><pub-id pub-id-type="pmid">99</pub-id>
    <pub-id pub-id-type="doi">10.1000/ABC</pub-id>
    </element-citation></ref><ref><label>[2]</label><mixed-citation><name>
    <surname>Fox</surname> <given-names>D</given-names></name> , <etal/>
    <article-title>Dens</article-title>. <source>Earth</source> (<year>1999</year>).
    https://doi.org/10.1000/xyz.</mixed-citation></ref></ref-list></sec>"""
    paper = parse_jats(article(back=back))
    assert_sound(paper)
    assert sections_of(paper)[1:] == [
        ("back", "Acknowledgements", "We thank the mice."),
        ("back", "Notes › Competing interests", "None."),
        ("back", "Appendix A › Details", "Cheese."),
        ("back", "Abbreviations", "REM: rapid eye movement"),
    ]
    first, second = paper.references
    assert first.text == "Owl A, Bat C. Naps. J Naps. 2001a;7:1–9."
    assert (first.label, first.title, first.year, first.doi, first.pmid) == (
        "1",
        "Naps",
        2001,
        "10.1000/abc",
        "99",
    )
    assert second.text == "Fox D, et al. Dens. Earth (1999). https://doi.org/10.1000/xyz."
    assert (second.label, second.year, second.doi) == ("2", 1999, "10.1000/xyz")
    assert "Dens" not in paper.text
    assert "References" not in paper.text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("H<sub>2</sub>O and 10<sup>−3</sup> m<sup>2</sup> Ca<sup>2+</sup>", "H2O and 10^−3 m^2 Ca^2+"),
        ("the 2<sup>nd</sup> p27<sup>Kip1</sup> <sup>14</sup>C", "the 2nd p27Kip1 14C"),
        ("<sup>1</sup>Proportions", "1 Proportions"),
        ("slept<sup><xref ref-type='bibr'>12</xref></sup>.", "slept [12]."),
        (
            "slept<xref ref-type='bibr'><sup>12</sup></xref><sup>,</sup>"
            "<xref ref-type='bibr'><sup>13</sup></xref>.",
            "slept [12,13].",
        ),
        (
            "slept.<sup><xref ref-type='bibr'>3</xref>–<xref ref-type='bibr'>5</xref></sup> Then",
            "slept. [3–5] Then",
        ),
        ("slept<xref ref-type='bibr'>7</xref>Then", "slept [7] Then"),
        ("slept [<xref ref-type='bibr'>1</xref>, <xref ref-type='bibr'>2</xref>].", "slept [1, 2]."),
        ("slept<sup>[<xref ref-type='bibr'>1</xref>]</sup>.", "slept [1]."),
        (
            "by <xref ref-type='bibr'>Owl 2001</xref> and ref. <xref ref-type='bibr'>7</xref>",
            "by Owl 2001 and ref. 7",
        ),
        ("in <bold>b</bold>old<!-- no --> wor<?pi x?>ds<break/>here", "in bold words here"),
        ("from <inline-graphic/>A to <ext-link xlink:href='https://a.org/x'/>", "from A to https://a.org/x"),
        (
            "a <inline-formula><alternatives><graphic/><tex-math>\\documentclass{x}"
            "\\begin{document}$$x_1$$\\end{document}"
            "</tex-math></alternatives></inline-formula> b",
            "a x_1 b",
        ),
        (
            "a <mml:math><mml:mfrac><mml:mrow><mml:mi>x</mml:mi><mml:mo>+</mml:mo>"
            "<mml:mn>1</mml:mn></mml:mrow>"
            "<mml:msub><mml:mi>y</mml:mi><mml:mi>i</mml:mi></mml:msub></mml:mfrac></mml:math> b",
            "a (x + 1)/y_i b",
        ),
    ],
)
def test_inline_markup_becomes_plain_words(markup: str, text: str) -> None:
    assert paragraph(markup) == text


def test_floats_reviews_and_further_articles() -> None:
    floats = "<floats-group><fig><label>Fig 9</label><caption><p>A nap.</p></caption></fig></floats-group>"
    review = "<sub-article><body><p>Reject this.</p></body></sub-article>"
    first = article().decode().replace("</article>", f"{floats}{review}</article>")
    other = article("<p>Other.</p>").decode()
    both = f'<x:set xmlns:x="urn:x" xmlns="urn:jats"><record>{first}</record>{other}</x:set>'
    paper = parse_jats(both.encode())
    assert sections_of(paper) == [("body", "Main text", "Mice slept."), ("figure", "Fig 9", "Fig 9. A nap.")]
    assert paper.notes == (
        "the file holds 2 articles; only the first was taken",
        "left out: 1 further texts in the file (reviews, replies or translations)",
    )


DOCTYPE = '<!DOCTYPE article PUBLIC "-//NLM//DTD" "journal.dtd" [{}]>'


def test_named_characters_are_kept_and_no_entity_of_the_file_is_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    declared = (
        f'<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY a "BOOM"><!ENTITY b "&a;&a;"><!ENTITY beta "BOOM">'
    )
    paper = parse_jats(
        article(
            "<p>&alpha;-wave&x;s &b; of &beta;<italic>&a;cells</italic></p>", doctype=DOCTYPE.format(declared)
        )
    )
    assert sections_of(paper) == [("body", "Main text", "α-waves of βcells")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"Dear reader", "not XML: the file does not begin with an element"),
        (b"<note><to>you</to></note>", "XML, but not a JATS article (root element <note>)"),
        (
            b"<html><body><article><p>x</p></article></body></html>",
            "XML, but not a JATS article (root element <html>)",
        ),
        (article()[:-30], "the file is cut short: it ends in line 1 with elements open"),
        (
            b"<article>\n<front></body></article>",
            "malformed XML: line 2 has the end of another element than the one that was begun",
        ),
        (
            b"<article><body><p>a&nbsp;b</p></body></article>",
            "malformed XML: line 1 has a named character that the file does not declare",
        ),
        (article(" <p> </p> "), "a JATS article without abstract and without body text"),
        (
            article("<sec>" * 10_000 + "<p>deep</p>" + "</sec>" * 10_000),
            f"elements nested more than {MAX_DEPTH} levels deep",
        ),
        (article("<p>" + "<b/>" * 1_500_000 + "</p>"), "more elements than any article has"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_gives_no_paper_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_jats(data)
    assert caught.value.message == reason
    assert caught.value.hint


@pytest.mark.parametrize(
    "tag",
    [
        "sec",
        "p",
        "italic",
        "sup",
        "list",
        "boxed-text",
        "fig",
        "table-wrap",
        "mml:msup",
        "mml:mfenced",
        "def-list",
    ],
)
def test_the_deepest_nesting_that_is_read_does_not_exhaust_the_stack(tag: str) -> None:
    levels = MAX_DEPTH - 4
    opening = f"<{tag}><list-item>" if tag == "list" else f"<{tag}>"
    times = levels // 2 if tag == "list" else levels
    closing = "</list-item></list>" if tag == "list" else f"</{tag}>"
    paper = parse_jats(article("<p>Top.</p>" + opening * times + "<p>deep</p>" + closing * times))
    assert_sound(paper)
    assert "Top." in paper.text


def test_hostile_tables_and_marks_stay_small_and_quick() -> None:
    started = time.process_time()
    row = '<tr><td colspan="9999" rowspan="9999">abc</td><td colspan="9999" rowspan="9999">d</td></tr>'
    table = parse_jats(article(f"<table-wrap><label>T</label><table>{row * 2000}</table></table-wrap>"))
    assert len(table.text) < 100_000
    parse_jats(article("<p>x<sup>" + "1" * 500_000 + "x</sup></p>"))
    parse_jats(article("<p>x" + '<xref ref-type="bibr"><sup>1</sup></xref>, ' * 20_000 + "</p>"))
    parse_jats(article("<p><mml:math>" + "<mml:mi>x</mml:mi><mml:mo>+</mml:mo>" * 20_000 + "</mml:math></p>"))
    assert time.process_time() - started < 5


WORDS = st.text(alphabet="abcdefghij ", min_size=1, max_size=12)
NESTED = [
    *("italic", "sub", "disp-quote", "fn", "boxed-text", "named-content", "supplementary-material", "sec"),
    *("list/list-item", "list/list-item/p", "fig/caption", "table-wrap/caption", "def-list/def-item/def"),
    *("table-wrap/table/tr/td", "statement/p", "fn-group/fn/p"),
]


def wrapped(path: str, parts: list[str]) -> str:
    """The parts inside of elements, the outermost first in `path`."""
    tags = path.split("/")
    return "".join(f"<{t}>" for t in tags) + "".join(parts) + "".join(f"</{t}>" for t in reversed(tags))


INLINE = st.recursive(
    WORDS,
    lambda inner: st.builds(wrapped, st.sampled_from(NESTED), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


@given(st.lists(INLINE, min_size=1, max_size=4))
def test_no_letter_is_lost_whatever_the_nesting(pieces: list[str]) -> None:
    data = article(f"<p>kept {' '.join(pieces)}</p>")
    paper = parse_jats(data)
    assert_sound(paper)
    source = "".join(str(t) for t in etree.fromstring(data).find("body").itertext())
    ours = "".join(s.span.of(paper.text) for s in paper.sections)
    assert Counter(c for c in ours if c.isalpha()) == Counter(c for c in source if c.isalpha())


# --- real files -------------------------------------------------------------------------------------

REAL = ("ev2/xml/*.nxml", "plos/*.xml", "pdf/*/fulltext.xml")
# Not compared: references are data, formulas and pictures are rendered, the rest are no words of the paper.
UNCOMPARED = frozenset("ref-list tex-math math object-id graphic inline-graphic permissions alt-text".split())
GLUED = frozenset(
    "italic bold sup sub sc underline styled-content named-content monospace strike xref ext-link uri "
    "email x inline-formula target overline".split()
)
CITING = frozenset(("bibr", "ref", "fn", "table-fn"))
WORD = re.compile(r"[^\W_]+")


def real_files(*patterns: str) -> list[Path]:
    if not SHARED.is_dir():
        pytest.skip(f"no real papers: {SHARED} is absent")
    files = sorted(path for pattern in patterns for path in SHARED.glob(pattern))
    assert files
    return files


def source_words(element: etree._Element, parts: list[str]) -> None:
    """The words of an element by a simple rule of its own: inline elements glue, others stand apart."""
    name = etree.QName(element).localname
    if name in UNCOMPARED:
        return
    marks = element.iter("xref") if name == "sup" else [element]
    cited = name in ("sup", "xref") and any(x.get("ref-type") in CITING for x in marks)
    edge = "" if name in GLUED and not cited else " "
    parts += (edge, element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            source_words(child, parts)
        parts.append(child.tail or "")
    parts.append(edge)


def recall(data: bytes, paper: Paper) -> float:
    """The share of the words in body, back and floats that stand in the paper's text after the abstract."""
    root = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True))
    parts: list[str] = []
    for tag in ("body", "back", "floats-group"):
        for element in root.findall(tag):
            source_words(element, parts)
    source = HOSTILE.sub("", "".join(parts)).replace("Click here for additional data file.", "")
    words = Counter(WORD.findall(source.replace("\u00ad", "")))
    start = max((s.span.end for s in paper.sections if s.kind is SectionKind.ABSTRACT), default=0)
    ours = Counter(WORD.findall(paper.text[start:].replace("^", "")))
    return 1 - (words - ours).total() / max(words.total(), 1)


def assert_real(path: Path) -> Paper:
    data = path.read_bytes()
    paper = parse_jats(data)
    assert_sound(paper)
    assert not paper.body_missing
    assert paper.record.year
    assert recall(data, paper) >= 0.99, path
    return paper


def test_a_sample_of_real_papers_keeps_its_words() -> None:
    for path in real_files(*REAL)[::25]:
        assert_real(path)


@pytest.mark.slow
def test_every_real_paper_keeps_its_words_and_its_evidence() -> None:
    papers = {path.stem: assert_real(path) for path in real_files(*REAL)}
    letters = {name: re.sub(r"[\W_]", "", paper.text.lower()) for name, paper in papers.items()}
    lines = (SHARED / "ev2" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    quotes = [(q["pmcid"], quote) for q in map(json.loads, lines) for quote in q["evidence"]]
    found = sum(re.sub(r"[\W_]", "", quote.lower()) in letters[pmcid] for pmcid, quote in quotes)
    assert len(quotes) > 1000
    assert found / len(quotes) >= 0.99


def test_broken_files_give_a_paper_or_a_reason() -> None:
    papers, reasons = 0, []
    for path in real_files("broken/xml/**/*"):
        if not path.is_file():
            continue
        started = time.process_time()
        try:
            paper = parse_jats(path.read_bytes())
        except ParseError as error:
            reasons.append(error.message)
        else:
            papers += 1
            assert_sound(paper)
            assert "reach_nxml" in path.parts, path  # no bomb and no XXE among them
        assert time.process_time() - started < 2, path
    assert papers == 34
    assert all(reason and reason == reason.strip() and "\n" not in reason for reason in reasons)
