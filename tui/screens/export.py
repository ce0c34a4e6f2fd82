"""Asks for a file, and writes answers to it in the format that its name says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from index.errors import ExportError
from tui.clean import line
from tui.screens.left_once import LeftOnce
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from qa.model import Answer

_FORMATS = "The name's end says the format: .md .txt .json, or the cited papers as .bib .csl.json"
_AGAIN = "Press ⏎ again to overwrite it, or name another file."


class ExportScreen(ModalScreen[None], LeftOnce[None]):
    """One line for the file's name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back", id="export.back", tooltip="Write nothing"),
    ]

    def __init__(self, answers: Sequence[Answer], scopes: Sequence[str], shown: Any) -> None:
        super().__init__()
        self._answers = list(answers)
        self._scopes = list(scopes)
        self._shown = shown  # what a .json holds
        self._overwrite = ""  # the file that was said to be there already

    def compose(self) -> ComposeResult:
        """The name, and what is to be said of it."""
        with Vertical(classes="box") as box:
            box.border_title = "Export"
            box.border_subtitle = "⏎ writes · esc leaves"
            yield Input("answers.md", compact=True)
            yield Static(Content(_FORMATS), classes="said")

    @on(Input.Submitted)
    def _write(self, event: Input.Submitted) -> None:
        import click

        from tui.export_file import FORMATS, format_of, rendered, write

        target = event.value.strip()
        try:
            format_ = format_of(target, None)
            text = rendered(self._answers, format_, self._scopes, self._shown)
            write(target, text, force=target == self._overwrite)
        except click.UsageError:
            self._say(
                f"{target or 'this'}: no format is known by this name", f"End it in {', '.join(FORMATS)}."
            )
        except ExportError as error:
            there = "already" in error.message and target != self._overwrite
            self._overwrite = target if there else ""
            self._say(error.message, _AGAIN if there else error.hint)
        else:
            self.app.notify(line(f"written to {target}"), markup=False)
            self.dismiss()

    def _say(self, message: str, hint: str) -> None:
        self.query_one(".said", Static).update(trouble(message, hint))
