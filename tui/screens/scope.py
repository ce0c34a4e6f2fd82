"""Asks what questions are limited to: papers, years, sections, tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from index.errors import CitewellError
from qa.model import Filters
from tui.clean import line
from tui.messages import Scoped, Trouble
from tui.screens.left_once import LeftOnce
from tui.widgets.turn import trouble

if TYPE_CHECKING:
    from index.library import Library

_FIELDS = (
    ("papers", "Papers", "keys, DOIs or titles; several with ;"),
    ("years", "Years", "2015, 2015- or 2015-2020"),
    ("sections", "Sections", "methods, results"),
    ("tags", "Tags", "trials, safety"),
)
_NOTHING = "no passage of this library is within that"


class ScopeScreen(ModalScreen[tuple[Filters, str] | None], LeftOnce[tuple[Filters, str] | None]):
    """Four lines; dismissed with the filters and what they are called."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="scope.back", tooltip="Leave the scope as it is"),
        Binding("ctrl+r", "clear", "All papers", id="scope.clear", tooltip="Limit questions to nothing"),
    ]

    def __init__(self, library: Library, scope: Filters) -> None:
        super().__init__()
        self._library = library
        self._before = scope

    def compose(self) -> ComposeResult:
        """Names and fields, and what is to be said."""
        told = _as_typed(self._before)
        with VerticalScroll(classes="box") as box:
            box.border_title = "Scope of the next questions"
            box.border_subtitle = "⏎ sets it · tab next · ^r all papers · esc leaves"
            for name, label, hint in _FIELDS:
                yield Label(label, markup=False)
                yield Input(told[name], placeholder=hint, id=name, compact=True)
            yield Static(Content("Empty fields limit nothing."), classes="said")

    @on(Input.Submitted)
    def _check(self) -> None:
        import click

        from tui.options import make_filters

        told = {name: self.query_one(f"#{name}", Input).value.strip() for name, _, _ in _FIELDS}
        papers = tuple(part.strip() for part in told["papers"].split(";") if part.strip())
        try:
            filters = make_filters(papers, told["years"] or None, (told["sections"],), (told["tags"],))
        except click.BadParameter as error:
            self._complain(Trouble(None, error.message, "Years are 2015, 2015- or 2015-2020."))
            self.query_one("#years").focus()
        else:
            self._look_up(filters)

    @work(thread=True, exclusive=True, exit_on_error=False, group="scope")
    def _look_up(self, filters: Filters) -> None:
        """Papers by their keys; anything that the library does not have is told."""
        from qa.references import short_name
        from qa.scope import in_words

        try:
            with self._library.read() as reader:
                papers = [reader.find_paper(name) for name in filters.papers]
                ids = [paper.id for paper in papers] or None
                tags = [tag.lower() for tag in filters.tags]
                inside = not filters or reader.scope(ids, filters.years, filters.sections, (), tags)
        except CitewellError as error:
            self.post_message(Trouble(None, error.message, error.hint))
            return
        if not inside:
            self.post_message(Trouble(None, _NOTHING, "Allow more, or empty a field."))
            return
        names = {paper.key: short_name(paper.record) for paper in papers}
        made = replace(filters, papers=tuple(dict.fromkeys(names)))
        self.post_message(Scoped(made, in_words(made, names)))

    @on(Scoped)
    def _leave_with(self, message: Scoped) -> None:
        self.dismiss((message.filters, line(message.words)))

    @on(Trouble)
    def _complain(self, message: Trouble) -> None:
        self.query_one(".said", Static).update(trouble(message.message, message.hint))

    def action_clear(self) -> None:
        """Everything may be searched again."""
        self.dismiss((Filters(), ""))

    def action_leave(self) -> None:
        """Changes nothing."""
        self.dismiss(None)


def _as_typed(scope: Filters) -> dict[str, str]:
    """The scope as one would type it."""
    low, high = scope.years or (None, None)
    years = "" if scope.years is None else str(low) if low == high else f"{low or ''}-{high or ''}"
    return {
        "papers": line("; ".join(scope.papers)),
        "years": years,
        "sections": line(", ".join(scope.sections)),
        "tags": line(", ".join(scope.tags)),
    }
