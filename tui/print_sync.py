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


def print_report(report: SyncReport, *, as_json: bool, fetched: FetchReport | None = None) -> int:
    """What was done; the exit code tells whether all, some or none of what was named gave papers."""
    if as_json:
        shown = asdict(report) | ({"fetched": asdict(fetched)} if fetched else {})
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        if fetched:
            print_fetched(fetched)
        _print_report(report)
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
    seconds = sum(report.seconds.values())
    out.print(Text(f"{', '.join(parts)} ({count(report.passages, 'new passage')}, {seconds:.1f} s)"))
    for failure in report.failed[:_LISTED]:
        out.print(Text(f"✗ {line(failure.path)}: {line(failure.reason)}", "red"))
        if failure.hint:
            out.print(Text(f"    {line(failure.hint)}", "dim"))
    if len(report.failed) > _LISTED:
        out.print(Text(f"… and {len(report.failed) - _LISTED} more: citewell papers --failed"))
    for warning in report.warnings:
        out.print(Text(f"! {line(warning)}", "yellow"))
