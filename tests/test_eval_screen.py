"""What a user measures in the evaluation screen, and what the terminal then shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from eval.results import Result, save
from index.errors import DatasetError
from index.events import Advanced, StageStarted
from qa.settings import load_settings
from tests.conftest import SAMPLES
from tests.test_library_screen import NARROW, WIDE, made, opened, shows, typed
from tests.test_tui import cells, seen, until
from tui.app import CitewellApp
from tui.eval_view import bar, comparison, plot, table
from tui.evaluating import Measured, Target
from tui.parts import Parts
from tui.screens.evals import EvalScreen
from tui.screens.library import LibraryScreen


def result(reranked: float = 0.75, created: str = "2026-01-02T03:04:05+00:00") -> Result:
    """A small result; its stages lie apart."""
    measures = ("nDCG@10", "R@5", "R@10", "R@100", "RR@10", "AP", "success@5")
    means = {"bm25": 0.5, "dense": 0.25, "fused": 0.625, "reranked": reranked}
    return Result(
        dataset="pond", split="test", unit="passage", queries=30, papers=3, passages=40, config={},
        stages={stage: dict.fromkeys(measures, mean) for stage, mean in means.items()},
        intervals={stage: {"nDCG@10": (mean - 0.1, mean + 0.1)} for stage, mean in means.items()},
        timings_ms={"bm25": {"median": 1.4, "p95": 3.0}}, created=created,
        per_query={
            stage: {m: {str(q): mean for q in range(30)} for m in measures} for stage, mean in means.items()
        },
    )  # fmt: skip


async def evals(pilot: Pilot[None]) -> EvalScreen:
    """Goes from the questions over the library to the evaluations."""
    await opened(pilot)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, EvalScreen))
    screen = pilot.app.screen
    assert isinstance(screen, EvalScreen)
    return screen


async def test_nothing_measured_says_what_to_press(tmp_path: Path) -> None:
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await evals(pilot)
        await shows(pilot, "Evals ─ your own papers · up to 100 questions", "Nothing was measured here yet.")
        await pilot.press("n")
        await typed(pilot, "many")
        await shows(pilot, "! 'many' is no number of questions")
        await pilot.press("n")
        await typed(pilot, "20")
        await shows(pilot, "up to 20 questions")
        await pilot.press("d")
        await typed(pilot, str(tmp_path / "nowhere"))
        await shows(pilot, "! there is no dataset at", "Name a folder with corpus.jsonl")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen))


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_run_is_watched_stopped_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    gate = threading.Semaphore(0)

    def measuring(_parts: Any, target: Target, limit: int) -> Generator[Any, None, None]:
        from eval.results import differences

        assert (target.name, limit) == ("your own papers", 100)
        yield StageStarted("asking", 4)
        for done in range(1, 5):
            assert gate.acquire(timeout=20)
            yield Advanced(done, "why do [red]frogs\x1b[31m glow?")
        now = result(0.8, "2026-02-03T04:05:06+00:00")
        yield Measured(now, "somewhere", result(), differences(result(), now))

    monkeypatch.setattr("tui.screens.evals.measuring", measuring)
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=size) as pilot:
        await evals(pilot)
        await shows(pilot, "Nothing was measured")
        await pilot.press("enter")
        await shows(pilot, "Asking your own papers", "esc stops", "0% · 0 of 4")
        gate.release()
        await shows(pilot, "why do [red]frogs[31m glow?")
        await pilot.press("escape")
        gate.release()
        await shows(pilot, "stopped · enter goes on with what was built")
        gate.release(10)
        await pilot.press("enter")
        await shows(pilot, "pond · 30 questions · 3 papers · 40 passages · 2026-02-03", "kept in somewhere")
        await shows(pilot, "by words", "0.500", "read again", "0.800")
        await shows(pilot, "Against 2026-01-02", "+0.050  ▲ better", "= the same")
        await pilot.resize_terminal(20, 10)
        await pilot.pause()
        assert all(sum(s.cell_length for s in row) <= 20 for row in cells(app))
        await pilot.resize_terminal(*size)
        await shows(pilot, "+0.050  ▲ better")


async def test_an_error_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measuring(*_: Any) -> Generator[Any, None, None]:
        yield StageStarted("asking", 4)
        raise DatasetError("no paper here has both", "Add full papers.")

    monkeypatch.setattr("tui.screens.evals.measuring", measuring)
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await evals(pilot)
        await shows(pilot, "Nothing was measured")
        await pilot.press("enter")
        await shows(pilot, "! no paper here has both", "Add full papers.")


async def test_the_last_result_of_a_dataset_is_shown_when_it_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pond"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (folder / "frogs.md").write_text("# Frogs\n\n## Results\n\nFrogs glow in the dark of the pond.\n")
    asked = {"id": "1", "question": "Do frogs glow?", "paper": "frogs.md", "quote": "Frogs glow in the dark"}
    (folder / "questions.jsonl").write_text(json.dumps(asked) + "\n")
    from tui.evaluating import dataset_target

    target = dataset_target(folder)
    assert target.last is None
    from tui.eval_parts import results_folder

    name, _, split = target.name.partition(" (")
    save(result().model_copy(update={"dataset": name, "split": split.rstrip(")")}), results_folder(None))
    app = CitewellApp(made(tmp_path))
    async with app.run_test(size=NARROW) as pilot:
        await evals(pilot)
        await pilot.press("d")
        await typed(pilot, str(folder))
        await shows(pilot, "Evals ─ pond", "up to 1 question", "0.625")


async def test_own_papers_are_measured_and_compared_with_the_last_time(sample_library: Path) -> None:
    """With the real model, on the samples."""
    assert SAMPLES.is_dir()
    with Parts(load_settings(library=sample_library, reranker="none")) as parts:
        app = CitewellApp(parts)
        async with app.run_test(size=WIDE) as pilot:
            await evals(pilot)
            await pilot.press("n")
            await typed(pilot, "3")
            await pilot.press("enter")
            await until(pilot, lambda: "own-papers · 3 questions · 8 papers" in seen(app))
            assert "Against" not in seen(app)
            await pilot.press("enter")
            await until(pilot, lambda: "on the 3 questions that both asked" in seen(app))
            assert "= the same" in seen(app)


def test_table_and_bars_fit_their_width() -> None:
    for width in (200, 80, 60, 34):
        for content in (table(result(), width), plot(result(), width, result(0.5))):
            assert max(map(len, content.plain.split("\n"))) <= max(width, 34), width
    assert bar(0.5, 4) == "██··"
    assert bar(0.53, 4) == "██▏·"
    assert (bar(0, 3), bar(1, 3), bar(2, 3)) == ("···", "███", "███")
    assert "│" in plot(result(), 80, result(0.5)).plain
    assert comparison(result(), {}).plain.startswith("Against 2026-01-02")
