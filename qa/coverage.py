"""How much of a question a sentence holds: its words, the rare ones counting more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set

from index.model import Span
from index.reader import Reader, StoredPassage
from index.sentences import sentence_spans
from qa.words import content_words, stem, tokens

_TITLE_CREDIT = 0.5  # a word of the question that only the paper's title holds counts this much
_LONG = 6  # words of a question from which no sentence can be expected to hold them all


def rarities(reader: Reader, question: str) -> dict[str, float]:
    """For each stem of the question its inverse document frequency over the library's passages.

    Robertson and Sparck Jones' form as BM25 uses it, kept positive: log(1 + (N - n + 0.5) / (n + 0.5)).
    """
    total = reader.passages_up_to()
    frequency = reader.document_frequencies(content_words(question))
    return {stem(word): math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in frequency.items()}


def coverage(wanted: Set[str], held: Set[str], title: Set[str], rarity: Mapping[str, float]) -> float:
    """The share, 0 to 1, of the wanted stems that are held, by their rarity; half for those in the title."""
    whole = sum(rarity.get(stem, 1.0) for stem in wanted)
    if not whole:
        return 0.0
    here = sum(rarity.get(stem, 1.0) for stem in wanted & held)
    above = sum(rarity.get(stem, 1.0) for stem in (wanted & title) - held)
    return (here + _TITLE_CREDIT * above) / whole


def best_sentence(passage: StoredPassage, rarity: Mapping[str, float]) -> tuple[float, str]:
    """The sentence of the passage that covers most of the stems in `rarity`, the first of equals: its
    coverage, and its text."""
    title = _stems(passage.header.split(" › ")[0])
    texts = [span.of(passage.text) for span in sentence_spans(passage.text, Span(0, len(passage.text)))]
    shares = [coverage(rarity.keys(), _stems(text), title, rarity) for text in texts]
    best = max(range(len(texts)), key=shares.__getitem__, default=None)
    return (0.0, passage.text) if best is None else (shares[best], texts[best])


def length_factor(words: int) -> float:
    """From 1 towards 0: how much it says that no sentence holds all words of a question with so many."""
    return min(1.0, (_LONG / words) ** 2) if words else 0.0


def raised(
    ranking: Sequence[tuple[int, float]], shares: Sequence[float], weight: float
) -> list[tuple[int, float]]:
    """The ranking with the scores of the first len(shares) raised by their share, of at most 1, of `weight`
    times the best score. The others get the least of these shares, and so stay behind.

    All is divided so that scores stay in their range: others hold them against thresholds.
    """
    if not ranking or not shares or weight <= 0:
        return list(ranking)
    most, least = weight * ranking[0][1], min(shares)
    given = [*shares, *[least] * (len(ranking) - len(shares))]
    pairs = zip(ranking, given, strict=True)
    return sorted(
        [(i, (score + most * share) / (1 + weight)) for (i, score), share in pairs],
        key=lambda hit: (-hit[1], hit[0]),
    )


def _stems(text: str) -> set[str]:
    return {stem(word) for word in tokens(text)}
