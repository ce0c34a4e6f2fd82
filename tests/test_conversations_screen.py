"""The kept conversations: listed, filtered, gone on with, exported, deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qa.settings import load_settings
from tests.test_tui import QUESTION, answered, ask, seen, until
from tui.app import CitewellApp
from tui.parts import Parts
from tui.screens.chat import ChatScreen
from tui.screens.conversations import ConversationsScreen
from tui.widgets.conversation import Conversation


@pytest.fixture
def parts(sample_library: Path, tmp_path: Path) -> Parts:
    """Parts over a library with two kept conversations."""
    folder = tmp_path / "library"
    shutil.copytree(sample_library, folder)
    made = Parts(load_settings(library=folder, history=True))
    for questions in ([QUESTION, "and in mice?"], ["do MSCs promote angiogenesis?"]):
        asking = made.conversation()
        for question in questions:
            list(asking.ask(question))
    return made


async def test_go_on_filter_export_and_delete(parts: Parts, tmp_path: Path) -> None:
    app = CitewellApp(parts)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"2 questions  {QUESTION}" in seen(app))
        assert "1 question   do MSCs promote angiogenesis?" in seen(app)
        await pilot.press("slash", *"pericytes")
        await until(pilot, lambda: "1 question " not in seen(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen) and "❯ and in mice?" in seen(app))
        turns = app.screen.query_one(Conversation).turns
        assert [turn.question for turn in turns] == [QUESTION, "and in mice?"]
        assert turns[0].places
        assert "searched for: do pericytes increase capillary density in mice?" in seen(app)
        await ask(pilot, "what about safety?")
        await answered(pilot)
        assert parts.history.summaries()[0].turns == 3

        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"3 questions  {QUESTION}" in seen(app))
        await pilot.press("e")
        await until(pilot, lambda: "The name's end says the format" in seen(app))
        app.screen.query_one("Input").value = str(tmp_path / "kept.bib")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConversationsScreen))
        assert "doi = " in (tmp_path / "kept.bib").read_text()

        await pilot.press("d")
        await until(pilot, lambda: "for good? y deletes it, esc keeps it." in seen(app))
        await pilot.press("escape")
        assert len(parts.history.identifiers()) == 2
        await pilot.press("d", "y")
        await until(pilot, lambda: "3 questions" not in seen(app))
        assert len(parts.history.identifiers()) == 1
        await pilot.press("d", "y")
        await until(pilot, lambda: "No conversation is kept in this library yet." in seen(app))
        await pilot.press("escape")
        assert isinstance(app.screen, ChatScreen)
