"""citewell chat: the terminal interface."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tui.options import Llm, llm, make_parts, place


@click.command(short_help="Ask and read in the terminal.")
@llm
@place
def chat(llm: Llm, library: Path | None, model: str | None) -> None:
    """Ask and read in the terminal: answers, their sources, and the papers with the quotes marked."""
    from index.errors import SettingsError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SettingsError("chat needs a terminal", 'In a script, use: citewell ask "QUESTION" --json')
    from tui.app import run

    with make_parts(library, model, llm=llm) as parts:
        run(parts)
