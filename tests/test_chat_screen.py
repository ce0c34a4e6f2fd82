"""The chat before, around and after an answer: suggestions, lines, scope, copying, keys, themes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from index.library import Library
from qa.history import History
from qa.kept import keep
from qa.model import (
    EVERYTHING,
    Answer,
    AnswerSentence,
    Citation,
    Filters,
    Finished,
    SentenceReady,
    Statement,
    Verdict,
)
from qa.suggest import question_of, suggestions, topic_of
from tests.test_tui import (
    answered,
    ask,
    cells,
    finished,
    library_of,
    opened,
    paper,
    passage,
    scripted,
    seen,
    sentence,
    until,
)
from tui.app import CitewellApp
from tui.copying import answer_text, doubtful
from tui.keys import checked, declared
from tui.screens.chat import ChatScreen
from tui.screens.reader import ReaderScreen
from tui.state import remembered, state_file
from tui.widgets.ask import AskInput
from tui.widgets.conversation import Conversation
from tui.widgets.outline import Outline, _indented, _rows

_ = cells  # the fixture `colours` of test_tui is not wanted here


def shown(app: CitewellApp) -> str:
    return seen(app).replace("\u00a0", " ")


# --- the answer ------------------------------------------------------------------------------------------


async def test_headline_and_weighing_stand_above_the_sentences() -> None:
    ready = sentence(1, "Cells move.", paper())
    answer = replace(
        finished(ready).answer,
        caveat=Statement("No quoted passage speaks of [b]mice[/b].", ()),
        headline=Statement("Yes: cells move.", (1,)),
        weighing=Statement("One paper says so, [red]none[/] disagrees.", (1,)),
    )
    app = CitewellApp(scripted(ready, Finished(answer)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        rows = [row.strip() for row in shown(app).split("\n")]
        at = rows.index("Yes: cells move. [1]")
        assert rows[at - 1] == "No quoted passage speaks of [b]mice[/b]."
        assert rows[at + 1] == "One paper says so, [red]none[/] disagrees. [1]"
        assert rows[at + 3] == "Cells move. [1]✓"


async def test_what_a_model_cannot_support_is_said_in_words_beneath() -> None:
    bad = AnswerSentence("It cures everything.", (), Verdict.UNSUPPORTED, ("it cites no passage",))
    half = AnswerSentence(
        "Cells move fast.",
        (
            Citation(
                1,
                paper(),
                passage(paper(), "Cells move."),
                "Cells move.",
                passage(paper(), "Cells move.").span,
                4,
                Verdict.PARTIAL,
            ),
        ),
        Verdict.PARTIAL,
        ("“fast” is not in the quote",),
    )
    answer = Answer("?", "?", False, (half, bad), (), (), writer="tiny", incomplete=True)
    app = CitewellApp(scripted(SentenceReady(half), SentenceReady(bad), Finished(answer)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        assert "Cells move fast. [1]~ It cures everything. ✗ … (incomplete)" in shown(app)
        assert "~ partly supported: “fast” is not in the quote — “Cells move fast.”" in shown(app)
        assert "✗ not supported: it cites no passage — “It cures everything.”" in shown(app)


# --- before the first question ---------------------------------------------------------------------------


async def test_suggested_questions_are_asked_by_number_or_click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.suggest.suggestions", lambda _: ["do cells move?", "do [red]cells rest?"])
    for key in ("2", "click"):
        ready = sentence(1, "Cells rest.", paper())
        parts = scripted(ready, finished(ready))
        app = CitewellApp(parts)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda app=app: "2 do [red]cells rest?" in seen(app))
            if key == "2":
                await pilot.press("2")
            else:
                y, row = next((y, r) for y, r in enumerate(seen(app).split("\n")) if "cells rest?" in r)
                await pilot.click(offset=(row.index("rest"), y))
            await answered(pilot)
            assert parts.answerer.asked == ["do [red]cells rest?"]
            assert "Or try one of these" not in seen(app)
            assert app.screen.query_one(AskInput).has_focus


def test_suggestions_of_the_samples_are_the_same_every_time(sample_library: Path) -> None:
    with Library(sample_library).read() as reader:
        made = suggestions(reader)
        assert made == suggestions(reader)
    assert made == [
        "do MSCs promote angiogenesis in the endometrium?",
        "does transplantation of allogeneic pericytes improve myocardial vascularization?",
        "does notch signaling activate stem cell properties of Müller glia?",
    ]


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("The role of VEGF in wound healing", "what is the role of VEGF in wound healing?"),
        ("Effects of aspirin on pain: a randomized trial", "what are the effects of aspirin on pain?"),
        ("Aspirin reduces pain through prostaglandins", "does aspirin reduce pain?"),
        ("MSCs promote angiogenesis", "do MSCs promote angiogenesis?"),
        ("Do cells move?", "Do cells move?"),
        ("Risks: increasing over time?", ""),  # asks nothing
        ("Safety and efficacy of aspirin in women", "what are the safety and efficacy of aspirin in women?"),
        ("Effectiveness of yoga", "what is the effectiveness of yoga?"),
        (
            "An open randomised comparison of aspirin versus placebo for pain",
            "how do aspirin and placebo compare for pain?",
        ),
        (
            "Comparison of yoga and aspirin in healthy volunteers: a pilot study",
            "how do yoga and aspirin compare in healthy volunteers?",
        ),
        (
            f"Effect of yoga on pain during {'very ' * 12}long travels",
            "what is the effect of yoga on pain?",
        ),
        ("Exosomal transfer of miR21 confers resistance", ""),  # a sentence with a verb of no rule
        ("A systematic review of everything", ""),
        ("Data", ""),
        ("", ""),
    ],
)
def test_questions_made_of_titles(title: str, question: str) -> None:
    assert question_of(title) == question


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("Acupuncture for dyspnea", "what do these papers say about acupuncture for dyspnea?"),
        ("Insights in zoology: editorial", "what do these papers say about insights in zoology?"),
        ("A randomised trial of yoga", ""),  # what it is about has been said by another rule, or not at all
        ("Men are from Mars", ""),
        ("Yoga", ""),
    ],
)
def test_topics_made_of_titles(title: str, question: str) -> None:
    assert topic_of(title) == question


async def test_questions_of_earlier_days_are_taken_up_again(tmp_path: Path) -> None:
    history = History(tmp_path / "conversations")
    history.append(
        history.new_id(),
        keep(
            finished(sentence(1, "Cells.", paper())).answer,
            "2026-11-20T10:00:00+00:00",
            "",
            EVERYTHING,
            EVERYTHING,
        ),
    )
    parts = scripted(finished())
    parts.history = history
    app = CitewellApp(parts)
    async with app.run_test() as pilot:
        line = app.screen.query_one(AskInput)
        await until(pilot, lambda: "loading the model" not in seen(app))
        await pilot.press("up")
        assert line.value == "?"


async def test_a_question_of_several_lines_is_asked_as_one() -> None:
    parts = scripted(finished())
    app = CitewellApp(parts)
    async with app.run_test() as pilot:
        await pilot.press(*"do", "ctrl+j", *"cells")
        line = app.screen.query_one(AskInput)
        assert line.value == "do\ncells"
        assert line.outer_size.height == 4
        await pilot.press("up")  # moves within the question
        assert line.value == "do\ncells"
        await pilot.press("enter")
        await answered(pilot)
        assert parts.answerer.asked == ["do cells"]


# --- scope, new conversation, copying, export ------------------------------------------------------------


async def test_the_scope_is_checked_set_and_shown(sample_library: Path) -> None:
    ready = sentence(1, "Cells move.", paper())
    parts = scripted(ready, finished(ready), library=Library(sample_library))
    app = CitewellApp(parts)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "scope: all papers" in seen(app))
        await pilot.press("ctrl+f")
        await until(pilot, lambda: "Scope of the next questions" in seen(app))
        await pilot.press(*"nosuch", "enter")
        await until(pilot, lambda: "! no paper in this library is called 'nosuch'" in seen(app))
        app.screen.query_one("#papers").value = "PMC5850145"
        await pilot.press("tab", *"20x", "enter")
        await until(pilot, lambda: "! '20x' is no range of years" in seen(app))
        app.screen.query_one("#years").value = "1800-1801"
        await pilot.press("enter")
        await until(pilot, lambda: "! no passage of this library is within that" in seen(app))
        app.screen.query_one("#years").value = "2015-"
        await pilot.press("enter")
        await until(pilot, lambda: "scope: Alvino et al. 2018 (PMC5850145), 2015–" in seen(app))
        await ask(pilot, "do cells move?")
        await answered(pilot)
        assert parts.answerer.within == [Filters(("PMC5850145",), (2015, None))]
        await pilot.press("ctrl+f", "ctrl+r")
        await until(pilot, lambda: "scope: all papers" in seen(app))
        await ask(pilot, "and in mice?")
        await answered(pilot)
        assert parts.answerer.within[1] == EVERYTHING


async def test_a_new_conversation_knows_nothing_of_the_one_before() -> None:
    ready = sentence(1, "Cells move in rats.", paper())
    parts = scripted(ready, finished(ready))
    app = CitewellApp(parts)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, "do cells promote healing in rats?")
        await answered(pilot)
        await pilot.press("ctrl+n")
        assert "Cells move in rats." not in seen(app)
        await ask(pilot, "what about mice and healing?")
        await answered(pilot)
        assert parts.answerer.asked[1] == "what about mice and healing?"


async def test_the_answer_is_copied_with_and_without_references(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("TMUX", "STY", "VTE_VERSION", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        await pilot.press(*"yY")  # typed, while the input has the focus
        assert app.screen.query_one(AskInput).value == "yY"
        app.screen.query_one(Conversation).focus()
        await pilot.press("y")
        assert app.clipboard == "Cells move. [1]\n"
        await until(pilot, lambda: "answer copied" in seen(app))
        monkeypatch.setenv("TERM", "linux")
        await pilot.press("Y")
        path = tmp_path / "cache" / "citewell" / "copied.txt"
        assert path.read_text() == "Cells move. [1]\n"
        assert path.stat().st_mode & 0o777 == 0o600


def test_references_go_with_the_answer_and_hostile_text_goes_with_nothing() -> None:
    ready = sentence(1, "Cells\x1b[31m move.", paper())
    answer = finished(ready).answer
    assert answer_text(answer, references=True) == "Cells[31m move. [1]\n"
    assert doubtful({"TERM": "screen", "TMUX": "/tmp/x"})
    assert not doubtful({"TERM": "xterm-kitty"})


async def test_export_asks_for_a_file_and_overwrites_only_when_told(tmp_path: Path) -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    target = tmp_path / "out.md"
    target.write_text("mine")
    async with app.run_test(size=(120, 30)) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        app.screen.query_one(Conversation).focus()
        await pilot.press("e")
        field = app.screen.query_one("Input")
        field.value = str(tmp_path / "out.docx")
        await pilot.press("enter")
        await until(pilot, lambda: "End it in md, txt, json, bib, csl.json." in seen(app))
        field.value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: "Press ⏎ again to overwrite it" in seen(app))
        assert target.read_text() == "mine"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        assert "Cells move" in target.read_text()


# --- palette, help, themes, keys -------------------------------------------------------------------------


async def test_the_palette_lists_what_can_be_done_and_does_it() -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        await pilot.press("ctrl+p")
        for expected in ("Begin a new conversation  ^n", "Copy the answer  y", "Theme"):
            await until(pilot, lambda expected=expected: expected in seen(app), 10)
        await pilot.press(*"copy the answer")
        await until(pilot, lambda: "Begin a new conversation" not in seen(app), 10)
        await pilot.press("enter")
        await pilot.press("enter")
        await until(pilot, lambda: app.clipboard.startswith("Cells move."), 10)


async def test_a_theme_is_kept_and_the_users_file_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "config" / "citewell" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("# mine\nsentences = 3\n")
    app = CitewellApp(scripted())
    async with app.run_test() as pilot:
        app.theme = "nord"
        await until(pilot, lambda: remembered("theme") == "nord", 10)
    app = CitewellApp(scripted())
    async with app.run_test():
        assert app.theme == "nord"
    assert config.read_text() == "# mine\nsentences = 3\n"
    assert json.loads(state_file().read_text()) == {"theme": "nord"}
    state_file().write_text('{"theme": "no such theme"}')
    async with CitewellApp(scripted()).run_test():
        pass
    state_file().write_text("broken")
    async with CitewellApp(scripted()).run_test():
        pass


async def test_keys_of_the_user_work_and_wrong_ones_are_told() -> None:
    keys = {"chat.new": "f4", "chat.sources": "ctrl+i", "no.such": "f5"}
    app = CitewellApp(scripted(finished()), None, keys)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await until(pilot, lambda: "no.such" in seen(app), 10)
        assert "'ctrl+i' is no key" in seen(app)
        await ask(pilot, "anything?")
        await answered(pilot)
        await pilot.press("f4")
        assert not app.screen.query_one(Conversation).turns


def test_clashing_keys_are_told() -> None:
    good, wrong = checked({"chat.new": "ctrl+r"})
    assert good == {"chat.new": "ctrl+r"}
    assert wrong == ["[keys] chat.new: ctrl+r is already the key of chat.conversations"]


def test_every_binding_has_a_name_and_a_tooltip_and_no_key_that_is_not_ours() -> None:
    taken = {f"ctrl+{c}" for c in "himacdekuvwxyzblq"} | {"f6", "f7"}
    for name, binding in declared().items():
        assert binding.tooltip, name
        assert name in ("app.quit", "chat.library", "library.chat") or not taken & set(
            binding.key.split(",")
        ), name


def test_the_documentation_names_every_key() -> None:
    told = (Path(__file__).parents[1] / "docs" / "tui.md").read_text()
    for name, binding in declared().items():
        called = name.rstrip("0123456789") + "N" if name[-1].isdigit() else name
        assert f"{binding.tooltip} | `{called}` |" in told


@pytest.mark.parametrize("width", [140, 80, 24])
async def test_keys_at_the_foot_are_whole_and_help_is_among_them(width: int) -> None:
    ready = sentence(1, "Cells move.", paper())
    app = CitewellApp(scripted(ready, finished(ready)))
    async with app.run_test(size=(width, 24)) as pilot:
        await ask(pilot, "do cells move?")
        await answered(pilot)
        await pilot.pause(0.2)
        foot = seen(app).split("\n")[-1]
        keys = [
            "⏎ Ask", "esc Stop", "^r Earlier", "^f Scope", "^o Sources", "^l Library", "^q Quit", "f1 Help",
            "▏^p Palette",
        ]  # fmt: skip
        told = [key for key in keys if key in foot]
        assert "".join(foot.split()) == "".join("".join(told).split())
        assert {"f1 Help", "▏^p Palette"} <= set(told)
        assert len(told) == {140: 9, 80: 7, 24: 2}[width]
        await pilot.resize_terminal(140, 24)
        await until(pilot, lambda: all(key in seen(app).split("\n")[-1] for key in keys))


# --- the reader ------------------------------------------------------------------------------------------


async def test_the_reader_searches_jumps_copies_and_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    from index.model import Section, Span

    monkeypatch.setenv("TERM", "xterm")
    filler = "\n\n".join(f"Paragraph {n} goes on." for n in range(60))
    text = f"Title\n\nCells move.\n\n{filler}\n\nMethods\n\nRats and  RATS were used."
    at = text.index("Rats")
    library = library_of(text)
    sections = [Section(("Abstract",), Span(7, 18)), Section(("Methods",), Span(at, len(text)))]
    inner = library.read

    class Reading:
        def __enter__(self) -> Any:
            self.it = inner()
            return SimpleNamespace(**{**vars(self.it.__enter__()), "sections": lambda _: sections})

        def __exit__(self, *a: object) -> None:
            self.it.__exit__(None, None, None)

    library.read = Reading
    opened_urls: list[str] = []
    app = CitewellApp(scripted(library=library))
    monkeypatch.setattr(app, "open_url", lambda url, **_: opened_urls.append(url))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.push_screen(ReaderScreen(library, [opened(text, "Cells move.")], 0))
        await until(pilot, lambda: "Cells move." in seen(app))
        await pilot.press("slash", *"rats", "enter")
        await until(
            pilot, lambda: "match 1 of 2" in seen(app) and "Rats and  RATS were used." in seen(app), 10
        )
        await pilot.press("m")
        await until(pilot, lambda: "match 2 of 2" in seen(app), 10)
        await pilot.press("m")
        await until(pilot, lambda: "match 1 of 2" in seen(app), 10)
        await pilot.press("h")
        await until(pilot, lambda: "Cells move." in seen(app), 10)
        await pilot.press("o")
        assert app.screen.query_one(Outline).has_focus
        await pilot.press("down", "enter")
        await until(pilot, lambda: "RATS were used." in seen(app), 10)
        await pilot.press("b")
        await until(pilot, lambda: "no DOI" in seen(app), 10)
        assert opened_urls == []
        await pilot.press("y")
        assert app.clipboard == "“Cells move.” (Wang 2026, Results)\n"
        await pilot.press("c")
        assert app.clipboard == "Wang A (2026). A paper\n"
        await pilot.press("slash", *"nowhere", "enter")
        await until(pilot, lambda: "“nowhere” does not occur" in seen(app), 10)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen), 10)


@pytest.mark.parametrize("browser", [True, False])
async def test_only_addresses_made_of_ids_are_opened(monkeypatch: pytest.MonkeyPatch, browser: bool) -> None:
    from index.model import PaperIds

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("tui.browse.has_browser", lambda: browser)
    text = "Cells move."
    place = opened(text, text)
    place.paper = replace(place.paper, record=replace(place.paper.record, ids=PaperIds(doi="10.1/x")))
    app = CitewellApp(scripted(library=library_of(text)))
    opened_urls: list[str] = []
    monkeypatch.setattr(app, "open_url", lambda url, **_: opened_urls.append(url))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.push_screen(ReaderScreen(library_of(text), [place], 0))
        await until(pilot, lambda: "Cells move." in seen(app))
        await pilot.press("b")
        await until(pilot, lambda: ("opening" if browser else "no browser found") in seen(app), 10)
        assert opened_urls == (["https://doi.org/10.1/x"] if browser else [])
        assert app.clipboard == ("" if browser else "https://doi.org/10.1/x\n")


def test_the_outline_names_headings_that_have_no_text_of_their_own() -> None:
    from index.model import Span

    design = ("Methods", "Design")
    paths = [("Introduction",), design, (*design, "Table 1"), ("Results", "Design")]
    sections = [SimpleNamespace(path=path, span=Span(n * 10, n * 10 + 10)) for n, path in enumerate(paths)]
    assert [(_indented(path), start) for path, start in _rows(sections)] == [  # type: ignore[arg-type]
        ("Introduction", 0),
        ("Methods", 10),
        ("  Design", 10),
        ("    Table 1", 20),
        ("Results", 30),
        ("  Design", 30),
    ]
