"""From a tree of HTML to blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from index.parse.blocks import Block, BlockKind, RunningText
from index.parse.builder import plain

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_DROPPED = frozenset(
    "annotation annotation-xml aside audio button canvas datalist dialog embed footer form frame frameset "
    "head header iframe input link map meta nav noscript object script select style svg template textarea "
    "title video".split()
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark math mi mn mo mrow "
    "msub msup mtext q rp rt ruby s samp semantics small span strike strong sub sup time tt u var wbr".split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MIN_ALT_WORDS = 3


def _dropped(element: Element) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in _DROPPED or element.get("hidden") is not None:
        return True
    return bool(_HIDDEN.search(element.get("style", ""))) and tag not in ("html", "body")


def html_blocks(root: Element) -> list[Block]:
    """The blocks under an element, in order: what is hidden or belongs to the site is left out."""
    return _Walker().walk(root)


def all_words(element: Element) -> str:
    """Every character under an element, white space included."""
    return "".join(map(str, element.itertext()))


class _Walker:
    """From a tree to blocks by start and end events, so that no depth of nesting can exhaust the stack."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._text = RunningText()
        self._links: list[str] = []
        self._depth = 0  # of lists
        self._items: list[str] = []
        self._item_links: list[str] = []
        self._new_item = False
        self._first: int | None = None  # number of the list's first item
        self._breaks = 0

    def walk(self, root: Element) -> list[Block]:
        events = etree.iterwalk(root, events=("start", "end"))
        skipped: Element | None = None
        for event, element in events:
            if event == "start":
                if (element is not root and _dropped(element)) or self._whole(element):
                    skipped = element
                    events.skip_subtree()
                else:
                    self._start(element)
            else:
                if skipped is None:
                    self._end(element)
                skipped = None
                if element is not root and element.tail:
                    self._words(element.tail)
        self._flush()
        self._end_list()
        return self._blocks

    def _words(self, text: str) -> None:
        if not text.isspace():
            self._breaks = 0
        self._text.add(text)

    def _whole(self, element: Element) -> bool:
        """Elements read at one go: data tables, figures, preformatted text, formulas with their own words."""
        tag = element.tag
        if tag == "table" and _is_data(element):
            self._flush()
            self._end_list()
            self._blocks.append(_table(element))
        elif tag == "figure":
            self._flush()
            self._end_list()
            self._blocks.extend(_figure(element))
        elif tag == "pre":
            self._flush()
            self._pre(element)
        elif tag == "math" and element.get("alttext"):
            from index.parse.latex import readable

            self._text.add(readable(element.get("alttext", "")))
        elif tag == "img":
            self._image(element)
        else:
            return False
        return True

    def _start(self, element: Element) -> None:
        tag = element.tag
        if tag == "br":
            self._breaks += 1
            if self._breaks > 1:  # how old pages divide paragraphs
                self._flush()
            self._text.add(" ")
            return
        if tag == "sup":
            self._text.start_raised()
        elif tag == "a":
            self._links.append(element.get("href", ""))
        elif tag not in _INLINE:
            self._flush()
            if tag in ("ul", "ol", "dl"):
                start = element.get("start", "1")
                # The numbers of nested lists would mix.
                numbered = tag == "ol" and not self._depth and start.isdecimal() and len(start) < 6
                self._first = int(start) if numbered else None
                self._depth += 1
            elif tag in ("li", "dt"):
                self._new_item = True
            elif tag in _HEADINGS:
                self._end_list()
        self._words(element.text or "")

    def _end(self, element: Element) -> None:
        tag = element.tag
        if tag == "sup":
            self._text.end_raised()
        elif tag in _HEADINGS:
            text = self._text.take()
            self._links.clear()
            if text:
                self._blocks.append(Block(BlockKind.HEADING, (text,), level=int(tag[1])))
        elif tag not in _INLINE and tag != "br":
            if tag == "dt":
                self._text.add(":")
            self._flush()
            if tag in ("ul", "ol", "dl"):
                self._depth -= 1
                if not self._depth:
                    self._end_list()

    def _flush(self) -> None:
        """Ends the paragraph or the part of a list item that is being collected."""
        text, links = self._text.take(), " ".join(self._links)
        self._links.clear()
        self._breaks = 0
        if not text or text == ":":
            return
        if not self._depth:
            self._blocks.append(Block(BlockKind.PARAGRAPH, (text,), links=(links,)))
        elif self._new_item or not self._items:
            self._items.append(text)
            self._item_links.append(links)
            self._new_item = False
        else:
            self._items[-1] += " " + text
            self._item_links[-1] += " " + links

    def _end_list(self) -> None:
        if self._items:
            items, links = tuple(self._items), tuple(self._item_links)
            self._blocks.append(Block(BlockKind.LINES, items, links=links, first=self._first))
        self._items, self._item_links, self._first = [], [], None

    def _pre(self, element: Element) -> None:
        lines = tuple(line for line in all_words(element).splitlines() if plain(line))
        if self._depth:
            self._items.extend(lines)
            self._item_links.extend("" for _ in lines)
        elif lines:
            self._blocks.append(Block(BlockKind.LINES, lines))

    def _image(self, element: Element) -> None:
        alt = plain(element.get("alt", ""))
        if len(alt.split()) >= _MIN_ALT_WORDS:
            self._flush()
            self._end_list()
            self._blocks.append(Block(BlockKind.FIGURE, (alt,)))


def _inline(element: Element, without: frozenset[str] = frozenset()) -> str:
    """The words of an element on one line, superscripts made readable; hidden parts and the tags `without`
    left out."""
    words = RunningText()
    events = etree.iterwalk(element, events=("start", "end"))
    skipped: Element | None = None
    for event, inner in events:
        if event == "start":
            if inner is not element and (inner.tag in without or _dropped(inner)):
                skipped = inner
                events.skip_subtree()
                continue
            if inner.tag == "sup":
                words.start_raised()
            elif inner.tag not in _INLINE:
                words.add(" ")
            words.add(inner.text or "")
        else:
            if skipped is None:
                if inner.tag == "sup":
                    words.end_raised()
                elif inner.tag not in _INLINE:
                    words.add(" ")
            skipped = None
            if inner is not element:
                words.add(inner.tail or "")
    return words.take()


def _is_data(table: Element) -> bool:
    """Whether a table shows data; one that holds headings, lists, paragraphs in rows of one cell or other
    tables arranges the page."""
    if table.get("role") in ("presentation", "none"):
        return False
    inside = table.iter("table", "h1", "h2", "h3", "h4", "article")
    if sum(1 for _ in inside) > 1:  # the table itself is the first
        return False
    return any(len(row.findall("td")) + len(row.findall("th")) > 1 for row in table.iter("tr"))


def _rows(table: Element) -> Iterator[str]:
    for row in table.iter("tr"):
        cells = [_inline(cell) for cell in row if cell.tag in ("td", "th") and not _dropped(cell)]
        if any(cells):
            yield " | ".join(cells)


def _table(table: Element, caption: str = "") -> Block:
    own = table.find("caption")
    stated = _inline(own) if own is not None else ""
    return Block(BlockKind.TABLE, tuple(_rows(table)), caption=caption or stated)


def _figure(figure: Element) -> Iterator[Block]:
    """A figure with its caption; a table within a figure takes the caption."""
    caption = " ".join(text for text in map(_inline, figure.iter("figcaption")) if text)
    tables = [table for table in figure.iter("table") if not any(True for _ in table.iterancestors("table"))]
    for table in tables:
        yield _table(table, caption)
    alts = [plain(image.get("alt", "")) for image in figure.iter("img")]
    alts = [alt for alt in alts if len(alt.split()) >= _MIN_ALT_WORDS and alt not in caption]
    loose = [text for text in (_inline(figure, without=frozenset(("figcaption", "table"))),) if text]
    if not tables and (caption or alts or loose):
        yield Block(
            BlockKind.FIGURE,
            tuple(alts + loose) if caption else tuple(alts[1:] + loose),
            caption=caption or next(iter(alts), ""),
        )
    elif loose:
        yield Block(BlockKind.PARAGRAPH, tuple(loose))
