"""Whatever bytes come in: the right format by content, a paper or a reason, and nothing else."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ParseError
from index.model import Format, Paper, Record, Section, Span
from index.parse import SUFFIXES, _check, parse
from index.parse.detect import decode, recognise
from index.parse.pdf import PdfParser

SHARED = Path(os.environ.get("CITEWELL_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
NO_PDF = cast(PdfParser, None)
HOSTILE = {*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF} - {
    0x0A
}
JATS = b"<article article-type='x'><front><article-meta/></front><body><p>Words.</p></body></article>"


def zip_of(name: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "form"),
    [
        (b"%PDF-1.4\n...", "x.txt", Format.PDF),
        (b"junk\n" * 50 + b"%PDF-1.4\n1 0 obj\n%%EOF", "x.pdf", Format.PDF),
        (b"A PDF file begins with %PDF-, as we know.", "x.txt", Format.TEXT),
        (JATS, "x.txt", Format.JATS),
        (b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE article PUBLIC 'x' 'y'>" + JATS, "x", Format.JATS),
        ("\ufeff<?xml version='1.0'?>".encode() + JATS, "x", Format.JATS),
        (("<?xml version='1.0' encoding='utf-16'?>" + JATS.decode()).encode("utf-16"), "x", Format.JATS),
        (("<?xml version='1.0' encoding='utf-16'?>" + JATS.decode()).encode("utf-16-be"), "x", Format.JATS),
        (b"<?xml version='1.0'?><svg/>", "x.svg", Format.JATS),
        (b"<broken", "x.xml", Format.JATS),
        (
            b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
            "x.xml",
            Format.HTML,
        ),
        (b"<!doctype html><p>Words.", "x.md", Format.HTML),
        (b"\n<!-- x -->\n<HTML><BODY>Words", "x", Format.HTML),
        (b"<article><h1>T</h1><p>One.</p><p>Two.</p></article>", "x", Format.HTML),
        (b"<p>One.</p><p>Two.</p>", "x.html", Format.HTML),
        (b"<h1 align='center'>T</h1>\n\n## Use\n\nSome **bold** [words](x.md).\n", "x", Format.MARKDOWN),
        (b"# T\n\n**Authors:** A B\n\n## TL;DR\n\nx\n\n## Abstract\n\ny\n", "x.txt", Format.TOMESPHERE),
        (b"# T\n\nWords.\n\n## Part\n\nMore.\n", "x.txt", Format.MARKDOWN),
        (b"Words only.\n", "x.md", Format.MARKDOWN),
        (b"Words only.\n", "x", Format.TEXT),
        (b"- one\n- two\n- three\n", "x.txt", Format.TEXT),
        (b"We saw p < 0.05 and a <b.\n", "x", Format.TEXT),
        (b"BMI was measured. MZ twins took part.", "x", Format.TEXT),
    ],
)
def test_content_decides(data: bytes, name: str, form: Format) -> None:
    assert recognise(data, name) is form


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG image"),
        (b"\xff\xd8\xff\xe0\x00", "a JPEG image"),
        (b"BM\x00\x00\x00\x00", "a BMP image"),
        (zip_of("word/document.xml"), r"a Word file \(\.docx\)"),
        (zip_of("a.txt"), "a zip archive"),
        (gzip.compress(b"words"), "a gzip archive"),
        (b"\x7fELF\x02", "an executable program"),
        (b"MZ\x90\x00\x03", "an executable program"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"{\\rtf1 words}", "a Rich Text file"),
        (bytes(range(256)) * 4, "binary data"),
        ("Это только слова".encode("koi8-r"), "the encoding of its characters cannot be told"),
    ],
)
def test_what_is_no_paper_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=f"^not a paper citewell can read: .*{reason}") as caught:
        recognise(data, "paper.pdf")
    assert caught.value.hint


def test_text_is_decoded_as_what_it_is() -> None:
    words = "naïve – “words”\nand more"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"):
        assert decode(words.encode(encoding)) == words
    assert decode(b"a\r\nb\rc") == "a\nb\nc"
    assert decode("naïve wörds ärë hérè".encode() + b"\xc3") == "naïve wörds ärë hérè\ufffd"


def test_a_wrong_name_changes_nothing() -> None:
    paper = parse(JATS, "paper.pdf", NO_PDF)
    assert paper.format is Format.JATS
    assert paper.text.endswith("Words.")


def test_pdfs_go_to_the_pdf_parser() -> None:
    made = Paper(Record("T"), "Words.", (Section((), Span(0, 6)),), Format.PDF)

    class Fake:
        def parse(self, data: bytes) -> Paper:
            assert data == b"%PDF-1.7"
            return made

    assert parse(b"%PDF-1.7", "x", cast(PdfParser, Fake())) is made


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), ValueError("a\x1b[31mb"), MemoryError(), KeyError(1)]
)
def test_a_librarys_own_error_becomes_a_reason(error: Exception) -> None:
    class Fake:
        def parse(self, data: bytes) -> Paper:
            raise error if data else AssertionError

    with pytest.raises(ParseError, match=r"^could not be read as PDF: ") as caught:
        parse(b"%PDF-1.7", "x", cast(PdfParser, Fake()))
    assert "\x1b" not in caught.value.message
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "spans",
    [[], [(0, 9)], [(0, 4), (2, 6)], [(3, 6), (0, 2)], [(2, 2)], [(6, 8)]],
)
def test_a_paper_whose_places_do_not_hold_is_refused(spans: list[tuple[int, int]]) -> None:
    sections = tuple(Section((), Span(*span)) for span in spans)
    with pytest.raises(ParseError):
        _check(Paper(Record("T"), "Words. 1", sections, Format.TEXT))


def test_folders_are_searched_for_these_endings() -> None:
    assert sorted(SUFFIXES) == [
        ".htm", ".html", ".markdown", ".md", ".nxml", ".pdf", ".text", ".txt", ".xhtml", ".xml",
    ]  # fmt: skip


def holds(paper: Paper) -> None:
    end = 0
    for section in paper.sections:
        assert end <= section.span.start < section.span.end <= len(paper.text)
        end = section.span.end
    assert any(section.kind.searched for section in paper.sections)
    assert not HOSTILE & set(map(ord, paper.text))
    shown = [paper.record.title, *(part for section in paper.sections for part in section.path)]
    shown += [reference.text for reference in paper.references] + [entity.name for entity in paper.entities]
    assert not HOSTILE & set(map(ord, "".join(shown)))
    assert paper.record.title


def paper_or_reason(data: bytes, name: str) -> bool:
    """Whether there is a paper; any error but ParseError fails the test."""
    try:
        paper = parse(data, name, NO_PDF)
    except ParseError:
        return False
    holds(paper)
    return True


NAMES = st.sampled_from(["a.md", "b.txt", "c.html", "d.xml", "e"])
SNIPPETS = st.sampled_from(
    [
        "# T\n\n", "## TL;DR\n\n", "## Full text\n\n", "**Authors:** A B\n\n",
        "## Linked entities\n\n- **G:** A (b)", "## References\n\n1. x 10.1000/y 2001\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n", "Table 1. x\n\n", "<table>", "<!-- ", "<html>", "<body>",
        "<p>", "</p>", "<sup>1</sup>", "<figure>", "<figcaption>", "Figure 1: y\n\n", "- a\n", "> q\n",
        "$x^2$", "```\n", "---\n", "title: x\n", "![a b c](d)", "\n\n", "\x1b[31m", "\u202e", "\x00",
        "INTRODUCTION\n\n", "Abstract: ", "<?xml ", "<article>", "&lt;", "&#x1b;", "&#27;", "w-\nx", "\f",
        "{aka ", "<tr><td>", " [c]",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(SNIPPETS | st.text(max_size=20), max_size=30).map("".join), NAMES)
def test_any_text_gives_a_paper_or_a_reason(text: str, name: str) -> None:
    paper_or_reason(text.encode("utf-8", "replace"), name)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), NAMES)
def test_any_bytes_give_a_paper_or_a_reason(data: bytes, name: str) -> None:
    paper_or_reason(data, name)


def test_real_broken_files_give_a_paper_or_a_reason() -> None:
    files = sorted((SHARED / "broken" / "xml").rglob("*"))
    if not files:
        pytest.skip(f"no broken files under {SHARED / 'broken' / 'xml'}")
    for file in files:
        if file.is_file():
            paper_or_reason(file.read_bytes(), file.name)
