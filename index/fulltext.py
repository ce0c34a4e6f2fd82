"""The full text: passages ranked by BM25, in bounds however large the library and however common the words.

FTS5 scores every row in which any of the words occurs, at about a microsecond each, and a question always
has words that a third of all passages share. In a large library, therefore, only the rows with one of
the rarer words of the question are scored: but by all of its words, so that each score is the one that it
would have been. A passage that has none of the rarer words is not among the best but by accident.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

ROWS = 20_000  # that the rarer words of a question may occur in
_SMALL = 2.5  # times as many passages: there all rows are scored
_POSTINGS = 40  # times as many occurrences of the commoner words are looked through
_WINDOWS = 20  # of the library, evenly spaced, that make a sample
_WINDOW = 2_500  # ids in each
_ENOUGH = 500  # hits in the sample to trust it

Hits = list[tuple[int, float]]
Weights = tuple[float, float, float]  # of title, heading and text


def match(
    db: sqlite3.Connection,
    expression: str,
    limit: int,
    weights: Weights,
    allowed: set[int] | None = None,
    ids: tuple[int, int] | None = None,
) -> Hits:
    """Passage ids and BM25 scores (higher is better) for an FTS5 expression, best first.

    `allowed` limits to these passage ids, `ids` to a range of them (inclusive).
    """
    if not expression or (allowed is not None and not allowed):
        return []
    scope, values = "", []
    if ids is not None:
        scope, values = "AND rowid BETWEEN ? AND ?", [*ids]
    if allowed is not None:
        scope += f" AND {_within(db, allowed)}"
    rows = db.execute(
        "SELECT rowid, -bm25(passage_fts, ?, ?, ?) AS score FROM passage_fts"  # noqa: S608 (own phrases)
        f" WHERE passage_fts MATCH ? {scope} ORDER BY score DESC, rowid LIMIT ?",
        (*weights, expression, *values, limit),
    )
    return [(int(row[0]), float(row[1])) for row in rows]


def _within(db: sqlite3.Connection, allowed: set[int]) -> str:
    """A condition on the row id. A function of our own: SQLite would sort a list of ids for each question,
    or ask the full-text index once for every one of them."""
    there = np.zeros(max(allowed) + 1, bool)
    there[np.fromiter(allowed, np.int64, len(allowed))] = True
    flags, last = there.tobytes(), len(there)

    def is_allowed(passage_id: int) -> bool:
        return passage_id < last and flags[passage_id] == 1

    db.create_function("is_allowed", 1, is_allowed, deterministic=True)
    return "is_allowed(rowid)"


def match_words(
    db: sqlite3.Connection,
    words: Sequence[str],
    limit: int,
    weights: Weights,
    allowed: set[int] | None = None,
    most: int = ROWS,
) -> Hits:
    """Passages with any of these words, as `match` ranks them; in a large library those with one of the
    rarer words, that is of as many as occur in at most `most` rows.

    If all words are commoner, those with the two rarest, or three; of too many the newest.
    """
    words = list(dict.fromkeys(words))
    if not words:
        return []
    first, last = (min(allowed), max(allowed)) if allowed else _ends(db)
    ids = (first, last) if allowed else None
    if last - first < _SMALL * most:  # there cannot be more rows
        return match(db, _any(words), limit, weights, allowed, ids)
    counts = {word: _count(db, _quoted(word), most + 1) for word in words}
    known = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
    rows = np.cumsum([counts[word] for word in known])
    rare = known[: int(np.searchsorted(rows, most, side="right"))]
    common = _affordable(db, known[len(rare) :], _POSTINGS * most)
    leads = [(_any(rare), common, ids)] if rare else []
    if common and (not rare or rows[len(rare) - 1] < limit):
        together, newest = _together(db, common, most, ids or (first, last))
        leads.append((_all(together), [*rare, *(w for w in common if w not in together)], newest or ids))
    found: dict[int, float] = {}
    for lead, others, within in leads:
        # Each row's score is the higher one: that by all words, if it has any of the others.
        for expression in (lead, f"({lead}) AND ({_any(others)})" if others else ""):
            for passage_id, score in match(db, expression, limit, weights, allowed, within):
                found[passage_id] = max(score, found.get(passage_id, score))
    return sorted(found.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]


def _affordable(db: sqlite3.Connection, words: Sequence[str], most: int) -> list[str]:
    """As many of these words, from the rarest, as occur `most` times together; the rarest in any case."""
    if not words:
        return []
    often = frequencies(db, words, column="")
    ordered = sorted(words, key=lambda word: often[word])
    rows = np.cumsum([often[word] for word in ordered])
    return ordered[: max(1, int(np.searchsorted(rows, most, side="right")))]


def _together(
    db: sqlite3.Connection, words: Sequence[str], most: int, ids: tuple[int, int]
) -> tuple[Sequence[str], tuple[int, int] | None]:
    """So many words, from the rarest, that at most `most` rows have all of them; else all, and the range of
    ids in which the newest rows are."""
    for count in range(min(2, len(words)), len(words) + 1):
        if _count(db, _all(words[:count]), most + 1) <= most:
            return words[:count], None
    newest = (
        "SELECT min(rowid) FROM (SELECT rowid FROM passage_fts WHERE passage_fts MATCH ?"
        " AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?)"
    )
    (first,) = db.execute(newest, (_all(words), *ids, most)).fetchone()
    return words, (first or ids[0], ids[1])


def _count(db: sqlite3.Connection, expression: str, limit: int) -> int:
    """The rows that match, counted up to a limit."""
    query = "SELECT count(*) FROM (SELECT 1 FROM passage_fts WHERE passage_fts MATCH ? LIMIT ?)"
    return int(db.execute(query, (expression, limit)).fetchone()[0])


def frequencies(db: sqlite3.Connection, words: Iterable[str], column: str = "text : ") -> dict[str, int]:
    """In the text of how many passages each of these words (stemmed like the index) occurs.

    Exact for small libraries and rare words, else from a sample of 50,000 passages. Titles are left out,
    unless `column` is "": every passage of a paper repeats its title.
    """
    first, last = _ends(db)
    step = (last - first + 1) / _WINDOWS
    sampled = step > 2 * _WINDOW
    windows = [(first + int(i * step), first + int(i * step) + _WINDOW - 1) for i in range(_WINDOWS)]
    found: dict[str, int] = {}
    for word in sorted(set(words)):
        expression = column + _quoted(word)
        query = "SELECT count(*) FROM passage_fts WHERE passage_fts MATCH ?"
        hits = 0
        if sampled:
            within = f"{query} AND rowid BETWEEN ? AND ?"
            hits = sum(db.execute(within, (expression, *ids)).fetchone()[0] for ids in windows)
        if hits >= _ENOUGH:
            found[word] = round(hits * step / _WINDOW)
        else:
            found[word] = int(db.execute(query, (expression,)).fetchone()[0])
    return found


def _ends(db: sqlite3.Connection) -> tuple[int, int]:
    """The lowest and the highest passage id, 0 and 0 of none."""
    first, last = db.execute(
        "SELECT (SELECT min(id) FROM passages), (SELECT max(id) FROM passages)"
    ).fetchone()
    return first or 0, last or 0


def _any(words: Iterable[str]) -> str:
    return " OR ".join(map(_quoted, words))


def _all(words: Iterable[str]) -> str:
    return " AND ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A phrase of one word: whatever it holds, it is no syntax."""
    return '"' + word.replace('"', '""') + '"'
