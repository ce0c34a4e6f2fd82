"""The words of a question and of a sentence, made comparable: folded, stemmed, without stop words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(r"[^\W_]+")
# Function words, and the words that make a question a question but name nothing in it.
STOP_WORDS = frozenset(
    """a about above after again all also although am an and any are as at be because been before being
    below between both but by can could did do does doing done down during each either else ever few for
    from further get had has have having he her here hers him his how i if in into is it its itself just
    let may me might more most must my no nor not of off on once only onto or other our out over own per
    shall she should since so some such than that the their them then there these they this those though
    through to too under until up upon us very via was we were what whatever when where whether which
    while who whom whose why will with within without would you your s t tell explain describe please
    there's don""".split()
)


def fold(text: str) -> str:
    """Lower case, compatibility forms unified, accents off: as the full-text index folds."""
    if text.isascii():  # as most passages are: a fifth of the time
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).lower()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def tokens(text: str) -> list[str]:
    """The words and numbers of a text, folded, in order."""
    return _TOKEN.findall(fold(text))


def content_words(text: str) -> list[str]:
    """The words that carry the meaning, each once, in order; all of them if none does."""
    words = list(dict.fromkeys(tokens(text)))
    kept = [word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())]
    return kept or words


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("porter")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The Porter stem of a folded word: what the full-text index compares."""
    return str(_stemmer().stemWord(word))


def stems(text: str) -> set[str]:
    """Stems of the content words of a text."""
    return {stem(word) for word in content_words(text)}
