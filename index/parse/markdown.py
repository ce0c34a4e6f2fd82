"""Markdown, in any layout: notes and converted papers. `markdown_blocks` serves tomesphere pages as well.

HTML inside of Markdown is recognised so that it can be reduced to its words; nothing is ever rendered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.errors import ParseError
from index.model import Format, Paper, PaperIds, Record, SectionKind
from index.parse.blocks import Block, BlockKind, Outline, RunningText, role, with_captions
from index.parse.builder import TextBuilder, plain
from index.parse.front_matter import Fields, split_fields
from index.parse.ids import find_ids, merge_ids, normal_arxiv, normal_doi, normal_pmcid, normal_pmid
from index.parse.latex import readable
from index.parse.record import parse_authors, parse_date, people, title_from_name

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MAX_MARKDOWN = 10_000_000  # characters, without embedded images: far more than any paper holds
_MAX_INLINE = 20_000  # characters; the time for a paragraph's inline marks can grow with its square
_MAX_NESTING = 60

_EMBEDDED = re.compile(r"data:[a-z]{1,20}/[\w.+-]{1,60};base64,[A-Za-z0-9+/=]*")
_MARKS = r"[ \t]*(?:>|[-*+](?=[ \t]))"
_DEEP = re.compile(rf"^((?:{_MARKS}){{10}})(?:{_MARKS})+", re.MULTILINE)
_FAR_ITEM = re.compile(r"^[ \t]{25,}(?=[-*+][ \t]|\d{1,9}[.)][ \t])", re.MULTILINE)
_FOOTNOTE = re.compile(r"^\[\^([\w-]{1,30})\]:", re.MULTILINE)
_FOOTNOTE_MARK = re.compile(r"(?<=\S)\[\^([\w-]{1,30})\]")
_ATTRIBUTE = r"""(?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))"""
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9]*){_ATTRIBUTE}*\s*/?>")
_TAG_NAMES = frozenset(
    "a abbr b big br center cite code del dfn div em font h1 h2 h3 h4 h5 h6 i img ins kbd li mark ol p pre q "
    "s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var".split()
)
_SPACING_TAGS = frozenset(
    "br center div h1 h2 h3 h4 h5 h6 li ol p pre table tbody td tfoot th thead tr ul".split()
)
_ATTRIBUTE_VALUE = re.compile(r"""\b(href|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))""", re.IGNORECASE)
_MIN_ALT_WORDS = 3


def parse_markdown(text: str, name: str) -> Paper:
    """A paper from Markdown in any layout; `name` is the file's name, the title of last resort.

    Raises ParseError if there is nothing to read in it.
    """
    fields, body = split_fields(text)
    blocks = markdown_blocks(body)
    title, title_at = _title(blocks, fields, name)
    blocks = with_captions([block for at, block in enumerate(blocks) if at != title_at])

    builder = TextBuilder()
    if title_at is not None or fields.first("title"):
        builder.heading(title)
    outline = Outline(builder)
    if abstract := fields.first("abstract"):
        outline.heading(1, "Abstract")
        builder.block(abstract)
        outline.close(1)
    outline.write(blocks)
    content, sections, pages = builder.finish()
    if not any(section.kind.searched for section in sections):
        raise ParseError(
            "no readable text: the Markdown holds no paragraph", "Open the file and see what is in it."
        )
    return Paper(
        record=_record(title, fields, body),
        text=content,
        sections=sections,
        format=Format.MARKDOWN,
        pages=pages,
        references=tuple(outline.references),
        body_missing=all(section.kind in (SectionKind.ABSTRACT, SectionKind.SUMMARY) for section in sections),
    )


def _title(blocks: list[Block], fields: Fields, name: str) -> tuple[str, int | None]:
    """The title and, if a heading states it, that heading's position."""
    headings = [(at, block) for at, block in enumerate(blocks) if block.kind is BlockKind.HEADING]
    for at, block in headings:
        if block.level == 1 and role(block.text) is None:
            return plain(block.text), at
    if headings and headings[0][0] == 0 and role(headings[0][1].text) is None:
        level = headings[0][1].level
        if all(block.level > level for _, block in headings[1:]):
            return plain(headings[0][1].text), 0
    return plain(fields.first("title")) or title_from_name(name), None


def _record(title: str, fields: Fields, body: str) -> Record:
    authors = fields.all("authors", "author")
    year, date = parse_date(fields.first("date", "published", "publication date", "year"))
    ids = PaperIds(
        doi=normal_doi(fields.first("doi")),
        pmcid=normal_pmcid(fields.first("pmcid", "pmc")),
        pmid=normal_pmid(fields.first("pmid")),
        arxiv=normal_arxiv(fields.first("arxiv", "eprint")),
    )
    keywords = fields.all("keywords", "keyword")
    if len(keywords) == 1:
        keywords = tuple(re.split(r"[;,]", keywords[0]))
    return Record(
        title=title,
        authors=parse_authors(authors[0]) if len(authors) == 1 else people(authors),
        year=year,
        date=date,
        journal=plain(fields.first("journal", "publication", "container-title", "venue")) or None,
        ids=merge_ids(ids, find_ids(fields.first("url", "source", "link") + "\n" + _top(body))),
        licence=plain(fields.first("license", "licence")) or None,
        keywords=tuple(word for word in map(plain, keywords) if word),
    )


def _top(body: str) -> str:
    """What stands before the first section: a DOI further down is as likely another paper's."""
    lines = body[:3000].splitlines()
    start = next((at + 1 for at, line in enumerate(lines) if line.startswith("# ")), 0)
    end = next((at for at in range(start, len(lines)) if re.match(r"#{1,6}\s", lines[at])), len(lines))
    return "\n".join(lines[:end])


def markdown_blocks(text: str) -> list[Block]:
    """The blocks of a Markdown text, in order, all inline marks reduced to plain words.

    Raises ParseError for more than MAX_MARKDOWN characters.
    """
    text = _EMBEDDED.sub("", text)
    if len(text) > MAX_MARKDOWN:
        raise ParseError(
            f"too long: {len(text):,} characters of Markdown, and no paper has more than {MAX_MARKDOWN:,}",
            "Split the file, one paper each.",
        )
    # At _MAX_NESTING markdown-it drops the rest of the text: keep lists and quotations below it.
    text = _close_open_ends(_FAR_ITEM.sub(" " * 24, _DEEP.sub(r"\1", text)))
    return _Walker(_markdown_it()).walk(_FOOTNOTE.sub(r"[\1]", text))


def _close_open_ends(text: str) -> str:
    """Defuses a comment or script that never ends: the rest of the paper would vanish in it."""
    for start, end in (
        ("<!--", "-->"),
        ("<script", "</script"),
        ("<style", "</style"),
        ("<textarea", "</textarea"),
    ):
        closed = [found.end() for found in re.finditer(re.escape(end), text, re.IGNORECASE)][-1:]
        at = closed[0] if closed else 0
        text = text[:at] + re.sub(re.escape(start), "&lt;" + start[1:], text[at:], flags=re.IGNORECASE)
    return text


def _markdown_it() -> MarkdownIt:
    from markdown_it import MarkdownIt

    md = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    md.core.ruler.disable("inline")  # done block by block in the walker, which can refuse overlong ones
    md.inline.ruler.before("escape", "math", _math)
    return md


def _math(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$`: kept away from emphasis and escapes. Prices ("$5 and $6") are no math."""
    source, at = state.src, state.pos
    if source[at] != "$":
        return False
    fence = "$$" if source.startswith("$$", at) else "$"
    start = at + len(fence)
    end = source.find(fence, start, start + 2000)
    inner = source[start:end] if end > start else ""
    after = source[end + len(fence) : end + len(fence) + 1]
    if not inner or (fence == "$" and (inner[0].isspace() or inner[-1].isspace() or after.isdigit())):
        return False
    if not silent:
        state.push("math", "", 0).content = inner
    state.pos = end + len(fence)
    return True


class _Walker:
    """From markdown-it's flat list of tokens to blocks, without recursion."""

    def __init__(self, md: MarkdownIt) -> None:
        self._md = md
        self._env: dict[str, object] = {}
        self._blocks: list[Block] = []
        self._depth = 0  # of lists
        self._items: list[str] = []
        self._item_links: list[str] = []
        self._new_item = False
        self._first: int | None = None
        self._heading = 0
        self._rows: list[str] | None = None
        self._cells: list[str] = []

    def walk(self, text: str) -> list[Block]:
        for token in self._md.parse(text, self._env):
            if token.type == "inline":
                self._inline(token)
            elif token.type in ("fence", "code_block"):
                self._code(token.content)
            elif token.type == "html_block":
                self._html(token.content)
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                self._open_list(token)
            elif token.type in ("bullet_list_close", "ordered_list_close"):
                self._depth -= 1
                if not self._depth:
                    self._end_list()
            elif token.type == "list_item_open":
                self._new_item = True
            elif token.type == "heading_open":
                self._heading = int(token.tag[1:])
            else:
                self._table(token.type)
        return self._blocks

    def _open_list(self, token: Token) -> None:
        if not self._depth and token.type == "ordered_list_open":
            self._first = int(token.attrs.get("start", 1))
        elif self._depth:
            self._first = None  # the numbers of nested lists would mix
        self._depth += 1

    def _end_list(self) -> None:
        if self._items:
            self._blocks.append(
                Block(BlockKind.LINES, tuple(self._items), links=tuple(self._item_links), first=self._first)
            )
        self._items, self._item_links, self._first = [], [], None

    def _table(self, kind: str) -> None:
        if kind == "table_open":
            self._end_list()
            self._rows = []
        elif kind == "tr_close" and self._rows is not None:
            if any(self._cells):
                self._rows.append(" | ".join(self._cells))
            self._cells = []
        elif kind == "table_close" and self._rows is not None:
            self._blocks.append(Block(BlockKind.TABLE, tuple(self._rows)))
            self._rows = None

    def _code(self, content: str) -> None:
        lines = tuple(content.splitlines())
        if self._depth:
            self._items.extend(lines)
            self._item_links.extend("" for _ in lines)
        else:
            self._blocks.append(Block(BlockKind.LINES, lines))

    def _html(self, content: str) -> None:
        from index.parse.html import fragment_blocks

        self._end_list()
        self._blocks.extend(fragment_blocks(content))

    def _inline(self, token: Token) -> None:
        words = _Inline()
        if len(token.content) > _MAX_INLINE:
            words.text.add(_TAG.sub(" ", token.content))
        else:
            children: list[Token] = []
            self._md.inline.parse(token.content, self._md, self._env, children)
            words.read(children)
        text, links = _FOOTNOTE_MARK.sub(r" [\1]", words.text.take()), " ".join(words.links)
        if self._rows is not None:
            self._cells.append(text)
        elif self._heading:
            if text:
                self._end_list()
                self._blocks.append(Block(BlockKind.HEADING, (text,), level=self._heading))
            self._heading = 0
        elif self._depth:
            self._item(text, links)
        elif text:
            self._blocks.append(Block(BlockKind.PARAGRAPH, (text,), lead=words.lead, links=(links,)))
        if any(len(alt.split()) >= _MIN_ALT_WORDS for alt in words.alts):
            self._end_list()
            alts = [plain(alt) for alt in words.alts if len(alt.split()) >= _MIN_ALT_WORDS]
            self._blocks.extend(Block(BlockKind.FIGURE, (alt,)) for alt in alts)

    def _item(self, text: str, links: str) -> None:
        if not text:
            return
        if self._new_item or not self._items:
            self._items.append(text)
            self._item_links.append(links)
            self._new_item = False
        else:
            self._items[-1] += " " + text
            self._item_links[-1] += " " + links


class _Inline:
    """The plain words of a paragraph's inline tokens, with what they link to and what its images show."""

    def __init__(self) -> None:
        self.text = RunningText()
        self.links: list[str] = []
        self.alts: list[str] = []
        self.lead = ""

    def read(self, tokens: list[Token]) -> None:
        bold: list[str] | None = None
        for at, token in enumerate(tokens):
            if token.type in ("text", "text_special", "code_inline"):
                self._add(token.content, bold)
            elif token.type == "math":
                self._add(readable(token.content), bold)
            elif token.type in ("softbreak", "hardbreak"):
                self._add(" ", bold)
            elif token.type == "image":
                self.alts.append(token.content)
            elif token.type == "link_open":
                self.links.append(str(token.attrs.get("href", "")))
            elif token.type == "html_inline":
                self._tag(token.content)
            elif token.type == "strong_open" and not "".join(t.content for t in tokens[:at][-2:]).strip():
                bold = [] if not self.lead else bold
            elif token.type == "strong_close" and bold is not None:
                self.lead, bold = plain("".join(bold)), None

    def _add(self, words: str, bold: list[str] | None) -> None:
        self.text.add(words)
        if bold is not None:
            bold.append(words)

    def _tag(self, source: str) -> None:
        """A tag leaves no trace but its effect; what only looks like one ("<b and c>") stays."""
        if source.startswith(("<!--", "<?", "<!")):
            return
        found = _TAG.fullmatch(source)
        tag = found.group(2).lower() if found else ""
        if not found or tag not in _TAG_NAMES:
            self.text.add(source)
        elif tag == "sup":
            if found.group(1):
                self.text.end_raised()
            else:
                self.text.start_raised()
        elif tag in _SPACING_TAGS:
            self.text.add(" ")
        else:
            for key, *values in _ATTRIBUTE_VALUE.findall(source):
                (self.links if key.lower() == "href" else self.alts).append("".join(values))
