"""Which files are the same paper, which of them is the better text, and what the paper is called."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from index.model import Format, Paper, Record

# How well a format keeps the text, best first. A page without its body comes after all of them.
_BEST_FIRST = (Format.JATS, Format.TOMESPHERE, Format.MARKDOWN, Format.HTML, Format.PDF, Format.TEXT)
_WORD = re.compile(r"\w+")
_SAMPLES = 200
_SHINGLE = 5


def quality(format_: Format, body_missing: bool) -> tuple[bool, int]:
    """Sorts texts of one paper: the higher, the better."""
    return (not body_missing, -_BEST_FIRST.index(format_))


def text_key(text: str) -> str:
    """Letters and digits only, lower case: equal for texts that differ in layout alone."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def text_sha256(text: str) -> str:
    """Equal for texts that differ in layout alone."""
    return hashlib.sha256(text_key(text).encode()).hexdigest()


def same_paper(title: str, text: str, other_title: str, other_text: str) -> bool:
    """Whether two texts that share an id really are one paper.

    A PDF may print another paper's DOI on its first page (a commentary, a correction), and merging two
    papers loses one. So their titles must share most words, or their texts many runs of five words.
    """
    mine, others = (set(_WORD.findall(t.lower())) for t in (title, other_title))
    if mine and others and len(mine & others) >= 0.6 * max(len(mine), len(others)):
        return True
    return shared_runs(text, other_text) >= 0.3


def same_unnamed_paper(title: str, text: str, other_text: str) -> bool:
    """Whether two texts of the same title that share no id are one paper: many a PDF prints no id at all.

    A short title ("Editorial", "Reply to the authors") says nothing; and half of the words must agree.
    """
    return len(_WORD.findall(title)) >= 4 and shared_runs(text, other_text) >= 0.5


def shared_runs(text: str, other: str) -> float:
    """The part, 0 to 1, of the shorter text's runs of five words, sampled evenly, that the other one has."""
    words, other_words = _WORD.findall(text.lower()), _WORD.findall(other.lower())
    if len(words) > len(other_words):
        words, other_words = other_words, words
    runs = range(0, max(0, len(words) - _SHINGLE), max(1, len(words) // _SAMPLES))
    known = {tuple(other_words[i : i + _SHINGLE]) for i in range(len(other_words) - _SHINGLE + 1)}
    sampled = [tuple(words[i : i + _SHINGLE]) for i in runs]
    return sum(run in known for run in sampled) / len(sampled) if sampled else 0.0


def contradict(a: Record, b: Record) -> bool:
    """Whether the records name different papers outright: a file was replaced by another paper."""
    pairs = ((a.ids.doi, b.ids.doi), (a.ids.pmcid, b.ids.pmcid), (a.ids.arxiv, b.ids.arxiv))
    return any(x and y and x != y for x, y in pairs)


def paper_key(paper: Paper) -> str:
    """The name by which users call the paper: its best id, else author, year and a word of the title."""
    ids = paper.record.ids
    if ids.pmcid or ids.doi:
        return ids.pmcid or ids.doi or ""
    if ids.arxiv:
        return f"arXiv:{ids.arxiv}"
    if ids.pmid:
        return f"PMID{ids.pmid}"
    author = _ascii(paper.record.authors[0].family) if paper.record.authors else ""
    words = [w for w in (_ascii(w) for w in paper.record.title.split()) if len(w) > 3] or ["paper"]
    parts = [author, str(paper.record.year or ""), *(words[:1] if author else words[:3])]
    return "-".join(part for part in parts if part)[:60]


def _ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", folded.lower())
