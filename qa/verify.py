"""Re-finds quotes in the text of their paper. What is not found exactly is not shown as evidence."""

from __future__ import annotations

from index.model import Page, Span


def stands_at(text: str, span: Span, quote: str) -> bool:
    """Whether the paper's text at `span` is the quote, to the character."""
    return bool(quote) and 0 <= span.start < span.end <= len(text) and span.of(text) == quote


def page_of(pages: list[Page], span: Span) -> int | None:
    """The page on which a quote begins; None in a paper without pages."""
    for page in reversed(pages):
        if page.span.start <= span.start:
            return page.number
    return None
