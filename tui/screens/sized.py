"""Screens that have the size that the terminal has."""

from __future__ import annotations

from textual import events
from textual.screen import Screen, ScreenResultType


class Sized(Screen[ScreenResultType]):
    """A screen that believes no size but the terminal's present one.

    When a terminal's size changes fast, several sizes wait among a screen's messages, and each time Textual
    (seen in 8.2) lays a screen out for another size than before, that size is put behind them once more. So
    a size that has long passed could win over the present one, or two of them chase each other for ever.
    """

    async def _on_resize(self, event: events.Resize) -> None:
        event.size = event.virtual_size = self.app.size
        event.container_size = self.app.size
