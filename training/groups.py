"""What a step of the training reads: a question, a passage that answers it, and passages that do not.

Passages are cut to where most of the question's words are, for a step takes as long as what it reads. Answers
are cut like the others: cut around their evidence they are told by how they are cut, and nothing is learned.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.candidates import Found, Row, read_rows

_NEAR, _FAR = 20, 60
_COMPARED = re.compile(r"^What is the effect of (.+) compared with (.+?) on (.+?)\?$", re.DOTALL)
_FORMS = (
    "does {a} change {c}?", "is {c} better with {a} than with {b}?", "{c}: {a} or {b}?", "{a} affects {c}.",
    "how did {c} differ between {a} and {b}?", "{a} has no effect on {c}.", "{a} {c}", "what changes {c}?",
    "how well does {a} work for {c}?", "{c} is the same with {a} and {b}.", "{a} versus {b} {c}",
)  # fmt: skip
_SELF = "self"  # the split of questions that label themselves


@dataclass(frozen=True, slots=True)
class Reading:
    """How groups are made."""

    size: int = 8
    near: int = 5  # negatives of the top 20; the rest come from below
    header_dropped: float = 0.3
    words: int = 90  # of a passage
    whole: float = 0.1  # of the steps read passages whole
    reworded: float = 0.5  # of the questions that compare are asked in another form
    fused: float = 0.0  # what a fused score, as a part of the best, adds to a logit


@dataclass(frozen=True, slots=True)
class Group:
    """A question and texts, the one that answers first, with what is known of each before it is read."""

    question: str
    texts: list[str]
    known: list[float]


def mix(files: Sequence[tuple[Path, float]], rng: random.Random) -> Iterator[Row]:
    """Rows without end, file by file in proportion to their shares, each file in a new order every round."""
    pools = [read_rows(path) for path, _ in files]
    pools = [[row for row in rows if any(f.relevant for f in row.found)] for rows in pools]
    orders: list[list[Row]] = [[] for _ in pools]
    while True:
        (which,) = rng.choices(range(len(pools)), [share for _, share in files])
        if not orders[which]:
            orders[which] = rng.sample(pools[which], len(pools[which]))
        yield orders[which].pop()


def group(row: Row, how: Reading, words: int, rng: random.Random) -> Group | None:
    """One passage that answers and `size` - 1 that do not, `words` words of each; None if there are fewer."""
    positive = rng.choice([f for f in row.found if f.relevant])
    near = [f for f in row.found[:_NEAR] if not f.relevant]
    far = [f for f in row.found[_NEAR:_FAR] if not f.relevant]
    others = rng.sample(near, min(how.near, len(near)))
    others += rng.sample(far, min(how.size - 1 - len(others), len(far)))
    if len(others) < how.size - 1:
        return None
    wanted = _wanted(row.question)
    chosen = [positive, *others]
    texts = [reading(found, wanted, words, rng.random() >= how.header_dropped) for found in chosen]
    question = reworded(row.question, rng) if rng.random() < how.reworded else row.question
    return Group(question, texts, _known(row, chosen, how))


def reading(found: Found, wanted: frozenset[str], words: int, header: bool) -> str:
    """What the model reads of a passage; now and then without its header, so that it learns to do without."""
    cut = window(found.text, wanted, words)
    return f"{found.header}. {cut}" if header and found.header else cut


def _known(row: Row, chosen: Sequence[Found], how: Reading) -> list[float]:
    """The fused score as a part of the best. Questions that label themselves have none: the answer's score
    was taken with the very sentence that is asked still in it."""
    best = max(found.score for found in row.found)
    if row.split == _SELF or best <= 0:
        return [0.0] * len(chosen)
    return [how.fused * found.score / best for found in chosen]


def reworded(question: str, rng: random.Random) -> str:
    """A question that compares two things, in another form; others stay as they are."""
    compared = _COMPARED.match(question)
    if compared is None:
        return question
    a, b, c = compared.groups()
    return rng.choice(_FORMS).format(a=a, b=b, c=c)


def window(text: str, wanted: frozenset[str], words: int) -> str:
    """The `words` words in a row that hold most words of the question; the first such place."""
    parts = text.split()
    if len(parts) <= words:
        return text
    hits = [0]
    for part in parts:
        hits.append(hits[-1] + (_plain(part) in wanted))
    start = max(range(len(parts) - words + 1), key=lambda n: (hits[n + words] - hits[n], -n))
    return " ".join(parts[start : start + words])


def _wanted(question: str) -> frozenset[str]:
    return frozenset(word for word in map(_plain, question.split()) if len(word) > 3)


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())
