"""A paper's whole text with one place highlighted, scrolled to that place."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.clean import clean

if TYPE_CHECKING:
    from index.model import Section, Span

# Bold on a ground of its own: seen in every theme, and as another grey where there is no colour.
HIGHLIGHT = "bold auto 90% on $warning"
_HEADING = "bold $text-primary"
_OTHER = "underline"
_FOUND = "reverse"
_FOUND_HERE = "bold reverse underline"
_MOST_FOUND = 500
_GROUP = 4_000  # characters in one widget: one for each block would be slow, one for all as well
_BLANK_LINE = "\n\n"

Styled = tuple[int, int, str]  # start and end in the raw text, style


class PaperText(VerticalScroll):
    """Text in a few widgets; any place of it can be scrolled to, and words in it found."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._parts: list[tuple[int, int, Static]] = []
        self._styled: list[Styled] = []
        self._found: list[tuple[int, int]] = []
        self._at = 0  # the one of those that is shown
        self._shown = 0  # the offset that was last scrolled to
        self._quote = 0

    async def show(
        self, text: str, sections: Sequence[Section], quote: Span, others: Sequence[Span] = ()
    ) -> None:
        """Replaces what is shown. `quote` must lie in the text; `others` are quoted as well."""
        await self.clear()
        blocks = list(blocks_of(text))
        self._text, self._quote = text, quote.start
        self._styled = [(start, end, _HEADING) for start, end in headings_of(blocks, sections)]
        self._styled += [(other.start, other.end, _OTHER) for other in others]
        self._styled.append((quote.start, quote.end, HIGHLIGHT))
        groups = list(groups_of(blocks, quote))
        self._parts = [
            (start, end, Static(self._content(start, end), classes="block")) for start, end in groups
        ]
        await self.mount_all([widget for _, _, widget in self._parts])
        self._shown = quote.start
        self.call_after_refresh(self._scroll)

    def _content(self, start: int, end: int) -> Content:
        found = [(s, e, _FOUND_HERE if i == self._at else _FOUND) for i, (s, e) in enumerate(self._found)]
        return rendered(self._text, start, end, [*self._styled, *found])

    async def say(self, message: Content) -> None:
        """Shows a message in place of a text."""
        await self.clear()
        await self.mount(Static(message, classes="notice"))

    async def clear(self) -> None:
        """Shows nothing."""
        self._text, self._parts, self._styled, self._found = "", [], [], []
        await self.remove_children()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Lines break elsewhere now."""
        self.call_after_refresh(self._scroll)

    def go_to_quote(self) -> None:
        """Scrolls so that the quote begins in the upper third."""
        self.go_to(self._quote)

    def go_to(self, offset: int) -> None:
        """Scrolls so that this place of the text stands in the upper third."""
        self._shown = offset
        self._scroll()

    def _scroll(self) -> None:
        part = next((p for p in self._parts if self._shown < p[1]), None)
        if part is None or not part[2].content_size.width:
            return
        start, _, widget = part
        top = widget.virtual_region.y + widget.gutter.top + self._line(start, widget)
        self.scroll_to(y=max(0, top - self.size.height // 4), animate=False)

    def _line(self, start: int, widget: Static) -> int:
        """The line of the widget, from 0, on which the offset stands: that of the word that ends there."""
        end = self._shown + 1
        while end < len(self._text) and not self._text[end].isspace():
            end += 1
        before = Content(clean(self._text[start:end]))
        return max(0, len(before.wrap(widget.content_size.width)) - 1)

    def find(self, words: str) -> int:
        """Marks where these words stand, in either case, and goes to the first place from here on."""
        pattern = r"\s+".join(re.escape(word) for word in words.split())
        every = re.finditer(pattern, self._text, re.IGNORECASE) if pattern else iter(())
        self._found = [found.span() for found in islice(every, _MOST_FOUND)]
        self._at = next((i for i, (start, _) in enumerate(self._found) if start >= self._shown), 0)
        self._mark()
        return len(self._found)

    def step(self, by: int) -> int:
        """Goes to the next place that was found, round the end; its number from 1, 0 where there is none."""
        if not self._found:
            return 0
        self._at = (self._at + by) % len(self._found)
        self._mark()
        return self._at + 1

    def _mark(self) -> None:
        for start, end, widget in self._parts:
            widget.update(self._content(start, end))
        if self._found:
            self.go_to(self._found[self._at][0])

    @property
    def found(self) -> tuple[int, int]:
        """Which of the places that were found is shown, from 1, and how many there are."""
        return (self._at + 1 if self._found else 0), len(self._found)


def blocks_of(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each block; blocks are separated by a blank line."""
    start = 0
    while start < len(text):
        end = text.find(_BLANK_LINE, start)
        end = len(text) if end < 0 else end
        if end > start:
            yield start, end
        start = end + len(_BLANK_LINE)


def headings_of(blocks: Sequence[tuple[int, int]], sections: Sequence[Section]) -> Iterator[tuple[int, int]]:
    """The blocks that are titles and headings: those stand outside of every section."""
    spans = sorted(section.span for section in sections)
    for start, end in blocks:
        before = bisect_left(spans, end, key=lambda span: span.start)
        if not before or spans[before - 1].end <= start:
            yield start, end


def groups_of(blocks: Sequence[tuple[int, int]], quote: Span) -> Iterator[tuple[int, int]]:
    """Runs of blocks: those that hold the quote in a run of their own, the others some pages at a time."""
    start: int | None = None
    last_end = 0
    held = False
    for block_start, block_end in blocks:
        holds = block_start < quote.end and quote.start < block_end
        if start is not None and (holds != held or (not holds and last_end - start > _GROUP)):
            yield start, last_end
            start = None
        if start is None:
            start = block_start
        last_end, held = block_end, holds
    if start is not None:
        yield start, last_end


def rendered(text: str, start: int, end: int, styled: Sequence[Styled]) -> Content:
    """The characters from `start` to `end`, cleaned piece by piece so that no offset moves under a style."""
    here = [(max(s, start), min(e, end), style) for s, e, style in styled if s < end and start < e]
    cuts = sorted({start, end, *(s for s, _, _ in here), *(e for _, e, _ in here)})
    parts: list[str | tuple[str, str]] = []
    for left, right in pairwise(cuts):
        style = " ".join(style for s, e, style in here if s <= left and right <= e)
        piece = clean(text[left:right])
        parts.append((piece, style) if style else piece)
    return Content.assemble(*parts)
