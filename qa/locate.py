"""Finds a quote in a text by its letters and digits alone, and gives the exact offsets back.

Renderings of one paper differ in spaces, hyphens, quotation marks, ligatures and accents, and so do the
quotes that people and models copy from them. The letters and digits stay.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from index.model import Span


@lru_cache(maxsize=10_000)
def _letters(character: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", character).lower() if c.isalnum())


def letters_key(text: str) -> str:
    """The letters and digits of a text, lower case, ligatures taken apart, accents off."""
    return "".join(map(_letters, text))


class KeyedText:
    """A text whose letters and digits can be searched. Costs one pass over the text."""

    def __init__(self, text: str) -> None:
        key: list[str] = []
        offsets: list[int] = []
        for offset, character in enumerate(text):
            letters = _letters(character)
            key.append(letters)
            offsets.extend([offset] * len(letters))
        self._key = "".join(key)
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._key)

    def find(self, quote: str) -> list[Span]:
        """Every place where the quote stands, in order; none for a quote without letters and digits.

        A span begins and ends with a letter or digit of the quote: what closes the sentence is outside.
        """
        wanted = letters_key(quote)
        spans: list[Span] = []
        at = self._key.find(wanted) if wanted else -1
        while at >= 0:
            spans.append(Span(self._offsets[at], self._offsets[at + len(wanted) - 1] + 1))
            at = self._key.find(wanted, at + 1)
        return spans

    def nearest(self, quote: str, position: float) -> Span | None:
        """Of all places of the quote the one nearest to `position`, a part (0 to 1) of the whole text."""
        places = self.find(quote)
        if not places:
            return None
        target = position * (self._offsets[-1] + 1)
        return min(places, key=lambda span: (abs(span.start - target), span.start))
