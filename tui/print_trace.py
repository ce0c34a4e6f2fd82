"""Where sentences come from, and what a draft's citations are worth, as lines."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from qa.references import link, short_name
from qa.trace import NearSentence, TracedPlace
from tui.clean import line
from tui.console import console, count, shortened

_LONGEST = 400


def print_trace(exact: list[TracedPlace], nearest: list[NearSentence], found: int) -> None:
    """Every place with the sentence's words, or else the nearest sentences, said not to be quotes."""
    out = console()
    for place in exact:
        how = "" if place.same else " · but for punctuation and layout"
        out.print(Text.assemble(("✓ ", "green"), (place_line(place), "bold"), how))
        _print_words(place)
    if found > len(exact):
        out.print(Text(f"… and {count(found - len(exact), 'place')} more (see -n)", "dim"))
    if exact:
        return
    out.print("No paper of this library has these words.")
    if nearest:
        out.print(Text("The nearest sentences; they are no quotes of it:"))
    for near in nearest:
        out.print(Text.assemble(("~ ", "yellow"), (place_line(near.place), "bold"), f" · {near.score:.2f}"))
        _print_words(near.place)


def _print_words(place: TracedPlace) -> None:
    out = console()
    out.print(Text(f"  “{shortened(place.text, _LONGEST)}”"))
    out.print(Text(f"  {line(place.paper.key)} {place.span.start}–{place.span.end}", "dim"))


def place_line(place: TracedPlace) -> str:
    """Wang et al. 2026 · Abstract · p. 4"""
    page = f"p. {place.page}" if place.page is not None else ""
    return " · ".join(line(part) for part in (short_name(place.paper.record), place.heading, page) if part)


def place_json(place: TracedPlace) -> dict[str, Any]:
    """A place for programs; `start` and `end` are offsets into what `show PAPER --text` prints."""
    return {
        "paper_id": place.paper.key,
        "title": place.paper.record.title,
        "url": link(place.paper.record),
        "heading": place.heading,
        "page": place.page,
        "start": place.span.start,
        "end": place.span.end,
        "text": place.text,
    }
