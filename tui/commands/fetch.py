"""citewell fetch and retry: what asks the network again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.options import as_json, make_parts, network, place

if TYPE_CHECKING:
    from index.events import FetchReport
    from index.fetch.wanted import Wanted
    from tui.parts import Parts


@click.command(short_help="Fetch what the library's papers lack.")
@click.option("--missing", is_flag=True, required=True, help="The full text of papers that are here in part.")
@as_json
@network
@place
def fetch(missing: bool, as_json: bool, offline: bool, library: Path | None, model: str | None) -> int:  # noqa: ARG001
    """Fetch the full text of papers of which the library has only a summary or an abstract."""
    from index.fetch.wanted import Wanted
    from tui.print_sync import print_report, run_sync

    with make_parts(library, model, offline=offline) as parts:
        with parts.library.read() as reader:
            lacking = [paper for paper in reader.papers() if paper.body_missing]
        wanted = [Wanted(paper.record.ids, title=paper.record.title[:300]) for paper in lacking]
        fetched = fetch_papers(parts, wanted, quiet=as_json, complete=True)
        files = [Path(paper.path) for paper in fetched.served]
        report = run_sync(parts.syncer.add([], folder=parts.library.fetched, files=files), quiet=as_json)
        return print_report(report, as_json=as_json, fetched=fetched)


@click.command(short_help="Try again what failed.")
@as_json
@network
@place
def retry(as_json: bool, offline: bool, library: Path | None, model: str | None) -> int:
    """Fetch again what no service gave, go on with a run that was stopped, and read failed files again."""
    from tui.print_sync import print_report, run_sync

    with make_parts(library, model, offline=offline) as parts:
        with parts.library.read() as reader:
            waiting = [r.wanted for r in reader.requests() if r.status in ("failed", "waiting")]
        fetched = fetch_papers(parts, waiting, quiet=as_json, fresh=True)
        if fetched.served:
            parts.syncer.follow(parts.library.fetched, [Path(paper.path) for paper in fetched.served])
        report = run_sync(parts.syncer.sync(retry=True), quiet=as_json)
        return print_report(report, as_json=as_json, fetched=fetched)


def fetch_papers(
    parts: Parts, wanted: Sequence[Wanted], *, quiet: bool, fresh: bool = False, complete: bool = False
) -> FetchReport:
    """Fetches papers into the library's folder, shown as it goes."""
    from index.events import FetchReport
    from tui.filling import fetching
    from tui.print_fetch import run_fetch

    if not wanted:
        return FetchReport()
    return run_fetch(fetching(parts, wanted, fresh=fresh, complete=complete), quiet=quiet)
