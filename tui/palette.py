"""The command palette's list: every action of the screen in front, with its key."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from textual.command import Command, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.actions import Offered, offered
from tui.app import CitewellApp
from tui.screens.left_once import LeftOnce
from tui.widgets.choices import can_page
from tui.widgets.ink import MUTED


class Actions(Provider):
    """Finds actions by what they do or by their names."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for one in self._offered():
            yield DiscoveryHit(_shown(one), self._run(one), one.said)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for one in self._offered():
            score = max(matcher.match(one.said), matcher.match(one.name))
            if score > 0:
                yield Hit(score, _shown(one), self._run(one), one.said)

    def _offered(self) -> list[Offered]:
        found: dict[str, Offered] = {}
        assert isinstance(self.app, CitewellApp)
        for one in offered(self.app, self.screen):
            if one.enabled and one.name != "app.palette":
                found.setdefault(one.said, one)
        return list(found.values())

    def _run(self, one: Offered) -> partial[Coroutine[Any, Any, bool]]:
        return partial(self.app.run_action, one.action, one.node)


class Palette(CommandPalette, LeftOnce[None]):
    """Closed while it still looks for actions, Textual's looks for widgets that are gone, and fails."""

    def _refresh_command_list(
        self, command_list: CommandList, commands: list[Command], clear_current: bool
    ) -> None:
        if self.query(CommandList):
            super()._refresh_command_list(command_list, commands, clear_current)

    def _watch__list_visible(self) -> None:
        if self.query(CommandList):
            super()._watch__list_visible()

    async def _watch__show_busy(self) -> None:
        if self.query(CommandList):
            await super()._watch__show_busy()

    def _action_command_list(self, action: str) -> None:
        if not action.startswith("page_") or can_page(self.query_one(CommandList)):
            super()._action_command_list(action)


def _shown(one: Offered) -> Content:
    return Content.assemble(one.said, (f"  {one.key}", MUTED))
