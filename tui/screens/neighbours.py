"""Passages of other papers that say what the highlighted one says: a list to read them from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from index.errors import CitewellError
from index.model import Span
from tui.clean import line
from tui.messages import Trouble
from tui.screens.left_once import LeftOnce
from tui.widgets.choices import Choices
from tui.widgets.ink import MUTED
from tui.widgets.key_line import KeyLine
from tui.widgets.place import Place, shortened
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from qa.model import ScoredPassage

Neighbours = Callable[[int, Span], "Sequence[ScoredPassage]"]  # of the passage at a span of a paper
_NONE = "No other paper in this library says anything similar."
_LOOKING = "looking…"
_LONGEST = 170  # characters of a passage: two lines of a wide terminal


class Neighbour(Place):
    """A passage of another paper; nothing is claimed with it."""

    __slots__ = ()

    @property
    def verdict_words(self) -> str:
        """What it is."""
        return "similar passage"

    @property
    def also(self) -> str:
        """What other places in the same paper are."""
        return "also similar here"


def neighbour(scored: ScoredPassage) -> Neighbour:
    """A passage that was found, as a place to read."""
    passage = scored.passage
    return Neighbour(
        scored.rank, scored.paper, passage.section.heading, passage.page, passage.text, passage.span, None
    )


@dataclass
class Found(Message):
    """The passages, closest first."""

    passages: Sequence[ScoredPassage]


class NeighbourList(Choices):
    """The passages, to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Read", id="neighbours.read", tooltip="Read the passage in its paper"),
    ]


class NeighboursScreen(ModalScreen[None], LeftOnce[None]):
    """Lists them; what is read from here comes back to here."""

    AUTO_FOCUS = "NeighbourList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,s", "back", "Back", id="neighbours.back", tooltip="Back to the paper"),
        *(
            Binding(
                str(n), f"open_number({n})", f"Read passage {n}", show=False, id=f"neighbours.read.{n}",
                tooltip="Read the passage of this number",
            )
            for n in range(1, 10)
        ),
    ]  # fmt: skip

    def __init__(
        self, place: Place, look: Neighbours, read: Callable[[Sequence[Place], int], object]
    ) -> None:
        super().__init__()
        self._place = place
        self._look_up = look
        self._read = read
        self._found: list[Place] = []

    def compose(self) -> ComposeResult:
        """What they are similar to, the list, what is to be said."""
        with Vertical(classes="box") as box:
            box.border_title = "Similar passages in other papers"
            yield Static(classes="like")
            yield NeighbourList(markup=False)
            yield Static(Content(_LOOKING), classes="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """Looks them up."""
        place = self._place
        where = f" · {place.where}" if place.where else ""
        self.query_one(".like", Static).update(
            Content(f"close to the highlighted passage of {place.name}{where}")
        )
        self.query_one(NeighbourList).display = False
        self._look()

    @work(thread=True, exclusive=True, exit_on_error=False, group="neighbours")
    def _look(self) -> None:
        try:
            self.post_message(Found(self._look_up(self._place.paper.id, self._place.span)))
        except CitewellError as error:
            self.post_message(Trouble(None, error.message, error.hint))

    @on(Found)
    def _list(self, message: Found) -> None:
        self._found = [neighbour(scored) for scored in message.passages]
        listed = self.query_one(NeighbourList)
        for place, scored in zip(self._found, message.passages, strict=True):
            listed.add_option(Option(_card(place, scored.score)))
            if place is not self._found[-1]:
                listed.add_option(None)  # a line between two cards
        listed.display = bool(self._found)
        listed.highlighted = 0 if self._found else None
        listed.focus()
        said = self.query_one(".said", Static)
        said.update(Content(_NONE))
        said.display = not self._found
        self.refresh_bindings()

    @on(Trouble)
    def _complain(self, message: Trouble) -> None:
        self.query_one(".said", Static).update(trouble(message.message, message.hint))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error nobody foresaw becomes a line as well."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            said = f"something went wrong inside citewell ({type(error).__name__}: {error})"
            self._complain(Trouble(None, said, "Please report it."))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._read(self._found, event.option_index)

    def action_open_number(self, number: int) -> None:
        """Reads the one of this number."""
        self._read(self._found, number - 1)

    def action_back(self) -> None:
        """Leaves the list."""
        self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is there can be read."""
        if action == "open_number":
            return True if parameters[0] in range(1, len(self._found) + 1) else None
        return True


def _card(place: Place, closeness: float) -> Content:
    """Number, paper, place, how close it is, and how it begins."""
    where = f" · {place.where}" if place.where else ""
    head = Content.assemble((f"{place.number} {place.name}", "bold"), where, (f" · {closeness:.2f}", MUTED))
    return Content.assemble(head, "\n", (shortened(line(place.quote), _LONGEST), MUTED))
