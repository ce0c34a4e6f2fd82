"""A paper's text at the place that was quoted, and on to the answer's other places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState

from index.errors import CitewellError, PaperNotFound
from tui.clean import line
from tui.messages import PaperRead, PaperUnreadable
from tui.widgets.paper_text import PaperText
from tui.widgets.place import Place
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from index.library import Library

_CHANGED = "This paper has changed since the answer was given: the quote no longer stands where it stood."
_REMOVED = "This paper has been removed from the library since the answer was given."
_ASK_AGAIN = "Ask again for an answer from the papers as they are now."


class ReaderScreen(Screen[None]):
    """One paper at a time, the quote highlighted."""

    AUTO_FOCUS = "PaperText"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "Next source", id="reader.next", tooltip="The answer's next source"),
        Binding(
            "p", "step(-1)", "Previous", id="reader.previous", tooltip="The answer's source before this one"
        ),
        Binding("h", "quote", "Highlight", id="reader.quote", tooltip="Scroll back to the highlighted quote"),
        Binding("escape,q", "back", "Back", id="reader.back", tooltip="Back to the conversation"),
        *(
            Binding(
                str(n),
                f"open_number({n})",
                f"Read source {n}",
                show=False,
                id=f"reader.read.{n}",
                tooltip="Read the source of this number",
            )
            for n in range(1, 10)
        ),
    ]

    def __init__(self, library: Library, places: Sequence[Place], at: int) -> None:
        super().__init__()
        self._library = library
        self._places = list(places)
        self._at = at

    @property
    def place(self) -> Place:
        """The place that is shown."""
        return self._places[self._at]

    def compose(self) -> ComposeResult:
        """Title, place, text, keys."""
        yield Static(id="title")
        yield Static(id="place")
        yield PaperText()
        yield Footer()

    def on_mount(self) -> None:
        """Opens the first place."""
        self._open()

    def _open(self) -> None:
        place = self.place
        self.query_one("#title", Static).update(Content(line(place.paper.record.title)))
        nth = f"{self._at + 1} of {len(self._places)}" if len(self._places) > 1 else ""
        parts = [place.name, place.where, place.verdict_words, nth]
        self.query_one("#place", Static).update(Content(" · ".join(part for part in parts if part)))
        self.refresh_bindings()
        self._read(place)

    @work(thread=True, exclusive=True, exit_on_error=False, group="read")
    def _read(self, place: Place) -> None:
        try:
            with self._library.read() as reader:
                text, sections = reader.text(place.paper.id), reader.sections(place.paper.id)
        except PaperNotFound:
            self.post_message(PaperUnreadable(place, _REMOVED, _ASK_AGAIN))
        except CitewellError as error:
            self.post_message(PaperUnreadable(place, error.message, error.hint))
        else:
            self.post_message(PaperRead(place, text, sections))

    @on(PaperRead)
    async def _show_text(self, message: PaperRead) -> None:
        from qa.verify import stands_at

        place = message.place
        if place is not self.place:  # the user has gone on meanwhile
            return
        text = self.query_one(PaperText)
        if stands_at(message.text, place.span, place.quote):
            await text.show(message.text, message.sections, place.span)
        else:
            await text.say(trouble(_CHANGED, _ASK_AGAIN))

    @on(PaperUnreadable)
    async def _show_reason(self, message: PaperUnreadable) -> None:
        if message.place is self.place:
            await self.query_one(PaperText).say(trouble(message.message, message.hint))

    async def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error nobody foresaw becomes a line as well."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            said = f"something went wrong inside citewell ({type(error).__name__}: {error})"
            await self.query_one(PaperText).say(trouble(said, "Please report it."))

    def action_step(self, step: int) -> None:
        """Goes to the next or previous place of the answer."""
        self._at += step
        self._open()

    def action_open_number(self, number: int) -> None:
        """Goes to the place of this number."""
        self._at = next(i for i, place in enumerate(self._places) if place.number == number)
        self._open()

    def action_quote(self) -> None:
        """Scrolls back to the quote."""
        self.query_one(PaperText).go_to_quote()

    def action_back(self) -> None:
        """Leaves the paper."""
        self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys out steps beyond the first and the last place."""
        if action == "step":
            step = 1 if parameters[0] == 1 else -1
            return True if 0 <= self._at + step < len(self._places) else None
        if action == "open_number":
            return True if any(place.number == parameters[0] for place in self._places) else None
        return True
