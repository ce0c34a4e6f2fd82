"""The terminal application behind `citewell chat`."""

from __future__ import annotations

import gc
import multiprocessing.resource_tracker
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.css.query import NoMatches
from textual.screen import Screen

from tui import state
from tui.clean import clean, line
from tui.endings import leave_on_signals
from tui.screens.chat import ChatScreen

if TYPE_CHECKING:
    from textual.actions import ActionParseResult
    from textual.dom import DOMNode
    from textual.screen import Screen

    from qa.model import Filters
    from tui.parts import Parts
    from tui.screens.working import WorkingScreen

_LOOK_S = 2.0  # seconds between two looks at whether the server of a browser's tab is still there
# How long a thread may keep the interpreter from the one that draws. A key passes through some ten tasks
# until it is painted, and each may have to wait that long; Python's own 5 ms would make 50 of it.
_SWITCH_SECONDS = 0.0005
# Commands hardly look for garbage (tui/cli.py). What runs for hours must: widgets refer to one another.
_COLLECT = (5_000, 10, 10)
_LONGEST = 300  # characters of an error that nobody foresaw
_FINISHING = "One moment: what was begun is being finished."


def _actions() -> type[Provider]:
    """Imported once the palette is opened."""
    from tui.palette import Actions

    return Actions


class CitewellApp(App[None]):
    """Screens over the parts; nothing heavy is loaded before the first one is drawn."""

    TITLE = "citewell"
    CSS_PATH = "citewell.tcss"
    DEFAULT_MODE = "chat"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_actions}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="Show this help"),
        Binding(
            "ctrl+p", "command_palette", "Palette", id="app.palette", show=False, priority=True,
            tooltip="List everything that can be done, and the themes",
        ),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Leave citewell", priority=True),
    ]  # fmt: skip

    def __init__(
        self, parts: Parts, scope: Filters | None = None, keys: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._keys = dict(keys or {})  # as the user wrote them
        self._own_keys: dict[str, str] = {}  # those that can be used
        # A mode, not the default screen: only a mode's screen gets its own CSS.
        self.add_mode("chat", lambda: ChatScreen(parts, scope))
        self.add_mode("library", self._library)
        self.add_mode("evals", self._evals)
        self._parts = parts
        self._working: list[WorkingScreen] = []

    def _library(self) -> Screen[None]:
        """Made, and imported, when it is first gone to."""
        from tui.screens.library import LibraryScreen

        self._working.append(screen := LibraryScreen(self._parts))
        return screen

    def _evals(self) -> Screen[None]:
        from tui.screens.evals import EvalScreen

        self._working.append(screen := EvalScreen(self._parts))
        return screen

    def on_mount(self) -> None:
        """The user's theme and keys."""
        theme = state.remembered("theme")
        if theme in self.available_themes:
            self.theme = theme
        self.theme_changed_signal.subscribe(self, lambda new: state.remember("theme", new.name))
        if self._keys:
            self._take_keys()
        # Put to sleep (ctrl+z, kill -TSTP) and woken, it finds an empty terminal.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh())
        if not (self.is_web or self.is_headless):
            leave_on_signals(self._leave, lambda: self.return_code is not None)
        if self.is_web:
            # A server that was killed has told nobody: whoever it started would stay for ever.
            server = os.getppid()
            self.set_interval(_LOOK_S, lambda: self.exit() if os.getppid() != server else None)

    def _take_keys(self) -> None:
        from tui.keys import checked

        self._own_keys, wrong = checked(self._keys)
        self.set_keymap(self._own_keys)
        for said in wrong:
            self.notify(said, title="config.toml", severity="warning", timeout=15, markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Of Textual's own commands the one that is not a key of ours."""
        yield SystemCommand("Theme", "Choose other colours; they are kept", self.action_change_theme)

    def own_key(self, name: str) -> str:
        """The key that the user gave to the binding of this name, "" for none."""
        return self._own_keys.get(name, "")

    async def action_quit(self) -> None:
        """Leaves."""
        self._leave(0)

    def _leave(self, code: int) -> None:
        """Says why the prompt is not there at once if a thread has to end first."""
        chats = [screen for screen in self._screen_stacks["chat"] if isinstance(screen, ChatScreen)]
        busy = any(chat.busy for chat in chats) or any(screen.busy for screen in self._working)
        self.exit(return_code=code, message=_FINISHING if busy else None)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Does what a key or a click stands for. An error nobody foresaw ends that, not the program."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            if isinstance(error, NoMatches) and self._in_passing(default_namespace):
                return True
            said = f"something went wrong inside citewell ({type(error).__name__}: {error})"
            self.notify(line(said)[:_LONGEST], title="Please report it", severity="error", markup=False)
            return True

    def _in_passing(self, node: DOMNode | None) -> bool:
        """Whether the screen that a key was for is being put up, or was left: it lacks its widgets then."""
        screen = self.screen if node is None or node is self else node.screen
        return screen is not self.screen or not screen.is_mounted

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is cleaned. A mouse button that goes down where a widget was removed just now makes
        Textual look for the region of its parent, which it has no more; that is left alone."""
        if isinstance(event, events.Paste):
            event.text = clean(event.text)
        try:
            await super().on_event(event)
        except AttributeError as error:
            if not (isinstance(event, events.MouseDown) and error.name == "region" and error.obj is None):
                raise

    def action_command_palette(self) -> None:
        """Lists everything that can be done."""
        from tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Lists the colours."""
        from textual.theme import ThemeProvider

        from tui.palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Colours…"))

    def action_help(self) -> None:
        """Shows what can be done on the screen in front."""
        from tui.actions import offered
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(offered(self, self.screen)))


def run(parts: Parts, scope: Filters | None = None) -> None:
    """Runs the application until the user leaves it; `scope` is what its questions are limited to."""
    # Started later, from inside the running app, it would inherit file descriptors that it cannot.
    multiprocessing.resource_tracker.ensure_running()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_COLLECT)
    gc.freeze()  # what there is stays: the less there is to look through, the shorter the pauses
    app = CitewellApp(parts, scope, parts.settings.keys)
    app.run()
    if app.return_code:  # a signal ended it; or it fell over, and has said why
        sys.exit(app.return_code)
