"""Every screen with the same content each time, and a screen as text with its styles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from eval.results import differences
from index.library import Library
from index.model import Span
from qa.history import History, Summary
from qa.model import (
    Answer,
    AnswerSentence,
    Citation,
    Finished,
    ScoredPassage,
    SentenceReady,
    Statement,
    Verdict,
)
from tests.test_eval_screen import result
from tests.test_tui import answered, ask, cells, scripted, seen, until
from tui.app import CitewellApp
from tui.evaluating import Measured
from tui.listing import Listing, read_listing
from tui.screens.chat import ChatScreen

PERICYTES, CELLS, EGGS = "Transplantation of Allogeneic", "Role and mechanism", "No advantage of laser"
QUOTED = [
    (PERICYTES, "Swine pericytes increased capillary density by 51% in the inferior part of the tissue "
                "around the infarct (P=0.003) and by 34% in the remote zone (P=0.04)", Verdict.VERBATIM),
    (PERICYTES, "Human pericytes cut fibrosis at the infarct border by 19% against vehicle (P<0.01), while "
                "capillary and arteriole density stayed the same (both P>0.20).", Verdict.VERBATIM),
    (PERICYTES, "Neither human nor swine pericytes improved ejection fraction, infarct size or perfusion on "
                "magnetic resonance imaging.", Verdict.PARTIAL),
    (CELLS, "MSCs promote angiogenesis by secreting growth factors, among them VEGF.", Verdict.SUPPORTED),
]  # fmt: skip
WRITTEN = [
    ("Swine pericytes increased capillary density by 51% around the infarct and by 34% further away.", (1,),
     Verdict.VERBATIM, ()),
    ("Human pericytes lowered fibrosis but not capillary density.", (2,), Verdict.SUPPORTED, ()),
    ("The hearts pumped better within 45 days.", (3,), Verdict.PARTIAL, ("“45” is not in the quote",)),
    ("Other cells promote angiogenesis through VEGF.", (4,), Verdict.SUPPORTED, ()),
]  # fmt: skip
QUESTION = "do transplanted cells bring new vessels to the heart?"


def _cited(library: Library) -> list[Citation]:
    """The quotes at their places in the sample papers."""
    made = []
    with library.read() as reader:
        for number, (title, quote, verdict) in enumerate(QUOTED, start=1):
            paper = reader.find_paper(title)
            start = reader.text(paper.id).index(quote)
            span = Span(start, start + len(quote))
            held = reader.passages(reader.passage_ids(paper.id)).values()
            passage = next(p for p in held if p.span.start <= span.start and span.end <= p.span.end)
            made.append(Citation(number, paper, passage, quote, span, passage.page, verdict))
    return made


def _answer(library: Library) -> tuple[list[AnswerSentence], Answer]:
    cited = _cited(library)
    sentences = [
        AnswerSentence(text, tuple(replace(cited[n - 1], verdict=verdict) for n in numbers), verdict, reasons)
        for text, numbers, verdict, reasons in WRITTEN
    ]
    evidence = [ScoredPassage(c.number, 0.9, c.passage, c.paper) for c in cited]
    return sentences, Answer(
        QUESTION, QUESTION, False, tuple(sentences), (), tuple(evidence),
        timings_ms={"bm25": 400.0, "llm": 1_100.0}, writer="llama-3.1-8b",
        headline=Statement("New vessels: yes; a better heart: no.", (1, 3)),
        weighing=Statement("Two papers agree on the vessels, one shows no gain in function.", (1, 3, 4)),
    )  # fmt: skip


def _told(listing: Listing) -> Listing:
    """The listing with places and days that are the same on every machine, some tags, and two failures."""
    rows = []
    for n, row in enumerate(listing.rows):
        if row.paper is None:
            continue
        tags = [("heart", "trials"), ("fertility",), ()][n % 3]
        paths = tuple(f"/home/ada/papers/{Path(path).name}" for path in row.paper.paths)
        paper = replace(row.paper, paths=paths, added="2026-01-02T03:04:05+00:00", tags=tags)
        rows.append(replace(row, paper=paper, tags=tags))
    for name, why in (("scan-1987.pdf", "it holds almost no text (a scan)"), ("thesis.docx", "not a paper")):
        rows.append(
            replace(rows[0], key=name, name=name, title=why, year=None, passages=0, tags=(), paper=None,
                    path=f"/home/ada/papers/{name}", hint="Run an OCR program over it, then press r.")
        )  # fmt: skip
    return replace(listing, rows=tuple(rows), failed=2, folders=("/home/ada/papers",))


class Kept(History):
    """Three kept conversations."""

    def identifiers(self) -> list[str]:
        return []

    def summaries(self) -> list[Summary]:
        return [
            Summary("20260105-091500-0001", QUESTION, 3, "2026-01-05T09:15:00+00:00"),
            Summary("20260103-174200-0002", "does laser-assisted ICSI improve outcomes?", 1,
                    "2026-01-03T17:42:00+00:00"),
            Summary("20251224-120000-0003", "is FSH plus LH better than FSH alone in poor ovarian "
                    "responders, and for whom?", 12, "2025-12-24T12:00:00+00:00"),
        ]  # fmt: skip


def parts_of(library: Library) -> Any:
    """Parts that answer by script, over the sample papers."""
    sentences, answer = _answer(library)
    made = scripted(*map(SentenceReady, sentences), Finished(answer), library=library)
    made.history = Kept(Path("nowhere"))
    made.writer_name = "llama-3.1-8b"
    made.settings = SimpleNamespace(offline=True, keys={})
    made.syncer = SimpleNamespace()
    nearby = ((EGGS, "oocyte", 0.58), (CELLS, "VEGF", 0.52))

    def neighbours(*_: object) -> list[ScoredPassage]:
        found = []
        with library.read() as reader:
            for rank, (title, word, cosine) in enumerate(nearby, start=1):
                paper = reader.find_paper(title)
                held = reader.passages(reader.passage_ids(paper.id)).values()
                passage = next((p for p in held if word in p.text), next(iter(held)))
                found.append(ScoredPassage(rank, cosine, passage, paper, cosine))
        return found

    made.neighbours = neighbours
    return made


# --- a walk past all of them ------------------------------------------------------------------------------

Way = Callable[[Pilot[None]], Awaitable[object]]


async def _shows(pilot: Pilot[None], *texts: str) -> None:
    for text in texts:
        await until(pilot, lambda text=text: text in seen(pilot.app), 20)


async def chat_empty(pilot: Pilot[None]) -> None:
    await _shows(pilot, "8 papers", "1 do MSCs")
    await until(pilot, lambda: "loading" not in seen(pilot.app))


async def scope(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+f")
    await _shows(pilot, "Scope")


async def help_of_chat(pilot: Pilot[None]) -> None:
    await pilot.press("escape", "f1")
    await _shows(pilot, "Keys")


async def library(pilot: Pilot[None]) -> None:
    await pilot.press("escape", "ctrl+l")
    await _shows(pilot, "2 failed", "scan-1987.pdf")


async def evals(pilot: Pilot[None]) -> None:
    await pilot.press("e")
    await _shows(pilot, "Nothing was measured")
    await pilot.press("enter")
    await _shows(pilot, "better")


async def chat_answer(pilot: Pilot[None]) -> None:
    await pilot.press("escape", "escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
    await ask(pilot, QUESTION)
    await answered(pilot)


async def reader(pilot: Pilot[None]) -> None:
    await pilot.press("1")
    await _shows(pilot, "also quoted here", "51% in")


async def outline(pilot: Pilot[None]) -> None:
    await pilot.press("o")
    await _shows(pilot, "Introduction")


async def neighbours(pilot: Pilot[None]) -> None:
    await pilot.press("o", "s")
    await _shows(pilot, "0.58", "0.52")


async def conversations(pilot: Pilot[None]) -> None:
    await pilot.press("escape", "escape", "ctrl+r")
    await _shows(pilot, "12 questions")


# In this order: each begins where the one before it ended.
SCREENS: dict[str, Way] = {
    "chat-empty": chat_empty, "scope": scope, "help": help_of_chat, "library": library, "evals": evals,
    "chat-answer": chat_answer, "reader": reader, "outline": outline, "neighbours": neighbours,
    "conversations": conversations,
}  # fmt: skip


def prepare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours, a fixed zone, nothing that blinks or moves, and results that were not measured."""

    def measuring(*_: object) -> Iterator[Measured]:
        now, before = result(0.8, "2026-02-03T04:05:06+00:00"), result()
        yield Measured(now, "~/.cache/citewell/eval/results", before, differences(before, now))

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("tui.screens.evals.measuring", measuring)
    for shown in ("eval_view", "screens.conversations", "screens.chat", "widgets.details"):
        monkeypatch.setattr(f"tui.{shown}.when", lambda kept: kept[:16].replace("T", " "))
    monkeypatch.setattr("tui.screens.library_table.read_listing", lambda held: _told(read_listing(held)))
    for widget in (Input, TextArea):
        monkeypatch.setattr(widget, "cursor_blink", False)


async def still(pilot: Pilot[None]) -> None:
    """Waits until two looks show the same."""
    before = None
    for _ in range(100):
        await pilot.pause(0.05)
        now = dump(pilot.app)
        if now == before:
            return
        before = now


def make_app(place: Path) -> CitewellApp:
    """The app over the sample papers."""
    app = CitewellApp(parts_of(Library(place)))
    app.animation_level = "none"
    return app


# --- a screen as text ------------------------------------------------------------------------------------


def dump(app: CitewellApp) -> str:
    """The styles of the screen: what each letter stands for, then runs of letters, a line for each row."""
    letters: dict[str, str] = {}
    rows = []
    for row in cells(app):
        runs = groupby(_style(segment.style) for segment in row for _ in range(segment.cell_length))
        rows.append(" ".join(f"{len(list(run))}{_letter(letters, style)}" for style, run in runs))
    grouped = [(row, len(list(same))) for row, same in groupby(rows)]
    legend = [f"{letter} {style}" for style, letter in letters.items()]
    return "\n".join([*legend, *(f"{times}× {row}" if times > 1 else row for row, times in grouped)])


def _letter(letters: dict[str, str], style: str) -> str:
    number = len(letters)
    new = chr(ord("a") + number) if number < 26 else chr(ord("A") + number - 26)
    return letters.setdefault(style, new)


def _style(style: Style | None) -> str:
    if style is None:
        return "plain"
    colours = [c.get_truecolor().hex if c else "-" for c in (style.color, style.bgcolor)]
    marks = [name for name in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, name)]
    return " ".join([f"{colours[0]} on {colours[1]}", *marks])
