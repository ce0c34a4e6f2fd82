"""A paper's whole text with one place highlighted, scrolled to that place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
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
_GROUP = 4_000  # characters in one widget: one for each block would be slow, one for all as well
_BLANK_LINE = "\n\n"

Styled = tuple[int, int, str]  # start and end in the raw text, style


class PaperText(VerticalScroll):
    """Text in a few widgets; the one with the quote is known, and the quote's line in it is found."""

    def __init__(self) -> None:
        super().__init__()
        self._target: Static | None = None

    async def show(self, text: str, sections: Sequence[Section], quote: Span) -> None:
        """Replaces what is shown. `quote` must lie in the text."""
        await self.clear()
        blocks = list(blocks_of(text))
        styled = [(start, end, _HEADING) for start, end in headings_of(blocks, sections)]
        styled.append((quote.start, quote.end, HIGHLIGHT))
        widgets: list[Static] = []
        target: Static | None = None
        for start, end in groups_of(blocks, quote):
            widget = Static(rendered(text, start, end, styled), classes="block")
            widgets.append(widget)
            if target is None and quote.start < end:
                target = widget
        await self.mount_all(widgets)
        self._target = target
        self.call_after_refresh(self.go_to_quote)

    async def say(self, message: Content) -> None:
        """Shows a message in place of a text."""
        await self.clear()
        await self.mount(Static(message, classes="notice"))

    async def clear(self) -> None:
        """Shows nothing."""
        self._target = None
        await self.remove_children()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Lines break elsewhere now."""
        self.call_after_refresh(self.go_to_quote)

    def go_to_quote(self) -> None:
        """Scrolls so that the quote begins in the upper third."""
        target = self._target
        if target is None or not target.content_size.width:
            return
        top = target.virtual_region.y + target.gutter.top + quote_line(target)
        self.scroll_to(y=max(0, top - self.size.height // 4), animate=False)


def quote_line(target: Static) -> int:
    """The line of the widget, from 0, on which the quote begins."""
    content = target.content
    if not isinstance(content, Content):
        return 0
    lines = content.wrap(target.content_size.width)
    return next(
        (i for i, wrapped in enumerate(lines) if any(span.style == HIGHLIGHT for span in wrapped.spans)), 0
    )


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
