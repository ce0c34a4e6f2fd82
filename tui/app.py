"""The terminal application behind `citewell chat`."""

from __future__ import annotations

import multiprocessing.resource_tracker
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from tui.screens.chat import ChatScreen
from tui.screens.help import HelpScreen, explained

if TYPE_CHECKING:
    from textual.screen import Screen

    from qa.model import Filters
    from tui.parts import Parts
    from tui.screens.working import WorkingScreen

_FINISHING = "One moment: what was begun is being finished."


class CitewellApp(App[None]):
    """Screens over the parts; nothing heavy is loaded before the first one is drawn."""

    TITLE = "citewell"
    CSS_PATH = "citewell.tcss"
    DEFAULT_MODE = "chat"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="Show this help"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Leave citewell", priority=True),
    ]

    def __init__(self, parts: Parts, scope: Filters | None = None) -> None:
        super().__init__()
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

    async def action_quit(self) -> None:
        """Leaves, and says why the prompt is not there at once if a thread has to end first."""
        chat = self.screen_stack[0]
        busy = isinstance(chat, ChatScreen) and chat.busy
        self.exit(message=_FINISHING if busy or any(screen.busy for screen in self._working) else None)

    def action_help(self) -> None:
        """Shows the keys of the screen in front."""
        active = list(self.screen.active_bindings.values())
        display = {a.binding.key: self.get_key_display(a.binding) for a in active}
        self.push_screen(HelpScreen(explained(active, display)))


def run(parts: Parts, scope: Filters | None = None) -> None:
    """Runs the application until the user leaves it; `scope` is what its questions are limited to."""
    # Started later, from inside the running app, it would inherit file descriptors that it cannot.
    multiprocessing.resource_tracker.ensure_running()
    CitewellApp(parts, scope).run()
