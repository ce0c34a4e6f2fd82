"""Pages of tomesphere.com in Markdown: the summary view, and the full view, which holds the body as well.

Names stand family name first on these pages ("Wang Zhao-Di"). The first word, with particles before it
("van der Berg Anna"), is therefore the family name; "Berg, Anna" and closing initials ("Berg A M") are
read as what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from index.errors import ParseError
from index.model import Author, Entity, Format, Paper, PaperIds, Record, SectionKind
from index.parse.blocks import Block, BlockKind, Outline, bare_heading, with_captions
from index.parse.builder import TextBuilder, plain
from index.parse.ids import find_ids, merge_ids, normal_arxiv, normal_pmcid
from index.parse.markdown import markdown_blocks
from index.parse.record import parse_authors, parse_date, title_from_name

_PAGE_KINDS: dict[str, SectionKind | None] = {
    "tl;dr": SectionKind.SUMMARY,
    "contribution": SectionKind.SUMMARY,
    "key findings": SectionKind.SUMMARY,
    "abstract": SectionKind.ABSTRACT,
    "linked entities": SectionKind.ENTITIES,
    "full-text entities": SectionKind.ENTITIES,
    "full text": None,  # only wraps the paper's own sections
    "figures": SectionKind.FIGURE,
    "tables": None,
    "references": SectionKind.REFERENCES,
}
_PAGE_LEVEL = 2
_HEADING = re.compile(r"^##[ \t]+(.{1,60}?)[ \t#]*$", re.MULTILINE)
_AUTHORS = re.compile(r"^\*\*Authors?:\*\*", re.MULTILINE)
_FOOTER = re.compile(r"\n\s*(?:-{3,}\s*\n\s*)?Source:[ \t]*<?(https?://\S{1,300}?)>?\s*\Z")
_SOURCE = re.compile(r"^Source:[ \t]*<?https?://(?:www\.)?tomesphere\.com/", re.MULTILINE)
_PAPER_ADDRESS = re.compile(r"tomesphere\.com/paper/([A-Za-z0-9.\-]{1,40})")
_PLACEHOLDER = re.compile(
    r"omitted from this summary view|https?://(?:www\.)?tomesphere\.com/paper/\S{1,60}/full\.md\b",
    re.IGNORECASE,
)
_MAX_PLACEHOLDER = 300  # characters; the paper's own words may mention the address
_SEPARATOR = re.compile(r"\s+[·•|]\s+")
_LICENCE = re.compile(r"^(?:CC[ -]?(?:BY|0)|licen[cs]e\b|public domain)", re.IGNORECASE)
_RANKS = frozenset(("species", "genus", "strain", "subspecies", "family", "order", "no rank"))
_IDENTIFIER = re.compile(r"^[A-Za-z][A-Za-z0-9_. ]{0,20}:\s?[A-Za-z]{0,10}[\d.]+\w*$")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_SINGULARS = {"species": "species", "diseases": "disease", "genes": "gene", "proteins": "protein"}


def is_tomesphere(text: str) -> bool:
    """Whether a text has the layout of a tomesphere page: its title, and two of its marks or three of its
    headings."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start.startswith("# "):
        return False
    headings = {bare_heading(found.group(1)) for found in _HEADING.finditer(text)} & _PAGE_KINDS.keys()
    own = headings & {
        "tl;dr",
        "contribution",
        "key findings",
        "linked entities",
        "full-text entities",
        "full text",
    }
    marks = bool(_AUTHORS.search(text[:20000])) + bool(_SOURCE.search(text[-2000:])) + bool(own)
    return bool(own) and ((marks >= 2 and len(headings) >= 2) or len(own) >= 3)


def parse_tomesphere(text: str, name: str) -> Paper:
    """A paper from a tomesphere page; `name` is the file's name, whose PMCID counts if the page has none.

    Without the body (summary view) `body_missing` is set. Raises ParseError if there is nothing to read.
    """
    text, source = _without_footer(text)
    blocks = markdown_blocks(text)
    title, front, rest = _parts(blocks)
    title = title or title_from_name(name)
    record = _record(title, front, source, name)
    builder = TextBuilder()
    builder.heading(title)
    outline = Outline(builder)
    entities = _write(outline, with_captions([block for block in rest if not _is_placeholder(block)]))
    content, sections, pages = builder.finish()
    if not any(section.kind.searched for section in sections):
        raise ParseError(
            "no readable text: the page has headings, but nothing under them", "Fetch the page again."
        )
    return Paper(
        record=record,
        text=content,
        sections=sections,
        format=Format.TOMESPHERE,
        pages=pages,
        references=tuple(outline.references),
        entities=tuple(dict.fromkeys(entities)),
        body_missing=not any(section.kind is SectionKind.BODY for section in sections),
    )


def _without_footer(text: str) -> tuple[str, str]:
    """The text without its last line, and the address that this line names."""
    found = _FOOTER.search(text[-2000:])
    if not found:
        return text, ""
    return text[: len(text) - len(text[-2000:]) + found.start()] + "\n", found.group(1)


def _parts(blocks: list[Block]) -> tuple[str, list[Block], list[Block]]:
    """The title, the lines between it and the first heading, and everything else."""
    title = ""
    if blocks and blocks[0].kind is BlockKind.HEADING and blocks[0].level == 1:
        title, blocks = plain(blocks[0].text), blocks[1:]
    end = next((at for at, block in enumerate(blocks) if block.kind is BlockKind.HEADING), len(blocks))
    front: list[Block] = []
    kept: list[Block] = []
    for block in blocks[:end]:
        is_fields = block.lead.endswith(":") or len(_SEPARATOR.findall(block.text)) >= 2
        (front if is_fields else kept).append(block)
    return title, front, kept + blocks[end:]


def _record(title: str, front: list[Block], source: str, name: str) -> Record:
    authors: tuple[Author, ...] = ()
    keywords: tuple[str, ...] = ()
    journal = licence = date = year = None
    ids = PaperIds()
    for block in front:
        lead = block.lead.rstrip(":").casefold()
        value = plain(block.text[len(block.lead) :])
        if lead.startswith("author"):
            authors = parse_authors(value, family_first=True)
        elif lead.startswith("keyword"):
            keywords = tuple(word for word in map(plain, re.split(r"[;,]", value)) if word)
        else:
            ids = merge_ids(ids, find_ids(f"{block.text} {' '.join(block.links)}"))
            for part in _SEPARATOR.split(block.text):
                what, part = _field(part)
                if what == "date" and not year:
                    year, date = parse_date(part)
                elif what == "licence":
                    licence = licence or part
                elif what == "journal":
                    journal = journal or part
    return Record(title, authors, year, date, journal, _with_name(ids, source, name), licence, keywords)


def _field(part: str) -> tuple[str, str]:
    """What one part of the line "PMC · DOI: … · Journal · date" is, and its words without a label."""
    label, _, value = part.partition(": ")
    label = label.casefold().strip("* ")
    if label in ("date", "published", "year", "journal", "licence", "license") and value:
        kind = {"license": "licence", "published": "date", "year": "date"}.get(label, label)
        return kind, plain(value)
    found = find_ids(part)
    if found != PaperIds() or label in (
        "pmc",
        "pmcid",
        "pmid",
        "doi",
        "arxiv",
        "pubmed",
        "biorxiv",
        "medrxiv",
    ):
        return "id", part
    if re.match(
        r"^\(?(?:1[5-9]|20)\d\d\b|^\d{1,2} \w{3,9} \d{4}$|^[A-Z][a-z]{2,8}\.? (?:\d{1,2}, )?\d{4}$", part
    ):
        return "date", part
    return ("licence", part) if _LICENCE.match(part) else ("journal", plain(part))


def _with_name(ids: PaperIds, source: str, name: str) -> PaperIds:
    """Fills gaps from the page's own address, then from the file's name."""
    address = _PAPER_ADDRESS.search(source)
    stem = re.sub(r"\.(?:md|markdown|txt|text)$", "", name.replace("\\", "/").rsplit("/", 1)[-1], flags=re.I)
    for key in (address.group(1) if address else "", stem.removesuffix(".full").removesuffix("-full")):
        stated = re.fullmatch(r"PMC\d+", key, re.IGNORECASE)
        if stated:
            ids = merge_ids(ids, PaperIds(pmcid=normal_pmcid(key)))
        elif re.fullmatch(r"\d{4}\.\d{4,5}(?:v\d+)?", key):
            ids = merge_ids(ids, PaperIds(arxiv=normal_arxiv(key)))
    return ids


def _is_placeholder(block: Block) -> bool:
    """A sentence of the page that stands for what the summary view leaves out; no words of the paper."""
    if block.kind not in (BlockKind.PARAGRAPH, BlockKind.LINES) or len(block.text) > _MAX_PLACEHOLDER:
        return False
    return bool(_PLACEHOLDER.search(block.text))


def _write(outline: Outline, blocks: Iterable[Block]) -> list[Entity]:
    """Writes the page's and the paper's sections; gives the entities on the way."""
    entities: list[Entity] = []
    for block in blocks:
        name = bare_heading(block.text) if block.kind is BlockKind.HEADING else ""
        if name in _PAGE_KINDS and block.level <= _PAGE_LEVEL:
            outline.close(1)  # whatever level the paper's own headings have, the page's stand outermost
            if kind := _PAGE_KINDS[name]:
                outline.heading(_PAGE_LEVEL, block.text, kind)
            continue
        if outline.kind is SectionKind.ENTITIES and block.kind is not BlockKind.HEADING:
            for line in block.lines:
                entities.extend(_entities(line))
        outline.write((block,))
    return entities


def _entities(line: str) -> Iterator[Entity]:
    """ "Genes: VEGFA (vascular …) [NCBI Gene 7422] {aka VEGF}, KDR (…)": one entity a name."""
    label, colon, rest = line.partition(": ")
    if not colon:
        label, rest = "", line
    kind = label.strip().casefold()
    kind = _SINGULARS.get(kind, kind[:-1] if kind.endswith("s") and not kind.endswith("ss") else kind)
    for part in _split_outside(rest):
        yield from _entity(kind, part)


def _brackets(text: str) -> dict[int, int]:
    """Where each bracket that closes was opened, and the other way round. One that never closes is none."""
    pairs: dict[int, int] = {}
    opened: dict[str, list[int]] = {sign: [] for sign in _BRACKETS.values()}
    for at, char in enumerate(text):
        if char in opened:
            opened[char].append(at)
        elif char in _BRACKETS and opened[_BRACKETS[char]]:
            start = opened[_BRACKETS[char]].pop()
            pairs[start], pairs[at] = at, start
    return pairs


def _split_outside(text: str) -> Iterator[str]:
    """Splits at ", " outside of brackets."""
    pairs = _brackets(text)
    start = at = 0
    while at < len(text):
        if text.startswith(", ", at):
            yield text[start:at]
            start = at + 2
        at = max(pairs.get(at, at), at) + 1
    yield text[start:]


def _entity(kind: str, text: str) -> Iterator[Entity]:
    """ "name (words) [identifier] {aka alias, alias}", all but the name optional."""
    name, identifier = plain(text), ""
    pairs = _brackets(name)
    aliases: list[str] = []
    while (at := pairs.get(len(name) - 1, 0)) > 0 and name[at - 1] == " ":
        closed, inner = name[-1], plain(name[at + 1 : -1])
        name = name[:at].rstrip()
        if closed == "]" or (closed == ")" and not identifier and _IDENTIFIER.match(inner)):
            identifier = identifier or inner
        elif closed == "}":
            aliases = [*inner.removeprefix("aka ").split(", "), *aliases]
        elif kind == "species":
            aliases = [part for part in inner.split(", ") if part.casefold() not in _RANKS] + aliases
        else:
            aliases.insert(0, inner)
    if name:
        yield Entity(kind, name, identifier, tuple(dict.fromkeys(filter(None, map(plain, aliases)))))
