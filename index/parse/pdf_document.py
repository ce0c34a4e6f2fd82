"""A PDF's bytes → Paper: opens it with PDFium, judges what can be read, and calls the steps in turn.

Runs in the worker process only (pdf_worker.py): PDFium is not thread-safe and may crash.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from index.errors import ParseError
from index.model import Paper
from index.parse.builder import plain
from index.parse.pdf_blocks import blocks
from index.parse.pdf_chars import PageReader, PageWords
from index.parse.pdf_furniture import strip_furniture
from index.parse.pdf_headings import body_style
from index.parse.pdf_layout import Line, gutters, lines, regions
from index.parse.pdf_paper import write_paper
from index.parse.pdf_record import Sources, record, version_note
from index.parse.pdf_text import Hyphens, line_text

_INFO_KEYS = ("Title", "Author", "Subject", "Keywords", "CreationDate", "doi", "DOI")
_MIN_LETTERS = 20
_OCR_HINT = "run OCR (e.g. ocrmypdf) and add the result"


def read_pdf(data: bytes, max_pages: int) -> Paper:
    """The paper in a PDF file of at most `max_pages` pages. Raises ParseError with the reason."""
    import pypdfium2.raw as raw

    if b"%PDF-" not in data[:1024] and b"%PDF-" not in data[:65536]:
        raise ParseError("not a PDF file", "check that the download is complete and not a web page")
    raw.FPDF_InitLibrary()
    document = raw.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        raise _refusal(raw.FPDF_GetLastError(), raw)
    try:
        count = raw.FPDF_GetPageCount(document)
        if count <= 0:
            raise ParseError("damaged: it has no pages", "download the file again")
        if count > max_pages:
            raise ParseError(f"has {count} pages, more than the limit of {max_pages}", "split it")
        reader = PageReader(document)
        pages = [reader.read(index) for index in range(count)]
        info = {key: _info(raw, document, key) for key in _INFO_KEYS}
    finally:
        raw.FPDF_CloseDocument(document)
    notes = _judge(pages)
    return _paper(pages, info, data, notes)


def _refusal(code: int, raw: Any) -> ParseError:
    if code == raw.FPDF_ERR_PASSWORD:
        return ParseError("encrypted: it needs a password", "save a copy without a password and add that")
    if code == raw.FPDF_ERR_SECURITY:
        return ParseError(
            "encrypted in a way that cannot be read", "save a copy without encryption and add that"
        )
    return ParseError("damaged: it cannot be opened as a PDF", "download the file again")


def _info(raw: Any, document: Any, key: str) -> str:
    size = raw.FPDF_GetMetaText(document, key.encode(), None, 0)
    if not 2 < size < 100_000:
        return ""
    buffer = ctypes.create_string_buffer(size)
    raw.FPDF_GetMetaText(document, key.encode(), buffer, size)
    return plain(buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0"))


def _judge(pages: Sequence[PageWords]) -> list[str]:
    """Notes on pages without text. Raises ParseError where there is nothing to read."""
    count = len(pages)
    characters, unmapped = sum(p.characters for p in pages), sum(p.unmapped for p in pages)
    images = sum(page.image for page in pages)
    if all(page.damaged for page in pages):
        raise ParseError("damaged: none of its pages can be opened", "download the file again")
    if characters == 0 and images:
        what = "the page is an image" if count == 1 else f"the {count} pages are images"
        raise ParseError(f"no text layer: {what}", _OCR_HINT)
    if characters == 0:
        raise ParseError("it holds no text, only blank or drawn pages", "")
    if unmapped > 0.5 * characters:
        raise ParseError("its text cannot be read (the fonts have no character map)", _OCR_HINT)
    letters = sum(sum(c.isalpha() for c in word.text) for page in pages for word in page.words)
    if letters < _MIN_LETTERS:
        hint = _OCR_HINT if images else ""
        raise ParseError(
            f"it holds almost no text ({_counted(letters, 'letter')} on {_counted(count, 'page')})", hint
        )
    return [
        *_note([p.number for p in pages if p.damaged], "cannot be opened", count),
        *_note([p.number for p in pages if not p.words and p.image], "{has} no text layer", count),
    ]


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _note(numbers: Sequence[int], what: str, count: int) -> list[str]:
    if not numbers:
        return []
    if len(numbers) == 1:
        return [f"page {numbers[0]} " + what.format(has="has")]
    return [f"{len(numbers)} of {count} pages " + what.format(has="have") + f": {_ranges(numbers)}"]


def _ranges(numbers: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    shown = [str(a) if a == b else f"{a}–{b}" for a, b in parts[:20]]
    return ", ".join(shown) + (", …" if len(parts) > 20 else "")


def _paper(pages: Sequence[PageWords], info: dict[str, str], data: bytes, notes: list[str]) -> Paper:
    furniture = strip_furniture(pages)
    found = read_lines(pages)
    if not found:
        raise ParseError("it holds no running text", _OCR_HINT)
    body = body_style(found)
    hyphens = Hyphens(line.text for line in found)
    parts = blocks(found, body, hyphens)
    first = found[0].page
    sources = Sources(
        info=info,
        data=data,
        front=[line for line in found if line.page == first],
        front_texts=[block.text for block in parts if block.first_page <= first + 1],
        furniture=furniture,
        turned=pages[0].turned,
        body_size=body.size,
    )
    entry, title = record(sources)
    version = version_note(sources)
    notes = [*notes, version] if version else notes
    paper = write_paper(parts, entry, title, notes, hyphens, body.font)
    if not any(section.kind.searched for section in paper.sections):
        raise ParseError("it holds no running text", _OCR_HINT)
    return paper


def read_lines(pages: Sequence[PageWords]) -> list[Line]:
    """The lines of all pages in reading order."""
    known = gutters(pages)
    found: list[Line] = []
    for page in pages:
        for leaf, words in enumerate(regions(page.words, known, page.height)):
            for line in lines(words, page.number, leaf):
                line.text = line_text(line.words, line.size, line.y)
                if any(char.isalnum() for char in line.text):
                    found.append(line)
    return found
