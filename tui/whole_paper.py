"""A paper opened at its beginning, with nothing quoted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.model import Span
from tui.widgets.place import Place

if TYPE_CHECKING:
    from index.library import Library
    from index.reader import StoredPaper


class WholePaper(Place):
    """A place at the very beginning."""

    __slots__ = ()

    @property
    def verdict_words(self) -> str:
        """Nothing is claimed."""
        return ""


def beginning(library: Library, paper: StoredPaper) -> Place:
    """The paper's beginning for the reader: the break after the title, so that no word is highlighted."""
    with library.read() as reader:
        text = reader.text(paper.id)
    at = max(0, text.find("\n\n"))
    span = Span(at, at + 1)
    return WholePaper(1, paper, "", None, span.of(text), span, None)
