"""How a document sets its type: the body's style, and which lines are headings or captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.parse.pdf_chars import Font
from index.parse.pdf_layout import Line

CAPTION = re.compile(
    r"(?P<label>(?:Supplementary |Supplemental |Extended Data |Appendix )?"
    r"(?P<kind>Fig(?:ure|\.)?|FIG(?:URE|\.)?|Scheme|SCHEME|Chart|Table|TABLE|Tab\.|Box)\s?"
    r"(?:[A-Z]?\d{1,3}[A-Za-z]?|[IVX]{1,5}))(?P<rest>\s*[.:|—–-]|\s|$)"
)
NUMBERED = re.compile(
    r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,4}\.?|[IVX]{1,5}\.|[A-Z]\.)(?:\s*[|]\s*|\s+)(?P<name>\D.*)"
)


def _one_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


KNOWN = _one_of(
    r"abstract|(?:author |lay |plain language )?summary|highlights|graphical abstract|keywords",
    r"(?:general )?introduction|background(?: and .*)?|related works?|objectives?",
    r"(?:materials?|patients?|subjects?|participants|animals|data|study|research|star)"
    r"(?: (?:and|&))? (?:materials?|methods?|procedures?|methodology|design)",
    r"(?:experimental )?methods?(?: (?:and|&) (?:materials?|analysis|data|design))?(?: summary)?",
    r"★ ?methods|methodology|experimental(?: (?:section|procedures?|setup))?|materials",
    r"(?:main )?results?(?: (?:and|&) discussions?)?|findings|case (?:presentation|report)",
    r"(?:general )?discussions?(?: (?:and|&) conclusions?)?|limitations?(?: of the study)?",
    r"conclusions?(?: .{0,30})?|concluding remarks",
)
BACK = _one_of(
    r"acknowledge?ments?(?: .{0,30})?|contributors|credit .{0,40}",
    r"(?:sources? of )?funding(?: .{0,30})?|financial (?:support|disclosure)",
    r"authors?[’']? ?contributions?(?: statement)?",
    r"author (?:details|information|disclosure.{0,20}|affiliations)",
    r"conflicts? of interests?(?: statement)?|disclosures?(?: statement)?",
    r"(?:declaration of )?competing (?:financial )?interests?(?: statement)?|declarations?(?: of .{0,40})?",
    r"(?:data|code|materials?|resource)(?: and (?:code|materials?|data|software))?"
    r" (?:availability|accessibility)(?: statement)?",
    r"availability of (?:data|materials).{0,40}|provenance .{0,40}|peer review .{0,30}",
    r"ethic(?:s|al) .{0,60}|consent .{0,40}|institutional review board.{0,20}|informed consent.{0,20}",
    r"supplement(?:ary|al) (?:materials?|information|data)|supporting information(?: .{0,20})?",
    r"additional (?:information|files?)|abbreviations|nomenclature|orcid.{0,10}",
    r"appendi(?:x|ces)(?: .{0,60})?",
    r"publisher[’']s note|endnotes|footnotes|notes|open research|open access|rights and permissions",
    r"generative ai statement|reprints and permissions",
)
REFERENCES = _one_of(
    r"(?:list of )?references?(?: and notes| cited)?|bibliography",
    r"literature(?: cited)?|works cited|cited literature",
)
_LOWER_START = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Body:
    """The document's running text: type size and font, line pitch, whether paragraphs are indented."""

    size: float
    font: Font
    pitch: float
    indented: bool
    heading_fonts: frozenset[str]  # other fonts than the body's, in which known headings are set


def body_style(lines: Sequence[Line]) -> Body:
    """What most of the letters are set in."""
    sizes: Counter[tuple[float, Font]] = Counter()
    for line in lines:
        if len(line.text) >= 30:
            sizes[(half(line.size), line.font)] += len(line.text)
    for line in lines if not sizes else ():
        sizes[(half(line.size), line.font)] += len(line.text)
    size, font = sizes.most_common(1)[0][0]
    pitches: Counter[float] = Counter()
    indents = flush = 0
    for before, line in pairwise(lines):
        if before.leaf == line.leaf and before.page == line.page and half(line.size) == size:
            pitches[round(before.y - line.y, 0)] += 1
            if 0.7 * size < line.x0 - line.left < 3.5 * size and abs(before.x0 - line.left) < 4:
                indents += 1
            elif abs(line.x0 - line.left) < 4:
                flush += 1
    pitch = max((p for p, _ in pitches.most_common(1)), default=1.2 * size)
    heading_fonts = frozenset(
        line.font.name for line in lines if line.font.name != font.name and is_known(bare_name(line.text))
    )
    return Body(
        size, font, pitch if pitch > 0.8 * size else 1.2 * size, indents > 0.03 * flush, heading_fonts
    )


def half(size: float) -> float:
    return round(size * 2) / 2


def is_caption(line: Line, caption: re.Match[str], body: Body) -> bool:
    rest = caption["rest"].strip()
    distinct = line.words[0].font.bold != body.font.bold or abs(line.size - body.size) > 0.4
    if rest in (".", ":", "|"):
        return True
    after = line.text[caption.end("label") :].strip()
    if not after:
        return distinct or len(line.text) < 20
    return distinct and (after[0].isupper() or after[0] in "(—–-")


def looks_like_heading(line: Line, body: Body) -> bool:
    """Whether a line by itself is set and worded like a heading."""
    text = line.text.strip()
    if not 2 < len(text) <= 130 or line.cells > 2 or text[0].islower():
        return False
    numbered = NUMBERED.fullmatch(text)
    name = bare_name(text)
    letters = sum(char.isalpha() for char in text)
    if letters < 0.55 * len(text.replace(" ", "")) or _LOWER_START.match(name):
        return False
    known = is_known(name)
    # Small capitals are set as capitals of two sizes; the larger one counts.
    size = max(word.size for word in line.words if abs(word.y - line.y) < 0.5 or word.size <= line.size)
    larger = line.size >= 1.08 * body.size
    bold = line.font.bold and not body.font.bold
    capitals = text.isupper() and letters >= 4
    italic = line.font.italic and not body.font.italic
    if known and (larger or bold or capitals or italic or line.font.name != body.font.name or numbered):
        return True
    if text[-1] in ".;,:" and not (numbered and text[-1] == "."):
        return known and line.size >= 0.95 * body.size and bold
    if size < 0.9 * body.size:
        return False
    if numbered and re.match(r"\d+\.\d", numbered["number"]) and numbered["name"][0].isupper():
        return line.x1 < line.right - 0.1 * (line.right - line.left)
    short = line.x1 < line.right - 0.15 * (line.right - line.left)
    if line.font.name in body.heading_fonts and short and line.size >= 0.97 * body.size:
        return True
    return (
        larger
        or bold
        or (capitals and letters >= 6)
        or bool(numbered and (italic or line.font.name != body.font.name))
    )


def bare_name(text: str) -> str:
    """A heading without its number and closing mark."""
    numbered = NUMBERED.fullmatch(text.strip())
    name = numbered["name"] if numbered else text
    return name.strip(" .:■□▪|")


def is_known(name: str) -> bool:
    """Whether a heading's words alone say that it is one."""
    return any(pattern.fullmatch(name) for pattern in (KNOWN, BACK, REFERENCES))
