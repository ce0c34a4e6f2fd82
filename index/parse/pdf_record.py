"""The bibliographic record of a PDF: from its metadata and from what the first page prints.

What cannot be told is left out; a wrong record is worse than none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.model import Author, PaperIds, Record
from index.parse.builder import plain
from index.parse.pdf_authors import author, printed_authors
from index.parse.pdf_headings import BACK, KNOWN
from index.parse.pdf_layout import Line

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>|{}]+")
_DOI_MARKED = re.compile(
    r"(?:doi[:.\s]*(?:org/)?|doi\.org/|dx\.doi\.org/)\s*(10\.\d{4,9}/[^\s\"<>|{}]+)", re.IGNORECASE
)
_XMP_DOI = re.compile(
    rb"<(?:prism:doi|pdfx:doi|crossmark:DOI|dc:identifier)>\s*(?:doi:)?\s*(10\.\d{4,9}/[^\s<]+)\s*<"
)
_XMP_JOURNAL = re.compile(rb"<prism:publicationName>([^<]{2,120})<")
_ARXIV = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(\d{1,3})\b)?", re.IGNORECASE)
_PMCID = re.compile(r"\bPMCID:?\s*(PMC\d{5,9})|\b(PMC\d{6,9})\b")
_PMID = re.compile(r"\bPMID:?\s*(\d{6,9})\b")
_JUNK_TITLE = re.compile(
    r"microsoft word|untitled|^doi:|^10\.\d{4}|"
    r"\.(?:docx?|pdf|indd|tex|dvi|qxd|rtf|odt|pptx?|eps|ps)\b|"
    r"^[\w.-]*\d[\w.-]*$|^(?:title|pii|layout|template|slide|proof|book|chapter|full page photo)\b",
    re.IGNORECASE,
)
_NOT_TITLE = re.compile(
    r"(?:original |review |short |full |brief |mini |systematic |rapid )?"
    r"(?:research|article|review|communication|paper|report|letter|editorial|commentary|case report"
    r"|perspective"
    r"|correspondence|study protocol|methods?|news)(?: (?:article|paper|communication|report|letter|note))?|"
    r"open access|open|original (?:article|paper|research|contribution)|research article.*open access|"
    r"contents lists? available.*|journal homepage.*|www\..*|https?:.*|published.*|nature notes|data paper|"
    r"journal of [\w &]+|frontiers in [\w &]+|annals of [\w &]+|international journal of [\w &]+|"
    r"(?:plos|plos one|heliyon|cell|iscience|science|nature|elife|peerj)|"
    r"accepted manuscript|preprint.*|author manuscript",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_DATE = (
    r"(?:(?P<d>\d{1,2})(?:st|nd|rd|th)?[ -](?P<m>[A-Z][a-z]{2,8})\.?,?[ -](?P<y>(?:19|20)\d\d)"
    r"|(?P<m2>[A-Z][a-z]{2,8})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>(?:19|20)\d\d)"
    r"|(?P<y3>(?:19|20)\d\d)-(?P<n3>\d\d)-(?P<d3>\d\d))"
)
_PUBLISHED = re.compile(
    r"(?:published(?: online)?|first published|available online|publication date|epub)[:\s]*(?:on )?" + _DATE,
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)\s*(?:copyright\s*)?(?:©\s*)?(?:[A-Z][\w., ]{0,80}?)??((?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_RUNNING = (
    re.compile(
        r"^(?P<j>[A-Z][\w .&:-]{2,60}?),? ?\|? ?\(?(?P<y>(?:19|20)\d\d)\)?[,;]? ?"
        r"\d{1,4} ?(?:\(\d+\))?[,:] ?e?\d+"
    ),
    re.compile(r"^(?P<j>[A-Z][\w .&:-]{2,60}?) \d{1,4} \((?P<y>(?:19|20)\d\d)\) \w?\d+"),
    re.compile(r"^(?P<j>[A-Z][\w .&:-]{2,60}?) \| \((?P<y>(?:19|20)\d\d)\)"),
    re.compile(r"^(?P<j>P[Ll][Oo]S [A-Z]\w+(?: \w+){0,3})(?: \||$)"),
    re.compile(r"^(?P<j>Frontiers in [A-Z][A-Za-z &]+?)(?: \d| \||$)"),
)
_LICENCE = re.compile(
    r"creative ?commons\.org/licenses/(?P<code>by(?:-nc)?(?:-nd|-sa)?)/(?P<v>\d\.\d)"
    r"|\bCC[ -](?P<code2>BY(?:-NC)?(?:-ND|-SA)?)(?:[ -]?(?P<v2>\d\.\d))?(?: licen[sc]e)?"
    r"|Creative Commons Attribution(?P<nc>[- ]Non-?Commercial)?(?P<nd>[- ]No ?Deriv\w*)?"
    r"(?P<sa>[- ]Share ?Alike)?(?: (?P<v3>\d\.\d))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a record can be read from. `info` is the document information dictionary; `data` the file."""

    info: Mapping[str, str]
    data: bytes
    front: Sequence[Line]  # lines of the first page, in reading order
    front_texts: Sequence[str]  # blocks of the first two pages, as paragraphs
    furniture: Sequence[str]
    turned: str
    body_size: float


def record(sources: Sources) -> tuple[Record, list[Line]]:
    """The record, and the lines of the first page that print its title."""
    printed, title_lines = _printed_title(sources)
    title = _title(printed, sources)
    texts = [*sources.front_texts, *sources.furniture, sources.turned]
    date = _date(texts)
    journal = _journal(sources)
    return (
        Record(
            title=title,
            authors=_authors(sources, title_lines),
            year=_year(date, texts, sources),
            date=date,
            journal=journal,
            ids=_ids(sources),
            licence=_licence(texts),
            keywords=_keywords(sources.front_texts),
        ),
        title_lines,
    )


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _printed_title(sources: Sources) -> tuple[str, list[Line]]:
    groups: list[list[Line]] = []
    for line in sources.front:
        last = groups[-1][-1] if groups else None
        same = last is not None and abs(last.size - line.size) < 0.6 and last.font.bold == line.font.bold
        if last is not None and same and 0 < last.y - line.y < 2.2 * line.size:
            groups[-1].append(line)
        else:
            groups.append([line])
    wanted = _letters(_metadata_title(sources.info))
    best: tuple[float, list[Line]] | None = None
    for group in groups:
        text = " ".join(line.text for line in group)
        if not _could_be_title(text) or len(group) > 8:
            continue
        score = group[0].size
        if wanted and len(wanted) > 12 and (_letters(text) in wanted or wanted in _letters(text)):
            score += 100
        elif group[0].size < 1.1 * sources.body_size:
            continue
        if best is None or score > best[0] + 0.3:
            best = (score, group)
    if best is None:
        return "", []
    return _set(best[1]), best[1]


def _set(group: Sequence[Line]) -> str:
    text = ""
    for line in group:
        words = [
            w.text
            for w in line.words
            if not (w.size < 0.75 * line.size and w.y > line.y and w.text in "*†‡§#✩☆")
        ]
        piece = line.text if len(words) == len(line.words) else line.text.rstrip("*†‡§#✩☆ ")
        if text.endswith("-") and piece[:1].islower():
            text += piece
        else:
            text = f"{text} {piece}".strip()
    return plain(re.sub(r"\s?\[[\d,]+\]$", "", text))


def _could_be_title(text: str) -> bool:
    letters = sum(char.isalpha() for char in text)
    if letters < 8 or len(text) > 400 or letters < 0.6 * len(text):
        return False
    bare = text.strip(" .:*†")
    return not (_NOT_TITLE.fullmatch(bare) or KNOWN.fullmatch(bare) or BACK.fullmatch(bare))


def _metadata_title(info: Mapping[str, str]) -> str:
    title = plain(re.sub(r"<[^<>]{1,20}>", "", info.get("Title", "")))
    if len(title) < 8 or " " not in title or _JUNK_TITLE.search(title) or not _could_be_title(title):
        return ""
    return title


def _title(printed: str, sources: Sources) -> str:
    given = _metadata_title(sources.info)
    if not given:
        return printed or _first_words(sources)
    if not printed:
        return given
    one, other = _letters(given), _letters(printed)
    if one == other:
        # Capitals in print are often only the look of the page.
        return given if printed.isupper() and not given.isupper() else printed
    front = _letters(" ".join(line.text for line in sources.front))
    if one in front and len(one) > len(other):
        return given
    return printed


def _first_words(sources: Sources) -> str:
    for text in sources.front_texts:
        if sum(char.isalpha() for char in text) >= 8:
            return plain(text[:150].rsplit(" ", 1)[0] if len(text) > 150 else text)
    return plain(sources.front_texts[0][:150]) if sources.front_texts else ""


def _ids(sources: Sources) -> PaperIds:
    texts = [*sources.furniture, *sources.front_texts, sources.turned]
    joined = "\n".join(texts)
    arxiv = _stamp(sources)
    pmcid, pmid = _PMCID.search(joined), _PMID.search(joined)
    return PaperIds(
        doi=_doi(sources, texts),
        pmcid=(pmcid[1] or pmcid[2]) if pmcid else None,
        pmid=pmid[1] if pmid else None,
        arxiv=arxiv[1] if arxiv else None,
    )


def _stamp(sources: Sources) -> re.Match[str] | None:
    """What arXiv prints in the margin of the first page."""
    return _ARXIV.search(sources.turned) or _ARXIV.search("\n".join(line.text for line in sources.front[:12]))


def version_note(sources: Sources) -> str | None:
    """Which version of a preprint the file is, where arXiv's stamp says it."""
    stamp = _stamp(sources)
    return f"version {stamp[2]} of arXiv:{stamp[1]}" if stamp and stamp[2] else None


def _clean_doi(doi: str) -> str:
    doi = doi.casefold().rstrip(".,;:'\"’”")
    while doi.endswith((")", "]")) and doi.count("(") + doi.count("[") < doi.count(")") + doi.count("]"):
        doi = doi[:-1].rstrip(".,;:")
    return doi


def _doi(sources: Sources, texts: Sequence[str]) -> str | None:
    stored = [match.decode("ascii", "ignore") for match in _XMP_DOI.findall(sources.data)]
    stored += [
        m
        for key in ("doi", "DOI", "Subject", "Title", "Keywords")
        for m in _DOI.findall(sources.info.get(key, ""))
    ]
    printed = [match for text in texts for match in _DOI_MARKED.findall(text)]
    printed = [_clean_doi(doi) for doi in printed]
    common = Counter(printed)
    for doi in stored:
        clean = _clean_doi(doi)
        if not common or clean in common or len(set(stored)) == 1:
            return clean
    return common.most_common(1)[0][0] if common else None


def _date(texts: Sequence[str]) -> str | None:
    for text in texts:
        match = _PUBLISHED.search(text)
        if match is None:
            continue
        if match["y3"]:
            return f"{match['y3']}-{match['n3']}-{match['d3']}"
        month = _MONTHS.get((match["m"] or match["m2"])[:3].casefold())
        day = int(match["d"] or match["d2"])
        if month and 1 <= day <= 31:
            return f"{match['y'] or match['y2']}-{month:02d}-{day:02d}"
    return None


def _year(date: str | None, texts: Sequence[str], sources: Sources) -> int | None:
    if date:
        return int(date[:4])
    for text in texts:
        match = _COPYRIGHT.search(text)
        if match:
            return int(match[1])
    for pattern in _RUNNING[:3]:
        for text in texts:
            running = pattern.search(text)
            if running:
                return int(running["y"])
    made = re.match(r"D:((?:19|20)\d\d)", sources.info.get("CreationDate", ""))
    return int(made[1]) if made else None


def _journal(sources: Sources) -> str | None:
    stored = {match.decode("utf-8", "ignore") for match in _XMP_JOURNAL.findall(sources.data)}
    if len(stored) == 1:
        return plain(stored.pop()) or None
    votes: Counter[str] = Counter()
    for texts in (sources.furniture, [line.text for line in sources.front]):
        for text in texts:
            name = _running_name(text)
            if name:
                votes[name] += 1
        if votes:
            break
    return votes.most_common(1)[0][0] if votes else None


def _running_name(text: str) -> str:
    for pattern in _RUNNING:
        match = pattern.search(text)
        if (
            match
            and " et al" not in text[: match.end()]
            and not match["j"].startswith(("Received", "Copyright"))
        ):
            name = match["j"].rsplit(". ", 1)[-1].strip(" ,.|:")
            return name if len(name) > 2 and not name.isdigit() else ""
    return ""


def _licence(texts: Sequence[str]) -> str | None:
    joined = "\n".join(texts)
    found = list(_LICENCE.finditer(joined))
    for match in found:
        code, version = match["code"] or match["code2"], match["v"] or match["v2"]
        if code:
            return f"CC {code.upper()}" + (f" {version}" if version else "")
    for match in found:
        code = (
            "BY"
            + ("-NC" if match["nc"] else "")
            + ("-ND" if match["nd"] else "")
            + ("-SA" if match["sa"] else "")
        )
        return f"CC {code}" + (f" {match['v3']}" if match["v3"] else "")
    return None


def _keywords(texts: Sequence[str]) -> tuple[str, ...]:
    for text in texts:
        match = re.match(r"key ?words?(?: and phrases)?\s*[:.—–|-]?\s*(.{5,600})", text, re.IGNORECASE)
        if match is None:
            continue
        for mark in (";", "|", "·", "•", "■", ","):
            parts = [part.strip(" .") for part in match[1].split(mark)]
            if len(parts) > 1:
                return tuple(part for part in parts if 1 < len(part) < 80)[:20]
    return ()


def _authors(sources: Sources, title: Sequence[Line]) -> tuple[Author, ...]:
    lines = list(sources.front)
    printed: list[Author] = []
    if title:
        after = lines[next(i for i, line in enumerate(lines) if line is title[-1]) + 1 :][:14]
        printed = printed_authors(after)
    given = [
        name.strip() for name in re.split(r";|,| and ", plain(sources.info.get("Author", ""))) if name.strip()
    ]
    stored = [found for found in map(author, given) if found]
    if printed:
        return tuple(printed)
    front = _letters(" ".join(line.text for line in lines))
    if stored and len(stored) == len(given) and all(_letters(a.family) in front for a in stored):
        return tuple(stored)
    return ()
