"""What a watched folder brings, a line each, as it happens."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from index.events import PaperFailed, PaperSynced, Synced, SyncReport
from index.watch import FolderAway, LibraryBusy, WatchEvent, Watching
from tui.clean import line
from tui.console import console, count, shortened

_SIGNS = {"added": "+", "changed": "~"}


def print_change(event: WatchEvent) -> None:
    """One line for what a reader would want to know, none for the rest."""
    match event:
        case PaperSynced():
            _say(f"{_SIGNS.get(event.change, '+')} {event.key}  {shortened(event.title, 90)}")
        case PaperFailed():
            _say(f"✗ {line(event.path)}: {line(event.reason)}", "red")
        case Synced(report):
            _rest(report)
        case Watching():
            how = "looking every second" if event.polling else "told by the system"
            _say(f"watching {count(len(event.folders), 'folder')} ({how}); ctrl+c ends it", "dim")
        case FolderAway():
            said = "is not there: its papers are kept" if event.away else "is there again"
            _say(f"! {line(event.folder)} {said}", "yellow")
        case LibraryBusy():
            _say("! another citewell is writing; what changed is taken in when it is done", "yellow")
        case _:
            pass


def _rest(report: SyncReport) -> None:
    for path in report.removed:
        _say(f"- {line(path)}")
    for path in report.moved:
        _say(f"> {line(path)}")
    for path in report.duplicates:
        _say(f"= {line(path)}")
    for warning in report.warnings:
        _say(f"! {line(warning)}", "yellow")


def _say(text: str, style: str = "") -> None:
    console().print(Text(f"{datetime.now():%H:%M:%S} {text}", style))
