"""A paper's text at the place that was quoted, and on to the answer's other places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from index.errors import CitewellError, PaperNotFound
from tui.clean import line
from tui.messages import PaperRead, PaperUnreadable
from tui.screens.left_once import LeftOnce
from tui.widgets.key_line import KeyLine
from tui.widgets.outline import Outline
from tui.widgets.paper_text import PaperText
from tui.widgets.place import WIDE, Place
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from index.library import Library
    from tui.screens.neighbours import Neighbours

_CHANGED = "This paper has changed since the answer was given: the quote is no longer where it was."
_REMOVED = "This paper has been removed from the library since the answer was given."
_ASK_AGAIN = "Ask again for an answer from the papers as they are now."


class ReaderScreen(LeftOnce[None]):
    """One paper at a time, the quote highlighted."""

    AUTO_FOCUS = "PaperText"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (Textual declares no ClassVar)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", id="reader.back", tooltip="Back to where you came from"),
        Binding("n", "step(1)", "Next", id="reader.next", tooltip="The next source"),
        Binding("p", "step(-1)", "Previous", id="reader.previous", tooltip="The source before this one"),
        Binding(
            "h",
            "quote",
            "Highlight",
            show=False,
            id="reader.quote",
            tooltip="Scroll back to the highlighted quote",
        ),
        Binding("o", "outline", "Outline", id="reader.outline", tooltip="Show or hide the paper's sections"),
        Binding("slash", "search", "Search", id="reader.search", tooltip="Search for words in this paper"),
        Binding(
            "m", "match(1)", "Next match", show=False, id="reader.match", tooltip="Next place of these words"
        ),
        Binding(
            "M",
            "match(-1)",
            "Match before",
            show=False,
            id="reader.match_before",
            tooltip="The place of these words before this one",
        ),
        Binding(
            "s",
            "neighbours",
            "Similar",
            id="reader.neighbours",
            tooltip="Passages of other papers that are similar to the highlighted one",
        ),
        Binding("y", "copy_quote", "Copy", id="reader.copy", tooltip="Copy the quote with its place"),
        Binding("c", "copy_reference", "Cite", id="reader.cite", tooltip="Copy the paper's reference"),
        Binding("b", "browse", "Browser", id="reader.browse", tooltip="Open the paper's page in a browser"),
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

    def __init__(
        self, library: Library, places: Sequence[Place], at: int, neighbours: Neighbours | None = None
    ) -> None:
        super().__init__()
        self._library = library
        self._neighbours = neighbours
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
        with Horizontal():
            yield Outline()
            yield PaperText()
        yield Input(placeholder="words in this paper…", compact=True, id="search")
        yield KeyLine()

    def on_mount(self) -> None:
        """Opens the first place."""
        self.query_one("#search").display = False
        self._open()

    def _open(self) -> None:
        place = self.place
        self.query_one("#title", Static).update(Content(line(place.paper.record.title)))
        self._tell_place()
        self.refresh_bindings()
        self._read(place)

    def _tell_place(self) -> None:
        """Where the quote stands, which of the answer's it is, and what was searched for."""
        place = self.place
        nth = f"{self._at + 1} of {len(self._places)}" if len(self._places) > 1 else ""
        also = ", ".join(str(other.number) for other in self._others())
        parts = [
            place.name,
            place.where,
            place.verdict_words,
            nth,
            f"{place.also}: {also}" if also else "",
        ]
        at, found = self.query_one(PaperText).found
        if found:
            parts.insert(0, f"match {at} of {found} (m next, M before)")
        self.query_one("#place", Static).update(Content(" · ".join(part for part in parts if part)))

    def _others(self) -> list[Place]:
        """The answer's other places in this paper."""
        here = self.place
        return [p for p in self._places if p.paper.id == here.paper.id and p is not here]

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
            others = [p.span for p in self._others() if stands_at(message.text, p.span, p.quote)]
            await text.show(message.text, message.sections, place.span, others)
            self.query_one(Outline).fill(message.sections, place.span.start)
            self._tell_place()
            self.refresh_bindings()
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

    def action_outline(self) -> None:
        """Shows or hides the sections."""
        outline = self.query_one(Outline)
        outline.display = not outline.display
        (outline if outline.display else self.query_one(PaperText)).focus()

    @on(Outline.Chosen)
    def _jump(self, event: Outline.Chosen) -> None:
        text = self.query_one(PaperText)
        text.go_to(event.offset)
        if not self.screen.has_class("-wide"):
            self.query_one(Outline).display = False
        text.focus()

    def action_search(self) -> None:
        """Asks for words."""
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    @on(Input.Submitted)
    def _search(self, event: Input.Submitted) -> None:
        text = self.query_one(PaperText)
        if event.value.strip() and not text.find(event.value):
            self.notify(f"“{line(event.value)}” does not occur in this paper", markup=False)
        self._end_search()

    def _end_search(self) -> None:
        self.query_one("#search").display = False
        self.query_one(PaperText).focus()
        self._tell_place()
        self.refresh_bindings()

    def action_match(self, step: int) -> None:
        """Goes to the next place of the words that were searched for."""
        self.query_one(PaperText).step(step)
        self._tell_place()

    def action_copy_quote(self) -> None:
        """Copies the quote, and where it stands."""
        from tui.copying import copy

        place = self.place
        where = ", ".join(part for part in (place.name, place.where) if part)
        copy(self.app, f"“{line(place.quote)}” ({where})\n", "quote")

    def action_copy_reference(self) -> None:
        """Copies the paper's reference."""
        from qa.references import full_reference
        from tui.copying import copy

        copy(self.app, line(full_reference(self.place.paper.record)) + "\n", "reference")

    def action_browse(self) -> None:
        """Opens the paper's page."""
        from tui.browse import browse

        browse(self.app, self.place.paper.record)

    def action_neighbours(self) -> None:
        """Lists passages of other papers that are close to the one that is highlighted."""
        from tui.screens.neighbours import NeighboursScreen

        assert self._neighbours is not None  # check_action has seen to it
        self.app.push_screen(NeighboursScreen(self.place, self._neighbours, self._read_on))

    def _read_on(self, places: Sequence[Place], at: int) -> None:
        """A paper over this one; leaving it comes back here."""
        self.app.push_screen(ReaderScreen(self._library, places, at, self._neighbours))

    def action_back(self) -> None:
        """Ends the search or hides the sections, else leaves the paper."""
        if self.query_one("#search").display:
            self._end_search()
        elif self.query_one(Outline).display:
            self.action_outline()
        else:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys out steps beyond the first and the last place."""
        if action == "step":
            step = 1 if parameters[0] == 1 else -1
            return True if 0 <= self._at + step < len(self._places) else None
        if action == "neighbours":
            return True if self._neighbours is not None else None
        if action == "match":
            return True if self.is_mounted and self.query_one(PaperText).found[1] else None
        if action == "open_number":
            return True if any(place.number == parameters[0] for place in self._places) else None
        return True
