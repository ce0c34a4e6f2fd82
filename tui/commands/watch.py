"""citewell watch: follows folders until it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.diagnostics import Exit, note
from tui.options import make_parts, place

if TYPE_CHECKING:
    from index.watch import Watcher


@click.command(short_help="Follow folders, and take in what changes.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--poll/--no-poll", default=None, help="Look for changes, as network drives need it.")
@click.option("--settle", metavar="SECONDS", type=click.FloatRange(0.1, 600), default=2.0, show_default=True,
              help="How long a file must have stood still before it is read.")  # fmt: skip
@place
def watch(
    folders: tuple[Path, ...], poll: bool | None, settle: float, library: Path | None, model: str | None
) -> int:
    """Bring folders in and follow them: new, changed, renamed and removed papers, until ctrl+c."""
    from index.errors import SourceError
    from index.parse import SUFFIXES
    from index.sources import check_path, normal_path
    from index.watch import Watcher
    from tui.print_watch import print_change

    places = [check_path(folder) for folder in folders]
    for given, found in zip(folders, places, strict=True):
        if not found.is_dir():
            raise SourceError(f"{given} is no folder", "Bring a single file in with: citewell add FILE")
    with make_parts(library, model) as parts:
        parts.library.create()
        watcher = Watcher(parts.library, parts.syncer, SUFFIXES, settle=settle, poll=poll)
        with parts.library.read() as reader:
            roots = {Path(path) for path, is_folder in reader.roots() if is_folder}
        with _until_stopped(watcher):
            # A folder that is followed already is only brought up to date: what was removed stays out.
            for event in watcher.run(places, followed=roots.issuperset(map(normal_path, places))):
                print_change(event)
    note("stopped watching")
    return Exit.OK


@contextmanager
def _until_stopped(watcher: Watcher) -> Iterator[None]:
    """Ctrl+c and SIGTERM end the watching between two papers, so that nothing is cut off."""

    def stop(*_: object) -> None:
        watcher.stop.set()

    before = {sign: signal.signal(sign, stop) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
