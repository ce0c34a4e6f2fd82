"""A place in a paper that is shown and can be opened, and the words in which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.references import short_name
from tui.clean import line
from tui.widgets.ink import MUTED

if TYPE_CHECKING:
    from index.model import Span
    from index.reader import StoredPaper
    from qa.model import AnswerSentence, ScoredPassage

# Verdict → sign and word. The sign alone must do where there is no colour.
MARKS = {
    "verbatim": ("✓", "verbatim"),
    "supported": ("✓", "supported"),
    "partial": ("~", "partly supported"),
    "unsupported": ("✗", "not supported"),
    "unchecked": ("?", "not checked"),
}
COLOURS = {
    "verbatim": "$text-success",
    "supported": "$text-success",
    "partial": "$text-warning",
    "unsupported": "$text-error",
    "unchecked": MUTED,
}
WIDE = 110  # columns from which lists stand beside the text
_LONGEST_HEADING = 36
_PATH = " › "  # between the headings of a path, as Section.heading joins them


@dataclass(frozen=True, slots=True)
class Place:
    """A quote and where it stands. `verdict` is None where nothing is claimed: the nearest passage."""

    number: int
    paper: StoredPaper
    heading: str
    page: int | None
    quote: str
    span: Span
    verdict: str | None

    @property
    def mark(self) -> str:
        """The sign of the verdict, "" without one."""
        return MARKS[self.verdict][0] if self.verdict else ""

    @property
    def verdict_words(self) -> str:
        """The verdict with its sign, or what the place is if it carries none."""
        return " ".join(MARKS[self.verdict]) if self.verdict else "nearest passage"

    @property
    def also(self) -> str:
        """What other places in the same paper are."""
        return "also quoted here"

    @property
    def colour(self) -> str:
        """The theme's colour for the verdict."""
        return COLOURS[self.verdict] if self.verdict else MUTED

    @property
    def name(self) -> str:
        """The paper as it is called in running text."""
        return line(short_name(self.paper.record))

    @property
    def where(self) -> str:
        """Heading and page, as far as there are any."""
        page = f"p.{self.page}" if self.page is not None else ""
        return " · ".join(part for part in (innermost(line(self.heading), _LONGEST_HEADING), page) if part)


def places_of(sentence: AnswerSentence) -> list[Place]:
    """The citations of a sentence as places."""
    return [
        Place(c.number, c.paper, c.passage.section.heading, c.page, c.quote, c.span, c.verdict.value)
        for c in sentence.citations
    ]


def nearest_place(scored: ScoredPassage) -> Place:
    """A passage that was found, but answers nothing."""
    passage = scored.passage
    return Place(1, scored.paper, passage.section.heading, passage.page, passage.text, passage.span, None)


def shortened(text: str, longest: int) -> str:
    """The text, or as many of its words as fit, and an ellipsis."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut[longest // 2 :] else cut
    return head.rstrip(" ,;:·›") + "…"


def innermost(heading: str, longest: int) -> str:
    """A heading path, its outer headings left out as far as there is no room for them."""
    parts = heading.split(_PATH)
    kept = heading
    while len(kept) > longest and len(parts) > 1:
        parts = parts[1:]
        kept = f"…{_PATH}{_PATH.join(parts)}"
    return shortened(kept, longest)


def counted(number: int, noun: str) -> str:
    """ "1 paper", "1,204 papers"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
