"""The places an answer stands on, as a list: cards beside it where there is room, else lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.clean import line
from tui.widgets.choices import Choices
from tui.widgets.ink import MUTED
from tui.widgets.place import Place, shortened

_LONGEST_QUOTE = 170


class Sources(Choices):
    """The places of one turn, to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Read", id="sources.read", tooltip="Read the source in its paper"),
    ]

    @dataclass
    class Chosen(Message):
        """The place numbered `number` of the turn shown is to be opened."""

        turn: int
        number: int

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False
        self._turn = 0
        self._places: list[Place] = []
        self._brief = False

    def show(self, turn: int, places: Sequence[Place]) -> None:
        """Lists the places of a turn; without any the list is out of the way."""
        if turn == self._turn and list(places) == self._places:
            return
        self._turn, self._places = turn, list(places)
        self._brief = not self.screen.has_class("-wide")
        self.display = bool(places)
        self._fill()

    def on_resize(self) -> None:
        """Cards where there is room for them."""
        brief = not self.screen.has_class("-wide")
        if brief != self._brief:
            self._brief = brief
            self._fill()

    def _fill(self) -> None:
        at = self.highlighted
        self.clear_options()
        prompts = [Option(self._prompt(place)) for place in self._places]
        # None is a line between two cards.
        self.add_options(prompts if self._brief else [o for prompt in prompts for o in (prompt, None)][:-1])
        self.highlighted = at if self._places else None
        nearest = bool(self._places) and self._places[0].verdict is None
        self.border_title = "Nearest passage" if nearest else f"Sources ({len(self._places)})"

    def _prompt(self, place: Place) -> Content:
        number = f"{place.number:>{len(str(len(self._places)))}}"
        parts = [(number, "bold"), (f"{place.mark} ", place.colour), (place.name, "bold")]
        where = f" · {place.where}" if place.where else ""
        if self._brief:
            return Content.assemble(*parts, where)
        return Content.assemble(*parts, where, "\n", (shortened(line(place.quote), _LONGEST_QUOTE), MUTED))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tells the screen which place was chosen."""
        event.stop()
        self.post_message(self.Chosen(self._turn, self._places[event.option_index].number))
