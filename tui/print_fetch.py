"""Fetching papers, as a bar on a terminal and as plain lines elsewhere, and the table of what failed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from index.events import Advanced, FetchEvent, FetchReport, RequestFailed, RunFetched, StageStarted
from tui.clean import line
from tui.console import console, count, shortened
from tui.diagnostics import note

if TYPE_CHECKING:
    from rich.progress import Progress

_LISTED = 40
_QUIET_SECONDS = 5.0


def run_fetch(events: Iterable[FetchEvent], *, quiet: bool) -> FetchReport:
    """Pulls the whole stream and shows it, with how many a minute and how long still."""
    if not quiet and sys.stderr.isatty():
        return _with_bar(events)
    begun = last = time.monotonic()
    total = 0
    for event in events:
        if isinstance(event, RunFetched):
            return event.report
        if isinstance(event, StageStarted):
            total = event.total or 0
        elif isinstance(event, Advanced) and not quiet and time.monotonic() - last >= _QUIET_SECONDS:
            last = time.monotonic()
            note(f"{event.done} of {count(total, 'paper')} fetched, {pace(event.done, total, last - begun)}")
    raise AssertionError("a run always ends with its report")


def pace(done: int, total: int, seconds: float) -> str:
    """ "40 a minute, 3 min left", as far as can be told."""
    if not done or seconds <= 0:
        return "just begun"
    left = (total - done) * seconds / done
    return f"{done * 60 / seconds:.0f} a minute, {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _with_bar(events: Iterable[FetchEvent]) -> FetchReport:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}", markup=False), TextColumn("{task.fields[detail]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=console(err=True), transient=True) as progress:
        return _drawn(events, progress)


def _drawn(events: Iterable[FetchEvent], progress: Progress) -> FetchReport:
    task = progress.add_task("fetching papers", total=None, pace="", detail="")
    begun, total = time.monotonic(), 0
    for event in events:
        if isinstance(event, RunFetched):
            return event.report
        if isinstance(event, StageStarted):
            total = event.total or 0
            progress.update(task, total=total)
        elif isinstance(event, Advanced):
            said = pace(event.done, total, time.monotonic() - begun)
            progress.update(task, completed=event.done, pace=said, detail=shortened(event.detail, 30))
        elif isinstance(event, RequestFailed):
            progress.console.print(Text(f"✗ {line(event.name)}: {line(event.reason)}", "red"))
    raise AssertionError("a run always ends with its report")


def print_fetched(report: FetchReport) -> None:
    """Who served how many, and every failure with its reason."""
    out = console()
    services = Counter(paper.service for paper in report.served)
    by = ", ".join(f"{name} {number}" for name, number in services.most_common())
    parts = [f"{count(len(report.served), 'paper')} fetched{f' ({by})' if by else ''}"]
    if report.held:
        parts.append(f"{report.held} already here")
    parts.append(f"{len(report.failed)} not fetched")
    out.print(Text(", ".join(parts)))
    print_failures_of(report.failed)


def print_failures_of(failed: tuple[RequestFailed, ...], limit: int = _LISTED) -> None:
    """The table of papers that no service gave, with the reasons."""
    out = console()
    for failure in failed[:limit]:
        title = (
            f" ({shortened(failure.title, 60)})" if failure.title and failure.title != failure.name else ""
        )
        out.print(Text(f"✗ {shortened(failure.name, 80)}{title}: {line(failure.reason)}", "red"))
    for hint in dict.fromkeys(failure.hint for failure in failed if failure.hint):
        out.print(Text(f"    {line(hint)}", "dim"))
    if len(failed) > limit:
        out.print(Text(f"… and {len(failed) - limit} more: citewell papers --failed"))
