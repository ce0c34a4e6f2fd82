"""Pages of tomesphere.com: the real one in its summary view, and a full view in the layouts it may have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from index.errors import ParseError
from index.model import Author, Entity, PaperIds, Record, Reference, SectionKind, Span
from index.parse.tomesphere import is_tomesphere, parse_tomesphere

SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
SEED = SHARED / "seed" / "PMC13017818.md"

HEAD = """# Sorting coloured stones with *wooden* tools

**Authors:** Berg Anna, van der Linden Jan Piet, Okafor C N

PMC · DOI: 10.1000/stones.2026.17 · Journal of Neutral Examples · 2026-02-03

## TL;DR

Stones can be sorted.

## Key findings

- Red stones are **heavier**.
- Blue stones are rounder.

## Abstract

We sorted stones<sup>1</sup> by colour on 12 m<sup>2</sup>; *p* < 0.05.

## Linked entities

- **Chemicals:** quartz (CHEBI:46727), 1,2-stone
- **Species:** Homo sapiens (human, species) [taxon 9606]
- **Genes:** STN1 (stone gene, type 1) [NCBI Gene 12] {aka ST, S1}

"""
BODY_BELOW = """## Full text

### Introduction

Stones lie on beaches.<sup>2,3</sup> See [the map](https://example.org/map).

### Methods

We used tools \\*of wood\\*.

#### Wooden tools

They weighed $10^{3} \\pm 5$ g &amp; more.

1. Take a stone.
2. Put it down.

   Then rest.

**Table 1.** Stones by colour

| Colour | Count |
|---|---:|
| red | 12 |
| blue | **9** |

The table shows all.

"""
FLOATS = """## Figures

### Figure 1

![a pile of stones](https://example.org/f1.jpg)

The pile from above.

**Figure 2.** The pile from below.

- Figure 3: The pile from the left.
- Figure 4: The pile from the right.

"""
REFERENCES = """## References

1. Stein A. On stones. J Stones. 2019;4:1-9. doi:10.1000/abc.2018
2. Pierre B (2020). More stones. [PubMed](https://pubmed.ncbi.nlm.nih.gov/123456/)

---
Source: https://tomesphere.com/paper/PMC1234567
"""
FULL = HEAD + BODY_BELOW + FLOATS + REFERENCES


@pytest.fixture(scope="module")
def seed() -> str:
    if not SEED.exists():
        pytest.skip(f"no real page at {SEED}")
    return SEED.read_text(encoding="utf-8")


def test_the_real_page_gives_its_record(seed: str) -> None:
    paper = parse_tomesphere(seed, "page.md")
    assert paper.record == Record(
        title="Role and mechanism of mesenchymal stem cells in endometrial receptivity remodeling",
        authors=(
            Author("Wang", "Zhao-Di"),
            Author("Liu", "Xian-Bao"),
            Author("Lv", "Liang-Zhen"),
            Author("Li", "Lu-Hao"),
            Author("Ren", "Jia-Jie"),
            Author("Zhu", "Hui"),
            Author("Jiang", "Bei"),
            Author("Chang", "Zhuo"),
        ),
        year=2026,
        date="2026-03-12",
        journal="Frontiers in Cell and Developmental Biology",
        ids=PaperIds(doi="10.3389/fcell.2026.1724597", pmcid="PMC13017818"),
    )


def test_the_real_page_says_that_its_body_is_missing_and_quotes_no_placeholder(seed: str) -> None:
    paper = parse_tomesphere(seed, "page.md")
    assert paper.body_missing
    assert paper.references == ()
    assert [(section.kind, section.path) for section in paper.sections] == [
        (SectionKind.SUMMARY, ("TL;DR",)),
        (SectionKind.SUMMARY, ("Contribution",)),
        (SectionKind.SUMMARY, ("Key findings",)),
        (SectionKind.ABSTRACT, ("Abstract",)),
        (SectionKind.ENTITIES, ("Linked entities",)),
        (SectionKind.ENTITIES, ("Full-text entities",)),
    ]
    for word in ("omitted", "complete paper", "Source:", "tomesphere", "---", "**"):
        assert word not in paper.text


def test_the_real_page_has_three_key_findings_a_line_each(seed: str) -> None:
    paper = parse_tomesphere(seed, "page.md")
    findings = paper.sections[2].span.of(paper.text).split("\n")
    assert len(findings) == 3
    assert [finding.split(" ", 1)[0] for finding in findings] == ["MSCs", "Umbilical", "Engineered"]
    abstract = paper.sections[3].span.of(paper.text)
    assert abstract.startswith("Endometrial receptivity (ER) is a pivotal determinant")
    assert "from a mean of 4.2 ± 0.5 mm to 6.8 ± 0.7 mm" in abstract


def test_the_real_page_lists_its_entities_as_data(seed: str) -> None:
    assert parse_tomesphere(seed, "page.md").entities == (
        Entity("protein", "VEGFA", "", ("vascular endothelial growth factor A",)),
        Entity("disease", "intrauterine adhesions", "MONDO:0015299"),
        Entity(
            "gene",
            "VEGFA",
            "NCBI Gene 7422",
            ("vascular endothelial growth factor A", "L-VEGF", "MVCD1", "VEGF", "VPF"),
        ),
        Entity("disease", "infertility", "MESH:D007246"),
        Entity("disease", "intrauterine adhesions", "MESH:D000267"),
        Entity("species", "Homo sapiens", "taxon 9606", ("human",)),
    )


def test_a_full_page_gives_the_papers_own_sections() -> None:
    paper = parse_tomesphere(FULL, "page.md")
    assert paper.record == Record(
        title="Sorting coloured stones with wooden tools",
        authors=(Author("Berg", "Anna"), Author("van der Linden", "Jan Piet"), Author("Okafor", "C N")),
        year=2026,
        date="2026-02-03",
        journal="Journal of Neutral Examples",
        ids=PaperIds(doi="10.1000/stones.2026.17", pmcid="PMC1234567"),
    )
    assert not paper.body_missing
    assert [(s.kind.value, s.path, s.caption, s.span.of(paper.text)) for s in paper.sections] == [
        ("summary", ("TL;DR",), "", "Stones can be sorted."),
        ("summary", ("Key findings",), "", "Red stones are heavier.\nBlue stones are rounder."),
        ("abstract", ("Abstract",), "", "We sorted stones [1] by colour on 12 m^2; p < 0.05."),
        (
            "entities",
            ("Linked entities",),
            "",
            "Chemicals: quartz (CHEBI:46727), 1,2-stone\n"
            "Species: Homo sapiens (human, species) [taxon 9606]\n"
            "Genes: STN1 (stone gene, type 1) [NCBI Gene 12] {aka ST, S1}",
        ),
        ("body", ("Introduction",), "", "Stones lie on beaches. [2,3] See the map."),
        ("body", ("Methods",), "", "We used tools *of wood*."),
        (
            "body",
            ("Methods", "Wooden tools"),
            "",
            "They weighed 10^3 ± 5 g & more.\n\nTake a stone.\nPut it down. Then rest.",
        ),
        (
            "table",
            ("Methods", "Wooden tools", "Table 1"),
            "Table 1. Stones by colour",
            "Table 1. Stones by colour\n\nColour | Count\nred | 12\nblue | 9",
        ),
        ("body", ("Methods", "Wooden tools"), "", "The table shows all."),
        (
            "figure",
            ("Figure 1",),
            "Figure 1. The pile from above.",
            "Figure 1. The pile from above.\n\na pile of stones",
        ),
        ("figure", ("Figure 2",), "Figure 2. The pile from below.", "Figure 2. The pile from below."),
        ("figure", ("Figure 3",), "Figure 3: The pile from the left.", "Figure 3: The pile from the left."),
        ("figure", ("Figure 4",), "Figure 4: The pile from the right.", "Figure 4: The pile from the right."),
        (
            "references",
            ("References",),
            "",
            "Stein A. On stones. J Stones. 2019;4:1-9. doi:10.1000/abc.2018\n"
            "Pierre B (2020). More stones. PubMed",
        ),
    ]
    assert paper.references == (
        Reference(
            "Stein A. On stones. J Stones. 2019;4:1-9. doi:10.1000/abc.2018",
            label="1",
            year=2019,
            doi="10.1000/abc.2018",
        ),
        Reference("Pierre B (2020). More stones. PubMed", label="2", year=2020, pmid="123456"),
    )
    assert paper.entities == (
        Entity("chemical", "quartz", "CHEBI:46727"),
        Entity("chemical", "1,2-stone"),
        Entity("species", "Homo sapiens", "taxon 9606", ("human",)),
        Entity("gene", "STN1", "NCBI Gene 12", ("stone gene, type 1", "ST", "S1")),
    )


def test_sections_at_the_level_of_the_pages_own_headings_come_out_the_same() -> None:
    beside = (
        BODY_BELOW.replace("#### ", "### ").replace("### Intro", "## Intro").replace("### Meth", "## Meth")
    )
    below, same = (
        parse_tomesphere(FULL, "p.md"),
        parse_tomesphere(HEAD + beside + FLOATS + REFERENCES, "p.md"),
    )
    assert beside != BODY_BELOW
    assert same == below


def test_sections_above_the_pages_own_headings_do_not_swallow_figures_and_references() -> None:
    above = BODY_BELOW.replace("#### ", "## ").replace("### ", "# ")
    paper = parse_tomesphere(HEAD + above + FLOATS + REFERENCES, "p.md")
    assert [section.path for section in paper.sections] == [
        section.path for section in parse_tomesphere(FULL, "p.md").sections
    ]


@pytest.mark.parametrize(
    ("line", "ids", "journal", "date"),
    [
        ("PMC7654321 · DOI: 10.1000/a · J One · 2020", PaperIds("10.1000/a", "PMC7654321"), "J One", "2020"),
        ("PMCID: PMC7654321 · J One · March 2020", PaperIds(None, "PMC7654321"), "J One", "2020-03"),
        ("PMC · J One · 12 March 2020", PaperIds(None, "PMC99"), "J One", "2020-03-12"),
        (
            "arXiv:2001.01234v2 · PMID: 77 · 2020-01-05",
            PaperIds(None, "PMC99", "77", "2001.01234"),
            None,
            "2020-01-05",
        ),
    ],
)
def test_the_line_under_the_authors_is_read_in_its_variants(
    line: str, ids: PaperIds, journal: str | None, date: str
) -> None:
    page = f"# A title\n\n**Authors:** Berg Anna\n\n{line}\n\n## TL;DR\n\nStones.\n\n## Abstract\n\nMore.\n"
    record = parse_tomesphere(page, "PMC99.md").record
    assert (record.ids, record.journal, record.date, record.year) == (ids, journal, date, 2020)


def test_without_any_other_name_the_papers_id_is_the_files_name() -> None:
    page = "# A title\n\n**Authors:** Berg Anna\n\n## TL;DR\n\nStones.\n"
    assert parse_tomesphere(page, "folder/PMC42.md").record.ids == PaperIds(pmcid="PMC42")
    assert parse_tomesphere(page, "2001.01234.md").record.ids == PaperIds(arxiv="2001.01234")
    assert parse_tomesphere(page, "notes.md").record.ids == PaperIds()


def test_words_of_the_paper_that_look_like_a_placeholder_stay() -> None:
    sentence = "The body omitted from this summary view was 3 kg. " + "It was weighed many times over. " * 10
    page = FULL.replace("The table shows all.", sentence)
    assert sentence.strip() in parse_tomesphere(page, "p.md").text


def test_only_pages_in_the_layout_are_taken_for_such() -> None:
    assert is_tomesphere(FULL)
    assert is_tomesphere("# T\n\n**Authors:** A B\n\n## TL;DR\n\nx\n\n## Abstract\n\ny\n")
    assert not is_tomesphere("# T\n\n## Abstract\n\nx\n\n## References\n\n1. y\n")
    assert not is_tomesphere("## TL;DR\n\nA note.\n\n## Key findings\n\nNone.\n\n## Contribution\n\nx")
    assert not is_tomesphere("")


def test_a_page_of_headings_alone_is_an_error() -> None:
    with pytest.raises(ParseError, match="no readable text"):
        parse_tomesphere("# T\n\n**Authors:** A B\n\n## TL;DR\n\n## Abstract\n", "p.md")


def test_every_section_lies_in_order_inside_the_text() -> None:
    paper = parse_tomesphere(FULL, "p.md")
    end = 0
    for section in paper.sections:
        assert end <= section.span.start < section.span.end
        end = section.span.end
    assert Span(0, len(paper.text)).contains(Span(0, end))
