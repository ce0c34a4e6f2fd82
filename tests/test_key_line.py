"""The last line: which keys it names, and that a click is as good as the key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_tui import cells, finished, paper, scripted, seen, sentence, until
from tui.app import CitewellApp
from tui.screens.chat import ChatScreen
from tui.screens.help import HelpScreen
from tui.widgets.key_line import KeyLine


def last(app: CitewellApp) -> str:
    return seen(app).split("\n")[-1]


async def test_the_keys_that_fit_are_named_and_the_palette_always() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "^q Quit" in last(app))
        assert last(app).strip().startswith("⏎ Ask")
        for expected in ("esc Stop", "^r Earlier", "^f Scope", "^l Library", "f1 Help"):
            assert f" {expected} " in last(app)
        assert last(app).endswith("▏^p Palette")
        await pilot.resize_terminal(30, 20)
        await until(pilot, lambda: len(last(app)) <= 30 and last(app).endswith("▏^p Palette"))
        await pilot.resize_terminal(8, 20)
        await until(pilot, lambda: len(last(app)) <= 8)


async def test_a_click_is_as_good_as_the_key_and_what_sleeps_stays_asleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[int] = []
    app = CitewellApp(scripted())
    monkeypatch.setattr(app, "bell", lambda: rung.append(1))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "f1 Help" in last(app))
        await pilot.click(KeyLine, offset=(last(app).index("f1 Help") + 1, 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        assert isinstance(app.screen, ChatScreen)
        await pilot.click(KeyLine, offset=(last(app).index("Sources"), 0))  # nothing was asked yet
        assert rung == [1]
        await pilot.click(KeyLine, offset=(last(app).index("▏") - 3, 0))  # between the keys
        assert isinstance(app.screen, ChatScreen)
        assert rung == [1]


async def test_a_key_wakes_with_what_it_is_for() -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))

    def ink(word: str) -> Any:
        (style,) = {s.style for s in cells(app)[-1] if word in s.text}
        return style and style.color

    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Sources" in last(app))
        assert ink("Sources") != ink("Library")
        app.screen.query_one("AskInput").value = "do cells move?"
        await pilot.press("enter")
        await until(pilot, lambda: "Cells move." in seen(app) and ink("Sources") == ink("Library"))
