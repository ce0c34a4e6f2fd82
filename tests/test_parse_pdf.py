"""What a reader of PDFs gets: text in reading order, sections, pages, a record, or a reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import ParseError
from index.model import Author, Paper, SectionKind, Span
from index.parse.builder import plain
from index.parse.pdf import PdfParser
from tests.pdfs import Put, column, pdf, prose, wrap

SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
needs_articles = pytest.mark.skipif(not (SHARED / "pdf").is_dir(), reason=f"{SHARED / 'pdf'} is absent")
needs_broken = pytest.mark.skipif(not (SHARED / "broken").is_dir(), reason=f"{SHARED / 'broken'} is absent")

TITLE = "Stem cells and the growth of vessels in mice"


@pytest.fixture(scope="module")
def parser() -> Iterator[PdfParser]:
    with PdfParser() as shared:
        yield shared


def blocks(paper: Paper, kind: SectionKind) -> list[str]:
    """The blocks of all sections of a kind."""
    return [b for s in paper.sections if s.kind is kind for b in s.span.of(paper.text).split("\n\n")]


def page_of(paper: Paper, quote: str) -> int:
    """The page a quote begins on."""
    assert paper.text.count(quote) == 1
    start = paper.text.index(quote)
    return next(page.number for page in paper.pages if page.span.start <= start < page.span.end)


def two_columns(left: str, right: str, top: float = 700.0) -> list[Put]:
    return column(wrap(left, 44), 50, top) + column(wrap(right, 44), 310, top)


def head(title: str = TITLE) -> list[Put]:
    return [
        Put(50, 780, title, 18, "bold"),
        Put(50, 755, "Ada B. Lovelace, Alan van Turing and Emmy Noether", 10),
    ]


def test_two_columns_are_read_one_after_the_other(parser: PdfParser) -> None:
    left, right = prose("l", 12), prose("r", 12)
    paper = parser.parse(pdf([[*head(), *two_columns(left, right)]]))
    assert paper.record.title == TITLE
    text = " ".join(paper.text.split())
    assert left in text
    assert right in text
    assert text.index(left) < text.index(right)


def test_three_columns_are_read_one_after_the_other(parser: PdfParser) -> None:
    parts = [prose(seed, 10) for seed in "abc"]
    puts = [put for i, part in enumerate(parts) for put in column(wrap(part, 33), 40 + 180 * i, 760, size=9)]
    text = " ".join(parser.parse(pdf([puts])).text.split())
    assert [text.find(part) >= 0 for part in parts] == [True, True, True]
    assert sorted(parts, key=text.index) == parts


def test_a_block_across_both_columns_parts_them(parser: PdfParser) -> None:
    upper = two_columns(prose("a", 6), prose("b", 6), 760)
    across = column(wrap("Across the page runs one line after another here. " + prose("x", 3), 100), 50, 520)
    lower = two_columns(prose("c", 6), prose("d", 6), 440)
    text = parser.parse(pdf([[*lower, *across, *upper]])).text
    order = [text.index(word) for word in ("a0one", "b0one", "x0one", "c0one", "d0one")]
    assert order == sorted(order)


def test_a_paragraph_over_a_page_break_is_one_block_on_two_pages(parser: PdfParser) -> None:
    lines = wrap("Cells that were grown for meso" + "chymal tissue " + prose("p", 30), 90)
    first, second = lines[:20], lines[20:]
    first[-1] = "and then the sample was kept for a while in the mesen-"
    second[0] = "chyme of the embryo until it was cut. It ended there."
    paper = parser.parse(pdf([[*head(), *column(first, 50, 700)], column(second, 50, 780)]))
    joined = "in the mesenchyme of the embryo until it was cut"
    block = next(b for b in paper.text.split("\n\n") if joined in b)
    assert block.startswith("Cells that were grown")
    one, two = paper.pages
    assert one.span.of(paper.text).endswith("kept for a while in the mesen")
    assert two.span.of(paper.text).startswith("chyme of the embryo")
    assert page_of(paper, joined) == 1
    assert page_of(paper, "chyme of the embryo") == 2


def test_hyphens_at_line_ends_follow_the_document(parser: PdfParser) -> None:
    lines = [
        "This double-blind study of VEGF-A and of angiogenesis in well-known cells, as before, was large",
        "enough for us. It was a double-",
        "blind study with plasma VEGF-",
        "A as the measure of angio-",
        "genesis in the treat-",
        "ment group and nothing else at all.",
    ]
    text = parser.parse(pdf([column(lines, 50, 700)])).text
    assert (
        "It was a double-blind study with plasma VEGF-A as the measure of angiogenesis in the treatment group"
        in text
    )


def test_heads_feet_and_page_numbers_are_no_text(parser: PdfParser) -> None:
    pages = []
    for number in range(1, 6):
        furniture = [
            Put(50, 815, f"Journal of Vessels 12 (2021) {number}", 8),
            Put(290, 20, str(number), 8),
            Put(20, 200, "Downloaded from https://example.org on a Tuesday", 7, turned=True),
        ]
        pages.append([*furniture, *column(wrap(prose(f"q{number}x", 14), 90), 50, 760)])
    paper = parser.parse(pdf(pages))
    assert "Journal of Vessels" not in paper.text
    assert "Downloaded" not in paper.text
    assert not re.search(r"(?m)^\d$", paper.text)
    assert [page.number for page in paper.pages] == [1, 2, 3, 4, 5]
    assert paper.record.year == 2021
    assert paper.record.journal == "Journal of Vessels"


def test_line_numbers_of_a_manuscript_are_no_text(parser: PdfParser) -> None:
    lines = wrap(prose("n", 20), 80)
    numbers = [Put(30, 760 - 12 * i, str(i + 1), 8) for i in range(len(lines))]
    text = parser.parse(pdf([[*column(lines, 60, 760), *numbers]])).text
    assert prose("n", 20) in " ".join(text.split())


def test_raised_numbers_are_citations_after_words_and_powers_after_numbers(parser: PdfParser) -> None:
    puts = [
        Put(50, 700, "Vessels grow by angiogenesis"),
        Put(176.2, 704, "12,13", 6),
        Put(195, 700, "and at 10"),
        Put(236.3, 704, "-3", 6),
        Put(245, 700, "mol per m"),
        Put(289.5, 704, "2", 6),
        Put(297, 700, "in water."),
    ]
    text = parser.parse(pdf([[*puts, *column(wrap(prose("s", 4), 90), 50, 680)]])).text
    assert "grow by angiogenesis [12,13] and at 10^-3 mol per m^2 in water." in text


def test_letterspaced_headings_are_words(parser: PdfParser) -> None:
    spaced = [Put(50 + 12 * i, 730, letter, 10, "bold") for i, letter in enumerate("ABSTRACT")]
    paper = parser.parse(pdf([[*head(), *spaced, *column(wrap(prose("t", 8), 90), 50, 700)]]))
    section = next(s for s in paper.sections if s.kind is SectionKind.ABSTRACT)
    assert section.path == ("ABSTRACT",)
    assert section.span.of(paper.text) == prose("t", 8)


def article() -> bytes:
    body = [
        ("1 Introduction", prose("i", 8)),
        ("2 Methods", prose("m", 6)),
        ("2.1 Animals", prose("k", 6)),
        ("Acknowledgements", "We thank everyone who fed the animals over the summer and in the winter."),
    ]
    puts = [*head(), Put(50, 735, "https://doi.org/10.1234/Cells.2021.7 Published: 3 May 2021", 7)]
    puts += [
        Put(
            50,
            722,
            "This is an open access article under the Creative Commons Attribution 4.0 licence (CC BY 4.0).",
            7,
        )
    ]
    puts.append(Put(50, 700, "Abstract", 12, "bold"))
    lines = wrap(prose("b", 5), 95)
    puts += column(lines, 50, 685)
    y = 685 - 12 * len(lines) - 12
    for name, words in body:
        puts.append(Put(50, y, name, 12, "bold"))
        lines = wrap(words, 95)
        puts += column(lines, 50, y - 15)
        y -= 15 + 12 * len(lines) + 14
        if name == "2 Methods":
            puts.append(Put(50, y, "Table 1. Weights of the animals.", 8, "bold"))
            for row in ("Group Mean Range", "Young 12.1 10-14", "Old 18.9 15-22"):
                y -= 11
                puts += [Put(50 + 120 * i, y, cell, 8) for i, cell in enumerate(row.split())]
            y -= 26
    second = [
        Put(50, 780, "References", 12, "bold"),
        *column(["1. Curie M. On the glow of stones. J Glow 1903;1:1-9.",
                 "2. Meitner L. On the parting of cores, with a long",
                 " title that runs over. Nature 1939. doi:10.1234/core.9"], 50, 760),
    ]  # fmt: skip
    return pdf([puts, second], info={"Title": "Microsoft Word - final.doc", "Author": "typesetter7"})


def test_an_article_has_sections_record_and_references(parser: PdfParser) -> None:
    paper = parser.parse(article())
    assert paper.record.title == TITLE
    assert paper.record.authors == (
        Author("Lovelace", "Ada B."),
        Author("van Turing", "Alan"),
        Author("Noether", "Emmy"),
    )
    assert paper.record.ids.doi == "10.1234/cells.2021.7"
    assert (paper.record.date, paper.record.year) == ("2021-05-03", 2021)
    assert paper.record.licence == "CC BY 4.0"
    named = {s.path: s.kind for s in paper.sections if s.path and s.path[0] != "Front matter"}
    assert named == {
        ("Abstract",): SectionKind.ABSTRACT,
        ("1 Introduction",): SectionKind.BODY,
        ("2 Methods",): SectionKind.BODY,
        ("2 Methods", "Table 1"): SectionKind.TABLE,
        ("2 Methods", "2.1 Animals"): SectionKind.BODY,
        ("Acknowledgements",): SectionKind.BACK,
        ("References",): SectionKind.REFERENCES,
    }
    assert blocks(paper, SectionKind.ABSTRACT) == [prose("b", 5)]
    assert blocks(paper, SectionKind.TABLE) == [
        "Table 1. Weights of the animals.",
        "Group Mean Range\nYoung 12.1 10-14\nOld 18.9 15-22",
    ]
    assert [(r.label, r.year, r.doi) for r in paper.references] == [
        ("1", 1903, None),
        ("2", 1939, "10.1234/core.9"),
    ]
    assert paper.references[1].text == (
        "2. Meitner L. On the parting of cores, with a long title that runs over. Nature 1939."
        " doi:10.1234/core.9"
    )


def test_a_title_from_the_metadata_must_stand_on_the_page(parser: PdfParser) -> None:
    puts = [*head("STEM CELLS AND THE GROWTH OF VESSELS"), *column(wrap(prose("u", 9), 90), 50, 700)]
    named = parser.parse(pdf([puts], info={"Title": "Stem cells and the growth of vessels"}))
    assert named.record.title == "Stem cells and the growth of vessels"
    other = parser.parse(pdf([puts], info={"Title": "Template for two column articles"}))
    assert other.record.title == "STEM CELLS AND THE GROWTH OF VESSELS"


def test_an_arxiv_stamp_names_the_paper(parser: PdfParser) -> None:
    stamp = Put(25, 250, "arXiv:2101.00001v2 [q-bio.TO] 4 Jan 2021", 16, turned=True)
    paper = parser.parse(pdf([[*head(), stamp, *column(wrap(prose("v", 9), 90), 50, 700)]]))
    assert paper.record.ids.arxiv == "2101.00001"
    assert paper.notes == ("version 2 of arXiv:2101.00001",)
    assert "arXiv" not in paper.text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PDF file"),
        (b"<html>Please sign in</html>", "not a PDF file"),
        (article()[:700], "damaged: it cannot be opened as a PDF"),
        (pdf([column([prose("w", 3)], 50, 700)], password="secret"), "encrypted: it needs a password"),
        (pdf([[], []], images=[0, 1]), "no text layer: the 2 pages are images"),
        (pdf([[]]), "it holds no text, only blank or drawn pages"),
        (pdf([[Put(50, 700, "Too few")]]), "it holds almost no text (6 letters on 1 page)"),
        (
            pdf([[Put(50, 700, prose("y", 2), font="private")]]),
            "its text cannot be read (the fonts have no character map)",
        ),
    ],
    ids=["empty", "web page", "cut off", "password", "scan", "blank", "tiny", "no character map"],
)
def test_a_file_that_gives_no_paper_has_a_reason(parser: PdfParser, data: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as failure:
        parser.parse(data)
    assert failure.value.message == reason


def test_too_many_pages_are_refused() -> None:
    with (
        PdfParser(max_pages=3) as parser,
        pytest.raises(ParseError, match="has 4 pages, more than the limit of 3"),
    ):
        parser.parse(pdf([column([prose("z", 2)], 50, 700)], repeat=4))


def test_an_empty_password_opens_the_file(parser: PdfParser) -> None:
    words = prose("e", 8)
    paper = parser.parse(pdf([column(wrap(words, 90), 50, 700)], password=""))
    assert words in paper.text


def test_pages_without_text_are_noted(parser: PdfParser) -> None:
    text = column(wrap(prose("o", 8), 90), 50, 700)
    assert parser.parse(pdf([text, []], images=[1])).notes == ("page 2 has no text layer",)
    more = parser.parse(pdf([text, [], [], text, []], images=[1, 2, 4]))
    assert more.notes == ("3 of 5 pages have no text layer: 2–3, 5",)
    assert [page.number for page in more.pages] == [1, 4]


def check_layout(paper: Paper) -> None:
    """What holds for every paper of every file."""
    assert any(section.kind.searched for section in paper.sections)
    at = 0
    for section in paper.sections:
        assert at <= section.span.start < section.span.end <= len(paper.text)
        at = section.span.end
    at = 0
    for page in paper.pages:
        assert page.span.start == at < page.span.end
        at = page.span.end
    assert at == len(paper.text)
    numbers = [page.number for page in paper.pages]
    assert numbers == sorted(set(numbers))
    for block in paper.text.split("\n\n"):
        assert all(line == plain(line) for line in block.split("\n"))


def check_words_on_their_pages(paper: Paper, data: bytes) -> None:
    """Words of a page's span stand on that page of the file, by PDFium's own reading of it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    for page in paper.pages:
        printed = _letters(document[page.number - 1].get_textpage().get_text_bounded())
        words = re.findall(r"[^\W\d_]{4,}", page.span.of(paper.text))
        # The first and the last may be halves of a word, and PDFium itself misses some accents and blanks.
        missing = [word for word in words[1:-1] if _letters(word) not in printed]
        assert len(missing) <= 0.03 * len(words), (page.number, missing[:10])
    document.close()


def _letters(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in folded if char.isalpha() and ord(char) < 0x300)


def test_small_files_keep_the_layout(parser: PdfParser) -> None:
    pages = [
        [*head(), *two_columns(prose("l", 12), prose("r", 12))],
        two_columns(prose("c", 9), prose("d", 9)),
    ]
    for data in (article(), pdf(pages)):
        paper = parser.parse(data)
        check_layout(paper)
        check_words_on_their_pages(paper, data)


@needs_articles
def test_real_articles_keep_the_layout_and_their_words_stand_on_their_pages(parser: PdfParser) -> None:
    for path in sorted((SHARED / "pdf").glob("*/fulltext.pdf"))[:4]:
        data = path.read_bytes()
        paper = parser.parse(data)
        check_layout(paper)
        check_words_on_their_pages(paper, data)


@needs_articles
@pytest.mark.slow
def test_the_text_of_real_articles_is_complete_and_in_order() -> None:
    from statistics import median

    from eval.pdf_text import measure_folder

    results = measure_folder(SHARED / "pdf")
    assert [r.error for r in results] == [""] * 18
    assert median(r.words for r in results) >= 0.98
    assert min(r.words for r in results) >= 0.95
    assert min(r.order for r in results) >= 0.98
    assert sum(r.title for r in results) == 18
    assert sum(r.doi for r in results) == 18


@needs_broken
@pytest.mark.slow
def test_odd_files_end_as_a_paper_or_with_a_reason(
    parser: PdfParser, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [
        p
        for name in ("pypdf", "pdfminer", "unstructured")
        for p in (SHARED / "broken" / name).rglob("*.pdf")
        if p.is_file()
    ]
    assert len(files) == 121
    reasons: dict[str, str] = {}
    for path in files:
        try:
            check_layout(parser.parse(path.read_bytes()))
        except ParseError as error:
            reasons[path.name] = error.message
    # No crash, no time-out, no fault of ours: each reason is about the file.
    assert {n: r for n, r in reasons.items() if not r or "PDF reader" in r or "longer than" in r} == {}
    assert len(files) - len(reasons) >= 60
    assert capfd.readouterr() == ("", "")


def test_spans_of_sections_are_spans(parser: PdfParser) -> None:
    paper = parser.parse(article())
    assert all(isinstance(section.span, Span) for section in paper.sections)
