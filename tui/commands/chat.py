"""citewell chat: the terminal interface."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tui.options import Llm, llm, make_filters, make_parts, place, scope


@click.command(short_help="Ask and read in the terminal.")
@scope
@llm
@place
def chat(
    papers: tuple[str, ...], years: str | None, sections: tuple[str, ...], tags: tuple[str, ...],
    llm: Llm, library: Path | None, model: str | None,
) -> None:  # fmt: skip
    """Ask and read in the terminal: answers, their sources, and the papers with the quotes marked."""
    from index.errors import SettingsError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SettingsError("chat needs a terminal", 'In a script, use: citewell ask "QUESTION" --json')
    from tui.app import run

    filters = make_filters(papers, years, sections, tags)
    with make_parts(library, model, llm=llm) as parts:
        run(parts, filters)
