"""citewell add, sync and remove: what changes a library."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tui.diagnostics import Exit, note
from tui.options import as_json, make_parts, place


@click.command(short_help="Bring papers or folders of papers in.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@as_json
@place
def add(paths: tuple[Path, ...], as_json: bool, library: Path | None, model: str | None) -> int:
    """Bring papers, or folders of papers, into the library: Markdown, JATS XML, PDF, HTML, text."""
    from index.errors import SourceError
    from index.parse import SUFFIXES
    from index.sources import check_path, find
    from tui.print_sync import print_report, run_sync

    places = [check_path(path) for path in paths]
    with make_parts(library, model) as parts:
        for given, path in zip(paths, places, strict=True):
            found = find([path], SUFFIXES, without=parts.library.folder.resolve())
            if not found.files and not found.unreadable:
                raise SourceError(
                    f"there are no papers in {given}", f"Papers end in {', '.join(sorted(SUFFIXES))}."
                )
        parts.library.create()
        report = run_sync(parts.syncer.add(places), quiet=as_json)
        return print_report(report, as_json=as_json)


@click.command(short_help="Make the library equal its folders.")
@click.option("--retry", is_flag=True, help="Read the files that failed once more.")
@as_json
@place
def sync(retry: bool, as_json: bool, library: Path | None, model: str | None) -> int:
    """Make the library equal its folders: new, changed, moved and removed papers."""
    from tui.print_sync import print_report, run_sync

    with make_parts(library, model) as parts:
        if parts.library.exists():
            parts.library.create()  # brings the tables of an older citewell up to date
        report = run_sync(parts.syncer.sync(retry=retry), quiet=as_json)
        return print_report(report, as_json=as_json)


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
