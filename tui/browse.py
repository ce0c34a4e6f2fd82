"""A paper's page in the user's browser: one of the addresses that citewell makes of its ids, no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.clean import line

if TYPE_CHECKING:
    from textual.app import App

    from index.model import Record


def browse(app: App[None], record: Record) -> None:
    """Opens it, or copies its address where no window can be opened, and says so."""
    from qa.references import link
    from tui.copying import copy

    address = line(link(record) or "")
    if not address.startswith("https://") or " " in address:
        app.notify("this paper has no DOI or other id that leads to a page", markup=False)
    elif app.is_web or has_browser():
        app.open_url(address)
        app.notify(f"opening {address}", markup=False)
    else:
        copy(app, address + "\n", "no browser found; the address is")


def has_browser() -> bool:
    """Whether a browser opens in a window of its own; one for terminals would draw over this screen."""
    import webbrowser

    try:
        return type(webbrowser.get()) is not webbrowser.GenericBrowser
    except webbrowser.Error:
        return False
