"""What a user does in `citewell chat`, and what the terminal then shows."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.pilot import Pilot

from index.errors import PaperNotFound, WrongModel
from index.library import Library
from index.model import Author, Format, Record, Section, Span
from index.reader import StoredPaper, StoredPassage
from qa.conversation import Conversation as Asking
from qa.history import History
from qa.model import (
    Answer,
    AnswerSentence,
    Citation,
    Drafted,
    Filters,
    Finished,
    ScoredPassage,
    SentenceReady,
    StageBegun,
    Verdict,
)
from qa.settings import load_settings
from tests.chat_server import chat_server
from tests.local_server import Asked, Wire
from tui.app import CitewellApp
from tui.parts import Parts
from tui.screens.chat import ChatScreen
from tui.screens.reader import ReaderScreen
from tui.widgets.ask import AskInput
from tui.widgets.conversation import Conversation
from tui.widgets.paper_text import PaperText, blocks_of, groups_of, rendered
from tui.widgets.place import innermost
from tui.widgets.sources import Sources

QUESTION = "do pericytes increase capillary density?"
HOSTILE = "[red]x[/red] [/foo] [@click=app.quit]leave[/] \x1b]52;c;aGk=\x07\x9b31m\u202etxet"
HARMLESS = "[red]x[/red] [/foo] [@click=app.quit]leave[/] ]52;c;aGk=31mtxet"
SIZES = [(120, 36), (80, 24)]


# --- a terminal one can read ----------------------------------------------------------------------------


def cells(app: CitewellApp) -> list[list[Segment]]:
    """The segments of every line on the screen."""
    width, height = app.size
    return [list(strip) for strip in app.screen._compositor.render_strips()][:height] if width else []


def seen(app: CitewellApp) -> str:
    """The screen as text."""
    return "\n".join("".join(s.text for s in line).rstrip() for line in cells(app))


def squeezed(text: str) -> str:
    """Without white space: lines break where the terminal ends."""
    return "".join(text.split())


def highlighted(app: CitewellApp) -> str:
    """What stands on the screen on the highlight's ground."""
    ground = Color.parse(app.theme_variables["warning"]).rich_color.get_truecolor()
    return "".join(
        segment.text
        for line in cells(app)
        for segment in line
        if segment.style and segment.style.bgcolor and segment.style.bgcolor.get_truecolor() == ground
    )


async def until(pilot: Pilot[None], condition: Callable[[], bool], seconds: float = 60) -> None:
    """Lets the app run until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never came about; the screen shows\n{seen(pilot.app)}"
        await pilot.pause(0.02)


async def ask(pilot: Pilot[None], question: str) -> None:
    """Puts a question into the input and presses enter."""
    pilot.app.screen.query_one(AskInput).value = question
    await pilot.press("enter")


async def answered(pilot: Pilot[None]) -> None:
    """Lets the app run until the latest question has ended."""
    conversation = pilot.app.screen.query_one(Conversation)
    await until(pilot, lambda: conversation.latest is not None and not conversation.latest.running)
    await pilot.pause()


async def reader_shows(pilot: Pilot[None], quote: str) -> None:
    """The reader is in front and exactly this quote is highlighted on the screen."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ReaderScreen))
    await until(pilot, lambda: squeezed(highlighted(pilot.app)) == squeezed(quote), 10)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The highlight is told by its colour; the one test without colour says so."""
    monkeypatch.delenv("NO_COLOR", raising=False)


# --- a library of the samples, and scripted answers ------------------------------------------------------


@pytest.fixture(scope="session")
def parts(sample_library: Path) -> Iterator[Parts]:
    with Parts(load_settings(library=sample_library)) as made:
        yield made


class Scripted:
    """Answers with the steps it is given: events are told, gates waited for, errors raised."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.asked: list[str] = []
        self.within: list[Filters] = []

    def answer(self, question: str, filters: Filters) -> Generator[Any, None, None]:
        self.asked.append(question)
        self.within.append(filters)
        yield StageBegun("searching")
        for step in self.steps:
            if isinstance(step, threading.Event):
                assert step.wait(30)
            elif isinstance(step, Exception):
                raise step
            else:
                yield step


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


def library_of(text: str | None = None, papers: int = 8) -> Any:
    """A library whose every paper has this text, or that no longer has the paper."""

    def text_of(number: int) -> str:
        if text is None:
            raise PaperNotFound(f"paper {number} is no longer in the library")
        return text

    @contextmanager
    def read() -> Iterator[Any]:
        yield SimpleNamespace(
            counts=lambda: {"papers": papers},
            model=lambda: None,
            text=text_of,
            sections=lambda _: [],
            papers=list,
        )

    return SimpleNamespace(folder=Path("library"), read=read)


def scripted(*steps: Any, library: Any = None, load: Callable[[], object] = bool) -> Any:
    """Parts that load at once and answer by script."""
    answerer = Scripted(*steps)
    return SimpleNamespace(
        library=library or library_of(), answerer=answerer, retriever=SimpleNamespace(load=load),
        history=History(Path("no such folder")),
        conversation=lambda: Asking(answerer), writer_name="", neighbours=lambda *_: [],
    )  # fmt: skip


def paper(number: int = 1, title: str = "A paper", family: str = "Wang") -> StoredPaper:
    record = Record(title, (Author(family, "A"),), 2026)
    return StoredPaper(number, f"p{number}", record, Format.MARKDOWN, False, (), (), 1, "", "")


def passage(of: StoredPaper, text: str, start: int = 0, heading: str = "Results") -> StoredPassage:
    span = Span(start, start + len(text))
    return StoredPassage(1, of.id, 1, span, text, "", Section((heading,), span), 4)


def sentence(number: int, text: str, of: StoredPaper, verdict: Verdict = Verdict.VERBATIM) -> SentenceReady:
    found = passage(of, text)
    return SentenceReady(AnswerSentence(text, (Citation(number, of, found, text, found.span, 4, verdict),)))


def finished(*sentences: SentenceReady, evidence: tuple[ScoredPassage, ...] = ()) -> Finished:
    told = tuple(ready.sentence for ready in sentences)
    return Finished(Answer("?", "?", not told, told, (), evidence, timings_ms={"load": 9e3, "extract": 400}))


# --- the real thing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_ask_read_the_quotes_and_come_back(parts: Parts, size: tuple[int, int]) -> None:
    app = CitewellApp(parts)
    async with app.run_test(size=size) as pilot:
        await ask(pilot, QUESTION)
        await answered(pilot)
        turn = app.screen.query_one(Conversation).latest
        assert turn is not None
        places = turn.places
        assert len(places) >= 2
        shown = seen(app)
        assert "citewell ─ library · 8 papers · all-MiniLM-L6-v2 · no LLM" in shown
        assert f"❯ {QUESTION}" in shown
        assert f"Sources ({len(places)})" in shown
        papers = len({place.paper.id for place in places})
        assert f"{len(places)} sources · {papers} paper{'s' if papers > 1 else ''} · " in shown
        for place in places:
            assert f"[{place.number}]✓" in shown.replace("\u00a0", " ")
            assert f"{place.number}✓ {place.name} · {place.where}" in shown
        for number, place in enumerate(places, start=1):
            await pilot.press("1" if number == 1 else "n")
            await reader_shows(pilot, place.quote)
            assert f"{place.name} · {place.where} · ✓ verbatim · {number} of {len(places)}" in seen(app)
            with parts.library.read() as reader:
                assert place.span.of(reader.text(place.paper.id)) == place.quote
        await pilot.press("n")  # there is no next one
        await reader_shows(pilot, places[-1].quote)
        await pilot.press("p")
        await reader_shows(pilot, places[-2].quote)
        await pilot.press("escape")
        assert isinstance(app.screen, ChatScreen)
        assert app.screen.query_one(AskInput).has_focus


async def test_the_reader_is_reached_by_click_and_from_the_list(parts: Parts) -> None:
    app = CitewellApp(parts)
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        await answered(pilot)
        turn = app.screen.query_one(Conversation).latest
        assert turn is not None
        y, row = next((y, row) for y, row in enumerate(seen(app).split("\n")) if "[2]" in row)
        await pilot.click(offset=(row.index("[2]") + 1, y))
        await reader_shows(pilot, turn.places[1].quote)
        await pilot.press("escape", "ctrl+o")
        assert app.screen.query_one(Sources).has_focus
        await pilot.press("down", "enter")
        await reader_shows(pilot, turn.places[1].quote)
        await pilot.resize_terminal(70, 20)
        await reader_shows(pilot, turn.places[1].quote)
        await pilot.press("escape", "escape")
        assert app.screen.query_one(AskInput).has_focus


async def test_a_question_that_the_papers_do_not_answer(parts: Parts) -> None:
    app = CitewellApp(parts)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "what is the capital of Mongolia?")
        await answered(pilot)
        turn = app.screen.query_one(Conversation).latest
        assert turn is not None
        (place,) = turn.places
        assert f"Your papers do not answer this. The nearest is: [1] {place.name} ·" in seen(app)
        assert "Nearest passage" in seen(app)
        await pilot.press("1")
        await until(pilot, lambda: bool(highlighted(app)))
        assert squeezed(place.quote).startswith(squeezed(highlighted(app))[:200])
        assert "nearest passage" in seen(app)


# --- while it runs ---------------------------------------------------------------------------------------


async def test_a_question_asked_while_the_model_loads_waits_for_it(gate: threading.Event) -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready), load=lambda: gate.wait(30)))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "loading the model…" in seen(app))
        await ask(pilot, "do cells move?")
        await until(pilot, lambda: "waiting…" in seen(app))
        assert "Cells move." not in seen(app)
        gate.set()
        await answered(pilot)
        assert "Cells move. [1]✓" in seen(app).replace("\u00a0", " ")
        assert "1 source · 1 paper · 0.4 s" in seen(app)
        assert "loading the model…" not in seen(app)


async def test_escape_keeps_what_was_said_and_the_next_question_is_answered(gate: threading.Event) -> None:
    first, second = sentence(1, "First finding.", paper()), sentence(2, "Second finding.", paper(2))
    parts = scripted(first, gate, second, finished(first, second))
    app = CitewellApp(parts)
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, "what was found?")
        await until(pilot, lambda: "First finding." in seen(app))
        await pilot.press("escape")
        assert "stopped" in seen(app)
        await ask(pilot, "and what else?")
        await until(pilot, lambda: "waiting…" in seen(app))  # the first thread is not done
        gate.set()
        await answered(pilot)
        turns = app.screen.query_one(Conversation).turns
        assert [len(turn.places) for turn in turns] == [1, 2]
        assert seen(app).count("First finding.") == 2
        assert seen(app).count("Second finding.") == 1
        assert "stopped" in seen(app)
        assert parts.answerer.asked == ["what was found?", "and what else?"]


async def test_a_question_stopped_while_it_waits_is_never_begun(gate: threading.Event) -> None:
    parts = scripted(load=lambda: gate.wait(30))
    app = CitewellApp(parts)
    async with app.run_test() as pilot:
        await ask(pilot, "anything?")
        await until(pilot, lambda: "waiting…" in seen(app))
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: "loading the model…" not in seen(app))
        await pilot.pause(0.3)
        assert parts.answerer.asked == []


async def test_marks_read_without_colour() -> None:
    verdicts = [Verdict.VERBATIM, Verdict.PARTIAL, Verdict.UNSUPPORTED, Verdict.UNCHECKED]
    told = [sentence(n, f"Claim {n}.", paper(n), v) for n, v in enumerate(verdicts, start=1)]
    app = CitewellApp(scripted(*told, finished(*told)))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "what is claimed?")
        await answered(pilot)
        shown = seen(app).replace("\u00a0", " ")
        for expected in ("Claim 1. [1]✓", "Claim 2. [2]~", "Claim 3. [3]✗", "Claim 4. [4]?"):
            assert expected in shown


async def test_up_and_down_walk_the_questions() -> None:
    app = CitewellApp(scripted(finished()))
    async with app.run_test() as pilot:
        for question in ("first?", "second?"):
            await ask(pilot, question)
            await answered(pilot)
        line = app.screen.query_one(AskInput)
        await pilot.press(*"dr")
        walked = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            walked.append(line.value)
        assert walked == ["second?", "first?", "first?", "second?", "dr", "dr"]


async def test_digits_are_typed_unless_they_open_something() -> None:
    ready = sentence(1, "Serotonin acts.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    async with app.run_test() as pilot:
        await pilot.press(*"1a2")
        assert app.screen.query_one(AskInput).value == "1a2"
        await pilot.press("enter")
        await answered(pilot)
        await pilot.press(*"5-HT1")  # there is no source 5, and the input is not empty any more
        assert app.screen.query_one(AskInput).value == "5-HT1"
        assert isinstance(app.screen, ChatScreen)


async def test_a_pasted_question_becomes_one_line() -> None:
    from textual import events

    app = CitewellApp(scripted())
    async with app.run_test() as pilot:
        line = app.screen.query_one(AskInput)
        line.post_message(events.Paste("how do\ncells\x1b[31m move?"))
        await pilot.pause()
        assert line.value == "how do cells[31m move?"


async def test_help_is_made_from_the_keys() -> None:
    app = CitewellApp(scripted())
    app.set_keymap({"chat.sources": "ctrl+s"})
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("f1")
        for expected in ("Ask the question", "^s", "Go to the list of sources", "Leave citewell"):
            assert expected in seen(app)
        await pilot.press("escape")
        assert isinstance(app.screen, ChatScreen)


# --- what goes wrong -------------------------------------------------------------------------------------


async def test_no_library_says_what_to_type_and_is_found_once_it_is_there(tmp_path: Path) -> None:
    library = Library(tmp_path / "none")
    ready = sentence(1, "Now there is one.", paper())
    parts = scripted(ready, finished(ready), library=library)
    app = CitewellApp(parts)
    async with app.run_test(size=(160, 30)) as pilot:
        await until(pilot, lambda: "citewell add FOLDER" in seen(app))
        assert f"! there is no library at {tmp_path / 'none'}" in seen(app)
        await ask(pilot, "anything?")
        await answered(pilot)
        assert seen(app).count("citewell add FOLDER") == 1
        parts.library = library_of()
        await ask(pilot, "and now?")
        await answered(pilot)
        assert "Now there is one." in seen(app)


async def test_an_empty_library_says_what_to_type(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    library.create()
    app = CitewellApp(scripted(finished(), library=library))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "there are no papers in this library yet" in seen(app))
        assert seen(app).count("citewell add FOLDER") == 1
        await ask(pilot, "anything?")
        await answered(pilot)
        assert seen(app).count("citewell add FOLDER") == 1
        assert "citewell ─ library · 0 papers · no LLM" in seen(app)


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            WrongModel("the library was built with \x1b[31mother[/foo]", "Name it with --model."),
            ["! the library was built with [31mother[/foo]", "Name it with --model."],
        ),
        (
            sqlite3.ProgrammingError("odd [/bar]"),
            ["! something went wrong inside citewell (ProgrammingError: odd [/bar])", "Please report it."],
        ),
    ],
)
async def test_an_error_is_a_line_in_the_conversation(error: Exception, lines: list[str]) -> None:
    app = CitewellApp(scripted(error))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "anything?")
        await answered(pilot)
        for line in lines:
            assert line in seen(app)
        assert app.screen.query_one(AskInput).has_focus


async def test_hostile_words_are_shown_and_never_obeyed() -> None:
    of = paper(1, HOSTILE, family=HOSTILE)
    text = f"Before \x1b[2J it.\n\n{HOSTILE}\n\nAfter."
    found = passage(of, HOSTILE, text.index(HOSTILE), heading=HOSTILE)
    ready = SentenceReady(
        AnswerSentence(HOSTILE, (Citation(1, of, found, HOSTILE, found.span, 4, Verdict.VERBATIM),))
    )
    parts = scripted(StageBegun(HOSTILE), ready, finished(ready), library=library_of(text))
    app = CitewellApp(parts)
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, HOSTILE)
        await answered(pilot)
        assert f"❯ {HARMLESS}" in seen(app)
        assert f"{HARMLESS} [1]✓" in seen(app).replace("\u00a0", " ")
        rows = [row for row in seen(app).split("\n") if "leave" in row]
        for row in rows[:2]:
            await pilot.click(offset=(row.index("leave") + 1, seen(app).split("\n").index(row)))
        assert app.is_running
        await pilot.press("1")
        await reader_shows(pilot, HARMLESS)
        assert HARMLESS in seen(app).split("\n")[0]
        assert "Before [2J it." in seen(app)
        assert not any(c in seen(app) for c in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("removed", [False, True])
async def test_a_paper_that_changed_meanwhile_is_not_highlighted(removed: bool) -> None:
    ready = sentence(1, "It was so.", paper())
    library = library_of(None if removed else "It is otherwise now.")
    app = CitewellApp(scripted(ready, finished(ready), library=library))
    async with app.run_test(size=(120, 30)) as pilot:
        await ask(pilot, "how was it?")
        await answered(pilot)
        await pilot.press("1")
        said = "has been removed from the library" if removed else "This paper has changed"
        await until(pilot, lambda: said in seen(app))
        assert not highlighted(app)
        assert "It is otherwise now." not in seen(app)


# --- sizes and texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [(20, 10), (20, 50), (40, 12), (80, 24), (110, 24), (200, 60), (300, 80), (3, 3), (1, 1)]
)
async def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    told = [sentence(n, f"Finding number {n} of some length.", paper(n)) for n in range(1, 6)]
    app = CitewellApp(scripted(*told, finished(*told), library=library_of(told[1].sentence.text)))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.resize_terminal(*size)
        await ask(pilot, "what was found?")
        await answered(pilot)
        sources = app.screen.query_one(Sources)
        assert sources.option_count == 5
        assert all(len("".join(s.text for s in line)) <= size[0] for line in cells(app))
        if size == (20, 10):
            assert "what was found?" in seen(app) or "Finding" in seen(app) or "5 sources" in seen(app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen))
        await pilot.resize_terminal(120, 36)
        await reader_shows(pilot, told[1].sentence.text)
        await pilot.press("escape", "f1", "escape")


async def test_sources_stand_beside_the_answer_only_in_wide_terminals() -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    async with app.run_test(size=(110, 30)) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        sources, conversation = app.screen.query_one(Sources), app.screen.query_one(Conversation)
        assert sources.region.x >= conversation.region.right
        assert seen(app).count("Cells move.") == 2
        await pilot.resize_terminal(109, 30)
        await pilot.pause()
        assert sources.region.y >= conversation.region.bottom
        assert seen(app).count("Cells move.") == 1


def opened(text: str, quote: str) -> Any:
    """A place for the reader."""
    start = text.index(quote)
    return SimpleNamespace(
        paper=paper(), span=Span(start, start + len(quote)), quote=quote, number=1, name="Wang 2026",
        where="Results", verdict_words="✓ verbatim", also="also quoted here",
    )  # fmt: skip


LONG = [sentence(n, f"Finding {n} " + "goes on and on " * 12, paper(n)) for n in range(1, 9)]


async def test_who_scrolls_back_is_left_there(gate: threading.Event) -> None:
    app = CitewellApp(scripted(*LONG, gate, finished(*LONG)))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "what was found?")
        await until(pilot, lambda: "[8]✓" in seen(app))
        conversation = app.screen.query_one(Conversation)
        conversation.focus()
        await pilot.press("up", "up", "up", "up")
        await pilot.pause(0.5)
        before = seen(app).split("\n")[1:10]
        gate.set()
        await answered(pilot)
        await pilot.pause(0.3)
        assert "❯" not in before[0]
        assert seen(app).split("\n")[1:10] == before


async def test_a_long_answer_is_shown_from_its_question_on() -> None:
    app = CitewellApp(scripted(*LONG, finished(*LONG)))
    async with app.run_test(size=(80, 24)) as pilot:
        for question in ("what was found?", "and what else?"):
            await ask(pilot, question)
            await answered(pilot)
            await until(pilot, lambda q=question: f" ❯ {q}" in seen(app).split("\n")[1:3], 5)


@pytest.mark.parametrize(
    ("heading", "shown"),
    [
        ("Results", "Results"),
        ("Results › Effects on new vessels", "Results › Effects on new vessels"),
        ("2. Discussion › 2.3 Rationale for prophylaxis", "… › 2.3 Rationale for prophylaxis"),
        ("Methods › Measurement of the density of vessels in grafts", "… › Measurement of the density of…"),
    ],
)
def test_of_a_long_heading_the_inner_part_is_shown(heading: str, shown: str) -> None:
    assert innermost(heading, 36) == shown
    assert len(shown) <= 36


@pytest.mark.parametrize("size", [(20, 10), (80, 24), (120, 36)])
async def test_a_long_paper_opens_fast_at_the_quote(size: tuple[int, int]) -> None:
    paragraphs = [f"Paragraph {n} says that " + "cells of many kinds move about, " * 30 for n in range(230)]
    text = "\n\n".join(paragraphs)
    assert len(text) > 200_000
    quote = "Paragraph 117 says that cells"
    place = opened(text, quote)
    library = library_of(text)
    app = CitewellApp(scripted(library=library))
    async with app.run_test(size=size) as pilot:
        begun = time.monotonic()
        app.push_screen(ReaderScreen(library, [place], 0))
        await reader_shows(pilot, quote)
        assert time.monotonic() - begun < 5
        text_widget = app.screen.query_one(PaperText)
        text_widget.scroll_end(animate=False)
        await until(pilot, lambda: not highlighted(app), 5)
        await pilot.press("h")
        await reader_shows(pilot, quote)


async def test_the_quote_stands_out_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = "Cells rest. Cells move. Cells rest again."
    place = opened(text, "Cells move.")
    library = library_of(text)
    app = CitewellApp(scripted(library=library))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ReaderScreen(library, [place], 0))
        await until(pilot, lambda: "Cells move." in seen(app))
        (row,) = [line for line in cells(app) if "Cells move." in "".join(s.text for s in line)]
        grounds = {s.text.strip(): s.style.bgcolor.get_truecolor() for s in row if s.text.strip()}
        assert max(grounds["Cells move."]) - min(grounds["Cells move."]) <= 1  # grey
        assert grounds["Cells move."].red - grounds["Cells rest."].red > 100


async def test_the_quote_is_readable_in_every_theme() -> None:
    text = "Cells rest. Cells move. Cells rest again."
    library = library_of(text)
    app = CitewellApp(scripted(library=library))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ReaderScreen(library, [opened(text, "Cells move.")], 0))
        await reader_shows(pilot, "Cells move.")
        for theme in app.available_themes:
            app.theme = theme
            await pilot.pause()
            (quote,) = [s for line in cells(app) for s in line if s.text == "Cells move."]
            assert quote.style is not None
            assert quote.style.bold
            assert quote.style.color is not None
            assert quote.style.bgcolor is not None
            ink, ground = (Color.from_rich_color(c) for c in (quote.style.color, quote.style.bgcolor))
            assert abs(ink.brightness - ground.brightness) > 0.4, theme


def test_groups_show_every_block_once_and_the_quote_apart() -> None:
    blocks = ["Title", "x" * 5_000, "a quoted", "passage here", "y" * 100, "z" * 9_000, "end"]
    text = "\n\n".join(blocks)
    quote = Span(text.index("quoted"), text.index("passage") + len("passage"))
    places = list(blocks_of(text))
    assert [text[s:e] for s, e in places] == blocks
    groups = list(groups_of(places, quote))
    assert [text[s:e] for s, e in groups if s < quote.end and quote.start < e] == ["a quoted\n\npassage here"]
    assert "\n\n".join(text[s:e] for s, e in groups) == text


def test_cleaning_moves_no_highlight() -> None:
    text = "ab\x1b\x1b\x1bcd QUO\x07TE ef"
    start, end = text.index("QUO"), text.index(" ef")
    content = rendered(text, 0, len(text), [(start, end, "bold")])
    assert content.plain == "abcd QUOTE ef"
    (span,) = content.spans
    assert content.plain[span.start : span.end] == "QUOTE"


# --- a language model ------------------------------------------------------------------------------------


async def test_what_a_model_writes_is_shown_while_it_comes_and_replaced_by_what_was_checked(
    gate: threading.Event,
) -> None:
    good = sentence(1, "Density rose.", paper(1), Verdict.SUPPORTED)
    bare = SentenceReady(AnswerSentence("It cures scurvy.", (), Verdict.UNSUPPORTED, ("no",)))
    own = sentence(2, "The paper's own words.", paper(2))
    told = (good.sentence, bare.sentence)
    answer = Answer(
        "?", "?", False, told, (), (), notices=("The model's answer is incomplete.",), writer="tiny \x1b[31m",
        incomplete=True, extracted=(own.sentence,),
    )  # fmt: skip
    steps = [Drafted(""), Drafted("Density "), Drafted("[red]rose.\x1b[31m It cures"), gate]
    app = CitewellApp(scripted(*steps, good, bare, own, Finished(answer)))
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        await until(pilot, lambda: "Density [red]rose.[31m It cures" in seen(app))
        gate.set()
        await answered(pilot)
        shown = seen(app).replace("\u00a0", " ")
        assert "Density rose. [1]✓ It cures scurvy. ✗" in shown
        assert "✗ not supported: no — “It cures scurvy.”" in shown
        assert "The papers' own sentences:" in shown
        assert "The paper's own words. [2]✓" in shown
        assert "2 sources · 2 papers · tiny [31m" in shown
        assert "The model's answer is incomplete." in shown
        assert "[red]" not in shown


async def test_the_headline_names_who_writes() -> None:
    parts = scripted(finished())
    parts.writer_name = "tiny"
    app = CitewellApp(parts)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "8 papers · tiny" in seen(app))
        assert "no LLM" not in seen(app)


async def test_escape_ends_the_connection_to_a_model_that_says_nothing(sample_library: Path) -> None:
    hung_up = threading.Event()

    def silent(asked: Asked, wire: Wire) -> None:
        wire.connection.settimeout(20)
        if wire.connection.recv(1) == b"":
            hung_up.set()

    with chat_server(silent) as server:
        settings = load_settings(library=sample_library, llm_url=server.url, llm_model="small")
        with Parts(settings) as made:
            app = CitewellApp(made)
            async with app.run_test(size=(120, 36)) as pilot:
                await ask(pilot, QUESTION)
                await until(pilot, lambda: server.asked != [] and "waiting for small…" in seen(app))
                await pilot.press("escape")
                await until(pilot, hung_up.is_set, 3)
                assert "stopped" in seen(app)


async def test_a_follow_up_is_searched_for_in_full_and_says_so() -> None:
    ready = sentence(1, "Cells move in rats.", paper())
    parts = scripted(ready, finished(ready))
    app = CitewellApp(parts)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "do cells promote healing in rats?")
        await answered(pilot)
        assert "searched for" not in seen(app)
        await ask(pilot, "and in mice?")
        await answered(pilot)
        assert "❯ and in mice?\n   searched for: do cells promote healing in mice?" in seen(app)
        assert parts.answerer.asked == [
            "do cells promote healing in rats?", "do cells promote healing in mice?",
        ]  # fmt: skip


async def test_the_scope_of_a_chat_holds_and_is_shown() -> None:
    ready = sentence(1, "Cells move in rats.", paper())
    parts = scripted(ready, finished(ready))
    scope = Filters(years=(2015, None), tags=("mine",))
    app = CitewellApp(parts, scope)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "do cells promote healing in rats?")
        await answered(pilot)
        await ask(pilot, "and in mice?")
        await answered(pilot)
        assert seen(app).count("scope: 2015–, #mine") == 3  # the questions', and the line above the input
        assert parts.answerer.within == [scope, scope]
