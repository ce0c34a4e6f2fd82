"""What long work is at: the stages that are over, a bar for the one that runs, and what it looks at now."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

from tui.clean import line
from tui.standing import Standing
from tui.widgets.ink import MUTED
from tui.widgets.place import counted, shortened

_TICK = 0.25
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BAR, _SHORTEST = 24, 8  # cells of the bar where there is room for them, and where there is little


class WorkPanel(Static):
    """Out of sight while nothing is done."""

    def __init__(self) -> None:
        super().__init__(id="work")
        self.display = False
        self._standing = Standing()
        self._begun = self._stage_begun = 0.0
        self._frame = 0
        self._latest: Callable[[], Standing] = Standing

    def on_mount(self) -> None:
        """The clock goes on where a step takes long."""
        self._timer = self.set_interval(_TICK, self._tick, pause=True)

    def begin(self, title: str, ends: str, latest: Callable[[], Standing]) -> None:
        """Work called `title` begins; `ends` says how the user ends it. `latest` is asked now and then."""
        self._latest = latest
        self.border_title, self.border_subtitle = title, ends
        self._standing, self._begun = Standing("beginning"), time.monotonic()
        self.display = True
        self._timer.resume()
        self._draw()

    def take(self, standing: Standing) -> None:
        """Shows a picture of the work."""
        self._standing = standing
        self._draw()

    def end_soon(self) -> None:
        """The user has asked for the end, and the step that runs is finished first."""
        self.border_subtitle = "stopping after this step…"

    def end(self) -> None:
        """The work is over."""
        self.display = False
        self._timer.pause()

    def on_resize(self) -> None:
        """The bar follows the width."""
        self._draw()

    def _tick(self) -> None:
        self._frame += 1
        self._standing = self._latest()
        self._draw()

    def _draw(self) -> None:
        if self.display:
            self.update(self._picture(self.content_size.width or 40))

    def _picture(self, width: int) -> Content:
        standing = self._standing
        parts: list[str | tuple[str, str]] = []
        for stage in standing.finished[-2:]:
            parts += [("✓ ", "$text-success"), f"{stage}\n"]
        sign = "·" if self.app.animation_level == "none" else _SPINNER[self._frame % len(_SPINNER)]
        parts += [
            (f"{sign} ", "$text-accent"),
            shortened(f"{standing.stage}{self._figures(width)}", width - 2),
        ]
        if standing.detail:
            parts.append((f"\n  {shortened(line(standing.detail), max(4, width - 2))}", MUTED))
        return Content.assemble(*parts)

    def _figures(self, width: int) -> str:
        standing = self._standing
        said = ""
        share = min(1.0, standing.done / standing.total) if standing.total else 0.0
        if standing.total:
            said += f" {share:.0%} · {standing.done:,} of {standing.total:,}"
        if standing.failed:
            said += f" · {counted(standing.failed, 'failure')}"
        said += f" · {clock(time.monotonic() - self._begun)}"
        room = min(_BAR, width - len(f"{_SPINNER[0]} {standing.stage} ▕▏{said}"))
        if not standing.total or width < 60 or room < _SHORTEST:  # the figures say the same
            return said
        return f" ▕{bar(share, room)}▏{said}"


def bar(share: float, cells: int) -> str:
    """A bar of this many cells."""
    full = round(share * cells)
    return "█" * full + "░" * (cells - full)


def clock(seconds: float) -> str:
    """ "0:42", "1:02:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
