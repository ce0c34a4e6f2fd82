"""The keys at the foot of a screen."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_AROUND = 3  # cells of a key besides its letters


class KeyBar(Footer):
    """As many keys as there is room for, whole; help and the palette tell of the others.

    Where room is short, keys that can do nothing now give way first, then those that stand last, never help.
    """

    _composed_at = 0  # columns

    def compose(self) -> ComposeResult:
        """Textual's keys, without those that would be cut off."""
        self._composed_at = self.app.size.width
        every = list(super().compose())
        keys = [key for key in every if isinstance(key, FooterKey)]
        if len(keys) != len(every):  # groups of keys are Textual's own affair
            yield from every
            return
        fixed = [key for key in keys if key.has_class("-command-palette") or key.action.endswith("help")]
        room = self.app.size.width - sum(map(_width, fixed))
        others = [key for key in keys if key not in fixed]
        if sum(map(_width, others)) > room:
            others = [key for key in others if not key.has_class("-disabled")]
        kept: list[Widget] = list(fixed)
        for key in others:
            if _width(key) <= room:
                room -= _width(key)
                kept.append(key)
        self.styles.grid_size_columns = len(kept)
        yield from (key for key in keys if key in kept)

    def on_resize(self, event: events.Resize) -> None:
        """Another width has room for other keys."""
        if event.size.width != self._composed_at:
            self.refresh(recompose=True)


def _width(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + _AROUND
