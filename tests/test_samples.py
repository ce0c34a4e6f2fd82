"""The sample papers invent nothing: every figure, name and identifier in them stands in the source.

The pages under samples/ are our own retellings of real papers. These tests hold them against the papers
where the shared data is at hand. What they cannot see is a true figure told of the wrong group, or a wrong
one that happens to stand elsewhere in the paper (likely for "7", hardly for "36.4"): the meaning of every
sentence was checked by reading.
"""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"

SEED = "PMC13017818"
SOURCES = {
    SEED: "seed/PMC13017818.md",
    "PMC5850145": "ev2/xml/PMC5850145.nxml",
    "PMC4687062": "ev2/xml/PMC4687062.nxml",
    "PMC1550405": "ev2/xml/PMC1550405.nxml",
    "PMC1550249": "ev2/xml/PMC1550249.nxml",
    "PMC5850777": "ev2/xml/PMC5850777.nxml",
    "journal.pone.0138823": "plos/journal.pone.0138823.xml",
    "journal.pone.0152025": "plos/journal.pone.0152025.xml",
}
NAMES = sorted(SOURCES)
XML_NAMES = sorted(set(SOURCES) - {SEED})
FULL_VIEWS = ["PMC1550249", "PMC1550405", "PMC4687062", "PMC5850145", "PMC5850777", "journal.pone.0138823"]

needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no shared data at {SHARED}")

ID_LINE = re.compile(r"(PMC · )?DOI: (10\.\d{4,}/\S+) · (.+) · (\d{4}(?:-\d\d(?:-\d\d)?)?)")
# A word with a digit in it, with what follows a decimal point or a thousands comma: 6.8, 1,757.15, CD34,
# p27Kip1. Signs, percent signs and units that stand apart are not part of it; "10⁶" reads as in the XML, 106.
NUMBER = re.compile(r"[^\W_]*\d[^\W_]*(?:[.,][^\W_]*\d[^\W_]*)*")
WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
# Placeholders of the layout, links to elsewhere and the rule above the footer: nobody's prose.
LAYOUT_LINE = re.compile(r"_Full body text omitted|\d+ figures? with captions|\d+ references —|Source: |---$")
LONGEST_RUN = 7  # consecutive words that a page may share with its source

# Elements that only format the letters they hold, so that a word or a number goes on through them.
INLINE = frozenset("italic bold sup sub sc underline roman monospace named-content styled-content".split())
PROSE = ("TL;DR", "Contribution", "Key findings", "Abstract", "Full text", "Figures")


def normalised(text: str) -> str:
    """Compatibility letters folded, the many hyphens and quotes made one, lower case."""
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\u2010-\u2015\u2212]", "-", text).replace("’", "'").casefold()


def numbers(text: str) -> list[str]:
    """The number tokens of a text, in order."""
    return NUMBER.findall(normalised(text))


def words(text: str) -> list[str]:
    """The words of a text, in order; a decimal number is one word."""
    return WORD.findall(normalised(text))


def letters(text: str) -> str:
    """Letters and digits only, for comparing titles and names whose spacing and dashes differ."""
    return re.sub(r"[\W_]", "", normalised(text))


@dataclass(frozen=True)
class Page:
    """A sample page, taken apart by its layout and by nothing of the product's own parser."""

    title: str
    authors: tuple[str, ...]
    id_line: str
    sections: dict[str, str]
    footer: str
    text: str


def read_page(text: str) -> Page:
    head, *parts = re.split(r"^## (.+)$", text, flags=re.M)
    title, authors, id_line = [line for line in head.splitlines() if line]
    body, _, footer = text.rpartition("\n---\n")
    assert body, "the page ends with a rule and its source"
    sections = dict(zip(parts[0::2], (part.partition("\n---\n")[0] for part in parts[1::2]), strict=True))
    names = authors.removeprefix("**Authors:** ").split(", ")
    return Page(title.removeprefix("# "), tuple(names), id_line, sections, footer.strip(), text)


def load(name: str) -> Page:
    return read_page((SAMPLES / f"{name}.md").read_text(encoding="utf-8"))


def content_lines(text: str) -> Iterator[str]:
    """The lines that somebody wrote: no layout lines, no heading levels, no list numbering."""
    for line in text.splitlines():
        if line and not LAYOUT_LINE.match(line):
            yield re.sub(r"^(#+ |- |\d+\. )", "", line)


def prose_segments(page: Page) -> Iterator[str]:
    """Lines of the prose sections; of a table each cell by itself, for figures in a row are not prose."""
    for heading in PROSE:
        for line in content_lines(page.sections.get(heading, "")):
            yield from line.split("|") if line.startswith("|") else [line]


@cache
def xml_root(name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    return etree.parse(str(SHARED / SOURCES[name]), parser).getroot()


def xml_text(root: etree._Element) -> str:
    """The article's text, without its references and citation marks: a "[16]" vouches for no 16."""
    parts: list[str] = []

    def walk(element: etree._Element) -> None:
        tag = etree.QName(element).localname if isinstance(element.tag, str) else ""
        gap = "" if tag in INLINE else " "
        cited = tag == "ref-list" or (tag == "xref" and element.get("ref-type") == "bibr")
        parts.append(gap)
        if tag and not cited:
            parts.append(element.text or "")
            for child in element:
                walk(child)
        parts.extend((gap, element.tail or ""))

    walk(root)
    return "".join(parts)


@cache
def source_text(name: str) -> str:
    if name == SEED:
        lines = (SHARED / SOURCES[name]).read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in lines if not LAYOUT_LINE.match(line))
    return xml_text(xml_root(name))


def invented_numbers(page: Page, source: str) -> list[str]:
    """Number tokens of the page, outside of its head and its layout lines, that the source lacks."""
    known = set(numbers(source))
    body = "\n".join(f"{heading}\n{text}" for heading, text in page.sections.items())
    return [token for line in content_lines(body) for token in numbers(line) if token not in known]


def copied_runs(segments: Iterable[str], source: str, longest: int = LONGEST_RUN) -> list[str]:
    """Runs of more than `longest` words that stand in the source too."""
    size = longest + 1
    held = words(source)
    known = {tuple(held[i : i + size]) for i in range(len(held) - size + 1)}
    runs = (tuple(ws[i : i + size]) for ws in map(words, segments) for i in range(len(ws) - size + 1))
    return [" ".join(run) for run in runs if run in known]


def source_authors(root: etree._Element) -> list[tuple[str, str]]:
    """Family and given names of the authors; a group that the authors speak for is not among them."""
    found = root.findall(".//{*}article-meta//{*}contrib[@contrib-type='author']/{*}name")
    return [(n.findtext("{*}surname") or "", n.findtext("{*}given-names") or "") for n in found]


def source_dates(root: etree._Element) -> set[str]:
    """The dates of publication as ISO dates, each as exact as the source gives it."""
    dates = set()
    for date in root.iterfind(".//{*}article-meta/{*}pub-date"):
        parts = [(date.findtext(f"{{*}}{part}") or "").strip() for part in ("year", "month", "day")]
        dates.add("-".join(part.zfill(2) for part in parts if part))
    return dates


def article_id(root: etree._Element, kind: str) -> str | None:
    return root.findtext(f".//{{*}}article-meta/{{*}}article-id[@pub-id-type='{kind}']")


# The layout: checked always.


def test_every_page_has_a_source_and_every_source_a_page() -> None:
    assert sorted(path.stem for path in SAMPLES.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_page_is_laid_out_like_a_tomesphere_page(name: str) -> None:
    page = load(name)
    assert page.text.startswith(f"# {page.title}\n\n**Authors:** ")
    assert list(page.sections)[:5] == ["TL;DR", "Contribution", "Key findings", "Abstract", "Linked entities"]
    assert 3 <= len(re.findall(r"^- \S", page.sections["Key findings"], re.M)) <= 5
    match = ID_LINE.fullmatch(page.id_line)
    assert match is not None, page.id_line
    in_pmc = name.startswith("PMC")
    assert bool(match[1]) == in_pmc
    address = f"https://tomesphere.com/paper/{name}" if in_pmc else f"https://doi.org/{match[2]}"
    assert page.footer == f"Source: {address}"


@pytest.mark.parametrize("name", FULL_VIEWS)
def test_full_view_tells_the_paper_in_its_four_parts(name: str) -> None:
    body = load(name).sections["Full text"]
    parts = re.split(r"^### (.+)$", body, flags=re.M)
    assert parts[1::2] == ["Introduction", "Methods", "Results", "Discussion"]
    for text in parts[2::2]:
        paragraphs = [block for block in text.split("\n\n") if block.strip() and "|" not in block]
        assert 1 <= len(paragraphs) <= 5
        assert all("\n" not in block.strip() for block in paragraphs)


def test_the_samples_hold_a_summary_view_tables_and_figures() -> None:
    assert load(SEED).sections["Full text"].strip().startswith("_Full body text omitted from this summary")
    table = re.compile(r"^Table 1\. .+\n\n\|.+\|\n\|[-|]+\|\n\|", re.M)
    assert [name for name in NAMES if table.search(load(name).text)] == ["PMC1550405", "journal.pone.0138823"]
    figures = re.findall(r"^Figure \d+", load("PMC5850145").sections["Figures"], re.M)
    assert figures == ["Figure 7", "Figure 10"]


def test_the_samples_can_answer_the_question_of_the_demo() -> None:
    telling = [n for n in NAMES if {"vegf", "angiogenesis"} <= set(words(load(n).text))]
    assert {SEED, "PMC5850145", "PMC4687062", "journal.pone.0138823"} <= set(telling)


# The facts: checked against the sources.


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_every_number_stands_in_the_source(name: str) -> None:
    assert invented_numbers(load(name), source_text(name)) == []


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_no_run_of_words_is_copied(name: str) -> None:
    assert copied_runs(prose_segments(load(name)), source_text(name)) == []


@needs_data
@pytest.mark.parametrize("name", XML_NAMES)
def test_record_is_the_one_of_the_article(name: str) -> None:
    page, root = load(name), xml_root(name)
    title = root.find(".//{*}article-meta//{*}article-title")
    assert title is not None
    assert letters(page.title) == letters("".join(map(str, title.itertext())))
    people = source_authors(root)
    assert [letters(author) for author in page.authors] == [letters(f + g) for f, g in people]
    for author, (family, _) in zip(page.authors, people, strict=True):
        assert normalised(author).startswith(normalised(family))
    match = ID_LINE.fullmatch(page.id_line)
    assert match is not None
    assert match[2] == article_id(root, "doi")
    assert normalised(match[3]) == normalised(root.findtext(".//{*}journal-title") or "")
    assert match[4] in source_dates(root)
    pmcid = article_id(root, "pmc")
    assert name == (f"PMC{pmcid}" if pmcid else f"journal.{match[2].partition('journal.')[2]}")


@needs_data
def test_record_and_entities_of_the_seed_page_are_kept() -> None:
    ours, theirs = load(SEED), read_page((SHARED / SOURCES[SEED]).read_text(encoding="utf-8"))
    kept = ("Linked entities", "Full-text entities", "Full text", "Figures", "References")
    assert (ours.title, ours.authors, ours.id_line) == (theirs.title, theirs.authors, theirs.id_line)
    assert ours.footer == theirs.footer
    assert [ours.sections[h].strip() for h in kept] == [theirs.sections[h].strip() for h in kept]


@needs_data
def test_readme_gives_the_doi_and_the_licence_of_every_article() -> None:
    licences: dict[str, str] = {}
    for table in ("ev2", "plos"):
        with (SHARED / table / "articles.csv").open(encoding="utf-8", newline="") as lines:
            licences |= {row["doi"]: row["licence"].strip() for row in csv.DictReader(lines)}
    rows = (SAMPLES.parent / "docs" / "samples.md").read_text(encoding="utf-8").splitlines()
    for name in NAMES:
        match = ID_LINE.fullmatch(load(name).id_line)
        assert match is not None
        licence = licences.get(match[2], "CC BY")
        (row,) = [row for row in rows if f"(../samples/{name}.md)" in row]
        assert row.endswith(f"[{match[2]}](https://doi.org/{match[2]}) | {licence} |")


# The checks themselves: they must be able to fail.


@needs_data
@pytest.mark.parametrize(
    ("name", "true", "altered"),
    [
        (SEED, "38.5%", "39.5%"),
        ("PMC5850145", "(P=0.04)", "(P=0.049)"),
        ("PMC1550405", "| 208.26 |", "| 208.62 |"),
        ("PMC5850777", "1359 women", "1,359 women"),
        ("journal.pone.0138823", "MKP103,", "MKP1030,"),
    ],
)
def test_one_altered_figure_is_reported_and_nothing_else(name: str, true: str, altered: str) -> None:
    text = load(name).text
    assert true in text
    page = read_page(text.replace(true, altered))
    expected = numbers(altered) * text.count(true)
    assert invented_numbers(page, source_text(name)) == expected


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_the_sources_own_words_are_recognised_as_copied(name: str) -> None:
    held = words(source_text(name))
    middle = len(held) // 2
    borrowed = " ".join(held[middle : middle + LONGEST_RUN + 1])
    assert copied_runs([f"We found that {borrowed}."], source_text(name)) == [borrowed]


def test_what_counts_as_a_number() -> None:
    assert numbers("from 4.2 ± 0.5 mm to 38.5%, P=0.04, 1,757.15 €; IL-10, CD34+ in 2006.") == [
        *("4.2", "0.5", "38.5", "0.04", "1,757.15"),
        *("10", "cd34", "2006"),
    ]
    assert numbers("−26% of 16–28×10⁶, p<0.001") == ["26", "16", "28", "106", "0.001"]


def test_numbers_of_the_reference_list_and_of_citation_marks_vouch_for_nothing() -> None:
    root = etree.fromstring(
        "<article><p>In mice<xref ref-type='bibr'>16</xref> p27<sup>Kip1</sup> fell by 3<italic>.</italic>5"
        "<fn><p>7</p></fn></p><ref-list><ref>1999</ref></ref-list></article>"
    )
    assert numbers(xml_text(root)) == ["p27kip1", "3.5", "7"]
