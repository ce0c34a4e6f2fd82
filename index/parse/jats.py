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
from index.parse.builder import TextBuilder, plain
from index.parse.jats_front import (
    FLOATS,
    flow,
    raw_text,
    read_record,
    read_references,
    text_of,
)
from index.parse.jats_table import table_rows

MAX_BYTES = 32 * 1024 * 1024
"""Larger files are refused: the tree of one takes about ten times its size in memory."""

MAX_NODES = 1_500_000
"""Files with more elements and attributes are refused; real articles reach 100,000."""

MAX_DEPTH = 100
"""Deeper nesting is refused; real articles reach 24 levels."""

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
    root = _tree(data)
    article, notes = _article(root)
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


# --- from bytes to an article -----------------------------------------------------------------------


def _tree(data: bytes) -> etree._Element:
    """The root of the file's tree, all names without namespaces. Raises ParseError."""
    if len(data) > MAX_BYTES:
        raise ParseError(
            f"larger than {MAX_BYTES // 2**20} MB of XML", "Split the file into single articles."
        )
    if data.count(b"<") + data.count(b"=") > MAX_NODES:
        raise ParseError("more elements than any article has", "Split the file into single articles.")
    if not data.strip():
        raise ParseError("the file is empty", "Download it again.")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _malformed(error, data) from None
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError(*_TOO_DEEP)
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


_TOO_DEEP = (
    f"elements nested more than {MAX_DEPTH} levels deep",
    "No article is written like that: check where the file comes from.",
)
_UNFINISHED = frozenset(
    (
        etree.ErrorTypes.ERR_TAG_NOT_FINISHED,
        etree.ErrorTypes.ERR_CDATA_NOT_FINISHED,
        etree.ErrorTypes.ERR_COMMENT_NOT_FINISHED,
        etree.ErrorTypes.ERR_PI_NOT_FINISHED,
    )
)
_CAUSES = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "no element where one should begin",
    etree.ErrorTypes.ERR_DOCUMENT_END: "more after its end",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "the end of another element than the one that was begun",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "a named character that the file does not declare",
    etree.ErrorTypes.ERR_INVALID_CHAR: "a character that XML does not allow",
    etree.ErrorTypes.ERR_INVALID_ENCODING: "bytes that do not fit its encoding",
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING: "an encoding that is not known",
    etree.ErrorTypes.ERR_ENTITY_LOOP: "entities that contain each other",
    etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "an attribute given twice",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a name prefix that is not declared",
}


def _malformed(error: etree.XMLSyntaxError, data: bytes) -> ParseError:
    """What is wrong with XML that cannot be read, without a word of the file itself."""
    line = error.lineno or 1
    code = getattr(error, "code", 0)
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        if "depth" in str(error.msg).lower():
            return ParseError(*_TOO_DEEP)
        return ParseError(f"a single text or name of many megabytes in line {line}", _TOO_DEEP[1])
    if not data.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        return ParseError(
            "not XML: the file does not begin with an element", "Check what kind of file it is."
        )
    if code in _UNFINISHED or not data.rstrip(b"\0 \t\r\n").endswith(b">"):
        return ParseError(
            f"the file is cut short: it ends in line {line} with elements open", "Download it again."
        )
    cause = _CAUSES.get(code, "something that is not well-formed")
    return ParseError(f"malformed XML: line {line} has {cause}", "Download the file again or mend it.")


def _article(root: etree._Element) -> tuple[etree._Element, list[str]]:
    """The first article at or below `root`, and what is to be said about the others."""
    found = [
        element
        for element in root.iter("article")
        if element.find("front") is not None or element.find("body") is not None
        if next(element.iterancestors("article"), None) is None
    ]
    if not found:
        name = plain(str(root.tag))[:40]
        raise ParseError(
            f"XML, but not a JATS article (root element <{name}>)", "Only JATS or NLM XML is read."
        )
    notes = [f"the file holds {len(found)} articles; only the first was taken"] if len(found) > 1 else []
    return found[0], notes


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
