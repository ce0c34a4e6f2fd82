"""Whether what a server sent is the paper that was asked for, whole. Each check raises FetchError if not."""

from __future__ import annotations

import re

from index.errors import FetchError, ParseError
from index.model import Format, Paper, PaperIds

_LATER = "Try again later with: citewell retry"
_BY_HAND = "Fetch it by hand, and add the file."
_PAPER_PAGE = re.compile(rb"""name\s*=\s*["']?(?:citation_title|citation_pdf_url|dc\.title)""", re.IGNORECASE)
_MAX_TITLE = 3000  # characters; the longest real ones have some 800
SUFFIX = {
    Format.JATS: ".xml",
    Format.TOMESPHERE: ".md",
    Format.MARKDOWN: ".md",
    Format.HTML: ".html",
    Format.PDF: ".pdf",
    Format.TEXT: ".txt",
}


def check_tomesphere(body: bytes, ids: PaperIds) -> None:
    """A full view of the paper with these ids."""
    from index.parse.detect import decode
    from index.parse.tomesphere import is_tomesphere, parse_tomesphere

    try:
        text = decode(body)
        if not is_tomesphere(text):
            raise FetchError("sent a page that is no paper", _LATER, temporary=True)
        paper = parse_tomesphere(text, "")
    except ParseError as error:
        raise FetchError(
            f"sent a page that cannot be read: {error.message}", _LATER, temporary=True
        ) from error
    _check_paper(paper, ids)


def check_jats(body: bytes, ids: PaperIds) -> None:
    """A well-formed article with its body."""
    from index.parse.jats import parse_jats

    try:
        paper = parse_jats(body)
    except ParseError as error:
        raise FetchError(f"sent XML that is no paper: {error.message}", _LATER, temporary=True) from error
    _check_paper(paper, ids)


def check_pdf(body: bytes) -> None:
    """A PDF from its first bytes to its end mark."""
    if b"%PDF-" not in body[:1024]:
        raise FetchError("sent what is no PDF", _LATER, temporary=True)
    if b"%%EOF" not in body[-2048:]:
        raise FetchError("sent a PDF that is cut short", _LATER, temporary=True)


def check_any(body: bytes, url: str) -> Format:
    """What a link led to, if it is a paper of some kind and whole."""
    from index.parse.detect import recognise

    try:
        form = recognise(body, url.rsplit("/", 1)[-1][:100])
    except ParseError as error:
        raise FetchError(error.message, _BY_HAND) from error
    if form is Format.PDF:
        check_pdf(body)
    elif form is Format.JATS:
        check_jats(body, PaperIds())
    elif form is Format.HTML and not _PAPER_PAGE.search(body[:200_000]):
        raise FetchError("the link leads to a web page that names no paper", _BY_HAND)
    return form


def _check_paper(paper: Paper, ids: PaperIds) -> None:
    if len(paper.record.title) > _MAX_TITLE:
        raise FetchError(f"gave a title of {len(paper.record.title):,} characters", _BY_HAND)
    if paper.body_missing:
        raise FetchError("has only a summary of it", _BY_HAND)
    own = paper.record.ids
    for asked, given in ((ids.pmcid, own.pmcid), (ids.doi, own.doi), (ids.arxiv, own.arxiv)):
        if asked and given and asked != given:
            raise FetchError(f"gave another paper, {given[:80]}", _BY_HAND)
