"""The sections of a paper, to jump to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.clean import line
from tui.widgets.choices import Choices

if TYPE_CHECKING:
    from index.model import Section


class Outline(Choices):
    """Headings, indented as deep as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Go there", id="outline.go", tooltip="Go to this section"),
    ]

    @dataclass
    class Chosen(Message):
        """The section that begins at this offset of the text is to be shown."""

        offset: int

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._starts: list[int] = []

    def fill(self, sections: Sequence[Section], here: int) -> None:
        """Lists the sections that have a heading; the one that holds `here` is highlighted."""
        named = [section for section in sections if section.path]
        self._starts = [section.span.start for section in named]
        self.clear_options()
        self.add_options([Option(Content(_indented(section))) for section in named])
        before = [i for i, start in enumerate(self._starts) if start <= here]
        self.highlighted = before[-1] if before else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tells the screen where to go."""
        event.stop()
        self.post_message(self.Chosen(self._starts[event.option_index]))


def _indented(section: Section) -> str:
    return "  " * (len(section.path) - 1) + line(section.path[-1])
