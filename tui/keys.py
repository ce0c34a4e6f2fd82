"""The keys that a user has set in the `[keys]` table of the settings, checked against the ones there are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from textual.binding import Binding, BindingType
from textual.keys import _character_to_key

# Wherever bindings are declared: module, then classes.
_PLACES = {
    "tui.app": ("CitewellApp",),
    "tui.screens.chat": ("ChatScreen",),
    "tui.screens.reader": ("ReaderScreen",),
    "tui.screens.neighbours": ("NeighboursScreen", "NeighbourList"),
    "tui.screens.conversations": ("ConversationsScreen",),
    "tui.screens.scope": ("ScopeScreen",),
    "tui.screens.export": ("ExportScreen",),
    "tui.screens.library": ("LibraryScreen",),
    "tui.screens.library_table": ("LibraryTable",),
    "tui.screens.evals": ("EvalScreen",),
    "tui.screens.confirm": ("ConfirmScreen", "DetailsScreen"),
    "tui.screens.line_dialog": ("LineDialog",),
    "tui.widgets.paper_table": ("PaperTable",),
    "tui.screens.help": ("HelpScreen",),
    "tui.widgets.ask": ("AskInput",),
    "tui.widgets.conversation": ("Suggestions",),
    "tui.widgets.sources": ("Sources",),
    "tui.widgets.outline": ("Outline",),
}
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(
    "up down left right home end pageup pagedown enter escape tab space backspace delete insert".split()
    + [f"f{n}" for n in range(1, 25)]
)
# A terminal sends the same for these as for others, or never sends them on.
_TAKEN = {"ctrl+h": "backspace", "ctrl+i": "tab", "ctrl+m": "enter", "ctrl+c": "copying"}


def declared() -> dict[str, Binding]:
    """Every binding that has an id."""
    found: dict[str, Binding] = {}
    for module, classes in _PLACES.items():
        for name in classes:
            bindings: list[BindingType] = getattr(import_module(module), name).BINDINGS
            found |= {b.id: b for b in bindings if isinstance(b, Binding) and b.id}
    return found


def checked(keys: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The keys that can be used, by the ids of their bindings, and what is wrong with the others."""
    if not keys:
        return {}, []
    known, good, wrong = declared(), {}, []
    for name, key in keys.items():
        bad = [part for part in key.split(",") if not _is_key(part.strip())]
        if name not in known:
            wrong.append(f"[keys] {name}: there is no such action; docs/tui.md lists their names")
        elif bad:
            wrong.append(f"[keys] {name}: {bad[0].strip()!r} is no key that a terminal can tell")
        else:
            good[name] = ",".join(part.strip() for part in key.split(","))
    return good, wrong + _clashes(known, good)


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    plain = last in _NAMED or len(last) == 1 or (len(last) > 3 and last.replace("_", "").isalpha())
    return plain and key not in _TAKEN and all(modifier in _MODIFIERS for modifier in modifiers)


def _clashes(known: Mapping[str, Binding], mine: Mapping[str, str]) -> list[str]:
    """Two actions of one place on one key: the first of them would win."""
    held: dict[tuple[str, str], str] = {}
    wrong: list[str] = []
    for name in sorted(known, key=lambda n: n in mine):
        place = name.split(".")[0]
        for key in mine.get(name, known[name].key).split(","):
            other = held.setdefault((place, _character_to_key(key) if len(key) == 1 else key), name)
            if other != name and (name in mine or other in mine):
                wrong.append(f"[keys] {name}: {key} is already the key of {other}")
    return wrong
