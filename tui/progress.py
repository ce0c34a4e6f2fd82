"""Long work on the console: bars on a terminal, a plain line now and then elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.text import Text

from index.events import Advanced, PaperFailed, StageStarted
from tui.clean import line
from tui.console import console
from tui.diagnostics import note

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_SECONDS = 5.0  # between two plain lines
_DETAIL = 40  # characters


class Progress:
    """Shows the events of long work on stderr until it is closed."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._stage = StageStarted("")
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, event: object) -> None:
        """Draws an event; those of other kinds are left to others."""
        if isinstance(event, StageStarted):
            self._stage = event
        if self._bars is not None:
            self._draw(self._bars, event)
        elif isinstance(event, Advanced) and not self._quiet and time.monotonic() - self._last >= _SECONDS:
            self._last = time.monotonic()
            of = "" if self._stage.total is None else f" of {self._stage.total:,}"
            detail = f" ({event.detail[:_DETAIL]})" if event.detail else ""
            note(f"{self._stage.stage}: {event.done:,}{of}{detail}")

    def _draw(self, bars: Bars, event: object) -> None:
        if isinstance(event, StageStarted):
            if self._task is not None:
                bars.remove_task(self._task)
            self._task = bars.add_task(event.stage, total=event.total, detail="")
        elif isinstance(event, Advanced) and self._task is not None:
            bars.update(self._task, completed=event.done, detail=line(event.detail)[:_DETAIL])
        elif isinstance(event, PaperFailed):
            bars.console.print(Text(f"✗ {line(event.path)}: {line(event.reason)}", "red"))


def _bars() -> Bars:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[detail]}", markup=False),
    )  # fmt: skip
    return Progress(*columns, console=console(err=True), transient=True)
