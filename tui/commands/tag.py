"""citewell tag: names for papers, by which questions can be limited."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tui.diagnostics import Exit, note
from tui.options import as_json, make_parts, place


@click.group(short_help="Give papers tags, to ask only these.")
def tag() -> None:
    """Give papers tags, take them away, list them. Questions can be limited to them with --tag."""


@tag.command("add", short_help="Give papers a tag.")
@click.argument("name")
@click.argument("papers", nargs=-1, required=True, metavar="PAPER...")
@place
def add(name: str, papers: tuple[str, ...], library: Path | None, model: str | None) -> int:
    """Give each PAPER (key, DOI, file, beginning of its title) the tag NAME. All or none."""
    return _change(name, papers, library, model, gives=True)


@tag.command("remove", short_help="Take a tag from papers.")
@click.argument("name")
@click.argument("papers", nargs=-1, required=True, metavar="PAPER...")
@place
def remove(name: str, papers: tuple[str, ...], library: Path | None, model: str | None) -> int:
    """Take the tag NAME from each PAPER. All or none."""
    return _change(name, papers, library, model, gives=False)


@tag.command("list", short_help="List the tags.")
@as_json
@place
def list_(as_json: bool, library: Path | None, model: str | None) -> int:
    """List the tags, and how many papers have each."""
    from tui.clean import line
    from tui.console import count

    with make_parts(library, model) as parts, parts.library.read() as reader:
        found = reader.tags()
    if as_json:
        click.echo(json.dumps([{"tag": t, "papers": n} for t, n in found.items()], ensure_ascii=False))
    else:
        for name, number in found.items():
            click.echo(f"{line(name)}\t{count(number, 'paper')}")
        if not found:
            note("no paper has a tag yet; give one with: citewell tag add NAME PAPER")
    return Exit.OK


def _change(
    name: str, names: tuple[str, ...], library: Path | None, model: str | None, *, gives: bool
) -> int:
    from index.tags import checked_tag
    from tui.console import count

    checked = checked_tag(name)
    with make_parts(library, model) as parts:
        with parts.library.read() as reader:
            ids = {reader.find_paper(paper).id for paper in names}
            if not gives:
                reader.papers(tagged=[checked])  # says which tags there are if this is none
        with parts.library.write() as writer:
            (writer.add_tag if gives else writer.remove_tag)(sorted(ids), checked)
    note(f"{'tagged' if gives else 'no longer tagged'} {checked}: {count(len(ids), 'paper')}")
    return Exit.OK
