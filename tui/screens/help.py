"""Help, made from the keys that work where it was called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_MARKS = (
    ("✓", "the quote says it word for word, or supports it"),
    ("~", "the quote supports a part of it"),
    ("✗", "the quote does not support it"),
    ("?", "not checked"),
)
_KEYS = "Keys"
_BEHIND_A_NUMBER = "Behind a number"


class HelpScreen(ModalScreen[None]):
    """Keys with what they do, and what the marks mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "dismiss", "Back", id="help.back", tooltip="Close this help"),
    ]

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """One box with two tables."""
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            yield Static(Content(_KEYS), classes="head")
            yield Static(table(self._keys))
            yield Static(Content(_BEHIND_A_NUMBER), classes="head second")
            yield Static(table(_MARKS))


def explained(bindings: Iterable[ActiveBinding], display: dict[str, str]) -> list[tuple[str, str]]:
    """Keys and what they do, of the bindings that have a tooltip; keys that do the same in one row."""
    rows: dict[str, list[str]] = {}
    for active in bindings:
        if active.tooltip:
            rows.setdefault(active.tooltip, []).append(display[active.binding.key])
    return [
        (f"{keys[0]} … {keys[-1]}" if len(keys) > 2 else " ".join(keys), said) for said, keys in rows.items()
    ]


def table(rows: Iterable[tuple[str, str]]) -> Content:
    """Two columns, the first as wide as it must be."""
    rows = list(rows)
    width = max((len(left) for left, _ in rows), default=0)
    return Content("\n").join(
        Content.assemble((f"{left:<{width}}", "bold $text-primary"), f"  {right}") for left, right in rows
    )
