"""Builds a paper's text block by block, so that every parser lays it out alike and no span is guessed.

This is also where hostile characters end: control characters, bidi overrides and lone surrogates are
left out as the text is built, so nothing has to be cleaned afterwards and no offset ever moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from index.model import Page, Section, SectionKind, Span

# C0 but newline and tab, DEL, C1, lone surrogates, bidi controls and marks, zero-width characters, the
# byte-order mark, soft hyphens, non-characters. A terminal obeys some of these and a reader sees none.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_BREAKS = re.compile("[\r\n\x0b\x0c\x85\u2028\u2029]+")
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    """One line of harmless text: white space folded to single blanks, hostile characters left out."""
    return _SPACES.sub(" ", _HOSTILE.sub("", _BREAKS.sub(" ", text))).strip()


class TextBuilder:
    """Collects blocks and remembers where they went.

    Open a section with `section()`, add blocks with `block()` and `lines()`; a section that got no block
    leaves no trace but its heading. Offsets returned are final.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._pages: list[Page] = []
        self._open: tuple[tuple[str, ...], SectionKind, str, int | None, int] | None = None

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    def _append(self, text: str) -> Span:
        if self._length:
            self._parts.append("\n\n")
            self._length += 2
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        return Span(start, self._length)

    def heading(self, text: str) -> Span | None:
        """A block outside of every section: a title or a heading. Ends the section that is open."""
        self.end_section()
        line = plain(text)
        return self._append(line) if line else None

    def section(
        self,
        path: Iterable[str],
        kind: SectionKind = SectionKind.BODY,
        *,
        caption: str = "",
    ) -> None:
        """Ends the section that is open and opens another; its heading is not written by this call."""
        self.end_section()
        clean_path = tuple(part for part in (plain(p) for p in path) if part)
        self._open = (clean_path, kind, plain(caption), None, 0)

    def end_section(self) -> None:
        """Closes the open section, if it holds anything."""
        if self._open is None:
            return
        path, kind, caption, start, end = self._open
        self._open = None
        if start is not None:
            self._sections.append(Section(path, Span(start, end), kind, caption))

    def _extend(self, span: Span) -> Span:
        if self._open is None:
            self._open = ((), SectionKind.BODY, "", None, 0)
        path, kind, caption, start, _ = self._open
        self._open = (path, kind, caption, span.start if start is None else start, span.end)
        return span

    def block(self, text: str) -> Span | None:
        """A paragraph in the open section (an unnamed one if none is open); None if nothing is left."""
        line = plain(text)
        return self._extend(self._append(line)) if line else None

    def lines(self, items: Iterable[str]) -> Span | None:
        """A list or the rows of a table: one block, one item a line."""
        rows = [row for row in (plain(item) for item in items) if row]
        return self._extend(self._append("\n".join(rows))) if rows else None

    def page(self, number: int, start: int, end: int) -> None:
        """Records that the characters from `start` to `end` stand on page `number`."""
        self._pages.append(Page(number, Span(start, end)))

    def finish(self) -> tuple[str, tuple[Section, ...], tuple[Page, ...]]:
        """The whole text, the sections in order, the pages in order."""
        self.end_section()
        return "".join(self._parts), tuple(self._sections), tuple(self._pages)
