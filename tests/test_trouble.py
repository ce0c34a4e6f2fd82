"""What goes wrong around the chat while it is open, and that it goes on all the same."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from index.errors import ModelError
from qa import history
from qa.model import AnswerEvent
from qa.settings import load_settings
from tests.test_tui import QUESTION, answered, ask, seen, until
from tui.app import CitewellApp
from tui.parts import Parts
from tui.screens.chat import ChatScreen
from tui.screens.library import LibraryScreen
from tui.screens.reader import ReaderScreen
from tui.widgets.conversation import Conversation

ANSWER = "pericytes increased capillary density by 51%"


@pytest.fixture
def folder(sample_library: Path, tmp_path: Path) -> Path:
    """A library that may be changed."""
    return Path(shutil.copytree(sample_library, tmp_path / "library"))


def squeezed(app: CitewellApp) -> str:
    """The screen with its lines put together."""
    return " ".join(seen(app).split())


async def test_a_model_that_cannot_be_loaded_is_told_and_papers_can_still_be_read(folder: Path) -> None:
    broken = ModelError("the model cannot be loaded: its file is cut off", "Remove it and fetch it anew.")

    class Model:
        """Not to be had."""

        def load(self) -> None:
            raise broken

        def answer(self, *_: object) -> Generator[AnswerEvent, None, None]:
            raise broken
            yield

    with Parts(load_settings(library=folder, reranker="none")) as parts:
        parts.__dict__ |= {"retriever": Model(), "answerer": Model()}
        app = CitewellApp(parts)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: "! the model cannot be loaded" in seen(app))
            assert "Remove it and fetch it anew." in seen(app)
            await until(pilot, lambda: "loading the model" not in seen(app))
            for question in (QUESTION, "what about safety?"):
                await ask(pilot, question)
                await answered(pilot)
                assert f"❯ {question} ! the model cannot be loaded: its file is cut off" in squeezed(app)
            await pilot.press("ctrl+l")
            await until(pilot, lambda: isinstance(app.screen, LibraryScreen) and "8 papers" in seen(app))
            await until(pilot, lambda: "Alvino" in seen(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ReaderScreen) and "Key findings" in seen(app))


async def test_an_answer_that_cannot_be_kept_stays_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = history._append

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Parts(load_settings(library=folder, history=True, reranker="none")) as parts:
        app = CitewellApp(parts)
        async with app.run_test(size=(100, 40)) as pilot:
            monkeypatch.setattr(history, "_append", full)
            await ask(pilot, QUESTION)
            await answered(pilot)
            assert ANSWER in squeezed(app)
            assert "this answer could not be kept in" in squeezed(app)
            assert "No space left on device" in squeezed(app)
            monkeypatch.setattr(history, "_append", append)
            await ask(pilot, "and in mice?")
            await answered(pilot)
            assert parts.history.summaries()[0].turns == 1


async def test_a_library_that_is_written_to_removed_and_put_back(folder: Path) -> None:
    away = folder.with_name("elsewhere")
    with Parts(load_settings(library=folder, reranker="none")) as parts:
        app = CitewellApp(parts)
        async with app.run_test(size=(100, 40)) as pilot:
            await until(pilot, lambda: "8 papers" in seen(app) and "loading" not in seen(app))
            with parts.library.lock():
                await ask(pilot, QUESTION)
                await answered(pilot)
            assert ANSWER in squeezed(app)
            folder.rename(away)
            await pilot.press("1")
            await until(pilot, lambda: "there is no library at" in squeezed(app))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, ChatScreen))
            await ask(pilot, "what about safety?")
            await answered(pilot)
            assert "! there is no library at" in squeezed(app)
            away.rename(folder)
            await ask(pilot, QUESTION)
            await answered(pilot)
            latest = app.screen.query_one(Conversation).latest
            assert latest is not None
            assert latest.places
            await pilot.press("1")
            await until(pilot, lambda: isinstance(app.screen, ReaderScreen) and ANSWER in squeezed(app))


def kept(folder: Path, turns: int) -> Path:
    """One conversation of so many turns, made of the first."""
    (path,) = (folder / "conversations").glob("*.jsonl")
    told: dict[str, Any] = json.loads(path.read_text())
    lines = [json.dumps(told | {"question": f"question number {n}?"}) + "\n" for n in range(1, turns + 1)]
    path.write_text("".join(lines))
    return path


async def test_a_conversation_of_200_questions_is_gone_on_with(folder: Path) -> None:
    with Parts(load_settings(library=folder, history=True, reranker="none")) as parts:
        list(parts.conversation().ask(QUESTION))
        kept(folder, 200)
        app = CitewellApp(parts)
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "200 questions" in seen(app))
            await pilot.press("enter")
            await until(pilot, lambda: "question number 200?" in seen(app))
            turns = app.screen.query_one(Conversation).turns
            assert [turn.question for turn in turns] == [f"question number {n}?" for n in range(181, 201)]
            assert all(turn.places for turn in turns)
            app.screen.query_one(Conversation).scroll_home(animate=False)
            await until(pilot, lambda: "180 earlier questions not shown" in squeezed(app))
            await ask(pilot, "what about safety?")
            await answered(pilot)
            assert parts.history.summaries()[0].turns == 201
            await pilot.press("1")
            await until(pilot, lambda: isinstance(app.screen, ReaderScreen))
