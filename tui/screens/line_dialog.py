"""Asks for one line, and completes it while it is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from tui.clean import line
from tui.paths import common
from tui.screens.left_once import LeftOnce
from tui.widgets.key_line import KeyLine

Complete = Callable[[str], list[str]]
_SHOWN = 6  # candidates


class _Suggest(Suggester):
    """The first candidate, in grey behind what is typed. Looked for in a thread: drives may be slow."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        found = await asyncio.to_thread(self._complete, value)
        return next((one for one in found if one.startswith(value) and one != value), None)


class LineDialog(ModalScreen[str | None], LeftOnce[str | None]):
    """A title, a line to type in, what it may go on to, and a remark. Gives the line, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="dialog.complete", priority=True,
                tooltip="Complete what is typed as far as that is clear"),
        Binding("enter", "accept", "OK", id="dialog.accept", tooltip="Take the line as it is"),
        Binding("escape", "give_up", "Cancel", id="dialog.cancel", tooltip="Leave without doing anything"),
    ]  # fmt: skip

    def __init__(
        self,
        title: str,
        remark: str,
        *,
        value: str = "",
        placeholder: str = "",
        complete: Complete | None = None,
    ) -> None:
        super().__init__()
        self._title, self._remark, self._value = title, remark, value
        self._placeholder = placeholder
        self._complete = complete

    def compose(self) -> ComposeResult:
        """One box."""
        suggester = _Suggest(self._complete) if self._complete else None
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter takes it · esc leaves"
            yield Input(
                self._value, placeholder=self._placeholder, suggester=suggester, select_on_focus=False
            )
            yield Static(id="candidates")
            yield Static(Content(self._remark), id="remark")
        yield KeyLine()

    def on_mount(self) -> None:
        """Nothing is offered before something is typed."""
        self.query_one("#candidates").display = False

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Gives the line."""
        self.dismiss(line(self.query_one(Input).value))

    def action_give_up(self) -> None:
        """Gives nothing."""
        self.dismiss(None)

    async def action_complete(self) -> None:
        """Types on as far as all candidates agree, and shows them where they are several."""
        if self._complete is None:
            return
        typed = self.query_one(Input)
        before = typed.value
        found = await asyncio.to_thread(self._complete, before)
        if typed.value != before:  # the user was quicker
            return
        typed.value = common(found, before)
        typed.cursor_position = len(typed.value)
        self._offer(found if len(found) > 1 else [])

    @on(Input.Changed)
    def _forget(self) -> None:
        self._offer([])

    def _offer(self, found: list[str]) -> None:
        offered = self.query_one("#candidates", Static)
        names = [
            line(one.rstrip("/").rpartition("/")[2]) + ("/" * one.endswith("/")) for one in found[:_SHOWN]
        ]
        more = [f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        offered.update(Content("\n".join([*names, *more])))
        offered.display = bool(found)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Tab completes only where there is something to complete."""
        return self._complete is not None if action == "complete" else True
