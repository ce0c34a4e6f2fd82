"""Re-finds quotes in the text of their paper, and says how well they support what is said on their ground.

What is not found exactly is not shown as evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from index.model import Page, Span
from qa.model import Verdict


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sentence of an answer stands on: the quote, the passage around it, and the title and heading
    above them (which often name what the passage only calls "it")."""

    quote: str
    passage: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, its score from 0 to 1 where a model gave one, and what speaks against support."""

    verdict: Verdict
    score: float | None = None
    reasons: tuple[str, ...] = ()


class Judge(Protocol):
    """Whatever can say whether a sentence is supported by what it cites."""

    def judge(self, claim: str, grounds: Sequence[Ground]) -> Judgement:
        """The verdict on a claim that stands on all these grounds together; unsupported without any."""
        ...


def is_verbatim(claim: str, quote: str) -> bool:
    """Whether the claim is the quote, word for word and sign for sign; layout and the outermost quotation
    marks and full stop aside. Letters and digits alone would not do: "P < 0.05" is not "P > 0.05"."""
    return bool(_bare(claim)) and _bare(claim) == _bare(quote)


def _bare(text: str) -> str:
    return " ".join(text.split()).strip("\"'“”. ")


def stands_at(text: str, span: Span, quote: str) -> bool:
    """Whether the paper's text at `span` is the quote, to the character."""
    return bool(quote) and 0 <= span.start < span.end <= len(text) and span.of(text) == quote


def page_of(pages: list[Page], span: Span) -> int | None:
    """The page on which a quote begins; None in a paper without pages."""
    for page in reversed(pages):
        if page.span.start <= span.start:
            return page.number
    return None
