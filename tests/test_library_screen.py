"""What a user does in the library screen, and what the terminal then shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from index.events import Advanced, StageStarted, Synced, SyncReport
from index.library import Library
from index.model import Author, Format, Record
from index.reader import StoredPaper
from tests.fakes import make_library, make_syncer, report_of, tiny
from tests.test_tui import HARMLESS, HOSTILE, seen, until
from tui.app import CitewellApp
from tui.listing import Row
from tui.paths import common, completions
from tui.screens.chat import ChatScreen
from tui.screens.library import LibraryScreen
from tui.screens.reader import ReaderScreen
from tui.widgets.paper_table import PaperTable

WIDE, NARROW = (140, 40), (80, 24)


def made(folder: Path, *, library: Library | None = None, syncer: Any = None) -> Any:
    """Parts of a library with fakes; nothing asks a model."""
    library = library or Library(folder / "library", lock_seconds=2.0)
    return SimpleNamespace(
        library=library, syncer=syncer or make_syncer(library), settings=SimpleNamespace(offline=True),
        embedder=SimpleNamespace(load=bool), writer_name="",
        answerer=None, retriever=SimpleNamespace(load=bool),
    )  # fmt: skip


def write(folder: Path, **papers: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in papers.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


FROGS = tiny("Frogs glow at night", "# Results", "Frogs glow in the dark of the pond.", year="1999")
TOADS = tiny("Toads sleep by day", "# Results", "Toads sleep under stones until dusk.", year="2020")
NEWTS = tiny("Newts regrow limbs", "# Results", "Newts regrow their limbs within weeks.", year="2011")


@pytest.fixture
def pond(tmp_path: Path) -> Any:
    """A library of three papers and a file that failed, following a folder."""
    papers = write(tmp_path / "papers", frogs=FROGS, toads=TOADS, newts=NEWTS, broken="BAD")
    library = make_library(tmp_path / "library")
    report_of(make_syncer(library).add([papers]))
    return made(tmp_path, library=library)


async def opened(pilot: Pilot[None]) -> LibraryScreen:
    """Goes from the questions to the library and waits until it is shown."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
    await pilot.press("ctrl+l")
    await until(pilot, lambda: isinstance(pilot.app.screen, LibraryScreen))
    await until(pilot, lambda: "paper" in seen(pilot.app).split("\n")[0])
    screen = pilot.app.screen
    assert isinstance(screen, LibraryScreen)
    return screen


async def shows(pilot: Pilot[None], *texts: str) -> None:
    for text in texts:
        await until(pilot, lambda text=text: text in seen(pilot.app), 15)


async def typed(pilot: Pilot[None], text: str) -> None:
    """Puts a line into the dialog and accepts it."""
    await until(pilot, lambda: bool(pilot.app.screen.query("#remark")))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")


def column(app: CitewellApp) -> list[str]:
    """The names of the papers from top to bottom."""
    return [row.name for row in app.screen.query_one(PaperTable).rows]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_papers_and_failures_stand_in_one_table(pond: Any, size: tuple[int, int]) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await shows(pilot, "Library ─ library · 3 papers · 1 failed · 3 passages")
        shown = seen(app)
        assert "✓  Frogs glow at night" in shown
        assert "✗  broken.txt" in shown
        assert "marked as bad" in shown
        assert ("Details" in shown.split("Footer")[0]) == (size == WIDE) or size == NARROW
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
