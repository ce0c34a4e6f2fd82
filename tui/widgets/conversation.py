"""The questions and answers so far, newest below, following what comes unless scrolled away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.clean import line
from tui.widgets.choices import Choices
from tui.widgets.turn import Turn, trouble

_WELCOME = (
    "Ask a question, and the answer is put together from sentences of your papers.\n"
    "Each carries a number: press it, or click it, to read the sentence in its paper."
)
_TRY = "Or try one of these: press its number, or click it."


class Suggestions(Choices):
    """Questions to begin with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Ask this", id="suggestions.ask", tooltip="Ask the suggested question"),
    ]

    @dataclass
    class Chosen(Message):
        """This question is to be asked."""

        question: str

    def __init__(self, questions: Sequence[str]) -> None:
        numbered = [Content.assemble((f"{n} ", "bold"), line(q)) for n, q in enumerate(questions, start=1)]
        super().__init__(*(Option(prompt) for prompt in numbered), markup=False, compact=True)
        self.questions = [line(question) for question in questions]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tells the screen which one was chosen."""
        event.stop()
        self.post_message(self.Chosen(self.questions[event.option_index]))


class Conversation(VerticalScroll):
    """The scrolling column of turns."""

    def __init__(self) -> None:
        super().__init__()
        self._scrolled = False  # since the latest question, by whoever reads
        self._begun = 0  # turns; a number is never used twice, so that what comes late finds no other turn

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

    @property
    def suggested(self) -> list[str]:
        """The questions that are suggested now."""
        return [question for shown in self.query(Suggestions) for question in shown.questions]

    def turn(self, number: int) -> Turn | None:
        """The turn of this number."""
        return next((turn for turn in self.turns if turn.number == number), None)

    def suggest(self, questions: Sequence[str]) -> None:
        """Shows questions to begin with, unless something was asked already."""
        if questions and not self.turns and not self.query(Suggestions):
            turns = self.query_one("#turns")
            turns.mount(Static(Content(_TRY), classes="welcome try"), Suggestions(questions))

    async def begin(self, question: str) -> Turn:
        """A new turn below the others, ready to take events."""
        self._begun += 1
        turn = Turn(self._begun, question)
        self.query(".welcome, Suggestions, #turns > .complaint").remove()
        await self.query_one("#turns").mount(turn)
        self.anchor()
        self._scrolled = False
        return turn

    async def empty(self, said: str = "") -> None:
        """Takes all turns away. What is said stands there in their place, else a word of welcome, which goes
        when a turn begins."""
        turns = self.query_one("#turns")
        await turns.remove_children()
        await turns.mount(Static(Content(said or _WELCOME), classes="notice" if said.strip() else "welcome"))
        self.anchor()

    def settle(self, turn: Turn) -> None:
        """A finished answer that hides its question is shown from there on, unless one has scrolled."""

        def to_question() -> None:
            if not self._scrolled and turn.is_attached and turn.region.y < self.content_region.y:
                self.scroll_to_widget(turn, top=True, animate=False)

        # Twice: its list of sources, which takes room from it, is laid out first.
        self.call_after_refresh(lambda: self.call_after_refresh(to_question))

    def complain(self, message: str, hint: str) -> None:
        """An error that belongs to no question."""
        self.query(".welcome, Suggestions").remove()
        self.query_one("#turns").mount(Static(trouble(message, hint), classes="notice complaint"))
