"""citewell add, sync and remove: what changes a library."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tui.diagnostics import Exit, note
from tui.options import as_json, make_parts, network, place

timed = click.option("--timings", is_flag=True, help="Say where the time went.")


@click.command(short_help="Bring papers in: files, folders, ids, links, lists.")
@click.argument("items", nargs=-1, metavar="PAPER...", type=click.Path())
@click.option("--zotero", is_flag=True, help="Your Zotero library, with the files attached to its papers.")
@timed
@as_json
@network
@place
def add(
    items: tuple[str, ...],
    zotero: bool,
    timings: bool,
    as_json: bool,
    offline: bool,
    library: Path | None,
    model: str | None,
) -> int:
    """Bring papers into the library: files and folders (Markdown, JATS XML, PDF, HTML, text), and papers to
    be fetched: a DOI, PMCID, PMID, arXiv id or link, or a list of these (.bib, .ris, CSL-JSON, or a text file
    with one a line), or a Zotero data folder. What exists as a file is a file."""
    from tui.commands.fetch import fetch_papers
    from tui.filling import planned, storing
    from tui.print_sync import print_report, run_sync

    if not items and not zotero:
        raise click.UsageError("Name a paper, a folder or a list, or say --zotero.")
    with make_parts(library, model, offline=offline) as parts:
        plan = planned(parts, items, zotero=zotero)
        fetched = fetch_papers(parts, plan.wanted, quiet=as_json) if plan.wanted else None
        report = run_sync(storing(parts, plan, fetched), quiet=as_json)
        return print_report(report, as_json=as_json, fetched=fetched, timings=timings)


@click.command(short_help="Make the library equal its folders.")
@click.option("--retry", is_flag=True, help="Read the files that failed once more.")
@timed
@as_json
@place
def sync(retry: bool, timings: bool, as_json: bool, library: Path | None, model: str | None) -> int:
    """Make the library equal its folders: new, changed, moved and removed papers."""
    from tui.filling import updating
    from tui.print_sync import print_report, run_sync

    with make_parts(library, model) as parts:
        report = run_sync(updating(parts, retry=retry), quiet=as_json)
        return print_report(report, as_json=as_json, timings=timings)


@click.command(short_help="Take papers out; their files stay.")
@click.argument("names", nargs=-1, required=True, metavar="PAPER...")
@as_json
@place
def remove(names: tuple[str, ...], as_json: bool, library: Path | None, model: str | None) -> int:
    """Take papers, or a followed folder, out of the library. The files themselves are not touched."""
    from index.remove import remove as remove_from

    with make_parts(library, model) as parts:
        keys = remove_from(parts.library, names)
    if as_json:
        click.echo(json.dumps({"removed": keys}))
    else:
        note(f"removed {', '.join(keys) if keys else 'no paper'}")
    return Exit.OK
