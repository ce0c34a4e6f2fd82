"""A list to choose from that also stands where there is no room for it."""

from __future__ import annotations

from typing import Literal

from textual.geometry import Size
from textual.widgets import OptionList


class Choices(OptionList):
    """Without room for one cell, Textual's list can fold no line, and looks for lines that are not there."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows at this width."""
        padding = self.get_component_styles("option-list--option").padding.width
        return super().get_content_height(container, viewport, max(width, padding + 1))

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if can_page(self):
            super()._move_page(direction)


def can_page(listed: OptionList) -> bool:
    """Whether the list knows on which line its highlighted option stands: not before it had room."""
    listed._update_lines()  # what was added since it was drawn last
    return (listed.highlighted or 0) in listed._index_to_line
