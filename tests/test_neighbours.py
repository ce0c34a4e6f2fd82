"""From a quote to what other papers say of the same, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from index.embed import Vectors
from index.library import Library
from index.model import Span
from index.parse import SUFFIXES, parse
from index.parse.pdf import PdfParser
from index.sync import Syncer
from index.vectors import VectorIndex
from qa.model import ScoredPassage
from qa.neighbours import neighbours
from qa.settings import load_settings
from tests.fakes import FakeEmbedder, make_library, make_syncer, report_of, stored_vectors, tiny
from tests.test_tui import (
    HARMLESS,
    HOSTILE,
    highlighted,
    library_of,
    opened,
    paper,
    passage,
    reader_shows,
    scripted,
    seen,
    squeezed,
    until,
)
from tui.app import CitewellApp
from tui.parts import Parts
from tui.screens.neighbours import Neighbour, NeighboursScreen
from tui.screens.reader import ReaderScreen
from tui.whole_paper import beginning

SIZES = [(120, 36), (80, 24), (40, 16)]


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The highlight is told by its colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def parts(sample_library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """Parts of the sample library whose model cannot be had."""

    def refuse(_parts: Parts, **_: bool) -> object:
        raise AssertionError("no model is needed to find neighbours")

    monkeypatch.setattr(Parts, "_embedder", refuse)
    with Parts(load_settings(library=sample_library)) as made:
        yield made


def place_of(library: Library, name: str, words: str) -> tuple[int, Span]:
    with library.read() as reader:
        found = reader.find_paper(name)
        start = reader.text(found.id).index(words)
    return found.id, Span(start, start + len(words))


def reads_a_neighbour(app: CitewellApp) -> bool:
    screen = app.screen
    # In a narrow terminal there is no room for all of the line.
    return isinstance(screen, ReaderScreen) and isinstance(screen.place, Neighbour) and " · sim" in seen(app)


# --- which they are ----------------------------------------------------------------------------------------


def test_the_closest_passages_of_other_papers_come_first_without_a_model(parts: Parts) -> None:
    paper_id, span = place_of(parts.library, "Bone Marrow Mononuclear", "The heart heals best")
    found = parts.neighbours(paper_id, span)
    assert [(p.rank, p.paper.id != paper_id) for p in found] == [(n, True) for n in range(1, len(found) + 1)]
    assert found[0].paper.record.title.startswith("Transplantation of Allogeneic Pericytes Improves")
    assert found[0].score > 0.7
    scores = [p.score for p in found]
    assert scores == sorted(scores, reverse=True)
    papers = [p.paper.id for p in found]
    assert max(map(papers.count, papers)) <= 2
    for one in found:
        with parts.library.read() as reader:
            assert one.passage.span.of(reader.text(one.paper.id)) == one.passage.text


def test_all_other_passages_are_compared_and_the_paper_itself_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for n in range(6):
        blocks = [f"Paper {n} says in block {b} that cells of kind {n * b} move." for b in range(3)]
        (folder / f"{n}.txt").write_text(
            tiny(f"Title {n}", *(f"# Part {b}\n{t}" for b, t in enumerate(blocks)))
        )
    library = make_library(tmp_path / "library")
    report_of(make_syncer(library).add([folder]))
    vectors = stored_vectors(library)
    index = VectorIndex(library)
    with library.read() as reader:
        for one in reader.papers():
            own = reader.passage_ids(one.id)
            for i, held in reader.passages(own).items():
                found = neighbours(reader, index, one.id, held.span)
                others = {o: float(vectors[i].astype(float) @ vectors[o]) for o in vectors if o not in own}
                best = max(others.values())
                if best >= 0.36:
                    assert found[0].score == pytest.approx(best, abs=2e-3)
                assert not {p.passage.id for p in found} & set(own)
                assert all(p.score >= 0.35 for p in found)
        assert neighbours(reader, index, 999, Span(0, 1)) == []


class Alike(FakeEmbedder):
    """All passages mean the same to it."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.query("the same") for _ in texts])


def test_the_back_matter_of_other_papers_says_nothing_of_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    said = "The frogs were counted by night at the pond, and the newts by day."
    for name, heading in (("one", "Methods"), ("two", "Methods"), ("three", "Author contributions")):
        (folder / f"{name}.md").write_text(f"# Paper {name}\n\n## {heading}\n\n{said}\n")
    library = make_library(tmp_path / "library")
    report_of(Syncer(library, Alike(), partial(parse, pdf=PdfParser()), SUFFIXES, "1").add([folder]))
    paper_id, span = place_of(library, "Paper one", "The frogs were counted")
    with library.read() as reader:
        found = neighbours(reader, VectorIndex(library), paper_id, span)
    assert [passage.paper.record.title for passage in found] == ["Paper two"]


def test_between_two_passages_the_next_one_counts_and_after_the_last_the_last(parts: Parts) -> None:
    with parts.library.read() as reader:
        one = reader.papers()[0]
        ids = reader.passage_ids(one.id)
        held = reader.passages(ids)
        text = reader.text(one.id)
    first, last = (
        min(held.values(), key=lambda p: p.span.start),
        max(held.values(), key=lambda p: p.span.end),
    )
    for span, like in ((Span(0, 0), first), (Span(len(text), len(text)), last)):
        assert parts.neighbours(one.id, span) == parts.neighbours(one.id, like.span)


# --- on the screen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_from_a_paper_to_its_neighbour_and_back(parts: Parts, size: tuple[int, int]) -> None:
    with parts.library.read() as reader:
        start = reader.find_paper("Bone Marrow Mononuclear")
    place = beginning(parts.library, start)
    expected = parts.neighbours(place.paper.id, place.span)
    app = CitewellApp(scripted(library=parts.library))
    async with app.run_test(size=size) as pilot:
        app.push_screen(ReaderScreen(parts.library, [place], 0, parts.neighbours))
        await until(pilot, lambda: squeezed(start.record.title)[:12] in squeezed(seen(app)))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, NeighboursScreen))
        await until(pilot, lambda: f"1 {expected[0].paper.record.authors[0].family}" in seen(app))
        assert "Similar passages" in seen(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: reads_a_neighbour(app))
        await until(pilot, lambda: squeezed(highlighted(app)) != "")
        assert squeezed(highlighted(app))[:30] in squeezed(expected[1].passage.text)
        await pilot.press("p")  # the neighbour before it
        await until(
            pilot, lambda: squeezed(highlighted(app))[:20] == squeezed(expected[0].passage.text)[:20], 10
        )
        await pilot.press("s")  # and its own
        await until(pilot, lambda: isinstance(app.screen, NeighboursScreen))
        for screen in (ReaderScreen, NeighboursScreen, ReaderScreen):
            await pilot.press("escape")
            await until(pilot, lambda screen=screen: isinstance(app.screen, screen))
        assert app.screen.place is place
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, NeighboursScreen))
        await until(pilot, lambda: "1 " + expected[0].paper.record.authors[0].family in seen(app))
        await pilot.press("2")
        await until(pilot, lambda: reads_a_neighbour(app))


async def test_none_hostile_and_failing_neighbours_are_lines() -> None:
    from index.errors import LibraryDamaged

    text = "Cells rest. Cells move. Cells rest again."
    library = library_of(text)
    hostile = passage(paper(2, HOSTILE, HOSTILE), HOSTILE * 40, heading=HOSTILE)
    damaged = LibraryDamaged("stored vectors are damaged", "Run: citewell doctor --repair")

    def fail(*_: object) -> list[ScoredPassage]:
        raise damaged

    found = [ScoredPassage(1, 0.61, hostile, paper(2, HOSTILE, HOSTILE), 0.61)]
    for look, said in (
        (lambda *_: [], "No other paper in this library says anything similar."),
        (lambda *_: found, HARMLESS[:20]),
        (fail, "stored vectors are damaged"),
        (lambda *_: {}["x"], "something went wrong inside citewell (KeyError"),
    ):
        app = CitewellApp(scripted(library=library))
        async with app.run_test(size=(100, 30)) as pilot:
            app.push_screen(ReaderScreen(library, [opened(text, "Cells move.")], 0, look))
            await reader_shows(pilot, "Cells move.")
            await pilot.press("s")
            await until(pilot, lambda app=app, said=said: said in seen(app))
            assert "\x1b" not in seen(app)
            await pilot.press("s")
            await reader_shows(pilot, "Cells move.")


async def test_the_palette_finds_it_and_the_evaluations() -> None:
    from textual.command import CommandPalette

    text = "Cells rest. Cells move."
    library = library_of(text)
    app = CitewellApp(scripted(library=library))
    async with app.run_test(size=(100, 30)) as pilot:
        for typed, said in (("measure", "Measure how well questions find their papers"),):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            await pilot.press(*typed)
            await until(pilot, lambda said=said: said in seen(app))
            await pilot.press("escape")
        app.push_screen(ReaderScreen(library, [opened(text, "Cells move.")], 0, lambda *_: []))
        await reader_shows(pilot, "Cells move.")
        await pilot.press("ctrl+p", *"similar")
        await until(pilot, lambda: "Passages of other papers that are similar" in seen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, NeighboursScreen))
