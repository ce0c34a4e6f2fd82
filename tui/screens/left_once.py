"""Screens over others, which are left once however often the key for it is pressed."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ScreenResultType

from tui.screens.sized import Sized


class LeftOnce(Sized[ScreenResultType]):
    """A second key may wait already when the first one leaves; Textual would give the result twice."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Leaves, unless this was left already."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()
