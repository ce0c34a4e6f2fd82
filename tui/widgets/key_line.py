"""The keys that work now, on the last line.

One widget that draws itself: Textual's Footer makes a widget of every key, anew whenever the focus moves,
which took a tenth of the time to the first frame and delayed the keys themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.screen import Screen

_KEY = "bold $footer-key-foreground on $footer-key-background"
_SAID = "$footer-description-foreground on $footer-description-background"
_ASLEEP = " dim"  # what cannot be done now
_BORDER = "$foreground 20%"


@dataclass(frozen=True, slots=True)
class Shown:
    """A key on the line; it begins at this cell."""

    binding: ActiveBinding
    key: str
    left: int

    @property
    def width(self) -> int:
        """Cells, with a blank on each side and one behind what the key does."""
        return cell_len(self.key) + cell_len(self.binding.binding.description) + 3

    def content(self) -> Content:
        """The key and what it does."""
        asleep = "" if self.binding.enabled else _ASLEEP
        said = self.binding.binding.description
        return Content.assemble((f" {self.key} ", _KEY + asleep), (f"{said} ", _SAID + asleep))


class KeyLine(Widget, can_focus=False):
    """The bindings of the screen in front that are to be shown, and at the right end the palette's."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        color: $footer-foreground;
        background: $footer-background;
        text-wrap: nowrap;
        text-overflow: clip;  /* without room for one cell, Textual cannot fold */
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Shown] = []

    def on_mount(self) -> None:
        """Draws anew whenever what can be done changes."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        """A screen that is left tells nobody."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.refresh()

    def render(self) -> Content:
        """The keys that there is room for, whole; help and the palette tell of the others."""
        palette = self.screen.active_bindings.get(self.app.COMMAND_PALETTE_BINDING)
        last = self._one(palette) if palette is not None else None
        room = self.size.width - (last.width if last is not None else 0)
        line, left = [], 0
        self._shown = []
        for one in _fitting([self._one(binding) for binding in _one_each(self._active())], room):
            self._shown.append(replace(one, left=left))
            line.append(one.content())
            left += one.width
        if last is None:
            return Content.assemble(*line)
        self._shown.append(replace(last, left=max(left, room)))
        gap = " " * max(0, room - left)
        return Content.assemble(*line, gap, ("▏", _BORDER), last.content()[1:])

    def _active(self) -> list[ActiveBinding]:
        return list(self.screen.active_bindings.values())

    def _one(self, binding: ActiveBinding) -> Shown:
        return Shown(binding, self.app.get_key_display(binding.binding), 0)

    def _under(self, x: int) -> Shown | None:
        return next((one for one in reversed(self._shown) if x >= one.left), None) if x >= 0 else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Says of the key under the mouse what it does."""
        one = self._under(event.x)
        within = one is not None and (one.left + one.width > event.x or one is self._shown[-1])
        self.tooltip = Content(one.binding.tooltip) if one is not None and within else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click is as good as the key."""
        one = self._under(event.x)
        if one is None or event.x >= one.left + one.width:
            return
        if one.binding.enabled:
            self.app.simulate_key(one.binding.binding.key)
        else:
            self.app.bell()


def _fitting(keys: list[Shown], room: int) -> list[Shown]:
    """As many as fit, in their order: where room is short, keys that can do nothing now give way first, then
    those that stand last, never help."""
    if sum(one.width for one in keys) > room:
        keys = [one for one in keys if one.binding.enabled]
    helps = [one for one in keys if one.binding.binding.action.endswith("help")]
    room -= sum(one.width for one in helps)
    kept = []
    for one in keys:
        if one in helps:
            kept.append(one)
        elif one.width <= room:
            kept.append(one)
            room -= one.width
    return kept


def _one_each(active: list[ActiveBinding]) -> list[ActiveBinding]:
    """Of several keys for one action the first."""
    found: dict[str, ActiveBinding] = {}
    for one in active:
        if one.binding.show:
            found.setdefault(one.binding.action, one)
    return list(found.values())
