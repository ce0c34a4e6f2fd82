"""JATS and NLM XML, the format of PubMed Central and most open publishers, made a paper.

Nothing outside of the file is ever read: no DTD, no external entity, no network; entities that a file
declares itself are never expanded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lxml import etree

from index.errors import ParseError
from index.model import Format, Paper, SectionKind
from index.parse.builder import TextBuilder
from index.parse.jats_front import read_record, read_references
from index.parse.jats_inline import FLOATS, flow, raw_text, text_of
from index.parse.jats_table import table_rows
from index.parse.jats_xml import find_article, read_tree

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_HEAD = frozenset(("title", "label", "sec-meta"))
_CAPTIONED = frozenset(("label", "caption", "title"))
_BOILERPLATE = "Click here for additional data file."  # PubMed Central's own words, not the authors'
_RESPONSES = ("sub-article", "response")


def parse_jats(data: bytes) -> Paper:
    """The paper in a JATS or NLM XML file.

    Raises ParseError if the file is not well-formed XML, is no JATS article, or holds neither an
    abstract nor a body. An article without a body gives a paper with `body_missing`.
    """
    root = read_tree(data)
    article, notes = find_article(root)
    record = read_record(article)
    builder = TextBuilder()
    builder.heading(record.title)
    layout = _Layout(builder)
    layout.abstracts(article)
    of_abstract = layout.blocks
    layout.body(article)
    has_body = layout.blocks > of_abstract
    if not layout.blocks:
        raise ParseError(
            "a JATS article without abstract and without body text",
            "Look for the full text at the publisher, or add the PDF.",
        )
    layout.back(article)
    text, sections, _ = builder.finish()
    if not has_body:
        notes.append("the file holds the abstract only, no full text")
    if (
        article.find("front/article-meta/related-article[@related-article-type='retraction-forward']")
        is not None
    ):
        notes.append("this paper was retracted")
    responses = sum(1 for child in article if child.tag in _RESPONSES)
    if responses:
        notes.append(f"left out: {responses} further texts in the file (reviews, replies or translations)")
    parts = [part for tag in ("body", "floats-group", "back") for part in article.findall(tag)]
    return Paper(
        record=record,
        text=text,
        sections=sections,
        format=Format.JATS,
        references=read_references(parts),
        body_missing=not has_body,
        notes=tuple(notes),
    )


# --- the text ---------------------------------------------------------------------------------------


# What a part without any heading is called, so that every citation says where its words stand.
_UNTITLED = {SectionKind.BODY: "Main text", SectionKind.BACK: "Notes"}


class _Place(NamedTuple):
    """Where words go: what a section is known by."""

    path: tuple[str, ...]
    kind: SectionKind
    caption: str = ""

    def below(self, name: str) -> _Place:
        return _Place((*self.path, name), self.kind) if name else self


_DEFAULT_TITLES = {
    "ack": "Acknowledgements",
    "app": "Appendix",
    "bio": "About the authors",
    "fn-group": "Notes",
    "glossary": "Abbreviations",
}
_FOOTNOTE_TITLES = {
    "coi-statement": "Competing interests",
    "conflict": "Competing interests",
    "con": "Author contributions",
    "financial-disclosure": "Funding",
    "funding": "Funding",
    "supported-by": "Funding",
}
_ABSTRACT_TITLES = {
    "author-highlights": "Highlights",
    "editor": "Editor's summary",
    "editors-summary": "Editor's summary",
    "key-points": "Key points",
    "plain-language-summary": "Plain language summary",
    "teaser": "In brief",
    "toc": "In brief",
}
_MAIN_ABSTRACT = ("", "normal", "web-summary")
_LISTS = frozenset(("list", "def-list"))
_ORDERED = {"order", "ordered", "alpha-lower", "alpha-upper", "roman-lower", "roman-upper", "number"}


class _Layout:
    """Lays the elements of an article out as blocks in sections, in the order of the file."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._open: _Place | None = None
        self._last_heading = ""
        self.blocks = 0  # written so far
        self._handlers: dict[str, Callable[[etree._Element, _Place], None]] = {
            "app-group": self._flow,
            "array": self._rows,
            "boxed-text": self._box,
            "code": self._preformatted,
            "def-list": self._list,
            "disp-formula": self._formula,
            "fig": self._figure,
            "fig-group": self._figure,
            "fn-group": self._titled,
            "fn": self._footnote,
            "list": self._list,
            "media": self._captioned,
            "preformat": self._preformatted,
            "ref-list": self._nothing,
            "sec": self._titled,
            "speech": self._speech,
            "statement": self._captioned,
            "supplementary-material": self._captioned,
            "table": self._rows,
            "table-wrap": self._table,
            "table-wrap-group": self._table,
            "tgroup": self._rows,
            "verse-group": self._verse,
        }

    # --- parts of an article

    def abstracts(self, article: etree._Element) -> None:
        """All abstracts, the main one first; a translation only where there is no English one."""
        meta = article.find("front/article-meta")
        if meta is None:
            return
        own_language = article.get(_LANGUAGE) or "en"
        found = [*meta.findall("abstract"), *meta.findall("trans-abstract")]
        english = [a for a in found if (a.get(_LANGUAGE) or own_language).lower().startswith("en")]
        kept = [a for a in found if a.tag == "abstract" or a in english or not english]
        for abstract in sorted(kept, key=lambda a: a.tag != "abstract" or _abstract_type(a) != ""):
            place = _Place((_abstract_title(abstract),), SectionKind.ABSTRACT)
            if text_of(abstract, without=_HEAD):
                self._heading(place.path[-1])
                self._flow(abstract, place)

    def body(self, article: etree._Element) -> None:
        """The body, then the tables and figures that the file keeps apart from it."""
        for tag in ("body", "floats-group"):
            for part in article.findall(tag):
                self._flow(part, _Place((), SectionKind.BODY))

    def back(self, article: etree._Element) -> None:
        """What follows the body, then what the authors state in the front matter: interests, funding."""
        place = _Place((), SectionKind.BACK)
        for part in article.findall("back"):
            for child in part:
                if isinstance(child.tag, str) and child.tag != "ref-list":
                    self._element(child, place)
        for notes in article.findall("front/notes"):
            self._titled(notes, place)
        stated: dict[str, str] = {}
        for note in article.iterfind("front/article-meta/author-notes/fn"):
            title = _footnote_title(note)
            if title:
                stated.setdefault(text_of(note, without=_HEAD), title)
        for statement in article.iterfind("front/article-meta/funding-group/funding-statement"):
            stated.setdefault(text_of(statement), "Funding")
        for text, title in stated.items():
            self._heading(title)
            self._block(text, place.below(title))

    # --- writing

    def _enter(self, place: _Place) -> None:
        if not place.path:
            name = _UNTITLED[place.kind]
            place = place.below(name)
            if self._last_heading != name:
                self._heading(name)
        if place != self._open:
            self._builder.section(place.path, place.kind, caption=place.caption)
            self._open = place

    def _heading(self, text: str) -> None:
        self._builder.heading(text)
        self._last_heading = text
        self._open = None

    def _block(self, text: str, place: _Place) -> None:
        text = text.replace(_BOILERPLATE, "")
        if any(c.isalnum() for c in text):
            self._enter(place)
            self.blocks += self._builder.block(text) is not None

    def _lines(self, lines: Iterable[str], place: _Place) -> None:
        kept = [line for line in lines if any(c.isalnum() for c in line)]
        if kept:
            self._enter(place)
            self.blocks += self._builder.lines(kept) is not None

    # --- elements

    def _element(self, element: etree._Element, place: _Place) -> None:
        handler = self._handlers.get(str(element.tag))
        if handler is None:
            handler = self._titled if element.tag in _TITLED else self._flow
        handler(element, place)

    def _flow(self, element: etree._Element, place: _Place, skip: frozenset[str] = _HEAD) -> None:
        """Inline runs as paragraphs, block elements each by its own rule."""
        after_block = False
        for part in flow(element, skip):
            if isinstance(part, str):
                # After a formula, the comma that belonged to it would begin the paragraph.
                self._block(part.lstrip(" \n\t,.;") if after_block else part, place)
                continue
            self._element(part, place)
            after_block = True

    def _nothing(self, element: etree._Element, place: _Place) -> None:
        """For what is data, not text: references."""

    def _titled(self, element: etree._Element, place: _Place) -> None:
        if not text_of(element, without=_HEAD | {"ref-list"}):
            return
        title = _title_of(element)
        if not title and any(child.tag not in _TITLED and child.tag != "sec" for child in element):
            title = _DEFAULT_TITLES.get(str(element.tag), "")
        if title:
            self._heading(title)
        self._flow(element, place.below(title))

    def _footnote(self, element: etree._Element, place: _Place) -> None:
        label, words = text_of(element.find("label")), text_of(element, without=_HEAD)
        title = _title_of(element, label=False) or _FOOTNOTE_TITLES.get(
            (element.get("fn-type") or "").lower(), ""
        )
        if title and words:
            self._heading(title)
        self._block(f"{label} {words}" if words else "", place.below(title))

    def _box(self, element: etree._Element, place: _Place) -> None:
        label, caption = text_of(element.find("label")), element.find("caption")
        title = text_of(caption.find("title")) if caption is not None else text_of(element.find("title"))
        heading = _joined(label, title)
        if heading:
            self._heading(heading)
        sections = element.findall("sec")
        name = heading.rstrip(" :.") or ("" if len(sections) == 1 and _title_of(sections[0]) else "Box")
        inside = place._replace(kind=SectionKind.BOX, caption="").below(name)
        self._open = None
        if caption is not None:
            self._flow(caption, inside)
        self._flow(element, inside, _CAPTIONED)
        self._open = None

    def _figure(self, element: etree._Element, place: _Place) -> None:
        label, words = text_of(element.find("label")), _caption_words(element)
        caption = _joined(label, words)
        inside = _Place((*place.path, label.rstrip(" :.") or "Figure"), SectionKind.FIGURE, caption)
        self._open = None
        if words:
            self._block(caption, inside)
        self._flow(element, inside if element.tag == "fig" else place, _CAPTIONED)
        self._open = None

    def _table(self, element: etree._Element, place: _Place) -> None:
        label, words = text_of(element.find("label")), _caption_words(element)
        caption = _joined(label, words)
        inside = _Place((*place.path, label.rstrip(" :.") or "Table"), SectionKind.TABLE, caption)
        self._open = None
        if words or element.tag == "table-wrap":
            self._block(caption, inside)
        self._flow(
            element, inside if element.tag == "table-wrap" else place, _CAPTIONED | {"table-wrap-foot"}
        )
        for foot in element.findall("table-wrap-foot"):
            self._lines(_footnote_lines(foot), inside)
        self._open = None

    def _rows(self, element: etree._Element, place: _Place) -> None:
        self._lines(table_rows(element, text_of), place)

    def _captioned(self, element: etree._Element, place: _Place) -> None:
        label = text_of(element.find("label"))
        self._block(_joined(label, _caption_words(element) or text_of(element.find("title"))), place)
        self._flow(element, place, _CAPTIONED)

    def _formula(self, element: etree._Element, place: _Place) -> None:
        label = text_of(element.find("label"))
        self._block(f"{text_of(element, without=_HEAD)} {label}", place)

    def _preformatted(self, element: etree._Element, place: _Place) -> None:
        self._lines(raw_text(element).splitlines(), place)

    def _speech(self, element: etree._Element, place: _Place) -> None:
        speaker = text_of(element.find("speaker")).rstrip(":")
        self._block(f"{speaker}: {text_of(element, without=frozenset(('speaker',)))}", place)

    def _verse(self, element: etree._Element, place: _Place) -> None:
        self._lines((text_of(line) for line in element.iter("title", "verse-line", "attrib")), place)

    def _list(self, element: etree._Element, place: _Place) -> None:
        floats: list[etree._Element] = []
        lines: list[str] = []
        self._block(_title_of(element), place)
        _list_lines(element, lines, floats)
        self._lines(lines, place)
        for item in floats:
            self._element(item, place)


_TITLED = frozenset("ack app bio glossary notes".split())


def _title_of(element: etree._Element, *, label: bool = True) -> str:
    """Label and title of a section as one heading, without the colon or full stop at its end."""
    parts = [text_of(element.find("label")) if label else "", text_of(element.find("title"))]
    return " ".join(filter(None, parts)).rstrip(" :.") if parts[1] else ""


def _joined(label: str, words: str) -> str:
    """ "Table 2. Baseline": a label set apart from what it labels."""
    if not label or not words:
        return label or words
    return f"{label} {words}" if not label[-1].isalnum() else f"{label}. {words}"


def _caption_words(element: etree._Element) -> str:
    """Title and paragraphs of a caption as one line."""
    caption = element.find("caption")
    if caption is None:
        return ""
    title, rest = text_of(caption.find("title")), text_of(caption, without=frozenset(("title",)))
    return _joined(title, rest).replace(_BOILERPLATE, "").strip()


def _footnote_lines(foot: etree._Element) -> Iterator[str]:
    for part in flow(foot, frozenset(("title",))):
        if isinstance(part, str):
            yield part
        elif part.tag == "fn-group":
            yield from _footnote_lines(part)
        else:
            yield f"{text_of(part.find('label'))} {text_of(part, without=frozenset(('label',)))}"


def _footnote_title(note: etree._Element) -> str:
    return _FOOTNOTE_TITLES.get((note.get("fn-type") or "").lower(), "")


def _abstract_type(abstract: etree._Element) -> str:
    kind = (abstract.get("abstract-type") or "").lower()
    return "" if kind in _MAIN_ABSTRACT else kind


def _abstract_title(abstract: etree._Element) -> str:
    kind, title = _abstract_type(abstract), _title_of(abstract)
    if not kind:
        return "Abstract" if title.lower() in ("", "abstract", "summary") else title
    return title or _ABSTRACT_TITLES.get(kind, kind.replace("-", " ").capitalize())


def _list_lines(element: etree._Element, lines: list[str], floats: list[etree._Element]) -> None:
    """Appends the items of a list, nested ones in their place; what cannot stand in a line to `floats`."""
    if element.tag == "def-list":
        for entry in element:
            if entry.tag == "def-list":
                _list_lines(entry, lines, floats)
            elif entry.tag == "p":
                lines.append(text_of(entry))
            elif entry.tag == "def-item":
                terms = ", ".join(text_of(term) for term in entry.findall("term"))
                meaning = text_of(entry, without=frozenset(("term", "label")))
                lines.append(f"{terms}: {meaning}" if terms and meaning else terms or meaning)
        return
    ordered = element.get("list-type") in _ORDERED
    for number, item in enumerate(element.findall("list-item"), start=1):
        mark = text_of(item.find("label")) or (f"{number}." if ordered else "•")
        lines.append(f"{mark} ")
        _item_words(item, lines, floats)


def _item_words(element: etree._Element, lines: list[str], floats: list[etree._Element]) -> None:
    for part in flow(element, _HEAD if element.tag == "list-item" else frozenset()):
        if isinstance(part, str):
            lines[-1] += f" {part}"
        elif part.tag in _LISTS:
            _list_lines(part, lines, floats)
            lines.append("")
        elif part.tag == "p":
            _item_words(part, lines, floats)
        elif part.tag in FLOATS:
            floats.append(part)
        else:
            lines[-1] += f" {text_of(part)}"
