"""Inline text of JATS elements: words, citation marks, superscripts, formulas, made one readable line.

Element names are bare (the reader of the file has taken the namespaces off).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from index.parse.builder import plain
from index.parse.jats_table import entity_text, math_text, tex_text

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

# Elements that stand apart from the words around them; in one line of text, blanks stand for that.
BLOCKS = frozenset(
    "ack address app app-group array bio boxed-text chem-struct-wrap code def-item def-list disp-formula "
    "disp-formula-group disp-quote fig fig-group fn-group fn glossary list media notes p preformat "
    "ref-list sec speech statement supplementary-material "
    "table table-wrap table-wrap-group tgroup verse-group".split()
)
# Blocks that a publisher sets anywhere near: they never cut a sentence in two.
FLOATS = frozenset(
    "boxed-text fig fig-group fn media supplementary-material table-wrap table-wrap-group".split()
)
_APART = BLOCKS | frozenset(
    "td th tr entry row thead tbody tfoot label title caption attrib list-item term def-head term-head "
    "speaker verse-line surname given-names institution country email".split()
)
# What has no words of the paper: pictures, identifiers, rights, index entries.
SILENT = frozenset(
    "alt-text annotation col colgroup colspec glyph-data graphic index-term inline-graphic long-desc "
    "milestone-end milestone-start object-id permissions private-char sec-meta inline-media".split()
)
# The ref-type of a mark that is no word of the sentence.
_CITING = frozenset(("bibr", "ref", "fn", "table-fn"))
_LONGEST_MARK = 100  # characters; a longer superscript is left as it is, a hostile one costs nothing
_NEVER_SCATTERED = frozenset(("abbrev", "inline-formula"))

# While a line is put together, citation marks and superscripts are held between characters that XML
# cannot hold; what becomes of them depends on what stands before and after.
_CITED, _MENTIONED, _END, _RAISED, _LOWERED = "\x01", "\x02", "\x03", "\x04", "\x05"
_SIDE_BY_SIDE = re.compile("\x03([\\s,;:–—‐‑−\x04\x05-]*)[\x01\x02]")
_MARK = re.compile("([\x01\x02])([^\x01-\x03]*)\x03")
_SUPERSCRIPT = re.compile("\x04([^\x04\x05]*)\x05")
_NUMBERS = re.compile(r"[\d\s,;*–—‐‑−-]*\d[\d\s,;*–—‐‑−-]*")
_EXPONENT = re.compile(r"[\d.,/\s+−–‐-]*[\d+−–‐-][\d.,/\s+−–‐-]*")
_WORD = re.compile("[A-Z]?[a-z]{3}|[A-Z][a-z]{2}")
_CLOSING = frozenset(".;:!?)]}”’\"'%" + _LOWERED)
_FOOTNOTE_MARK = re.compile(r"[\w\s,;*–-]{1,8}")


def text_of(element: etree._Element | None, *, without: frozenset[str] = frozenset()) -> str:
    """All words of an element as one line, formulas made linear; `without`: tags to leave out.

    Inline elements glue to the words beside them, block elements stand apart. None gives "".
    """
    if element is None:
        return ""
    parts: list[str] = []
    _collect(element, parts, raised=False, without=without)
    return plain(_resolve("".join(parts)))


def _collect(
    element: etree._Element, parts: list[str], *, raised: bool, without: frozenset[str] = frozenset()
) -> None:
    """Appends the text inside `element`. `raised`: it stands in a superscript or a citation already."""
    if element.text:
        parts.append(element.text)
    for child in element:
        if isinstance(child, etree._Entity):
            parts.append(entity_text(child.name or ""))
        elif isinstance(child.tag, str) and child.tag not in SILENT and child.tag not in without:
            collect_one(child, parts, raised=raised, without=without)
        if child.tail:
            parts.append(child.tail)


def collect_one(
    child: etree._Element, parts: list[str], *, raised: bool = False, without: frozenset[str] = frozenset()
) -> None:
    """Appends the text of one inline element, with what keeps it apart from its neighbours."""
    match child.tag:
        case "break" | "hr":
            parts.append(" ")
        case "ext-link" | "uri" if not raw_text(child).strip():
            parts.append(_web_address(child))
        case "math":
            parts.append(math_text(child))
        case "tex-math":
            parts.append(tex_text(raw_text(child)))
        case "alternatives" | "citation-alternatives" | "name-alternatives" | "aff-alternatives":
            for chosen in chosen_alternatives(child):
                collect_one(chosen, parts, raised=raised, without=without)
        case "sup" | "xref" if not raised and (mark := _mark_of(child)):
            parts.append(mark)
            _collect(child, parts, raised=True, without=without)
            parts.append(_LOWERED if mark == _RAISED else _END)
        case "xref" if raised:
            if parts and parts[-1][-1:].isdigit():
                parts.append(",")  # two citations side by side in one superscript
            _collect(child, parts, raised=True, without=without)
        case "etal":
            parts.append(text_of(child) or " et al. ")
        case "abbrev":
            meaning = child.find("def")
            _collect(child, parts, raised=raised, without=frozenset(("def",)))
            parts.append(f" ({text_of(meaning)})" if meaning is not None else "")
        case tag:
            apart = " " if tag in _APART else ""
            parts.append(apart)
            _collect(child, parts, raised=raised, without=without)
            parts.append(apart)


def _web_address(link: etree._Element) -> str:
    """Where a link without words leads: in print the address itself stands there."""
    address = link.get(XLINK_HREF) or ""
    return address if address.startswith(("http://", "https://")) else ""


def _mark_of(element: etree._Element) -> str:
    """Which pair of marks an element's text stands between, if any."""
    kind = element.get("ref-type")
    if element.tag == "sup":
        cites = next((x for x in element.iter("xref") if x.get("ref-type") in _CITING), None)
        return _RAISED if cites is None else _CITED
    if kind not in _CITING:
        return ""
    if next(element.iter("sup"), None) is not None:
        return _CITED
    content = raw_text(element)
    short = _NUMBERS if kind in ("bibr", "ref") else _FOOTNOTE_MARK
    return _MENTIONED if len(content) <= _LONGEST_MARK and short.fullmatch(content) else ""


def _resolve(line: str) -> str:
    """Writes out citation marks ("word [12,13]") and superscripts ("10^−3", "2nd")."""
    if _END in line:
        line = _SIDE_BY_SIDE.sub(lambda m: m[1] if m[1].strip("\x04\x05") else ",", line)
        line = _MARK.sub(_citation, line)
    if _RAISED in line:
        line = _SUPERSCRIPT.sub(_superscript, line.replace(_LOWERED + _RAISED, ""))
    return line


def _citation(mark: re.Match[str]) -> str:
    line = mark.string
    content = mark[2].replace(_RAISED, "").replace(_LOWERED, "").strip()
    before, after = line[max(mark.start() - 1, 0) : mark.start()] or " ", line[mark.end() : mark.end() + 1]
    if before in "([" or not any(c.isalnum() for c in content):
        return content  # in brackets already, or a sign such as * or †
    if content[0] in "([":
        return f" {content}"
    if mark[1] == _MENTIONED and not (before.isalnum() or before in _CLOSING):
        return mark[2]  # "see ref. 12": it stands in the line as a word
    return f" [{content}]" + (" " if after.isalnum() else "")


def _superscript(raised: re.Match[str]) -> str:
    line, content = raised.string, raised[1]
    before = line[max(raised.start() - 1, 0) : raised.start()]
    if len(content) > _LONGEST_MARK:
        return content
    if not before or before.isspace():  # "1Proportions were compared": the mark of a footnote
        marks = content.isalnum() and _WORD.match(line, raised.end()) is not None
        return f"{content} " if marks else content
    if (before.isalnum() or before in ")]}°%′") and _EXPONENT.fullmatch(content):
        return "^" + "".join(content.split()) + (" " if content[-1:].isspace() else "")
    if before in ".,;:!?”’" and _NUMBERS.fullmatch(content):
        return f" [{content.strip()}]"
    return content


def raw_text(element: etree._Element) -> str:
    """The characters in an element and below, in order, without any arrangement."""
    return "".join(str(text) for text in element.itertext())


def chosen_alternatives(element: etree._Element) -> list[etree._Element]:
    """Of several renderings of the same thing the one that holds words, the best first.

    Several tables are not alternatives to each other but parts of one: all are returned.
    """
    children = [child for child in element if isinstance(child.tag, str) and child.tag not in SILENT]
    for tag in ("table", "tgroup", "math"):
        found = [child for child in children if child.tag == tag and raw_text(child).strip()]
        if found:
            return found if tag == "table" else found[:1]
    return children[:1]


def flow(element: etree._Element, skip: frozenset[str] = frozenset()) -> Iterator[str | etree._Element]:
    """What an element holds, in order: runs of inline text, and the block elements between them.

    A float in the middle of a sentence, and every footnote, comes after the sentence's run; child
    elements in `skip` are left out.
    """
    items: list[str | etree._Element] = []
    _scatter(element, items, skip)
    run: list[str] = []
    held: list[etree._Element] = []
    for item in items:
        if isinstance(item, str):
            run.append(item)
            continue
        tail = "".join(run[-8:]).rstrip()
        if item.tag == "fn" or (item.tag in FLOATS and tail and tail[-1] not in '.!?:;”"\x03\x05'):
            held.append(item)
            continue
        yield _resolve("".join(run))
        yield from held
        yield item
        run, held = [], []
    yield _resolve("".join(run))
    yield from held


def _scatter(element: etree._Element, items: list[str | etree._Element], skip: frozenset[str]) -> None:
    if element.text:
        items.append(element.text)
    for child in element:
        if isinstance(child, etree._Entity):
            items.append(entity_text(child.name or ""))
        elif isinstance(child.tag, str) and child.tag not in SILENT and child.tag not in skip:
            _scatter_one(child, items)
        if child.tail:
            items.append(child.tail)


def _scatter_one(child: etree._Element, items: list[str | etree._Element]) -> None:
    if child.tag == "alternatives":
        for chosen in chosen_alternatives(child):
            _scatter_one(chosen, items)
    elif child.tag == "disp-formula" and not text_of(child, without=frozenset(("label",))):
        items.append(f" {text_of(child)} ")  # a picture of a formula: its number stays in the sentence
    elif child.tag in BLOCKS:
        items.append(child)
    elif len(child) and child.tag not in _NEVER_SCATTERED and next(child.iter(*BLOCKS), None) is not None:
        _scatter(child, items, frozenset())
    else:
        parts: list[str] = []
        collect_one(child, parts)
        items.extend(parts)


# --- the record -------------------------------------------------------------------------------------
