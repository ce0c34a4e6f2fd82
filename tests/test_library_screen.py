"""What a user does in the library screen, and what the terminal then shows."""

from __future__ import annotations

import itertools
import re
import threading
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
from qa.settings import load_settings
from tests.fakes import make_library, make_syncer, report_of, tiny
from tests.test_tui import HARMLESS, HOSTILE, answered, ask, cells, seen, until
from tui.app import CitewellApp
from tui.listing import ORDERS, Listing, _paper_row, matching, ordered
from tui.parts import Parts
from tui.paths import common, completions
from tui.screens.chat import ChatScreen
from tui.screens.library import LibraryScreen
from tui.screens.reader import ReaderScreen
from tui.standing import Standing
from tui.widgets.paper_table import PaperTable
from tui.widgets.work_panel import WorkPanel

WIDE, NARROW = (140, 40), (80, 24)


def made(folder: Path, *, library: Library | None = None, syncer: Any = None) -> Any:
    """Parts of a library with fakes; nothing asks a model."""
    library = library or Library(folder / "library", lock_seconds=2.0)
    return SimpleNamespace(
        library=library, syncer=syncer or make_syncer(library), settings=SimpleNamespace(offline=True),
        embedder=SimpleNamespace(load=bool), writer_name="",
        answerer=None, retriever=SimpleNamespace(load=bool), neighbours=lambda *_: [],
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
        assert "✓  Frogs glow at" in shown
        assert "✗  broken.txt" in shown
        assert "marked as bad" in shown
        assert ("Details" in shown.split("Footer")[0]) == (size == WIDE) or size == NARROW
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))


async def test_an_empty_library_says_what_to_press_and_adding_fills_it(tmp_path: Path) -> None:
    papers = write(tmp_path / "papers", frogs=FROGS, toads=TOADS, broken="BAD")
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "There are no papers here yet.", "Press a and name a folder of papers")
        await pilot.press("a")
        await shows(pilot, "Add papers", "A folder or file of papers, or a DOI")
        await typed(pilot, str(papers))
        await shows(pilot, "2 added · 1 failed · 2 new passages", "2 papers · 1 failed")
        assert "There are no papers here yet." not in seen(app)
        await pilot.press("a")
        await typed(pilot, str(tmp_path / "nowhere"))
        await shows(pilot, "! there is no file or folder", "Check the path, or name a paper by its DOI")
        await pilot.press("a", "escape")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen))


async def test_paths_are_completed(pond: Any, tmp_path: Path) -> None:
    (tmp_path / "papers" / "of_frogs").mkdir()
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("a")
        await until(pilot, lambda: bool(app.screen.query("#remark")))
        line = app.screen.query_one(Input)
        line.value = f"{tmp_path}/pap"
        await pilot.press("tab")
        await until(pilot, lambda: line.value == f"{tmp_path}/papers/")
        await pilot.press("tab")
        await shows(pilot, "of_frogs/", "broken.txt", "frogs.txt")
        await pilot.press("o", "tab")
        await until(pilot, lambda: line.value == f"{tmp_path}/papers/of_frogs/")


def test_what_a_path_may_go_on_to(tmp_path: Path) -> None:
    for name in (".hidden", "alpha.md", "alphabet.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "alps").mkdir()
    found = completions(f"{tmp_path}/al")
    assert [Path(one).name for one in found] == ["alps", "alpha.md", "alphabet.md"]
    assert found[0].endswith("/")
    assert common(found, f"{tmp_path}/al") == f"{tmp_path}/alp"
    assert common(found[1:], f"{tmp_path}/al") == f"{tmp_path}/alpha"
    assert completions(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden"]
    assert completions("") == completions("/nowhere/at/all") == completions("~nobody/x") == []


async def test_filter_and_order(pond: Any) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        assert [name.split(" ")[0] for name in column(app)] == ["broken.txt", "Frogs", "Newts", "Toads"]
        await pilot.press("s", "s")
        assert "sorted by year" in seen(app)
        assert [name.split(" ")[0] for name in column(app)] == ["Toads", "Newts", "Frogs", "broken.txt"]
        await pilot.press("S")
        assert column(app)[0] == "broken.txt"
        y, row = next((y, row) for y, row in enumerate(seen(app).split("\n")) if "Passages" in row)
        await pilot.click(offset=(row.index("Title") + 1, y))
        await shows(pilot, "sorted by title")
        assert "Title ▼" in seen(app)
        await pilot.press("slash", *"glow frogs")
        await shows(pilot, "1 of 3 papers")
        assert len(column(app)) == 1
        await pilot.press(*"x")
        await shows(pilot, "No paper holds all of these words.")
        await pilot.press("backspace", "enter")
        assert app.screen.query_one(PaperTable).has_focus
        await pilot.press("escape")
        assert len(column(app)) == 4
        await pilot.press("slash", *"failed")
        await until(pilot, lambda: column(app) == ["broken.txt"])


async def test_a_paper_is_read_and_a_failure_explained(pond: Any) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        await pilot.press("enter")
        await shows(pilot, "Details", "✗ marked as bad", "Take the mark out.", "Press r to try again")
        await pilot.press("escape", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen))
        await shows(pilot, "Frogs glow in the dark of the pond.")
        assert "nearest passage" not in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen))


async def test_a_mended_file_is_tried_again(pond: Any, tmp_path: Path) -> None:
    (tmp_path / "papers" / "broken.txt").write_text(tiny("Mended", "Now there is text."))
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "1 failed")
        await pilot.press("r")
        await shows(pilot, "4 papers", "1 added", "Mended")
        assert "failed" not in seen(app).split("\n")[0]


async def test_a_removed_paper_stays_out_until_it_is_brought_back_with_its_tags(pond: Any) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        await pilot.press("down", "t")
        await typed(pilot, "night, glow in the dark")
        await shows(pilot, "glow in the dark, night")
        await pilot.press("d")
        await shows(pilot, "Take this paper out of the library?", "z brings the paper back")
        await pilot.press("n")
        await pilot.press("d", "y")
        await shows(pilot, "removed Frogs glow at night 1999 · z brings it back", "2 papers")
        await pilot.press("u")
        await shows(pilot, "1 failed · 0.")
        assert "2 papers" in seen(app)
        await pilot.press("z")
        await shows(pilot, "3 papers", "1 added · 1 new passage")
        await pilot.press("up")
        await shows(pilot, "Tags      glow in the dark, night")
        with pond.library.read() as reader:
            assert len(reader.roots()) == 1
        await pilot.press("t")
        await typed(pilot, "")
        await shows(pilot, "has no tags")
        await pilot.press("t")
        await typed(pilot, "-odd")
        await shows(pilot, "! '-odd' cannot be a tag")


async def test_a_paper_whose_file_is_gone_cannot_come_back_and_says_so(pond: Any, tmp_path: Path) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        await pilot.press("down", "d", "y")
        await shows(pilot, "2 papers")
        frogs = tmp_path / "papers" / "frogs.txt"
        frogs.unlink()
        await pilot.press("z")
        await shows(pilot, "cannot be brought back: its file is gone")
        frogs.write_text(FROGS)
        await pilot.press("z")
        await shows(pilot, "3 papers")


class Gated:
    """A syncer whose every step waits until it is let go."""

    def __init__(self, total: int = 1_000) -> None:
        self.total = total
        self.gate = threading.Semaphore(0)
        self.pulled = 0
        self.closed = threading.Event()

    def sync(self, *, retry: bool = False) -> Generator[Any, None, None]:
        assert not retry
        try:
            yield StageStarted("looking for papers")
            yield StageStarted("adding papers", self.total)
            for done in range(1, self.total + 1):
                assert self.gate.acquire(timeout=20)
                self.pulled = done
                yield Advanced(done, f"paper \x1b[31m{done}.pdf")
            yield Synced(SyncReport(unchanged=self.total))
        finally:
            self.closed.set()


async def test_work_is_shown_stopped_and_gone_on_with(tmp_path: Path) -> None:
    syncer = Gated(10)
    app = CitewellApp(made(tmp_path, library=make_library(tmp_path / "library"), syncer=syncer))
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("u")
        await shows(pilot, "Bringing the library up to date", "esc stops", "✓ looking for papers", "0 of 10")
        syncer.gate.release(4)
        await until(pilot, lambda: syncer.pulled == 4)
        await pilot.pause(0.15)
        await pilot.press("u")
        assert "something is running; press esc to stop it first" in seen(app)
        await pilot.press("escape")
        await shows(pilot, "stopping after this step…")
        syncer.gate.release()
        await shows(pilot, "stopped; what was done is kept · u goes on")
        assert syncer.closed.is_set()
        assert syncer.pulled == 5
        assert "esc stops" not in seen(app)
        syncer.gate.release(20)
        await pilot.press("u")
        await shows(pilot, "nothing new: 10 files as before")


async def test_a_flood_of_progress_leaves_room_for_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200,000 steps in two seconds of the work's own clock: at most ten pictures a second are made."""
    looks = itertools.count()
    monkeypatch.setattr("tui.standing.time", SimpleNamespace(monotonic=lambda: 1.0 + next(looks) / 100_000))
    syncer = Gated(200_000)
    syncer.gate.release(100_000)
    library = make_library(tmp_path / "library")
    papers = write(tmp_path / "papers", frogs=FROGS, toads=TOADS)
    for _ in make_syncer(library).add([papers]):
        pass
    app = CitewellApp(made(tmp_path, library=library, syncer=syncer))
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        table = screen.query_one(PaperTable)
        await until(pilot, lambda: table.row is not None)
        pictures: list[object] = []
        panel = screen.query_one(WorkPanel)
        take = panel.take
        panel.take = lambda standing: (pictures.append(standing), take(standing))[1]  # type: ignore[method-assign]
        await pilot.press("u")
        await until(pilot, lambda: syncer.pulled == 100_000)
        first = table.row
        await pilot.press("down")  # half of the flood is there and the work goes on: the key does not wait
        await until(pilot, lambda: table.row != first)
        assert panel.display
        assert not syncer.closed.is_set()
        syncer.gate.release(100_000)
        await shows(pilot, "nothing new: 200,000 files as before")
        assert 3 <= len(pictures) <= 20 + 3  # every stage is a picture, too


@pytest.mark.parametrize(("width", "cells_of_bar"), [(74, 0), (80, 9), (140, 24)])
async def test_the_bar_gives_way_to_the_figures(tmp_path: Path, width: int, cells_of_bar: int) -> None:
    """Papers that fail and thousands of passages leave less room for it; the time is always whole."""
    app = CitewellApp(made(tmp_path, library=make_library(tmp_path / "library")))
    async with app.run_test(size=(width, 24)) as pilot:
        panel = (await opened(pilot)).query_one(WorkPanel)
        standing = Standing("embedding passages", 35_580, 12_345, failed=12)
        panel.begin("Adding papers", "esc stops", lambda: standing)
        panel.take(standing)
        await shows(pilot, "embedding passages", "35% · 12,345 of 35,580 · 12 failures · 0:0")
        row = next(row for row in seen(app).splitlines() if "embedding" in row)
        assert row.count("█") + row.count("░") == cells_of_bar


async def test_watching_takes_in_what_changes_and_makes_way(
    pond: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.library.SETTLE_SECONDS", 0.1)
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        await pilot.press("down", "d", "y")
        await shows(pilot, "2 papers")
        await pilot.press("w")
        await shows(pilot, "2 papers · 1 failed · watching", "watching 1 folder")
        write(tmp_path / "papers", snails=tiny("Snails carry houses", "They do."))
        await shows(pilot, "added: ", "Snails carry houses", "3 papers")
        await pilot.press("u")
        await until(pilot, lambda: re.search(r"1 failed · [\d.]+ s", seen(app)) is not None, 15)
        await shows(pilot, "watching 1 folder")
        assert re.search(r"1 failed · [\d.]+ s", seen(app)), "what came of it is still told"
        assert "3 papers" in seen(app)  # what was removed stays out
        await pilot.press("w")
        await shows(pilot, "no longer watching")
        await until(pilot, lambda: not app.screen.busy)  # type: ignore[attr-defined]


async def test_a_library_that_is_locked_or_goes_away_is_a_line(pond: Any) -> None:
    app = CitewellApp(pond)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        with pond.library.lock():
            await pilot.press("down", "d", "y")
            await shows(pilot, "! another citewell is writing to", "Wait for it to finish")
        await pilot.press("d", "y")
        await shows(pilot, "2 papers")
        import shutil

        shutil.rmtree(pond.library.folder)
        await shows(pilot, "There are no papers here yet.", "0 papers")
        await pilot.press("u")
        await shows(pilot, "! there is no library at")


def test_hostile_titles_are_one_harmless_line() -> None:
    record = Record(HOSTILE + "x" * 5_000, (Author(HOSTILE, "A"),), 2026)
    stored = StoredPaper(1, "p1", record, Format.PDF, False, (HOSTILE,), (HOSTILE,), 1, "", "", (HOSTILE,))
    row = _paper_row(stored)
    assert HARMLESS in row.title
    assert not any(c in f"{row.title}{row.name}{row.tags}" for c in "\x1b\x07\x9b\u202e\n")
    assert len(row.title) < 400


@pytest.mark.parametrize("size", [(20, 10), (3, 3), (1, 1), (40, 12), (110, 30), (200, 60)])
async def test_no_size_breaks_it_and_nothing_is_lost(tmp_path: Path, size: tuple[int, int]) -> None:
    odd = tiny(HOSTILE.replace("\x1b", "").replace("\x07", ""), "# Results", "Odd 🐸 words.")
    wide = tiny("日本語の論文 🐸" * 40, "# Results", "Wide words.")
    papers = write(tmp_path / "papers", odd=odd, wide=wide, frogs=FROGS)
    library = make_library(tmp_path / "library")
    report_of(make_syncer(library).add([papers]))
    app = CitewellApp(made(tmp_path, library=library))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await shows(pilot, "Frogs glow")
        await pilot.press("slash", *"o", "enter")
        await pilot.resize_terminal(*size)
        await pilot.press("down", "up", "t")
        await pilot.press("escape", "i", "escape", "d", "n")
        assert all(sum(s.cell_length for s in row) <= max(size[0], 1) for row in cells(app))
        if size == (20, 10):
            assert "Frogs glow" in seen(app)
        await pilot.resize_terminal(120, 36)
        await shows(pilot, "2 of 3 papers", "Frogs glow")


async def test_a_thousand_papers_are_walked_and_filtered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored(n: int) -> StoredPaper:
        record = Record(f"Paper number {n} on frogs", (Author(f"Wang{n}", "A"),), 1900 + n % 120)
        return StoredPaper(n, f"p{n}", record, Format.PDF, False, (), (f"/p/{n}.pdf",), n, "", "")

    rows = tuple(_paper_row(stored(n)) for n in range(10_000))
    assert len(matching(rows, "wang77 frogs")) == 111
    for order in ORDERS:
        assert len(ordered(rows, order)) == len(rows)
    monkeypatch.setattr("tui.screens.library_table.read_listing", lambda _: Listing(rows, len(rows), 1))
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await shows(pilot, "10,000 papers", "✓  Wang0 ")
        await pilot.press("end")
        await shows(pilot, "✓  Wang9999 ", "9,999")  # whole, beside the scrollbar
        await pilot.press("home", "pagedown", "down")
        assert app.screen.query_one(PaperTable).row is not None


async def test_a_paper_added_here_is_cited_by_the_next_answer(tmp_path: Path) -> None:
    """With the real model: the index that questions use learns of it."""
    one = tmp_path / "one.md"
    one.write_text("# Pericytes\n\n## Results\n\nPericytes increased capillary density by half in rats.\n")
    two = tmp_path / "two.md"
    two.write_text("# Serotonin\n\n## Results\n\nSerotonin delayed the onset of sleep in zebrafish larvae.\n")
    with Parts(load_settings(library=tmp_path / "library")) as parts:
        parts.library.create()
        report_of(parts.syncer.add([one]))
        app = CitewellApp(parts)
        async with app.run_test(size=WIDE) as pilot:
            await ask(pilot, "do pericytes increase capillary density?")
            await answered(pilot)
            await opened(pilot)
            await pilot.press("a")
            await typed(pilot, str(two))
            await shows(pilot, "1 added", "2 papers")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, ChatScreen))
            await shows(pilot, "2 papers")
            await ask(pilot, "does serotonin delay sleep in zebrafish larvae?")
            await answered(pilot)
            assert "Serotonin delayed the onset of sleep in zebrafish larvae." in " ".join(seen(app).split())


async def test_the_first_papers_of_all_take_the_place_of_the_word_that_there_are_none(tmp_path: Path) -> None:
    paper = tmp_path / "one.md"
    paper.write_text("# Pericytes\n\n## Results\n\nPericytes increased capillary density by half in rats.\n")
    with Parts(load_settings(library=tmp_path / "library")) as parts:
        app = CitewellApp(parts)
        async with app.run_test(size=WIDE) as pilot:
            await shows(pilot, "! there is no library at", "Press ctrl+l, then a;")
            await opened(pilot)
            await pilot.press("escape")
            await shows(pilot, "! there is no library at")
            await opened(pilot)
            await pilot.press("a")
            await typed(pilot, str(paper))
            await shows(pilot, "1 added", "1 paper")
            await pilot.press("ctrl+l")
            await shows(pilot, "1 paper", "Ask a question, and the answer is put together")
            assert "there is no library" not in seen(app)
            await ask(pilot, "do pericytes increase capillary density?")
            await answered(pilot)
            assert "Pericytes increased capillary density by half in rats. [1]" in " ".join(seen(app).split())
