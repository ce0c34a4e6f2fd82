"""How much of a paper's text the PDF parser finds, measured against the XML of the same article.

``python -m eval.pdf_text FOLDER [--json]``: FOLDER holds one folder per article with fulltext.pdf and
fulltext.xml (JATS). Words are runs of letters and digits in lower case, compatibility forms made equal.

- words: share of the words of the XML's running text (headings and paragraphs of <body>, without tables,
  figures and formulas) that the parsed text holds, counted as a multiset. "words+": with captions and
  tables, and the abstract.
- order: five-word runs of the running text that stand exactly once in both texts, in the XML's order;
  share of neighbouring pairs that stand in the same order in the parsed text. "lis": longest increasing
  run of them all, as a share.
- title and DOI as in the XML's <article-meta>; heads: share of the body's headings found as a heading or a
  block of their own; abstr: words of the abstract found in a section of that kind. 1 where there are none.
"""

from __future__ import annotations

import argparse
import bisect
import json
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from index.errors import ParseError
from index.model import Paper, SectionKind
from index.parse.pdf import PdfParser

if TYPE_CHECKING:
    from lxml import etree

_TOKEN = re.compile(r"[^\W_]+")
_OUTSIDE = frozenset(
    "table-wrap fig fig-group table-wrap-group disp-formula disp-formula-group supplementary-material media "
    "graphic inline-graphic fn boxed-text".split()
)
_NEVER = frozenset("tex-math annotation alternatives-dropped".split())
_BLOCKS = frozenset("p title list-item def label caption td th tr sec disp-quote verse-line".split())


@dataclass(frozen=True, slots=True)
class Measured:
    """One article's figures, from 0 to 1 but `pages` and `seconds`; `error` is why it failed."""

    name: str
    words: float = 0.0
    words_all: float = 0.0
    order: float = 0.0
    lis: float = 0.0
    title: bool = False
    doi: bool = False
    headings: float = 0.0
    abstract: float = 0.0
    pages: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """What the XML says. `running` is one string per heading or paragraph of the body."""

    title: str
    doi: str
    running: tuple[str, ...]
    everything: str
    headings: tuple[str, ...]
    abstract: str


def tokens(text: str) -> list[str]:
    """Words as runs of letters and digits, lower case; line-end and soft hyphens are no word's business."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold())


def read_article(path: Path) -> Article:
    """The running text of a JATS file."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    root = etree.parse(str(path), parser).getroot()
    for element in root.iter():
        if isinstance(element.tag, str) and "}" in element.tag:
            element.tag = element.tag.rsplit("}", 1)[1]
    meta = root.find(".//article-meta")
    body = root.find(".//body")
    assert meta is not None
    title = meta.find(".//article-title")
    abstract = meta.find("abstract")
    doi = [e.text or "" for e in meta.findall("article-id") if e.get("pub-id-type") == "doi"]
    running = tuple(_running(body)) if body is not None else ()
    headings = tuple(_flat(t, _OUTSIDE) for t in body.iterfind(".//sec/title")) if body is not None else ()
    return Article(
        title=_flat(title, frozenset(("xref", "fn"))) if title is not None else "",
        doi=doi[0].casefold() if doi else "",
        running=running,
        everything=_flat(body, frozenset()) if body is not None else "",
        headings=tuple(h for h in headings if h),
        abstract=_flat(abstract, frozenset()) if abstract is not None else "",
    )


def _running(body: etree._Element) -> Iterator[str]:
    for element in body.iter("title", "p"):
        ancestors = {a.tag for a in element.iterancestors()}
        if ancestors & (_OUTSIDE | {"p"}) or (element.tag == "title" and "caption" in ancestors):
            continue
        text = _flat(element, _OUTSIDE)
        if text:
            yield text


def _flat(element: etree._Element, without: frozenset[str]) -> str:
    parts: list[str] = []

    def walk(node: etree._Element) -> None:
        tag = node.tag
        if isinstance(tag, str) and tag not in _NEVER and tag not in without:
            block = tag in _BLOCKS
            parts.append(" " if block else "")
            parts.append(node.text or "")
            for child in node:
                walk(child)
            parts.append(" " if block else "")
        parts.append(node.tail or "" if node is not element else "")

    walk(element)
    return " ".join("".join(parts).split())


def recall(wanted: Sequence[str], found: Counter[str]) -> float:
    """Share of the multiset `wanted` that `found` holds."""
    need = Counter(wanted)
    return sum(min(n, found[word]) for word, n in need.items()) / len(wanted) if wanted else 1.0


def order(running: Sequence[str], words: Sequence[str], size: int = 5) -> tuple[float, float]:
    """(share of neighbouring pairs in order, longest increasing run over all), of runs unique in both."""
    places: dict[tuple[str, ...], list[int]] = {}
    for position in range(len(words) - size + 1):
        places.setdefault(tuple(words[position : position + size]), []).append(position)
    shingles: list[tuple[str, ...]] = []
    for paragraph in running:
        own = tokens(paragraph)
        shingles += [tuple(own[i : i + size]) for i in range(len(own) - size + 1)]
    counted = Counter(shingles)
    line = [places[s][0] for s in shingles if counted[s] == 1 and len(places.get(s, ())) == 1]
    if len(line) < 2:
        return 0.0, 0.0
    pairs = sum(a < b for a, b in pairwise(line)) / (len(line) - 1)
    tails: list[int] = []
    for value in line:
        at = bisect.bisect_left(tails, value)
        tails[at : at + 1] = [value]
    return pairs, len(tails) / len(line)


def measure(name: str, paper: Paper, article: Article, seconds: float) -> Measured:
    """Compares a parsed paper with its XML."""
    searched = "\n".join(_written(paper))
    words = tokens(searched)
    found = Counter(words)
    wanted = tokens(" ".join(article.running))
    everything = tokens(article.everything + " " + article.abstract)
    pairs, lis = order(article.running, words)
    told = {_bare(part) for section in paper.sections for part in section.path}
    told |= {_bare(block) for block in paper.text.split("\n\n") if len(block) < 200}
    abstract = Counter(
        tokens(" ".join(s.span.of(paper.text) for s in paper.sections if s.kind is SectionKind.ABSTRACT))
    )
    return Measured(
        name=name,
        words=recall(wanted, found),
        words_all=recall(everything, found),
        order=pairs,
        lis=lis,
        title=tokens(article.title) == tokens(paper.record.title),
        doi=(paper.record.ids.doi or "") == article.doi,
        headings=sum(_bare(h) in told for h in article.headings) / len(article.headings)
        if article.headings
        else 1.0,
        abstract=recall(tokens(article.abstract), abstract) if article.abstract else 1.0,
        pages=paper.pages[-1].number if paper.pages else 0,
        seconds=seconds,
    )


def _bare(heading: str) -> str:
    return "".join(char for char in heading.casefold() if char.isalpha())


def _written(paper: Paper) -> Iterator[str]:
    """The text without its list of references."""
    at = 0
    for section in paper.sections:
        if section.kind is SectionKind.REFERENCES:
            yield paper.text[at : section.span.start]
            at = section.span.end
    yield paper.text[at:]


def measure_folder(folder: Path) -> list[Measured]:
    """All articles of a folder, in the order of their names."""
    results = []
    with PdfParser() as parser:
        for pdf in sorted(folder.glob("*/fulltext.pdf")):
            article = read_article(pdf.with_name("fulltext.xml"))
            begin = time.perf_counter()
            try:
                paper = parser.parse(pdf.read_bytes())
            except ParseError as error:
                results.append(Measured(pdf.parent.name, error=error.message))
                continue
            results.append(measure(pdf.parent.name, paper, article, time.perf_counter() - begin))
    return results


def report(results: Sequence[Measured]) -> str:
    """The figures as a table, the median (of shares) and the sum (of hits) last."""
    names = " ".join(f"{name:>6}" for name in ("words", "words+", "order", "lis", "heads", "abstr"))
    rows = [f"{'article':14} {names} title doi  ms/page"]
    for r in results:
        if r.error:
            rows.append(f"{r.name:14} {r.error}")
            continue
        figures = " ".join(
            f"{v:6.3f}" for v in (r.words, r.words_all, r.order, r.lis, r.headings, r.abstract)
        )
        rows.append(
            f"{r.name:14} {figures} {'yes' if r.title else 'NO':5} {'yes' if r.doi else 'NO':4}"
            f" {1000 * r.seconds / max(1, r.pages):7.1f}"
        )
    read = [r for r in results if not r.error]
    if read:
        fields = ("words", "words_all", "order", "lis", "headings", "abstract")
        for name, pick in (("median", median), ("lowest", min)):
            rows.append(
                f"{name:14} " + " ".join(f"{pick([getattr(r, f) for r in read]):6.3f}" for f in fields)
            )
        pages, seconds = sum(r.pages for r in read), sum(r.seconds for r in read)
        rows.append(
            f"{len(read)} of {len(results)} read; title {sum(r.title for r in read)},"
            f" DOI {sum(r.doi for r in read)}; {pages} pages, {1000 * seconds / max(1, pages):.1f} ms a page"
        )
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures a folder and writes the figures to standard output."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path)
    options.add_argument("--json", action="store_true", help="one object per article")
    chosen = options.parse_args(arguments)
    results = measure_folder(chosen.folder)
    if not results:
        sys.stderr.write(f"no */fulltext.pdf in {chosen.folder}\n")
        return 1
    if chosen.json:
        sys.stdout.write(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    else:
        sys.stdout.write(report(results) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
