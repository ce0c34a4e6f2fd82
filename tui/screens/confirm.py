"""Asks before something is done, and shows what belongs to a row where there is no room beside it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.screens.left_once import LeftOnce
from tui.widgets.key_line import KeyLine


class ConfirmScreen(ModalScreen[bool], LeftOnce[bool]):
    """A question to which one says yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """One box."""
        with VerticalScroll() as box:
            box.border_title = self._title
            yield Static(self._text)
        yield KeyLine()

    def action_answer(self, yes: bool) -> None:
        """Gives the answer."""
        self.dismiss(yes)


class DetailsScreen(ModalScreen[None], LeftOnce[None]):
    """What is known of a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,i,enter,q", "dismiss", "Back", id="details.back", tooltip="Close the details"),
    ]

    def __init__(self, text: Content) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """One box."""
        with VerticalScroll() as box:
            box.border_title = "Details"
            yield Static(self._text)
        yield KeyLine()
