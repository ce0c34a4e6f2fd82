"""Bringing the library up to date, as bars on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import click
from rich.text import Text

from index.events import FetchReport, Synced, SyncEvent, SyncReport
from tui.clean import line
from tui.console import console, count
from tui.diagnostics import Exit
from tui.print_fetch import print_fetched
from tui.progress import Progress

_LISTED = 20


def run_sync(events: Iterable[SyncEvent], *, quiet: bool) -> SyncReport:
    """Pulls the whole stream and shows it: bars on a terminal, a line now and then elsewhere."""
    with Progress(quiet=quiet) as progress:
        for event in events:
            if isinstance(event, Synced):
                return event.report
            progress.show(event)
    raise AssertionError("a sync always ends with its report")


def print_report(
    report: SyncReport, *, as_json: bool, fetched: FetchReport | None = None, timings: bool = False
) -> int:
    """What was done; the exit code tells whether all, some or none of what was named gave papers.

    With `timings` also where the time went.
    """
    if as_json:
        shown = asdict(report) | {"idle": report.idle} | ({"fetched": asdict(fetched)} if fetched else {})
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        if fetched:
            print_fetched(fetched)
        _print_report(report)
        if timings:
            _print_timings(report)
    held = (
        len(report.added)
        + len(report.changed)
        + len(report.moved)
        + report.unchanged
        + len(report.duplicates)
    )
    if report.failed or (fetched and fetched.failed):
        held += len(fetched.served) + fetched.held if fetched else 0
        return Exit.PARTIAL if held else Exit.ERROR
    return Exit.OK


def _print_report(report: SyncReport) -> None:
    out = console()
    parts = [
        f"{len(report.added)} added", f"{len(report.changed)} changed", f"{len(report.removed)} removed",
        f"{report.unchanged} unchanged", f"{len(report.failed)} failed",
    ]  # fmt: skip
    if report.moved:
        parts.insert(3, f"{len(report.moved)} moved")
    if report.duplicates:
        parts.append(f"{len(report.duplicates)} other copies of papers")
    work = [count(report.passages, "new passage")]
    if report.embedded != report.passages:  # some of an earlier run, or some that another one is at
        work.append(f"{report.embedded:,} embedded")
    out.print(Text(f"{', '.join(parts)} ({', '.join(work)}, {sum(report.seconds.values()):.1f} s)"))
    for failure in report.failed[:_LISTED]:
        out.print(Text(f"✗ {line(failure.path)}: {line(failure.reason)}", "red"))
        if failure.hint:
            out.print(Text(f"    {line(failure.hint)}", "dim"))
    if len(report.failed) > _LISTED:
        out.print(Text(f"… and {len(report.failed) - _LISTED} more: citewell papers --failed"))
    for warning in report.warnings:
        out.print(Text(f"! {line(warning)}", "yellow"))


def _print_timings(report: SyncReport) -> None:
    """Where the time went, by the clock and on the cores, and how much of theirs nobody of us used."""
    out = console()
    for stage, seconds in report.seconds.items():
        used = report.core_seconds.get(stage, 0.0)
        out.print(Text(f"{stage:<11} {seconds:8.2f} s {used:8.2f} core-s"))
    inside = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in report.reading.items())
    if inside:
        out.print(Text(f"in read, all readers together: {inside}"))
    out.print(Text(f"{report.cores} cores, {report.idle:.0%} of their time not used"))
