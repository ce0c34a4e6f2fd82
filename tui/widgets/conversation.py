"""The questions and answers so far, newest below, following what comes unless scrolled away."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.widgets.turn import Turn, trouble

_WELCOME = (
    "Ask a question, and the answer is put together from sentences of your papers.\n"
    "Each carries a number: press it, or click it, to read the sentence where it stands."
)


class Conversation(VerticalScroll):
    """The scrolling column of turns."""

    def __init__(self) -> None:
        super().__init__()
        self._scrolled = False  # since the latest question, by whoever reads

    def release_anchor(self) -> None:
        """Called whenever something but the anchor itself scrolls."""
        super().release_anchor()
        self._scrolled = True

    def compose(self) -> ComposeResult:
        """A word of welcome, which the first turn replaces."""
        with Vertical(id="turns"):
            yield Static(Content(_WELCOME), classes="welcome")

    def on_mount(self) -> None:
        """From here on the newest line is kept in sight."""
        self.anchor()

    @property
    def turns(self) -> list[Turn]:
        """All turns, oldest first."""
        return list(self.query(Turn))

    @property
    def latest(self) -> Turn | None:
        """The turn asked last."""
        turns = self.turns
        return turns[-1] if turns else None

    def turn(self, number: int) -> Turn | None:
        """The turn of this number."""
        return next((turn for turn in self.turns if turn.number == number), None)

    async def begin(self, question: str) -> Turn:
        """A new turn below the others, ready to take events."""
        turn = Turn(len(self.turns) + 1, question)
        self.query(".welcome").remove()
        await self.query_one("#turns").mount(turn)
        self.anchor()
        self._scrolled = False
        return turn

    def settle(self, turn: Turn) -> None:
        """A finished answer longer than the screen is shown from its question on, unless one has scrolled."""

        def to_question() -> None:
            if not self._scrolled and turn.outer_size.height > self.size.height:
                self.scroll_to_widget(turn, top=True, animate=False)

        self.call_after_refresh(to_question)

    def complain(self, message: str, hint: str) -> None:
        """An error that belongs to no question."""
        self.query(".welcome").remove()
        self.query_one("#turns").mount(Static(trouble(message, hint), classes="notice"))
