"""Reads a draft: the sentences that cite something, what they cite and quote, and the list of references.

A draft is Markdown, plain text or LaTeX; nobody has to say which. Citations are [1], [1,2], [1–3], [^1],
[@key], @key, \\cite{key}, (Wang et al., 2020; Lee & Kim, 2019) and Wang et al. (2020).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.model import Span
from index.sentences import sentence_spans
from qa.citation_marks import Mark, find_marks, without_marks
from qa.words import tokens

_HEADING = re.compile(
    r"^\s*(?:#{1,6}\s*|\\(?:sub)*section\*?\{|\*\*|__)?\s*(?:\d+\.?\s+)?"
    r"(?:references|bibliography|works cited|literature(?: cited)?|reference list)\b[\s:}*_#]*$"
    r"|^\s*\\begin\{thebibliography\}",
    re.IGNORECASE,
)
_LABELS = re.compile(
    r"^\s*(?:[-*]\s+)?(?:(?P<numbers>(?:\\?\[\d{1,4}\\?\]\s*)+)|(?P<number>\d{1,3})[.)]\s"
    r"|\\bibitem(?:\[[^\]]*\])?\{(?P<key>[^}]+)\}|\[\^(?P<note>[\w-]+)\]:)\s*(?P<text>.*)$"
)
_NOTE = re.compile(r"^\s{0,3}\[\^(?P<note>[\w-]+)\]:\s*(?P<text>.*)$")
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]")
# A citation behind the full stop belongs to the sentence before it: ". [@key]" becomes " [@key].".
_BEHIND = re.compile(
    r"(?P<stop>[.!?])(?P<mark>\s+(?:\[[^\[\]]*@[^\[\]]*\]|\[\^[\w-]+\]|\\\w*cite\w*\*?(?:\[[^\]]*\])*\{[^}]*\}))"
    r"(?=\s|$)"
)
_LATEX = re.compile(r"\\(?:\w*cite\w*|begin|section)\*?[\[{]")
_MARKUP = re.compile(r"\\(?:emph|textit|textbf|text|mathrm|footnote)\{([^{}]*)\}")
_QUOTED_WORDS = 3  # fewer are a term, not a quotation
_OWN_WORDS = 2  # fewer are no sentence


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence of a draft that cites something. `line` counts from 1; `text` is without the citations."""

    line: int
    text: str
    marks: tuple[Mark, ...]
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manuscript:
    """The cited sentences of a draft, and its references by the labels under which they are cited."""

    sentences: tuple[CitedSentence, ...]
    references: dict[str, str]


def read_manuscript(source: str) -> Manuscript:
    """The draft taken apart. Never fails: what is no citation is text."""
    lines = source.splitlines()
    start = next((i for i, line in reversed(list(enumerate(lines))) if _HEADING.match(line)), len(lines))
    references = _references(lines[start + 1 :])
    body = lines[:start]
    for i, line in enumerate(body):
        if note := _NOTE.match(line):
            references[note["note"]] = note["text"]
            body[i] = ""
    sentences = [sentence for first, text in _blocks("\n".join(body)) for sentence in _sentences(first, text)]
    return Manuscript(tuple(sentences), references)


def _references(lines: Sequence[str]) -> dict[str, str]:
    """The entries of a list of references; what stands on lines of its own below one belongs to it."""
    found: dict[str, str] = {}
    labels: list[str] = []
    for line in lines:
        entry = _LABELS.match(line)
        if entry:
            labels = re.findall(r"\d+", entry["numbers"] or "") or [
                entry["number"] or entry["key"] or entry["note"]
            ]
            text = entry["text"]
        elif line.strip() and labels:
            text = f"{found[labels[0]]} {line.strip()}"
        else:
            continue
        found |= dict.fromkeys(labels, text.strip())
    return found


# --- blocks of running text ------------------------------------------------------------------------------


def _blocks(source: str) -> Iterator[tuple[int, str]]:
    """Paragraphs, list items, quotations and table cells: the number of the first line, and the plain text
    with a newline where the source has one."""
    from markdown_it import MarkdownIt

    # Indented text is code in Markdown but a paragraph in LaTeX, and nobody cites in code.
    parser = MarkdownIt("commonmark").enable("table").disable(["code", "lheading"])
    if _LATEX.search(source):
        parser.disable("backticks")  # there they are quotation marks
    heading = False
    for token in parser.parse(source):
        if token.type == "heading_open":
            heading = True
        elif token.type == "heading_close":
            heading = False
        elif token.type == "inline" and token.map and not heading:
            yield token.map[0] + 1, "".join(_plain(token.children or []))


def _plain(children: Sequence[object]) -> Iterator[str]:
    """The text of a block; a link named by a number only is a citation that became a link."""
    for i, child in enumerate(children):
        kind, content = getattr(child, "type", ""), getattr(child, "content", "")
        if kind in ("softbreak", "hardbreak"):
            yield "\n"
        elif kind in ("link_open", "link_close"):
            near = children[i + 1 : i + 2] if kind == "link_open" else children[i - 1 : i]
            if near and re.fullmatch(r"[\d\s,;–-]+", getattr(near[0], "content", "")):
                yield "[" if kind == "link_open" else "]"
        elif kind in ("text", "text_special", "code_inline"):
            yield content


# --- sentences -------------------------------------------------------------------------------------------


def _sentences(first: int, block: str) -> Iterator[CitedSentence]:
    """The sentences of a block that cite something."""
    flat = _BEHIND.sub(lambda found: f"{found['mark']}{found['stop']}", block)
    # As long as the block, so that its line breaks still tell the lines.
    flat = flat.replace("\n", " ").replace("``", " “").replace("''", "” ")
    found: list[tuple[Span, str]] = []
    for span in sentence_spans(flat, Span(0, len(flat))):
        text = span.of(flat)
        alone = len(tokens(without_marks(text))) < _OWN_WORDS
        if alone and found and find_marks(text):  # only a citation: it belongs to what stands before it
            before, _ = found.pop()
            span = Span(before.start, span.end)
            text = span.of(flat)
        found.append((span, text))
    for span, text in found:
        marks = find_marks(text)
        if marks:
            line = first + block.count("\n", 0, span.start)
            bare = " ".join(_MARKUP.sub(r"\1", without_marks(text)).split())
            yield CitedSentence(line, bare, tuple(marks), tuple(_quotes(bare)))


def _quotes(text: str) -> Iterator[str]:
    for found in _QUOTED.finditer(text):
        quote = next(group for group in found.groups() if group)
        if len(tokens(quote)) >= _QUOTED_WORDS:
            yield quote.strip()
