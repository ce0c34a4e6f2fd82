"""Help, made from the keys that work where it was called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.screens.left_once import LeftOnce
from tui.widgets.ink import MUTED

if TYPE_CHECKING:
    from tui.actions import Offered

_MARKS = (
    ("✓", "the quote says it word for word, or supports it"),
    ("~", "the quote supports a part of it"),
    ("✗", "the quote does not support it"),
    ("?", "not checked"),
)
_KEYS = "Keys"
_ASLEEP = "Keys outside of the input (tab leaves it, esc comes back)"
_NAMED = 110  # columns from which the names of the actions have room
_REMAP = "The names on the right are for the [keys] table in config.toml."
_BEHIND_A_NUMBER = "Behind a number"


class HelpScreen(ModalScreen[None], LeftOnce[None]):
    """Keys with what they do, and what the marks mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "dismiss", "Back", id="help.back", tooltip="Close this help"),
    ]

    def __init__(self, actions: Sequence[Offered]) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """One box with the keys, those that work outside of the input apart, and the marks."""
        awake, asleep = self._rows(asleep=False), self._rows(asleep=True)
        widths = tuple(max((len(row[n]) for row in (*awake, *asleep)), default=0) for n in range(2))
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            yield Static(Content(_KEYS), classes="head")
            yield Static(table(awake, widths))
            if asleep:
                yield Static(Content(_ASLEEP), classes="head")
                yield Static(table(asleep, widths))
            yield Static(Content(_BEHIND_A_NUMBER), classes="head")
            yield Static(table(_MARKS, widths))
            if self.app.size.width >= _NAMED:
                yield Static(Content(_REMAP), classes="head quiet")

    def _rows(self, *, asleep: bool) -> list[tuple[str, ...]]:
        """Keys with what they do, and where there is room with their names."""
        rows = explained(one for one in self._actions if one.asleep == asleep)
        return rows if self.app.size.width >= _NAMED else [row[:2] for row in rows]


def explained(actions: Iterable[Offered]) -> list[tuple[str, ...]]:
    """Keys, what they do, and the actions' names; keys that do the same in one row."""
    rows: dict[str, tuple[list[str], str]] = {}
    for one in actions:
        rows.setdefault(one.said, ([], one.name))[0].append(one.key)
    return [
        (f"{keys[0]} … {keys[-1]}", said, f"{name.rstrip('0123456789')}N")
        if len(keys) > 2
        else (" ".join(keys), said, name)
        for said, (keys, name) in rows.items()
    ]


def table(rows: Iterable[tuple[str, ...]], widths: tuple[int, ...]) -> Content:
    """Rows with columns so wide: a key, what it does, and where there is one its name in a quieter colour."""
    return Content("\n").join(
        Content.assemble(
            (f"{row[0]:<{widths[0]}}", "bold $text-primary"),
            f"  {row[1]:<{widths[1]}}" if row[2:] else f"  {row[1]}",
            *((f"  {name}", MUTED) for name in row[2:]),
        )
        for row in rows
    )
