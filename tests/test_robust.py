"""What restless users did that brought the program down, and what it does now."""

from __future__ import annotations

import asyncio
import shutil
from importlib import import_module
from itertools import islice
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult
from textual.geometry import Offset, Size
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.widgets.option_list import Option

import tui.screens
from index.errors import DatasetError, ExportError, SourceError
from qa.settings import load_settings
from tests import hostile
from tests.soak import Soak, actions, bytes_of
from tests.test_tui import answered, ask, finished, paper, scripted, seen, sentence, until
from tui.app import CitewellApp
from tui.evaluating import dataset_target
from tui.export_file import write
from tui.filling import adding
from tui.palette import Palette
from tui.parts import Parts
from tui.screens.chat import ChatScreen
from tui.screens.help import HelpScreen
from tui.screens.left_once import LeftOnce
from tui.screens.line_dialog import LineDialog
from tui.widgets.ask import AskInput
from tui.widgets.choices import Choices
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


async def test_a_key_that_comes_before_or_after_its_dialog_is_no_mishap() -> None:
    app, given = CitewellApp(scripted()), []
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Ask a question" in seen(app))
        dialog = LineDialog("Name", "of the thing", value="it")
        app.push_screen(dialog, given.append)
        assert app.screen is dialog
        assert not dialog.query(Input)
        assert await app.run_action("accept", dialog)  # nothing is there yet
        await until(pilot, lambda: bool(dialog.query("#remark")))
        assert given == []
        dialog.action_accept()
        await until(pilot, lambda: not dialog.query(Input))
        assert await app.run_action("accept", dialog)  # nothing is there any more
        await pilot.pause()
        assert given == ["it"]
        assert not app._notifications


async def test_a_size_that_has_passed_is_not_taken_again() -> None:
    """However many sizes wait among the messages of a screen and of the one behind it."""
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Ask a question" in seen(app))
        behind, dialog = app.screen, LineDialog("Name", "of the thing")
        app.push_screen(dialog)
        await until(pilot, lambda: bool(dialog.query("#remark")))
        sizes: list[Size] = []
        for screen in (behind, dialog):
            screen.screen_layout_refresh_signal.subscribe(app, lambda shown: sizes.append(shown.outer_size))
            for size in (Size(140, 40), Size(60, 20), Size(20, 6)):
                screen.post_message(events.Resize(size, size))
                screen.call_later(lambda: None)  # between them, so that none stands for the next
        await pilot.pause()
        await pilot.pause()
        assert set(sizes) == {app.size}
        assert (behind.outer_size, dialog.outer_size) == (app.size, app.size)
        assert behind.has_class("-narrow")
        assert not behind.has_class("-wide")


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


# --- lists, dialogs and names -----------------------------------------------------------------------------


class _Lists(App[None]):
    """A list that is as big as its style says."""

    CSS = "Choices { width: 0; height: 3; border: none; padding: 0; }"

    def compose(self) -> ComposeResult:
        yield Choices(*(Option(f"choice {n}") for n in range(9)), markup=False)


@pytest.mark.parametrize("room", [(0, 3), (20, 0), (1, 1), (20, 3)])
async def test_pages_of_a_list_with_any_room(room: tuple[int, int]) -> None:
    app = _Lists()
    async with app.run_test(size=(40, 10)) as pilot:
        listed = app.query_one(Choices)
        listed.styles.width, listed.styles.height = room
        await pilot.pause()
        listed.focus()
        await pilot.press("home", "pagedown", "pagedown", "pagedown", "pageup", "end")
        assert listed.highlighted == 8
        await pilot.press("pageup")
        # Without room there are no pages; with one row or three, the page before the last.
        assert listed.highlighted == (
            8 if 0 in room else 8 - room[1] if room[0] == 20 else listed.highlighted
        )
        listed.clear_options()
        await pilot.press("pagedown", "pageup")
        listed.add_option(Option("one more"))
        listed.highlighted = 0
        listed._move_page(1)  # before it was drawn
        listed.styles.width, listed.styles.height = 20, 3
        await pilot.pause()
        assert "one more" in seen(app)


async def test_pages_of_the_palette_while_it_is_empty() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        palette = app.screen
        assert isinstance(palette, Palette)
        for key in ("pagedown", "pageup", *"zzzz", "pagedown", "pageup", "down"):
            palette._action_command_list("page_down")
            await pilot.press(key)
        assert app.screen is palette
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))


async def test_a_list_over_the_screen_that_is_left_twice_is_left_once() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        app.search_themes()
        await until(pilot, lambda: isinstance(app.screen, Palette) and "nord" in seen(app))
        themes = app.screen
        themes.dismiss()
        themes.dismiss()
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))


def test_whatever_can_be_left_is_left_once() -> None:
    for module in iter_modules(tui.screens.__path__):
        for screen in vars(import_module(f"tui.screens.{module.name}")).values():
            if (
                isinstance(screen, type)
                and issubclass(screen, ModalScreen)
                and screen.__module__.startswith("tui")
            ):
                assert issubclass(screen, LeftOnce), screen


@pytest.mark.parametrize(
    "name",
    [hostile.LONG + "x.md", "a/" * 3_000 + "x.md", "~nobody at all/x.md", "\ud800.md", "/dev/null/x.md"],
)
def test_names_that_can_name_nothing_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"cannot be the name of a file|there is no folder"):
        write(name, "text", force=False)
    with pytest.raises(DatasetError, match="there is no dataset at"):
        dataset_target(Path(name))
    with Parts(load_settings(library=tmp_path / "library")) as parts:
        with pytest.raises(SourceError, match=r"there is no file or folder|cannot be used as a path"):
            list(adding(parts, name))
        assert not parts.library.exists()


class Typed:
    """Hands the soak's bytes to an app as a terminal's driver does."""

    def __init__(self, app: CitewellApp) -> None:
        self._app = app
        self._parser = XTermParser()

    def send(self, data: str) -> None:
        """What is typed; an escape is whole, where a real terminal waits for what may follow."""
        found = [events.Key("escape", None)] if data == "\x1b" else self._parser.feed(data)
        for event in found:
            self._app.post_message(event)

    def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        self._app.post_message(events.Resize(Size(columns, rows), Size(columns, rows)))


# --- errors, pastes, the mouse -----------------------------------------------------------------------------


async def test_an_error_nobody_foresaw_is_told_and_the_next_question_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = sentence(1, "It was so.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))

    def broken(_: ChatScreen) -> None:
        raise KeyError("odd [/bar] \x1b]52;c;aGk=\x07")

    monkeypatch.setattr(ChatScreen, "action_scope", broken)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("ctrl+f")
        await until(pilot, lambda: "something went wrong inside citewell" in seen(app))
        assert "Please report it" in seen(app)
        assert "odd [/bar] " in " ".join(seen(app).split())
        assert "\x1b" not in seen(app)
        await ask(pilot, "how was it?")
        await answered(pilot)
        assert "It was so. [1]✓" in seen(app).replace("\u00a0", " ")
    assert app.return_code in (0, None)


PASTED = "a\x9b31mb\x9d52;c;x\x9cc \x1b[2Jd\u202etxet\x00\x7f"


async def test_a_paste_is_cleaned_wherever_it_goes() -> None:
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(events.Paste(PASTED))
        await until(pilot, lambda: app.screen.query_one(AskInput).value == "a31mb52;c;xc [2Jdtxet")
        app.push_screen(LineDialog("Name", "of the thing"))
        await until(pilot, lambda: bool(app.screen.query("#remark")) and app.focused is not None)
        app.post_message(events.Paste(PASTED))
        await until(pilot, lambda: app.screen.query_one(Input).value == "a31mb52;c;xc [2Jdtxet")
        app.post_message(events.Paste(hostile.LONG))
        await until(pilot, lambda: len(app.screen.query_one(Input).value) > 5_000)
        assert not any(c in seen(app) for c in "\x1b\x07\x9b\x9d\u202e")


async def test_a_button_pressed_where_a_text_was_removed_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    app = CitewellApp(scripted())
    orphan, at = Static("gone"), ChatScreen.get_widget_and_offset_at
    async with app.run_test(size=(80, 24)) as pilot:
        typed = Typed(app)
        monkeypatch.setattr(ChatScreen, "get_widget_and_offset_at", lambda *_: (orphan, Offset(0, 0)))
        typed.send("\x1b[<0;6;6M")
        await pilot.pause()
        monkeypatch.setattr(ChatScreen, "get_widget_and_offset_at", at)
        typed.send("ab")
        await until(pilot, lambda: app.screen.query_one(AskInput).value == "ab")


async def test_other_errors_of_the_mouse_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    app = CitewellApp(scripted())

    def broken(*_: object) -> None:
        raise AttributeError("no such thing")

    async def press() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            monkeypatch.setattr(ChatScreen, "get_widget_and_offset_at", broken)
            Typed(app).send("\x1b[<0;6;6M")
            await pilot.pause()

    with pytest.raises(AttributeError, match="no such thing"):
        await press()


async def test_without_colours_there_is_a_size_for_nothing_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = CitewellApp(scripted())
    async with app.run_test(size=(80, 24)) as pilot:
        for width in range(1, 9):
            await pilot.resize_terminal(width, 24 - 3 * width)
            await pilot.press("x")
        await pilot.resize_terminal(80, 24)
        assert "x" * 8 in seen(app)


# --- restless users ----------------------------------------------------------------------------------------


async def test_a_restless_user_ends_nothing(
    sample_library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(sample_library, tmp_path / "library")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", bool)
    failed: list[str] = []
    notify = CitewellApp.notify

    def noted(app: CitewellApp, message: str, **rest: Any) -> None:
        failed.extend([message] * ("went wrong" in message))
        notify(app, message, **rest)

    monkeypatch.setattr(CitewellApp, "notify", noted)
    with Parts(
        load_settings(library=tmp_path / "library", history=True, offline=True, reranker="none")
    ) as parts:
        app = CitewellApp(parts)
        async with app.run_test(size=(120, 40)) as pilot:
            soak = Soak(Typed(app))
            for action in islice(actions(8), 150):
                soak.act(action)
                await asyncio.sleep(0.005)
                assert not failed
            await pilot.resize_terminal(100, 30)
            for _ in range(9):
                await pilot.press("escape")
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Keys" in seen(app))
        assert not failed
