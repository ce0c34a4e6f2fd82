"""Markdown notes and papers, and the helpers they share with the other text formats."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ParseError
from index.model import Author, Paper, PaperIds, Record, Reference
from index.parse.blocks import caption_label, superscript
from index.parse.ids import find_ids, normal_arxiv, normal_doi, normal_pmcid, normal_pmid
from index.parse.latex import readable
from index.parse.markdown import parse_markdown
from index.parse.record import parse_author, parse_authors, parse_date, title_from_name


def shape(paper: Paper) -> list[tuple[str, tuple[str, ...], str]]:
    return [(section.kind.value, section.path, section.span.of(paper.text)) for section in paper.sections]


NOTE = """---
title: "Notes on kettles"
authors:
  - Anna Berg
  - name: Jan van der Linden
date: 2024-05-06
doi: https://doi.org/10.1000/KETTLE
journal: Journal of Heat
keywords: [water, heat]
abstract: >
  Kettles boil water.
  They are hot.
---

Opening words.[^1]

Introduction
============

Kettles are **old**. <b>Bold</b> but a<b and c>d. <!-- unseen -->

<table><tr><th>Kind</th><th>Litres</th></tr><tr><td>iron</td><td>2</td></tr></table>

```python
x = 1
y = 2
```

## Parts

> Quoted words.

- a
  - b

![The kettle on the stove](k.png)

Figure 1: A kettle.

# References

[1] Berg A. Kettles. 2001.

[^1]: https://example.org/foot
"""


def test_a_note_with_front_matter() -> None:
    paper = parse_markdown(NOTE, "k.md")
    assert paper.record == Record(
        title="Notes on kettles",
        authors=(Author("Berg", "Anna"), Author("van der Linden", "Jan")),
        year=2024,
        date="2024-05-06",
        journal="Journal of Heat",
        ids=PaperIds(doi="10.1000/kettle"),
        keywords=("water", "heat"),
    )
    assert shape(paper) == [
        ("abstract", ("Abstract",), "Kettles boil water. They are hot."),
        ("body", (), "Opening words. [1]"),
        ("body", ("Introduction",), "Kettles are old. Bold but a<b and c>d."),
        ("table", ("Introduction", "Table"), "Kind | Litres\niron | 2"),
        ("body", ("Introduction",), "x = 1\ny = 2"),
        ("body", ("Introduction", "Parts"), "Quoted words.\n\na\nb"),
        ("figure", ("Introduction", "Parts", "Figure 1"), "Figure 1: A kettle.\n\nThe kettle on the stove"),
        ("references", ("References",), "[1] Berg A. Kettles. 2001.\n\n[1] https://example.org/foot"),
    ]
    assert paper.references == (
        Reference("Berg A. Kettles. 2001.", label="1", year=2001),
        Reference("https://example.org/foot", label="1"),
    )


def test_the_first_heading_is_the_title_and_the_ids_stand_at_the_top() -> None:
    text = (
        "# On *cups*\n\n**Authors:** Anna Berg, Jan Stein\n**DOI:** 10.1000/cup\n\n"
        "Published: 12 March 2021\n\n"
        "## Abstract\n\nCups.\n\n### Methods\n\nWe drank.\n\n## 1. Introduction\n\nSee 10.1000/other.\n"
    )
    paper = parse_markdown(text, "x.md")
    assert paper.record == Record(
        title="On cups",
        authors=(Author("Berg", "Anna"), Author("Stein", "Jan")),
        year=2021,
        date="2021-03-12",
        ids=PaperIds(doi="10.1000/cup"),
    )
    assert shape(paper) == [
        ("abstract", ("Abstract",), "Cups."),
        ("abstract", ("Abstract", "Methods"), "We drank."),
        ("body", ("1. Introduction",), "See 10.1000/other."),
    ]
    assert paper.text.startswith("On cups\n\nAbstract\n\nCups.")


def test_a_doi_further_down_is_another_papers() -> None:
    text = "# On cups\n\nWords.\n\n## Background\n\nSee https://doi.org/10.1000/other and PMC123456.\n"
    assert parse_markdown(text, "x.md").record.ids == PaperIds()


def test_without_heading_the_title_is_the_files_name() -> None:
    assert parse_markdown("Words.", "dir/some_file-name.md").record.title == "some file name"
    assert parse_markdown("# Abstract\n\nWords.", "a_b.md").record.title == "a b"


def test_tables_take_the_caption_before_or_after() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    text = f"# T\n\nTable 1. First.\n\n{table}\n\n{table}\n\n*Table 2:* Second.\n\nTable 3 shows more.\n"
    assert shape(parse_markdown(text, "x.md")) == [
        ("table", ("Table 1",), "Table 1. First.\n\na | b\n1 | 2"),
        ("table", ("Table 2",), "Table 2: Second.\n\na | b\n1 | 2"),
        ("body", (), "Table 3 shows more."),
    ]


def test_what_never_ends_swallows_nothing() -> None:
    for opening in ("<!-- ", "<script>", "<style>", "<textarea>"):
        paper = parse_markdown(f"# T\n\nFirst.\n\n{opening}\n\nSecond and **third**.\n", "x.md")
        assert "Second and third." in paper.text


def test_prices_stay_and_formulas_become_readable() -> None:
    paper = parse_markdown("It cost $5 and $6, with $p \\leq 0.05$ and $a_1 * b * c$.", "x.md")
    assert paper.text == "It cost $5 and $6, with p ≤ 0.05 and a_1 * b * c."


def test_embedded_images_leave_no_trace() -> None:
    paper = parse_markdown(f"Words. ![x](data:image/png;base64,{'A' * 100_000}) More.", "x.md")
    assert paper.text == "Words. More."


def test_an_empty_or_giant_file_is_an_error() -> None:
    with pytest.raises(ParseError, match="no readable text"):
        parse_markdown("# Only a title\n", "x.md")
    with pytest.raises(ParseError, match="too long: 10,000,001 characters"):
        parse_markdown("x" * 10_000_001, "x.md")


@pytest.mark.parametrize(
    "repeated", ["> ", "- ", "[", "![", "*a_", "<sup>", "$", "[^1]:", "|a", "<table><tr><td>"]
)
def test_malicious_nesting_ends_soon_and_well(repeated: str) -> None:
    start = time.monotonic()
    text = f"First words.\n\n{repeated * 20_000}\n\n# End\n\nLast words.\n"
    assert "Last words." in parse_markdown(text, "x.md").text
    assert time.monotonic() - start < 10


def test_lists_however_deep_swallow_nothing() -> None:
    steps = "\n".join(" " * depth + "- step" for depth in range(500))
    paper = parse_markdown(f"{steps}\n\n# End\n\nLast words.\n", "x.md")
    assert paper.text.count("step") == 500
    assert paper.text.endswith("Last words.")


@given(st.lists(st.from_regex(r"[a-zA-Z]{1,12}", fullmatch=True), min_size=1), st.sampled_from("*_` ~|#->+!"))
def test_no_word_is_lost(words: list[str], sign: str) -> None:
    text = parse_markdown("Start " + f" {sign}".join(words), "x.md").text
    assert text.replace(sign, " ").split() == ["Start", *words]


@pytest.mark.parametrize(
    ("before", "raised", "shown"),
    [
        ("stones", "12", " [12]"),
        ("stones.", "1,3–5", " [1,3–5]"),
        ("stones", "[7]", " [7]"),
        ("10", "6", "^6"),
        ("10", "−3", "^−3"),
        ("12 m", "2", "^2"),
        ("kg/m", "2", "^2"),
        ("χ", "2", "^2"),
        ("Ca", "2+", "2+"),
        ("4", "th", "th"),
        ("CD4", "+", "+"),
        ("stones", "", ""),
    ],
)
def test_superscripts_read_on_one_line(before: str, raised: str, shown: str) -> None:
    assert superscript(before, raised) == shown


@pytest.mark.parametrize(
    ("text", "lead", "label"),
    [
        ("Fig. 2. Flow", "", ("Figure", "Figure 2")),
        ("Figure 2 shows", "", None),
        ("Figure 2 Flow", "Figure 2", ("Figure", "Figure 2")),
        ("Table S1: More", "", ("Table", "Table S1")),
        ("TABLE IV", "", ("Table", "Table IV")),
        ("Supplementary Table 3 | More", "", ("Table", "Supplementary Table 3")),
        ("Tables were made.", "", None),
        ("Figures 1 and 2 show", "", None),
    ],
)
def test_captions_are_told_from_sentences(text: str, lead: str, label: tuple[str, str] | None) -> None:
    assert caption_label(text, lead) == label


@pytest.mark.parametrize(
    ("value", "doi"),
    [
        ("10.1000/ABC", "10.1000/abc"),
        ("doi: 10.1000/a.b.", "10.1000/a.b"),
        ("https://doi.org/10.1000%2Fx", "10.1000/x"),
        ("(see 10.1016/S0140-6736(05)12345-6)", "10.1016/s0140-6736(05)12345-6"),
        ("https://x.org/articles/10.3389/fcell.2026.1/full", "10.3389/fcell.2026.1"),
        ("10.1000/full", "10.1000/full"),
        ("10.1000/", None),
        ("11.1000/x", None),
        ("", None),
    ],
)
def test_dois(value: str, doi: str | None) -> None:
    assert normal_doi(value) == doi


def test_other_ids() -> None:
    assert [normal_pmcid(v) for v in ("PMC123", "pmc 0123", "123", "PMC123.1", "PMCID: PMC5", "x", "0")] == [
        "PMC123", "PMC123", "PMC123", "PMC123", "PMC5", None, None,
    ]  # fmt: skip
    assert [normal_pmid(v) for v in ("123", "PMID: 0123", "PMC123", "")] == ["123", "123", None, None]
    assert [
        normal_arxiv(v)
        for v in (
            "2001.01234v3",
            "arXiv:hep-th/9901001",
            "https://arxiv.org/pdf/2001.01234v1.pdf",
            "1.2",
            "12345",
        )
    ] == ["2001.01234", "hep-th/9901001", "2001.01234", None, None]
    assert find_ids("PMID: 12, PMC34567; doi.org/10.1000/x; arXiv:2001.01234v1") == PaperIds(
        "10.1000/x", "PMC34567", "12", "2001.01234"
    )
    assert find_ids("12 of 34567 in 2001.01234") == PaperIds()


@given(st.text(max_size=300))
def test_ids_found_are_normal_already(text: str) -> None:
    ids = find_ids(f"{text} doi:10.1000/{text}")
    assert ids.doi is None or normal_doi(ids.doi) == ids.doi
    assert ids.pmcid is None or normal_pmcid(ids.pmcid) == ids.pmcid


@pytest.mark.parametrize(
    ("value", "year", "date"),
    [
        ("2026-03-12", 2026, "2026-03-12"),
        ("2026-03-12T10:00:00Z", 2026, "2026-03-12"),
        ("2026/3/9", 2026, "2026-03-09"),
        ("2026-13-40", 2026, "2026"),
        ("2026", 2026, "2026"),
        ("March 2026", 2026, "2026-03"),
        ("12 March 2026", 2026, "2026-03-12"),
        ("Mar 12, 2026", 2026, "2026-03-12"),
        ("2026 Mar 12", 2026, "2026-03-12"),
        ("31415", None, None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_dates(value: str, year: int | None, date: str | None) -> None:
    assert parse_date(value) == (year, date)


def test_names() -> None:
    assert parse_author("Jan van der Berg") == Author("van der Berg", "Jan")
    assert parse_author("Berg, Jan") == Author("Berg", "Jan")
    assert parse_author("Smith JA") == Author("Smith", "JA")
    assert parse_author("Wang Zhao-Di", family_first=True) == Author("Wang", "Zhao-Di")
    assert parse_author("Richter Kevin S", family_first=True) == Author("Richter", "Kevin S")
    assert parse_author("Humaidan P.", family_first=True) == Author("Humaidan", "P.")
    assert parse_author("de la Cruz María José", family_first=True) == Author("de la Cruz", "María José")
    assert parse_author("WHO") == Author("WHO")
    assert parse_author(" , ") is None
    assert parse_authors("Berg, A.; Stein, B.") == (Author("Berg", "A."), Author("Stein", "B."))
    assert parse_authors("Anna Berg, Jan Stein and Li Wei, et al.") == (
        Author("Berg", "Anna"), Author("Stein", "Jan"), Author("Wei", "Li"),
    )  # fmt: skip


def test_titles_from_file_names() -> None:
    assert title_from_name("/a/b/some_file-name.txt") == "some file name"
    assert title_from_name("C:\\x\\paper.v2.md") == "paper.v2"
    assert title_from_name("---.md") == "---.md"
    assert title_from_name("") == "Untitled"


def test_latex() -> None:
    assert readable(r"\frac{a}{b} \times 10^{-3}\,\mu\text{m}") == "a/b × 10^-3 μm"
    assert readable(r"\foo{x} 5\%") == r"\foo{x} 5%"
