"""A list to choose from that stands being asked for a page before it has been laid out."""

from __future__ import annotations

from typing import Literal

from textual.widgets import OptionList


class Choices(OptionList):
    """Textual's list looks for lines that there are none of while the list has no room, and fails."""

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.scrollable_content_region.area:
            super()._move_page(direction)
