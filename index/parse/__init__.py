"""Files in, papers out. One module a format; which one is decided by content, never by name alone."""

from __future__ import annotations

from typing import Protocol

from index.errors import ParseError
from index.model import Format, Paper, Span
from index.parse.builder import plain

# The endings that a walk through a folder picks up. A file named by the user is read whatever its ending.
SUFFIXES: frozenset[str] = frozenset(
    (".md", ".markdown", ".xml", ".nxml", ".pdf", ".txt", ".text", ".html", ".htm", ".xhtml")
)
_SPOKEN = {
    Format.JATS: "JATS XML",
    Format.TOMESPHERE: "a tomesphere page",
    Format.MARKDOWN: "Markdown",
    Format.HTML: "HTML",
    Format.PDF: "PDF",
    Format.TEXT: "plain text",
}
_MAX_REASON = 200  # characters


class PdfReader(Protocol):
    """Reads PDFs: in a process of its own (PdfParser), or in one that is there for this (PdfHere)."""

    def parse(self, data: bytes) -> Paper:
        """The paper in the bytes of a PDF file. Raises ParseError with the reason if there is none."""
        ...


def parse(data: bytes, name: str, pdf: PdfReader) -> Paper:
    """The paper in a file's bytes; `name` is the file's name, for a last-resort title and close calls.

    Raises ParseError, and nothing else, for whatever the bytes are.
    """
    from index.parse.detect import recognise

    form = recognise(data, name)
    try:
        paper = _read(form, data, name, pdf)
    except ParseError:
        raise
    except Exception as error:
        # The one place where everything is caught: the libraries below raise dozens of types for hostile
        # input (lxml, markdown-it, codecs, recursion, memory), and one bad paper must not end a run
        # over thousands. The cause stays attached for a log.
        reason = plain(str(error))[:_MAX_REASON] or "its reader gave up"
        raise ParseError(
            f"could not be read as {_SPOKEN[form]}: {reason}",
            "The file may be damaged; fetch it again, or get the paper in another format.",
        ) from error
    _check(paper)
    return paper


def _read(form: Format, data: bytes, name: str, pdf: PdfReader) -> Paper:
    """Hands the bytes to the format's parser; each loads its libraries only when asked for."""
    if form is Format.PDF:
        return pdf.parse(data)
    if form is Format.JATS:
        from index.parse.jats import parse_jats

        return parse_jats(data)
    if form is Format.HTML:
        from index.parse.html import parse_html

        return parse_html(data, name)
    from index.parse.detect import decode

    text = decode(data)
    if form is Format.TOMESPHERE:
        from index.parse.tomesphere import parse_tomesphere

        return parse_tomesphere(text, name)
    if form is Format.MARKDOWN:
        from index.parse.markdown import parse_markdown

        return parse_markdown(text, name)
    from index.parse.text import parse_text

    return parse_text(text, name)


def _check(paper: Paper) -> None:
    """What everything after relies on: something to search, and sections in order inside the text."""
    end = 0
    for section in paper.sections:
        span = section.span
        if not end <= span.start < span.end <= len(paper.text):
            raise ParseError(
                "could not be read: its sections do not fit its text", "Please report this file."
            )
        end = span.end
    for item in (*paper.pages,):
        if not Span(0, len(paper.text)).contains(item.span):
            raise ParseError("could not be read: its pages do not fit its text", "Please report this file.")
    searched = (section.span.of(paper.text) for section in paper.sections if section.kind.searched)
    if not any(char.isalpha() for words in searched for char in words):
        raise ParseError(
            "no readable text: it holds no words to search", "Open the file and see what is in it."
        )
