"""Times are kept as UTC and shown as the user's clock has them."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.history import History
from qa.kept import KeptTurn
from qa.settings import load_settings
from tests.conftest import Citewell
from tests.test_tui import seen, until
from tui.app import CitewellApp
from tui.parts import Parts
from tui.times import when

KEPT = "2026-01-05T23:30:00+00:00"
THERE = "2026-01-06 08:30"  # in Tokyo it is the next day already


@pytest.fixture(autouse=True)
def _tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock nine hours before UTC, all year round."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def library(sample_library: Path, tmp_path: Path) -> Path:
    """A library with one kept conversation."""
    folder = tmp_path / "library"
    shutil.copytree(sample_library, folder)
    with Parts(load_settings(library=folder, history=True)) as parts:
        parts.history.append(
            "20260105-233000-0001", KeptTurn(asked=KEPT, question="how far do frogs jump?", query="frogs")
        )
    return folder


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (KEPT, THERE),
        ("2026-07-01T12:00:00+02:00", "2026-07-01 19:00"),
        ("by\x1b[2Jhand", "by[2Jhand"),
        ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59"),  # no local date can hold it
        ("", ""),
    ],
)
def test_a_kept_time_is_shown_as_local_time(kept: str, shown: str) -> None:
    assert when(kept) == shown


def test_the_command_and_the_plain_chat_show_local_time_and_the_files_keep_utc(
    citewell: Citewell, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert citewell("history", library=library).out.startswith(f"20260105-233000-0001  {THERE}  1 question")
    assert f'"used": "{KEPT}"' in citewell("history", "--json", library=library).out
    monkeypatch.setattr("sys.stdin", io.StringIO(":history\n"))
    listed = citewell("chat", "--plain", library=library).out
    assert f"20260105-233000-0001: {THERE}, 1 asked. how far do frogs jump?" in listed
    assert [turn.asked for turn in History(library / "conversations").turns("20260105-233000-0001")] == [KEPT]


async def test_the_screens_show_local_time(library: Path) -> None:
    app = CitewellApp(Parts(load_settings(library=library, history=True)))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"{THERE}  1 question   how far do frogs jump?" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "❯ how far do frogs jump?" in seen(app) and THERE in seen(app))
