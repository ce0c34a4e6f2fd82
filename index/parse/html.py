"""Web pages: the article without the page around it. Parsed offline; scripts are dropped, never run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lxml import etree, html

from index.errors import ParseError
from index.model import Format, Paper, PaperIds, SectionKind
from index.parse.blocks import Block, BlockKind, Outline, role, with_captions
from index.parse.builder import TextBuilder, plain
from index.parse.detect import decode
from index.parse.html_blocks import all_words, html_blocks
from index.parse.html_record import read_record, stated_pdf

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]{0,200}?charset|\?xml\b[^>]{0,100}?encoding)\s*=\s*["']?([\w.:-]{2,40})""", re.I
)
# Whole titles and headings only: "Forbidden transitions in …" is a paper.
_ERROR_PAGE = re.compile(
    r"(?:error\W{1,3})?[45]\d\d\b.{0,60}|"
    r"(?:the )?(?:requested )?(?:page|article|url|file)?\W*(?:was )?not found\W*|"
    r"access denied\W*|forbidden\W*|just a moment\W*|checking your browser.{0,60}|are you a robot\W*|"
    r"attention required.{0,40}|verify(?:ing)? (?:that )?you are (?:a )?human.{0,60}|service unavailable\W*|"
    r"(?:please )?enable (?:javascript|cookies).{0,60}|(?:sign|log) ?in\W*",
    re.IGNORECASE,
)
_ERROR_PAGE_MAX = 1500  # characters; a real article that mentions such words is longer
_HALF = 0.5  # of the paragraphs' characters: an <article> or <main> that holds them is the article
_MOST = 0.8  # likewise, for an element that does not call itself so
_NO_TEXT_HINT = "If the page shows its text only in a browser, save it from there, or get the PDF or XML."


def parse_html(data: bytes, name: str) -> Paper:
    """A paper from an HTML or XHTML page; `name` is the file's name, the title of last resort.

    Raises ParseError for a page without prose: drawn by scripts, or an error message.
    """
    root = _tree(_text(data))
    record, title_stated = read_record(root, name)
    blocks = html_blocks(_article(root))
    blocks, heads = _without_title(blocks, record.title)
    builder = TextBuilder()
    if title_stated:
        builder.heading(record.title)
    outline = Outline(builder)
    outline.write(with_captions(blocks))
    text, sections, pages = builder.finish()
    words = sum(len(section.span) for section in sections if section.kind.searched)
    if not any(
        char.isalpha() for section in sections if section.kind.searched for char in section.span.of(text)
    ):
        raise ParseError("no readable text: the page is empty without its scripts", _NO_TEXT_HINT)
    if words < _ERROR_PAGE_MAX and any(map(_ERROR_PAGE.fullmatch, [record.title, *heads])):
        raise ParseError("no readable text: a web site's message, not a paper", _NO_TEXT_HINT)
    return Paper(
        record=record,
        text=text,
        sections=sections,
        format=Format.HTML,
        pages=pages,
        references=tuple(outline.references),
        body_missing=all(section.kind is SectionKind.ABSTRACT for section in sections),
    )


def parse_landing(data: bytes) -> tuple[PaperIds, str | None]:
    """The ids of the paper that a page is about, and the address of its PDF, as far as it states them."""
    root = _tree(_text(data))
    return read_record(root, "")[0].ids, stated_pdf(root)


def fragment_blocks(fragment: str) -> list[Block]:
    """The blocks of a piece of HTML, such as stands in Markdown. Never raises for bad markup."""
    try:
        root = _tree(f"<html><body>{fragment}</body></html>")
    except ParseError:
        words = plain(re.sub(r"<[^<>]{0,500}>", " ", fragment))
        return [Block(BlockKind.PARAGRAPH, (words,))] if words else []
    return html_blocks(root)


def _text(data: bytes) -> str:
    """Decoded as the page says it is, else as other text files are."""
    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        encoding = declared.group(1).decode("ascii")
        # Browsers read these as their Windows supersets, and so were the pages written.
        encoding = {"iso-8859-1": "cp1252", "latin1": "cp1252", "gb2312": "gbk"}.get(
            encoding.lower(), encoding
        )
        try:
            if not encoding.lower().startswith("utf-16"):
                return str(data, encoding)
        except (LookupError, UnicodeError):
            pass  # a wrong label is common: fall back on what the bytes look like
    return decode(data)


def _tree(text: str) -> Element:
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    source = text.replace("\x00", "").encode("utf-8", "replace")
    try:
        root = html.document_fromstring(source, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise ParseError("no readable text: the page is empty", _NO_TEXT_HINT) from error
    # On these libxml2 stops and hands over what it has, which may be next to nothing.
    cut = [
        entry.message
        for entry in parser.error_log
        if "Excessive depth" in entry.message or "limit" in entry.message
    ]
    if cut:
        raise ParseError("its HTML is nested too deep or holds too much in one place to be read safely")
    return root


def _without_title(blocks: list[Block], title: str) -> tuple[list[Block], list[str]]:
    """The blocks without the heading that is the title; and the texts of the headings.

    The title is the heading that says so, or the only h1 if it comes first.
    """
    headings = [(at, block) for at, block in enumerate(blocks) if block.kind is BlockKind.HEADING]
    same = [at for at, block in headings if block.text.casefold() == title.casefold()]
    tops = [at for at, block in headings if block.level == 1]
    if not same and len(tops) == 1 and headings[0][0] == tops[0] and role(blocks[tops[0]].text) is None:
        same = tops
    kept = [block for at, block in enumerate(blocks) if at not in same[:1]]
    return kept, [block.text for _, block in headings]


def _article(root: Element) -> Element:
    """The element that holds the paper: <article> or <main> if most paragraphs are in it, else the smallest
    element of which that is true."""
    body = next(root.iter("body"), root)
    total = _weight(body)
    if not total:
        return body
    candidates: Iterable[Element]
    by_role = (element for element in root.iter() if element.get("role") == "main")
    for candidates in (root.iter("article"), root.iter("main"), by_role):
        best = max(candidates, key=_weight, default=None)
        if best is not None and _weight(best) >= _HALF * total:
            return best
    element = body
    while True:
        heavier = [
            child for child in element if isinstance(child.tag, str) and _weight(child) >= _MOST * total
        ]
        if not heavier or heavier[0].tag not in (
            "div",
            "section",
            "td",
            "tr",
            "table",
            "tbody",
            "center",
            "main",
        ):
            return element
        element = heavier[0]


def _weight(element: Element) -> int:
    """Characters in the paragraphs of an element."""
    return sum(len(all_words(paragraph)) for paragraph in element.iter("p"))
