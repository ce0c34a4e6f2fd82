"""The line in which questions are typed. Up and down walk the questions asked."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.clean import line


class AskInput(Input):
    """A one-line input with a history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Ask", id="ask.submit", tooltip="Ask the question"),
        Binding(
            "up", "walk(-1)", "Earlier", show=False, id="ask.earlier", tooltip="Take up an earlier question"
        ),
        Binding("down", "walk(1)", "Later", show=False, id="ask.later", tooltip="Back to a later question"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="Ask about your papers…", select_on_focus=False)
        self._asked: list[str] = []
        self._at = 0
        self._draft = ""
        self.lent: frozenset[str] = frozenset()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Empty, it lends the keys in `lent` to the screen instead of typing them."""
        return (bool(self.value) or key not in self.lent) and super().check_consume_key(key, character)

    def take(self) -> str:
        """The question as one harmless line; it goes into the history, and the input becomes empty."""
        question = line(self.value)
        if question and question not in self._asked[-1:]:
            self._asked.append(question)
        self._at = len(self._asked)
        self._draft = ""
        self.clear()
        return question

    def action_walk(self, step: int) -> None:
        """Shows the question `step` places on; below the newest is what was being typed."""
        at = min(max(self._at + step, 0), len(self._asked))
        if at == self._at:
            return
        if self._at == len(self._asked):
            self._draft = self.value
        self._at = at
        self.value = self._asked[at] if at < len(self._asked) else self._draft
        self.cursor_position = len(self.value)

    def _on_paste(self, event: events.Paste) -> None:
        # Textual keeps only the first line of a paste; a question copied from a page has several.
        self.replace(line(event.text), *self.selection)
        event.stop()
        event.prevent_default()
