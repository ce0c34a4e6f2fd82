"""citewell chat: the terminal interface."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tui.options import Llm, llm, make_filters, make_parts, place, scope


@click.command(short_help="Ask and read in the terminal.")
@click.option(
    "--plain", is_flag=True, help="The same conversation as lines of text, for screen readers and pipes."
)
@click.option("--in-browser", is_flag=True, hidden=True)  # how `citewell serve` starts it
@scope
@llm
@place
def chat(
    papers: tuple[str, ...], years: str | None, sections: tuple[str, ...], tags: tuple[str, ...],
    llm: Llm, library: Path | None, model: str | None, plain: bool, in_browser: bool,
) -> None:  # fmt: skip
    """Ask and read in the terminal: answers, their sources, and the papers with the quotes marked.

    With --plain it reads a question from each line and prints the answer as lines; :help lists what else
    can be typed.
    """
    from index.errors import SettingsError

    filters = make_filters(papers, years, sections, tags)
    if plain:
        from tui.plain import PlainChat

        with make_parts(library, model, llm=llm) as parts:
            PlainChat(parts, filters).run()
        return
    # Textual draws to stderr: redirected, there would be nothing to see.
    if not in_browser and not all(one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr)):
        raise SettingsError(
            "chat needs a terminal",
            'In a script, use: citewell ask "QUESTION" --json, or citewell chat --plain',
        )
    from tui.app import run

    with make_parts(library, model, llm=llm) as parts:
        run(parts, filters)
