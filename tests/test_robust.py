"""What restless users did that brought the program down, and what it does now."""

from __future__ import annotations

from tests.soak import actions, bytes_of
from tests.test_tui import finished, scripted, seen, until
from tui.app import CitewellApp
from tui.palette import Palette
from tui.screens.chat import ChatScreen
from tui.screens.line_dialog import LineDialog
from tui.widgets.conversation import Conversation
from tui.widgets.turn import Turn


async def test_a_dialog_that_is_taken_twice_gives_its_line_once() -> None:
    app, given = CitewellApp(scripted()), []
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = LineDialog("Name", "of the thing", value="it")
        app.push_screen(dialog, given.append)
        await until(pilot, lambda: app.screen is dialog and bool(dialog.query("#remark")))
        dialog.action_accept()
        dialog.action_accept()
        await pilot.pause()
        assert given == ["it"]
        assert isinstance(app.screen, ChatScreen)


async def test_a_question_stopped_before_it_stands_there_is_shown_as_stopped() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        turn = Turn(7, "really?")
        turn.stop()
        await app.screen.query_one("#turns").mount(turn)
        await until(pilot, lambda: "❯ really?" in seen(app) and "stopped" in seen(app))


async def test_a_conversation_left_while_its_turn_is_mounted() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        turn = Turn(7, "really?")
        turn.take(finished())  # its parts are not there yet, as later they may be no more
        await app.screen.query_one("#turns").mount(turn)
        await app.screen.query_one(Conversation).empty()
        turn.fail("too late", "")
        await pilot.pause()
        assert "really?" not in seen(app)


async def test_a_palette_closed_while_it_looks_takes_nothing_with_it() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        palette = app.screen
        assert isinstance(palette, Palette)
        await palette.remove_children()
        palette._list_visible = True
        palette._show_busy = True
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))


def test_the_soak_does_the_same_for_the_same_seed_and_every_key_can_be_sent() -> None:
    first, second = actions(3, ["x"]), actions(3, ["x"])
    done = [next(first) for _ in range(2_000)]
    assert done == [next(second) for _ in range(2_000)]
    assert {bytes_of(key) for action in done for key in action.keys} >= {"\x0c", "\x1b", "/", "\r", "\x1b[A"}
    assert not any("ctrl+q" in action.keys or "ctrl+z" in action.keys for action in done)
