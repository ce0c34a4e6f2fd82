"""The conversations that are kept: to go on with, export or delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from index.errors import CitewellError
from tui.clean import line
from tui.messages import Listed, Restored, Trouble
from tui.screens.left_once import LeftOnce
from tui.times import when
from tui.widgets.choices import Choices
from tui.widgets.ink import MUTED
from tui.widgets.key_line import KeyLine
from tui.widgets.place import counted
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from qa.history import Summary
    from tui.parts import Parts

_NONE = "No conversation is kept in this library yet."
_NONE_SO = "No kept conversation has these words."


class ConversationsScreen(ModalScreen[str | None], LeftOnce[str | None]):
    """Lists them, the one used last first; dismissed with the id of the one to go on with."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="conversations.back", tooltip="Back, or end the filter"),
        Binding("slash", "filter", "Filter", id="conversations.filter", tooltip="Filter the list by words"),
        Binding(
            "d", "delete", "Delete", id="conversations.delete", tooltip="Delete this conversation for good"
        ),
        Binding("y", "confirm", "Yes, delete", id="conversations.confirm", tooltip="Delete it, as was asked"),
        Binding(
            "e", "export", "Export", id="conversations.export", tooltip="Write this conversation to a file"
        ),
    ]

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self._all: list[Summary] = []
        self._doomed: Summary | None = None  # to be deleted, once that is confirmed

    def compose(self) -> ComposeResult:
        """Filter, list, what is to be said."""
        with Vertical(classes="box") as box:
            box.border_title = "Conversations"
            yield Input(placeholder="/ filter…", compact=True)
            yield Choices(markup=False)
            yield Static(classes="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """Reads what is kept."""
        self._read()

    # --- workers ----------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, exit_on_error=False, group="history")
    def _read(self) -> None:
        self._try(lambda: self.post_message(Listed(self._parts.history.summaries())))

    @work(thread=True, exclusive=True, exit_on_error=False, group="history")
    def _delete(self, identifier: str) -> None:
        def delete() -> None:
            self._parts.history.delete([identifier])
            self.post_message(Listed(self._parts.history.summaries()))

        self._try(delete)

    @work(thread=True, exclusive=True, exit_on_error=False, group="history")
    def _restore(self, identifier: str) -> None:
        from tui.reopen import restored

        self._try(lambda: self.post_message(Restored(*restored(self._parts, identifier))))

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except CitewellError as error:
            self.post_message(Trouble(None, error.message, error.hint))

    # --- what the workers say ---------------------------------------------------------------------------

    @on(Listed)
    def _list(self, message: Listed) -> None:
        self._all = message.summaries
        self._fill()

    @on(Input.Changed)
    def _fill(self) -> None:
        """The conversations whose first question has the words of the filter."""
        words = self.query_one(Input).value.lower().split()
        found = [s for s in self._all if all(word in s.question.lower() for word in words)]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options([Option(_row(summary), summary.identifier) for summary in found])
        listed.highlighted = 0 if found else None
        self._say("" if found else _NONE_SO if self._all else _NONE)
        self.refresh_bindings()

    @on(Restored)
    def _export(self, message: Restored) -> None:
        from tui.reopen import kept_json, scopes_of
        from tui.screens.export import ExportScreen

        shown = kept_json(message.turns, message.answers)
        self.app.push_screen(ExportScreen(message.answers, scopes_of(message.turns), shown))

    @on(Trouble)
    def _complain(self, message: Trouble) -> None:
        self._say(" ")
        self.query_one(".said", Static).update(trouble(message.message, message.hint))

    # --- what the user does -----------------------------------------------------------------------------

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    @on(OptionList.OptionHighlighted)
    def _spare(self) -> None:
        if self._doomed is not None:
            self._doomed = None
            self._say("")
            self.refresh_bindings()

    def action_back(self) -> None:
        """Keeps what was to be deleted, or ends the filter, or leaves."""
        if self._doomed is not None:
            self._spare()
        elif self.query_one(Input).value:
            self.query_one(Input).value = ""
            self._to_list()
        else:
            self.dismiss(None)

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.query_one(Input).focus()

    def action_delete(self) -> None:
        """Asks whether it shall be deleted."""
        self._doomed = self._chosen
        if self._doomed is not None:
            self._say(f"Delete “{line(self._doomed.question)}” for good? y deletes it, esc keeps it.")
            self.refresh_bindings()

    def action_confirm(self) -> None:
        """Deletes it."""
        doomed, self._doomed = self._doomed, None
        if doomed is not None:
            self._delete(doomed.identifier)

    def action_export(self) -> None:
        """Asks for a file to write it to."""
        if self._chosen is not None:
            self._restore(self._chosen.identifier)

    @property
    def _chosen(self) -> Summary | None:
        listed = self.query_one(OptionList)
        if listed.highlighted is None:
            return None
        identifier = listed.get_option_at_index(listed.highlighted).id
        return next((summary for summary in self._all if summary.identifier == identifier), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What can do nothing now is not offered."""
        if action == "confirm":
            return self._doomed is not None
        if action in ("delete", "export"):
            return True if self.is_mounted and self._chosen is not None else None
        return True

    def _say(self, text: str) -> None:
        said = self.query_one(".said", Static)
        said.update(Content(text))
        said.display = bool(text)


def _row(summary: Summary) -> Content:
    """When, how much, and the first question."""
    questions = f"{counted(summary.turns, 'question'):<12}"
    return Content.assemble((f"{when(summary.used)}  {questions} ", MUTED), line(summary.question))
