"""The field in which questions are typed. Up and down walk the questions asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.clean import clean, line


class AskInput(TextArea):
    """A field that grows with its lines, with a history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before the field takes it for a new line.
        Binding("enter", "submit", "Ask", id="ask.submit", tooltip="Ask the question", priority=True),
        Binding(
            "ctrl+j,shift+enter",
            "new_line",
            "New line",
            show=False,
            id="ask.line",
            tooltip="Begin another line of the question",
            priority=True,
        ),
        Binding(
            "up", "walk(-1)", "Earlier", show=False, id="ask.earlier", tooltip="Take up an earlier question"
        ),
        Binding("down", "walk(1)", "Later", show=False, id="ask.later", tooltip="Back to a later question"),
    ]

    class Submitted(Message):
        """The question is to be asked."""

    class LineBroken(Message):
        """Another line is to begin."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="Ask about your papers…",
            show_line_numbers=False,
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
            compact=True,
        )
        self._asked: list[str] = []
        self._at = 0
        self._draft = ""
        self.lent: frozenset[str] = frozenset()

    @property
    def value(self) -> str:
        """What is typed."""
        return self.text

    @value.setter
    def value(self, text: str) -> None:
        self.load_text(text)
        self.move_cursor(self.document.end)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Empty, it lends the keys in `lent` to the screen instead of typing them."""
        return (bool(self.value) or key not in self.lent) and super().check_consume_key(key, character)

    def render_line(self, y: int) -> Strip:
        """Nothing where there is no column to wrap into; Textual would fail at that.

        With a style all the same: without one, what makes everything grey for NO_COLOR fails.
        """
        if self.content_size.width > 0:
            return super().render_line(y)
        return Strip.blank(self.size.width, self.rich_style)

    def remember(self, questions: Sequence[str]) -> None:
        """Questions of earlier days, oldest first; they stand before those of today."""
        walking = self._at < len(self._asked)
        self._asked[:0] = [line(question) for question in questions]
        self._at = self._at + len(questions) if walking else len(self._asked)

    def take(self) -> str:
        """The question as one harmless line; it goes into the history, and the field becomes empty."""
        question = line(self.value)
        if question and question not in self._asked[-1:]:
            self._asked.append(question)
        self._at = len(self._asked)
        self._draft = ""
        self.value = ""
        return question

    def action_submit(self) -> None:
        """Hands the question over."""
        self.post_message(self.Submitted())

    def action_new_line(self) -> None:
        """Begins another line, after what was typed before and is still waiting to be taken."""
        self.post_message(self.LineBroken())

    @on(LineBroken)
    def _break_line(self, event: LineBroken) -> None:
        event.stop()
        self._put("\n")

    def action_walk(self, step: int) -> None:
        """Shows the question `step` places on, unless the cursor can move in this one.

        Below the newest is what was being typed.
        """
        before = self.cursor_location
        if step < 0:
            self.action_cursor_up()
        else:
            self.action_cursor_down()
        if self.cursor_location[0] != before[0] or self._moved_within(before):
            return
        self.move_cursor(before)
        at = min(max(self._at + step, 0), len(self._asked))
        if at == self._at:
            return
        if self._at == len(self._asked):
            self._draft = self.value
        self._at = at
        self.value = self._asked[at] if at < len(self._asked) else self._draft

    def _moved_within(self, before: tuple[int, int]) -> bool:
        """Whether the cursor is now on another line of the screen of the same, wrapped line."""
        offset = self.wrapped_document.location_to_offset
        return offset(self.cursor_location).y != offset(before).y

    async def _on_paste(self, event: events.Paste) -> None:
        # A question copied from a page is broken where the page was.
        event.stop()
        event.prevent_default()
        self._put(line(clean(event.text)))

    def _put(self, text: str) -> None:
        """Text in the place of what is selected; the cursor behind it."""
        self.replace(text, *self.selection, maintain_selection_offset=False)
