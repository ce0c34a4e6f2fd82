"""The bibliographic record of a JATS article, and its list of references."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from lxml import etree

from index.model import Author, PaperIds, Record, Reference
from index.parse.builder import plain
from index.parse.jats_inline import XLINK_HREF, text_of

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
    addresses = [e.get(XLINK_HREF) or "" for e in licences] + [text_of(e) for e in references]
    addresses += [e.get(XLINK_HREF) or "" for licence in licences for e in licence.iter("ext-link", "uri")]
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
    links = [e.get(XLINK_HREF) or "" for e in citation.iter("ext-link", "uri")]
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
