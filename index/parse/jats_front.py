"""Inline text of JATS elements, and what is made of it alone: the bibliographic record, the references.

Element names are bare (the reader of the file has taken the namespaces off).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from lxml import etree

from index.model import Author, PaperIds, Record, Reference
from index.parse.builder import plain
from index.parse.jats_table import entity_text, math_text, tex_text

_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

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
    address = link.get(_XLINK_HREF) or ""
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

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]{1,300}")
_ARXIV = re.compile(r"(?:arxiv:)?((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7}))(?:v\d+)?", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CC_ADDRESS = re.compile(
    r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?", re.IGNORECASE
)
_CC_WORDS = re.compile(
    r"creative\s+commons\s+(?:public\s+domain|attribution)(?P<terms>(?:[\s,-]*(?:non[\s-]*commercial|"
    r"no[\s-]*deriv\w*|share[\s-]*alike))*)(?:[\s(]*(?:unported|international|generic|licen[sc]e))*"
    r"[\s(,]*(?:version\s*)?(?P<version>\d\.\d)?",
    re.IGNORECASE,
)
_CC0_WORDS = re.compile(r"\bCC0\b|creative\s+commons\s+(?:zero|public\s+domain)", re.IGNORECASE)
_NOT_IN_TITLE = frozenset(("xref", "fn"))  # marks that lead to a footnote on funding or authorship


def read_record(article: etree._Element) -> Record:
    """The bibliographic record in the front matter of an ``article``. A title is always given."""
    meta = article.find("front/article-meta")
    if meta is None:
        meta = etree.Element("article-meta")
    year, date = _published(meta)
    return Record(
        title=_title(meta),
        authors=tuple(_authors(meta)),
        year=year,
        date=date,
        journal=_journal(article),
        ids=_ids(meta),
        licence=_licence(meta),
        keywords=_keywords(meta),
    )


def _title(meta: etree._Element) -> str:
    """Title and subtitle; where there is none, a translated title or the kind of article."""
    group = meta.find("title-group")
    for tag in ("article-title", "trans-title-group/trans-title", "trans-title", "alt-title"):
        title = text_of(group.find(tag), without=_NOT_IN_TITLE) if group is not None else ""
        if title and group is not None:
            subtitles = [text_of(s, without=_NOT_IN_TITLE) for s in group.findall("subtitle")]
            return ": ".join([title, *filter(None, subtitles)])
    return text_of(meta.find("article-categories/subj-group/subject")) or "Untitled article"


def _authors(meta: etree._Element) -> Iterator[Author]:
    for contributor in meta.findall("contrib-group/contrib"):
        if contributor.get("contrib-type", "author") != "author":
            continue
        name = next(contributor.iter("name", "string-name", "collab", "anonymous"), None)
        if name is not None:
            author = _author(name)
            if author.family:
                yield author


def _author(name: etree._Element) -> Author:
    family = text_of(name.find("surname"))
    given = text_of(name.find("given-names"))
    if not family:
        words = text_of(name, without=frozenset(("contrib-group", "contrib", "address", "aff", "xref")))
        return Author(words or ("Anonymous" if name.tag == "anonymous" else ""))
    suffix = text_of(name.find("suffix"))
    return Author(f"{family} {suffix}".strip(), given)


def _journal(article: etree._Element) -> str | None:
    meta = article.find("front/journal-meta")
    if meta is None:
        return None
    full = text_of(next(meta.iter("journal-title"), None))
    short = [e for e in meta.iter("journal-id") if e.get("journal-id-type") in ("nlm-ta", "iso-abbrev")]
    return (
        full
        or text_of(next(meta.iter("abbrev-journal-title", "journal-subtitle"), None))
        or (text_of(short[0]) if short else None)
    )


def _ids(meta: etree._Element) -> PaperIds:
    found = {str(e.get("pub-id-type")): text_of(e) for e in reversed(meta.findall("article-id"))}
    return PaperIds(
        doi=doi_in(found.get("doi", "")),
        pmcid=_numbered(found.get("pmcid") or found.get("pmc") or "", "PMC"),
        pmid=_numbered(found.get("pmid", ""), ""),
        arxiv=_arxiv(found.get("arxiv", "")),
    )


def doi_in(text: str) -> str | None:
    """The first DOI in a text, in lower case and without a resolver."""
    found = _DOI.search(text)
    if found is None:
        return None
    doi = found[0].rstrip(".,;:]}'’”")
    while doi.endswith(")") and doi.count(")") > doi.count("("):
        doi = doi[:-1].rstrip(".,;:")
    return doi.lower()


def _numbered(text: str, prefix: str) -> str | None:
    found = re.fullmatch(rf"(?:{prefix})?0*([1-9][0-9]{{0,11}})(?:\.\d+)?", text.strip(), re.IGNORECASE)
    return prefix + found[1] if found else None


def _arxiv(text: str) -> str | None:
    found = _ARXIV.fullmatch(text.strip())
    return found[1] if found else None


def _published(meta: etree._Element) -> tuple[int | None, str | None]:
    """Year and ISO date of publication.

    Of the dates of electronic, print and collection publication, the most complete one counts (day
    before month before year), and of several equally complete the earliest. The date of release in an
    archive counts only where there is nothing else, then the year of copyright.
    """
    best: tuple[int, str] | None = None
    archived: list[str] = []
    for element in meta.findall("pub-date"):
        kind = f"{element.get('pub-type') or ''} {element.get('date-type') or ''}"
        date = _iso_date(element)
        if not date or "retract" in kind or "correct" in kind:
            continue
        if "release" in kind or "preprint" in kind:
            archived.append(date)
        elif best is None or (-len(date), date) < best:
            best = (-len(date), date)
    if best is None:
        year = _YEAR.search(text_of(next(meta.iter("copyright-year"), None)))
        fallback = min(archived, default=year[0] if year else None)
        return (int(fallback[:4]), fallback) if fallback else (None, None)
    return int(best[1][:4]), best[1]


def _iso_date(element: etree._Element) -> str | None:
    iso = _ISO_DATE.match(element.get("iso-8601-date") or "")
    texts = [text_of(element.find(part)) for part in ("year", "month", "day")]
    year = _YEAR.search(texts[0] or text_of(element.find("string-date")) or (iso[1] if iso else ""))
    if year is None:
        return None
    month = _month(texts[1] or (iso[2] or "" if iso else ""))
    day = texts[2] or (iso[3] or "" if iso else "")
    if month is None:
        return year[0]
    try:
        return datetime.date(int(year[0]), month, int(day)).isoformat()
    except ValueError:  # no day, or the thirty-first of June
        return f"{year[0]}-{month:02d}"


def _month(text: str) -> int | None:
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.index(text[:3].lower()) + 1 if text[:3].lower() in _MONTHS else None


def _licence(meta: etree._Element) -> str | None:
    """Short form of the licence ("CC BY 4.0"), by its address, else its words, else its declared type."""
    licences = list(meta.iter("license"))
    references = list(meta.iter("license_ref"))
    addresses = [e.get(_XLINK_HREF) or "" for e in licences] + [text_of(e) for e in references]
    addresses += [e.get(_XLINK_HREF) or "" for licence in licences for e in licence.iter("ext-link", "uri")]
    statement = " ".join(text_of(e) for e in (*licences, *meta.iter("copyright-statement")))
    for text in (*addresses, statement):
        if (found := _CC_ADDRESS.search(text)) is not None:
            return _short_licence(found[1], found[2], found[3])
    if _CC0_WORDS.search(statement):
        return "CC0"
    if (found := _CC_WORDS.search(statement)) is not None:
        terms = re.sub(r"[\s,-]", "", found["terms"].lower())
        named = (("noncommercial", "-NC"), ("noderiv", "-ND"), ("sharealike", "-SA"))
        short = "CC BY" + "".join(code for word, code in named if word in terms)
        return f"{short} {found['version']}" if found["version"] else short
    return next((plain(kind) for e in licences if (kind := e.get("license-type"))), None)


def _short_licence(family: str, code: str, version: str | None) -> str:
    if family.lower() == "publicdomain":
        name = "CC0" if code.lower() == "zero" else "Public domain"
        return f"{name} {version}" if version and name == "CC0" else name
    return f"CC {code.upper()} {version}" if version else f"CC {code.upper()}"


def _keywords(meta: etree._Element) -> tuple[str, ...]:
    groups = [g for g in meta.findall("kwd-group") if "abbr" not in (g.get("kwd-group-type") or "")]
    words = [text_of(k) for g in groups for k in g.iter("kwd", "compound-kwd")]
    return tuple(dict.fromkeys(word for word in words if word))


# --- references -------------------------------------------------------------------------------------

_CITATIONS = ("element-citation", "mixed-citation", "citation", "nlm-citation", "note")
# The parts of a bare citation that have their place in the line; what else there is comes at its end.
_SAID = frozenset(
    "person-group name string-name collab etal article-title source publisher-loc publisher-name year month "
    "day volume issue fpage lpage elocation-id pub-id".split()
)
_SPACED_MARK = re.compile(r"\s+([,.;:)\]])")


def read_references(parts: list[etree._Element]) -> tuple[Reference, ...]:
    """The entries of all ``ref-list`` elements in `parts` of an article, in order."""
    found = []
    for part in parts:
        for entry in part.iter("ref"):
            label = text_of(entry.find("label")).strip("[]().")
            for citation in entry.iter(*_CITATIONS):
                if next(citation.iterancestors("citation-alternatives"), None) is not None and any(
                    True for _ in citation.itersiblings(*_CITATIONS, preceding=True)
                ):
                    continue  # the same source once more, in another form
                reference = _reference(citation, label)
                if reference.text:
                    found.append(reference)
    return tuple(found)


def _reference(citation: etree._Element, label: str) -> Reference:
    title = ""
    for tag in ("article-title", "chapter-title", "data-title", "part-title", "source"):
        title = title or text_of(next(citation.iter(tag), None))
    year = _YEAR.search(text_of(next(citation.iter("year"), None)))
    ids = {str(e.get("pub-id-type")): text_of(e) for e in citation.iter("pub-id")}
    text = _as_written(citation) or _composed(citation, title)
    links = [e.get(_XLINK_HREF) or "" for e in citation.iter("ext-link", "uri")]
    return Reference(
        text=text,
        label=label,
        title=title,
        year=int(year[0]) if year else None,
        doi=doi_in(" ".join((ids.get("doi", ""), *links, text))),
        pmid=_numbered(ids.get("pmid", ""), ""),
        pmcid=_numbered(ids.get("pmcid") or ids.get("pmc") or "", "PMC"),
    )


def _as_written(citation: etree._Element) -> str:
    """The words of a citation that carries its own punctuation; empty if it is bare data."""
    between = (citation.text or "") + "".join(child.tail or "" for child in citation)
    if len(citation) and not between.strip():
        return ""
    return _SPACED_MARK.sub(r"\1", text_of(citation, without=frozenset(("label",))))


def _composed(citation: etree._Element, title: str) -> str:
    """A citation that is bare data, written the way medical journals write it."""

    def first(tag: str) -> str:
        return text_of(next(citation.iter(tag), None))

    names = [
        f"{a.family} {a.given}".strip() for n in citation.iter("name", "collab") if (a := _author(n)).family
    ]
    if next(citation.iter("etal"), None) is not None:
        names.append("et al")
    volume = first("volume") + (f"({first('issue')})" if first("issue") else "")
    pages = "–".join(filter(None, (first("fpage") or first("elocation-id"), first("lpage"))))
    place = ";".join(filter(None, (first("year"), volume))) + (f":{pages}" if pages else "")
    source = first("source") if first("source") != title else ""
    publisher = ": ".join(filter(None, (first("publisher-loc"), first("publisher-name"))))
    rest = [text_of(e) for e in citation if isinstance(e.tag, str) and e.tag not in _SAID]
    parts = [p.rstrip(" ,;:") for p in (", ".join(names), title, source, publisher, place, *rest)]
    return " ".join(part if part[-1] in ".?!" else f"{part}." for part in dict.fromkeys(filter(None, parts)))
