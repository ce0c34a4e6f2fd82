"""What all printing shares: a harmless Rich console, and numbers with their nouns."""

from __future__ import annotations

import sys

from rich.console import Console

from tui.clean import line


def console(*, err: bool = False) -> Console:
    """Rich without markup, emoji or guessed colours: what is printed comes from papers."""
    piped = not (sys.stderr if err else sys.stdout).isatty()
    return Console(stderr=err, markup=False, emoji=False, highlight=False, soft_wrap=piped)


def shortened(text: str, characters: int) -> str:
    """The text as one harmless line of at most so many characters."""
    flat = line(text)
    return flat if len(flat) <= characters else flat[: characters - 1].rstrip() + "…"


def count(number: int, thing: str) -> str:
    """1 paper, 2 papers."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
