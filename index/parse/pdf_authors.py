"""Authors' names, from the lines under a title or from a list in the metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.model import Author
from index.parse.pdf_layout import Line

_AFFILIATION = re.compile(
    r"universit|department|institut|hospital|school|college|centre|center|faculty|laborator|academy|division|"
    r"abstract|received|correspond|@|https?:|journal|published|accepted|editor|keywords|clinic|ministry|research|"
    r"open access|article|citation|copyright|\b(?:china|usa|germany|japan|france|italy|spain)\b",
    re.IGNORECASE,
)
_PARTICLES = frozenset("van von de der den del della di da dos du la le el al bin ibn ter ten af st".split())
_NAME_TOKEN = re.compile(r"(?:[^\W\d_][\w.'’‐-]*)")


def printed_authors(after: Sequence[Line]) -> list[Author]:
    """Names from the lines under the title, up to the first line that is none of names."""
    started: list[Line] = []
    texts: list[str] = []
    for line in after:
        if started and (abs(line.size - started[-1].size) > 0.5 or started[-1].y - line.y > 3 * line.size):
            break
        text = _without_marks(line)
        names, parts = _names(text)
        if _AFFILIATION.search(text) or (not started and (not names or len(names) < 0.6 * len(parts))):
            if started:
                break
            continue
        started.append(line)
        texts.append(text)
    while texts:
        names, parts = _names(" ".join(texts))
        if len(names) >= 0.75 * len(parts):
            return names[:200]
        texts.pop()
    return []


def _without_marks(line: Line) -> str:
    """The line with a comma for each raised mark, which parts the names as well."""
    parts = []
    for position, word in enumerate(line.words):
        apart = position and word.x0 - line.words[position - 1].x1 > 0.17 * line.size
        raised = word.size <= 0.85 * line.size and word.y > line.y + 0.1 * line.size
        parts.append((" " if word.space or apart else "") + ("," if raised else word.text))
    return re.sub(
        r"\b(?:MD|PhD|Ph\.D\.|M\.D\.|MSc|MPH|Dr\.?|Prof\.?|MBBS|FRCP|RN|BSc)\b", ",", "".join(parts)
    )


def _names(text: str) -> tuple[list[Author], list[str]]:
    parts = [p.strip(" *†‡§#¶.") for p in re.split(r"[,;|•·&*†‡§¶\d]|\band\b", text)]
    parts = [p for p in parts if len(p) > 2]
    return [author for author in map(author, parts) if author], parts


def author(name: str) -> Author | None:
    tokens = name.split()
    if not 2 <= len(tokens) <= 6 or any(char.isdigit() for char in name) or len(name) > 60:
        return None
    if not all(_NAME_TOKEN.fullmatch(token) for token in tokens):
        return None
    capital = [t for t in tokens if t[0].isupper() or t.casefold() in _PARTICLES]
    if len(capital) != len(tokens) or _AFFILIATION.search(name):
        return None
    if re.fullmatch(r"[A-Z]{1,3}", tokens[-1]) and not re.fullmatch(r"[A-Z.]+", tokens[0]):
        return Author(" ".join(tokens[:-1]), tokens[-1])  # "Curie MS"
    cut = len(tokens) - 1
    while cut > 1 and tokens[cut - 1].casefold() in _PARTICLES:
        cut -= 1
    return Author(" ".join(tokens[cut:]), " ".join(tokens[:cut]))
