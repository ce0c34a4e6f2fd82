"""What can be done where the user is, with the keys for it: what help and the command palette list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen

    from tui.app import CitewellApp


@dataclass(frozen=True, slots=True)
class Offered:
    """An action with its key. `asleep` is one whose key is typed instead while an input has the focus."""

    key: str
    said: str
    name: str  # the id of its binding, by which the settings call it
    action: str
    node: DOMNode
    enabled: bool
    asleep: bool


def offered(app: CitewellApp, screen: Screen[object]) -> list[Offered]:
    """The bindings that have a tooltip: those that work now, then those that the input keeps to itself."""
    awake = [
        Offered(
            app.get_key_display(a.binding),
            a.tooltip,
            a.binding.id or "",
            a.binding.action,
            a.node,
            a.enabled,
            False,
        )
        for a in screen.active_bindings.values()
        if a.tooltip and a.binding.tooltip
    ]
    known = {one.name for one in awake}
    return awake + [one for one in _asleep(app, screen) if one.name not in known]


def _asleep(app: CitewellApp, screen: Screen[object]) -> Iterator[Offered]:
    for binding in type(screen).BINDINGS:
        if isinstance(binding, Binding) and binding.tooltip and not binding.priority:
            one = Binding(app.own_key(binding.id or "") or binding.key, binding.action, id=binding.id)
            name, enabled = binding.id or "", _enabled(screen, binding.action)
            first = next(iter(Binding.make_bindings([one])))
            yield Offered(
                app.get_key_display(first), binding.tooltip, name, binding.action, screen, enabled, True
            )


def _enabled(screen: Screen[object], action: str) -> bool:
    from textual.actions import parse

    _, name, parameters = parse(action)
    return bool(screen.check_action(name, parameters))
