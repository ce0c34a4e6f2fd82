"""A user asks on: follow-ups, what they are limited to, and what is kept of it in the library's folder."""

from __future__ import annotations

import json
import shutil
import stat
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import HistoryError
from index.library import Library
from index.model import Section, SectionKind, Span
from index.reader import StoredPaper, StoredPassage
from index.remove import remove
from qa.conversation import Conversation
from qa.history import History
from qa.kept import CHANGED, KeptTurn, keep, restore
from qa.model import (
    EVERYTHING,
    Answer,
    AnswerEvent,
    AnswerSentence,
    Citation,
    Filters,
    Finished,
    ReferenceEntry,
    StageBegun,
    Statement,
    Understood,
    Verdict,
)
from qa.scope import in_words
from tests.conftest import Citewell
from tests.fakes import make_library, make_syncer, report_of, tiny

ALPHA = tiny("Alpha trial", "# Results", "Heparin lowered clots by half.", doi="10.1/a", year="2015")
BETA = tiny("Beta trial", "# Results", "Heparin raised bleeding in women.", doi="10.1/b", year="2019")


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "alpha.txt").write_text(ALPHA)
    (folder / "beta.txt").write_text(BETA)
    return folder


@pytest.fixture
def library(tmp_path: Path, papers: Path) -> Library:
    made = make_library(tmp_path / "library")
    report_of(make_syncer(made).add([papers]))
    return made


def paper_of(library: Library, key: str) -> StoredPaper:
    with library.read() as reader:
        return reader.find_paper(key)


def cites(library: Library, *quotes: tuple[str, str]) -> Answer:
    """An answer of these quotes, each a paper's key and words of it."""
    sentences, entries = [], []
    for number, (key, quote) in enumerate(quotes, start=1):
        paper = paper_of(library, key)
        with library.read() as reader:
            start = reader.text(paper.id).index(quote)
        span = Span(start, start + len(quote))
        section = Section(("Results",), span, SectionKind.BODY)
        passage = StoredPassage(1, paper.id, 1, span, quote, "", section, None)
        citation = Citation(number, paper, passage, quote, span, None, Verdict.VERBATIM)
        sentences.append(AnswerSentence(quote, (citation,), Verdict.VERBATIM))
        entries.append(ReferenceEntry((number,), paper, paper.record.title))
    return Answer("?", "?", not sentences, tuple(sentences), tuple(entries), ())


class Scripted:
    """Answers every question alike, and remembers what it was asked within what."""

    def __init__(self, answer: Answer) -> None:
        self.given = answer
        self.asked: list[tuple[str, Filters]] = []

    def answer(self, question: str, filters: Filters) -> Generator[AnswerEvent, None, None]:
        self.asked.append((question, filters))
        yield StageBegun("searching")
        yield Finished(replace(self.given, question=question, query=question))


@pytest.fixture
def scripted(library: Library) -> Scripted:
    return Scripted(
        cites(library, ("10.1/a", "Heparin lowered clots by half."), ("10.1/b", "Heparin raised bleeding"))
    )


def ask(conversation: Conversation, question: str, filters: Filters = EVERYTHING) -> Answer:
    *_, last = conversation.ask(question, filters)
    assert isinstance(last, Finished)
    return last.answer


# --- asking on -------------------------------------------------------------------------------------------


def test_a_follow_up_is_asked_in_full_and_the_first_event_says_so(scripted: Scripted) -> None:
    conversation = Conversation(scripted)
    assert ask(conversation, "does heparin lower clots in men?").query == "does heparin lower clots in men?"
    first, *_, last = conversation.ask("and in women?")
    assert isinstance(first, Understood)
    assert first.query.question == "and in women?"
    assert first.query.text == "does heparin lower clots in women?"
    assert first.because == "“and in women?” follows “does heparin lower clots in men?”"
    assert isinstance(last, Finished)
    assert (last.answer.question, last.answer.query) == (
        "and in women?",
        "does heparin lower clots in women?",
    )
    ask(conversation, "what about safety?")
    assert [question for question, _ in scripted.asked] == [
        "does heparin lower clots in men?",
        "does heparin lower clots in women?",
        "safety of heparin in women?",
    ]


def test_the_scope_stays_until_flags_replace_it(scripted: Scripted) -> None:
    conversation = Conversation(scripted)
    ask(conversation, "does heparin lower clots in men?", Filters(years=(2015, None), sections=("results",)))
    ask(conversation, "and in women?")
    ask(conversation, "what is the half-life of heparin in plasma?")
    ask(conversation, "and in mice?", Filters(years=(2018, 2020)))
    ask(conversation, "why?")
    assert [in_words(filters) for _, filters in scripted.asked] == [
        "2015–, results", "2015–, results", "2015–, results", "2018–2020, results", "2018–2020, results",
    ]  # fmt: skip


def test_a_paper_of_the_answer_limits_the_question_and_those_that_follow_it(scripted: Scripted) -> None:
    conversation = Conversation(scripted)
    ask(conversation, "does heparin lower clots in men?")
    ask(conversation, "the second paper's dose?")
    ask(conversation, "and the duration?")
    ask(conversation, "how many patients were included in the first paper?")
    ask(conversation, "and the follow-up time?")
    ask(conversation, "and of aspirin?")
    ask(conversation, "does heparin cause hair loss?")
    ask(conversation, "only papers since 2018?")
    assert scripted.asked[1:] == [
        ("dose of heparin?", Filters(papers=("10.1/b",))),
        ("duration of heparin in men?", Filters(papers=("10.1/b",))),
        ("how many patients were included?", Filters(papers=("10.1/a",))),
        ("follow-up time of heparin in men?", Filters(papers=("10.1/a",))),
        ("follow-up time of aspirin in men?", EVERYTHING),
        ("does heparin cause hair loss?", EVERYTHING),
        ("does heparin cause hair loss?", Filters(years=(2018, None))),
    ]


def test_a_stopped_question_leaves_no_trace(scripted: Scripted, library: Library) -> None:
    history = History(library.conversations)
    conversation = Conversation(scripted, history=history)
    events = conversation.ask("does heparin lower clots?")
    next(events)
    events.close()
    assert conversation.turns == []
    assert not library.conversations.exists()


# --- what is kept ----------------------------------------------------------------------------------------


def test_a_conversation_is_kept_for_its_user_alone_and_goes_on(scripted: Scripted, library: Library) -> None:
    history = History(library.conversations)
    conversation = Conversation(scripted, history=history)
    ask(conversation, "does heparin lower clots in men?", Filters(tags=("mine",)))
    assert conversation.identifier is not None
    (file,) = library.conversations.iterdir()
    assert file.name == f"{conversation.identifier}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(library.conversations.stat().st_mode) == 0o700
    again = Conversation(scripted, history=history)
    again.resume(conversation.identifier, history.turns(history.find("last")))
    assert ask(again, "and in women?").query == "does heparin lower clots in women?"
    assert scripted.asked[-1][1] == Filters(tags=("mine",))
    (summary,) = history.summaries()
    assert (summary.question, summary.turns) == ("does heparin lower clots in men?", 2)


def test_a_library_with_conversations_is_still_a_library(scripted: Scripted, library: Library) -> None:
    ask(Conversation(scripted, history=History(library.conversations)), "why heparin?")
    library.database.unlink()
    library.create()  # no file in the folder is foreign to it
    assert History(library.conversations).find("last")


def test_what_is_kept_comes_back_to_the_letter(scripted: Scripted, library: Library) -> None:
    missing = Statement("No quoted passage speaks of men.", ())
    given = replace(scripted.given, confidence=0.75, notices=("said",), writer="a model", caveat=missing)
    kept = keep(given, "2026-01-01T00:00:00+00:00", "", EVERYTHING, EVERYTHING)
    with library.read() as reader:
        back = restore(KeptTurn.model_validate_json(kept.model_dump_json()), reader)
    assert [(c.number, c.quote, c.span, c.verdict) for s in back.sentences for c in s.citations] == [
        (c.number, c.quote, c.span, c.verdict) for s in given.sentences for c in s.citations
    ]
    assert back.references == given.references
    assert (back.confidence, back.notices, back.writer) == (0.75, ("said",), "a model")
    assert back.caveat == missing


def test_a_quote_that_no_longer_stands_is_shown_as_unchecked(
    scripted: Scripted, library: Library, papers: Path
) -> None:
    kept = keep(scripted.given, "2026-01-01T00:00:00+00:00", "", EVERYTHING, EVERYTHING)
    (papers / "alpha.txt").write_text(ALPHA.replace("# Results", "# Results\nA new first line."))
    (papers / "beta.txt").write_text(BETA.replace("raised bleeding", "did not raise bleeding"))
    report_of(make_syncer(library).sync())
    with library.read() as reader:
        back = restore(kept, reader)
        moved, lost = back.sentences
        (citation,) = moved.citations
        assert citation.span.of(reader.text(citation.paper.id)) == citation.quote
        assert citation.span != kept.sentences[0].citations[0].start
    assert moved.verdict is Verdict.VERBATIM
    assert (lost.verdict, lost.reasons) == (Verdict.UNCHECKED, (CHANGED,))
    assert (lost.citations[0].verdict, lost.citations[0].quote) == (
        Verdict.UNCHECKED,
        "Heparin raised bleeding",
    )
    remove(library, ["10.1/a"])
    with library.read() as reader:
        gone = restore(kept, reader).sentences[0]
    assert (gone.verdict, gone.citations[0].paper.record.title) == (Verdict.UNCHECKED, "Alpha trial")


def turn(question: str, asked: str = "2026-01-01T00:00:00+00:00") -> KeptTurn:
    return KeptTurn(asked=asked, question=question, query=question)


def test_torn_and_foreign_lines_are_left_out_and_the_next_turn_stands_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "conversations")
    one = History.new_id()
    history.append(one, turn("first?"))
    file = tmp_path / "conversations" / f"{one}.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"version":9,"asked":"later"}\n\xff\xfe\n[]\n' + whole[: len(whole) // 2])
    history.append(one, turn("second?"))
    unknown = json.loads(whole) | {"mood": "curious", "question": "third?"}
    with file.open("a") as out:
        out.write(json.dumps(unknown) + "\n")
    assert [kept.question for kept in history.turns(one)] == ["first?", "second?", "third?"]


def test_every_cut_of_a_file_leaves_its_whole_turns(tmp_path: Path) -> None:
    history = History(tmp_path)
    one = History.new_id()
    history.append(one, turn("first?"))
    length = (tmp_path / f"{one}.jsonl").stat().st_size
    history.append(one, turn("second?"))
    whole = (tmp_path / f"{one}.jsonl").read_bytes()
    for cut in range(length, len(whole) - 1):
        (tmp_path / f"{one}.jsonl").write_bytes(whole[:cut])
        assert [kept.question for kept in history.turns(one)] == ["first?"]


def test_two_terminals_may_go_on_with_one_conversation(tmp_path: Path) -> None:
    history, one = History(tmp_path), History.new_id()
    questions = [f"question {n}? {'x' * 5000}" for n in range(40)]

    def append(mine: list[str]) -> None:
        for question in mine:
            history.append(one, turn(question))

    threads = [threading.Thread(target=append, args=(questions[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept.question for kept in history.turns(one)) == sorted(questions)


def test_conversations_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert (history.summaries(), history.identifiers()) == ([], [])
    with pytest.raises(HistoryError, match="no conversation is kept in this library yet"):
        history.find("last")
    ids = ["20260101-000000-aaaa", "20260101-000000-bbbb", "20260202-000000-cccc"]
    for n, one in enumerate(ids):
        history.append(one, turn(f"question {n}?", f"2026-03-0{9 - n}T00:00:00+00:00"))
    (tmp_path / "notes.txt").write_text("not ours")
    assert history.find("20260202") == ids[2]
    assert history.find("last") == ids[0]  # used last, though begun first
    for wrong, said in [
        ("20260101", "2 conversations begin with"),
        ("x", "is called 'x'"),
        ("", "is called ''"),
        ("../../etc/passwd", "no kept conversation"),
    ]:
        with pytest.raises(HistoryError, match=said):
            history.find(wrong)
    with pytest.raises(HistoryError, match="no id of a conversation"):
        history.turns("../../etc/passwd")
    history.delete(ids[:2])
    assert history.identifiers() == ids[2:]


def test_an_answer_that_cannot_be_kept_says_why(scripted: Scripted, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.write_text("a file")
    answer = ask(Conversation(scripted, history=History(folder)), "why heparin?")
    assert answer.sentences
    assert answer.notices[0].startswith("this answer could not be kept in ")


def test_no_link_is_followed_when_a_turn_is_kept(tmp_path: Path) -> None:
    one, victim = History.new_id(), tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "conversations"
    folder.mkdir()
    (folder / f"{one}.jsonl").symlink_to(victim)
    with pytest.raises(HistoryError):
        History(folder).append(one, turn("why?"))
    assert victim.read_text() == "precious"


# --- the real thing --------------------------------------------------------------------------------------


@pytest.fixture
def own_library(sample_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the samples that may be changed, with history as it is by default."""
    monkeypatch.delenv("CITEWELL_HISTORY")
    return Path(shutil.copytree(sample_library, tmp_path / "library"))


def test_the_story_of_a_conversation_on_the_command_line(citewell: Citewell, own_library: Path) -> None:
    first = citewell("ask", "how do pericytes affect capillary density in pigs?", library=own_library)
    assert (first.code, "searched for" in first.out) == (0, False)
    again = citewell("ask", "-c", "and in swine?", "--year", "2018-", library=own_library)
    assert again.out.splitlines()[:2] == [
        "searched for: how do pericytes affect capillary density in swine?", "scope: 2018–",
    ]  # fmt: skip
    third = json.loads(
        citewell("ask", "-c", "--json", "the first paper's limitations?", library=own_library).out
    )
    assert third["question"] == "the first paper's limitations?"
    assert third["query"] == "limitations of pericytes?"
    assert third["scope"] == {"papers": ["PMC5850145"], "years": [2018, None], "sections": [], "tags": []}
    assert {found["paper_id"] for found in third["evidence"]} == {"PMC5850145"}
    (row,) = json.loads(citewell("history", "--json", library=own_library).out)
    assert (row["turns"], row["question"]) == (3, "how do pericytes affect capillary density in pigs?")
    assert citewell("history", library=own_library).out.startswith(f"{row['id']}  ")
    shown = citewell("history", "show", row["id"][:8], library=own_library).out
    assert shown.startswith("❯ how do pericytes affect capillary density in pigs?\n")
    assert "❯ and in swine?\nsearched for: how do pericytes affect capillary density in swine?" in shown
    turns = json.loads(citewell("history", "show", "last", "--json", library=own_library).out)
    assert [t["question"] for t in turns][1:] == ["and in swine?", "the first paper's limitations?"]
    assert {c["verdict"] for s in turns[0]["answer"] for c in s["citations"]} == {"verbatim"}
    assert citewell("ask", "how do MSCs promote angiogenesis?", "--no-history", library=own_library).code == 0
    assert len(json.loads(citewell("history", "--json", library=own_library).out)) == 1


def test_what_is_wrong_with_a_conversation_is_said(citewell: Citewell, own_library: Path) -> None:
    for words, code, said in [
        (["ask", "-c", "why?"], 1, "no conversation is kept in this library yet"),
        (["ask", "--conversation", "2020", "why?"], 1, "no kept conversation is called '2020'"),
        (["ask", "-c", "--conversation", "2020", "why?"], 2, "not both"),
        (["history", "show", "x"], 1, "no kept conversation is called 'x'"),
        (["history", "delete"], 2, "Name conversations, or say --all."),
        (["ask", "MSCs?", "--tag", "mice"], 1, "no paper in this library has the tag 'mice'"),
    ]:
        result = citewell(*words, library=own_library)
        assert (result.code, said in result.err) == (code, True), result
    assert citewell("history", library=own_library.parent / "none").code == 1


def test_deleting_asks_first(citewell: Citewell, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(library.conversations)
    for _ in range(3):
        history.append(History.new_id(), turn("why?"))
    answers = iter(["n", "y"])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(answers))
    assert citewell("history", "delete", "last", library=library.folder).code == 130
    assert len(history.identifiers()) == 3
    assert citewell("history", "delete", "last", library=library.folder).err.endswith(
        "deleted 1 conversation\n"
    )
    assert citewell("history", "delete", "--all", "--yes", library=library.folder).code == 0
    assert history.identifiers() == []


def test_tags_limit_real_questions(citewell: Citewell, own_library: Path) -> None:
    citewell("tag", "add", "heart", "PMC5850145", library=own_library)
    shown = json.loads(citewell("search", "VEGF", "--tag", "HEART", "--json", library=own_library).out)
    assert {found["paper_id"] for found in shown["evidence"]} == {"PMC5850145"}
