"""citewell history: the conversations that are kept; reading, exporting and deleting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.diagnostics import Exit, note
from tui.options import as_json, make_parts, place

if TYPE_CHECKING:
    from tui.parts import Parts

_ID = click.argument("name", metavar="ID")


@click.group(invoke_without_command=True, short_help="List, read, export and delete what was asked.")
@as_json
@place
@click.pass_context
def history(context: click.Context, as_json: bool, library: Path | None, model: str | None) -> int:
    """List the kept conversations, the one used last first; or show, export or delete some.

    An ID may be cut short as long as it names one conversation; "last" is the one used last. Go on with one
    with: citewell ask --conversation ID
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    from tui.console import count, shortened
    from tui.times import when

    with make_parts(library, model) as parts:
        _require_library(parts)
        found = parts.history.summaries()
    if as_json:
        rows = [{"id": s.identifier, "question": s.question, "turns": s.turns, "used": s.used} for s in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return Exit.OK
    for summary in found:
        click.echo(
            f"{summary.identifier}  {when(summary.used)}  {count(summary.turns, 'question'):<12} "
            f" {shortened(summary.question, 70)}"
        )
    if not found:
        note("no conversation is kept in this library yet")
    return Exit.OK


@history.command("show", short_help="Show a conversation.")
@_ID
@as_json
@place
def show(name: str, as_json: bool, library: Path | None, model: str | None) -> int:
    """Show a conversation as it was, every quote looked up again in the library as it is now."""
    from rich.text import Text

    from tui.asking import print_understood
    from tui.clean import line
    from tui.console import console
    from tui.print_answer import print_answer
    from tui.reopen import kept_json, restored, scopes_of

    with make_parts(library, model) as parts:
        turns, answers = restored(parts, name)
    if as_json:
        click.echo(json.dumps(kept_json(turns, answers), ensure_ascii=False, indent=2))
        return Exit.OK
    out = console()
    for turn, answer, within in zip(turns, answers, scopes_of(turns), strict=True):
        out.print(Text(f"❯ {line(turn.question)}", "bold"))
        print_understood(answer, within)
        print_answer(answer)
        out.print()
    return Exit.OK


@history.command("export", short_help="Write a conversation to a file.")
@_ID
@click.option("--format", "format_", type=click.Choice(("md", "txt", "json", "bib", "csl.json")),
              help="md, txt, json, or the cited papers as bib or csl.json.")  # fmt: skip
@click.option(
    "-o", "--output", "target", metavar="FILE", default="-", help="File to write (default: stdout)."
)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@place
def export(
    name: str, format_: str | None, target: str, force: bool, library: Path | None, model: str | None
) -> int:
    """Write a conversation to a file or to stdout, every quote looked up again."""
    from tui.export_file import STDOUT, check_target, format_of, rendered, write
    from tui.reopen import kept_json, restored, scopes_of

    made = format_of(target, format_ or ("md" if target == STDOUT else None))
    check_target(target, force=force)
    with make_parts(library, model) as parts:
        turns, answers = restored(parts, name)
    write(target, rendered(answers, made, scopes_of(turns), kept_json(turns, answers)), force=force)
    if target != STDOUT:
        note(f"written to {target}")
    return Exit.OK


@history.command("delete", short_help="Delete conversations for good.")
@click.argument("names", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All conversations of the library.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@place
def delete(
    names: tuple[str, ...], everything: bool, yes: bool, library: Path | None, model: str | None
) -> int:
    """Delete conversations for good."""
    from tui.console import count

    if bool(names) == everything:
        raise click.UsageError("Name conversations, or say --all.")
    with make_parts(library, model) as parts:
        _require_library(parts)
        kept = parts.history
        found = kept.identifiers() if everything else list(dict.fromkeys(map(kept.find, names)))
        if found and not yes:
            click.confirm(f"Delete {count(len(found), 'conversation')} for good?", abort=True, err=True)
        kept.delete(found)
    note(f"deleted {count(len(found), 'conversation')}")
    return Exit.OK


def _require_library(parts: Parts) -> None:
    """LibraryMissing where there is no library, rather than a history that is empty."""
    with parts.library.read():
        pass
