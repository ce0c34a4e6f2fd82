"""The sections of a paper, to jump to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        """Lists the headings; the one whose section holds `here` is highlighted."""
        rows = list(_rows(sections))
        self._starts = [start for _, start in rows]
        self.clear_options()
        self.add_options([Option(Content(_indented(path))) for path, _ in rows])
        before = [i for i, start in enumerate(self._starts) if start <= here]
        self.highlighted = before[-1] if before else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tells the screen where to go."""
        event.stop()
        self.post_message(self.Chosen(self._starts[event.option_index]))


def _rows(sections: Sequence[Section]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Headings with where they begin; one over subsections without text of its own begins with the first."""
    above: tuple[str, ...] = ()
    for section in sections:
        for depth in range(1, len(section.path)):
            if section.path[:depth] != above[:depth]:
                yield section.path[:depth], section.span.start
        if section.path:
            yield section.path, section.span.start
        above = section.path


def _indented(path: tuple[str, ...]) -> str:
    return "  " * (len(path) - 1) + line(path[-1])
