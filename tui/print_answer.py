"""Answers and evidence as lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from qa.answer import nearest
from qa.model import (
    Answer,
    AnswerEvent,
    AnswerSentence,
    Citation,
    Drafted,
    ScoredPassage,
    StageBegun,
    Statement,
    Verdict,
)
from qa.references import short_name
from tui.clean import line
from tui.console import console, count, shortened

MARKS = {
    Verdict.VERBATIM: "✓",
    Verdict.SUPPORTED: "✓",
    Verdict.PARTIAL: "~",
    Verdict.UNSUPPORTED: "✗",
    Verdict.UNCHECKED: "?",
}
WORDS = {
    Verdict.VERBATIM: "verbatim",
    Verdict.SUPPORTED: "supported",
    Verdict.PARTIAL: "partly supported",
    Verdict.UNSUPPORTED: "not supported",
    Verdict.UNCHECKED: "not checked",
}
_FINE = (Verdict.VERBATIM, Verdict.SUPPORTED, Verdict.UNCHECKED)  # these need no words of their own


@contextmanager
def working(*, quiet: bool) -> Iterator[Callable[[AnswerEvent], None]]:
    """Shows the stage an answer is at on a terminal's stderr, and takes it away at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _event: None
        return
    err = console(err=True)
    with err.status("…") as spinner:
        stage, text = "", ""

        def show(event: AnswerEvent) -> None:
            nonlocal stage, text
            if isinstance(event, StageBegun):
                stage, text = f"{line(event.stage)}…", ""
                spinner.update(stage)
            elif isinstance(event, Drafted) and event.text:
                text += event.text  # only its end has room, and nothing of it is verified yet
                room = max(20, err.width - len(stage) - 8)
                spinner.update(Text.assemble(f"{stage} ", (line(text)[-room:], "dim")))

        yield show


def print_answer(answer: Answer) -> None:
    """Sentences with their places, the references beneath, and one quiet line of figures."""
    out = console()
    if answer.declined and answer.writer:
        out.print(Text(f"{line(answer.writer)} finds no answer in your papers.", "bold"))
        out.print()
    elif answer.declined:
        _print_declined(out, answer)
    for said, style in ((answer.caveat, "yellow"), (answer.headline, "bold")):
        if said is not None:
            out.print(_statement(said, style))
            out.print()
    if answer.writer:
        _print_written(out, answer)
    for sentence in answer.extracted if answer.writer else answer.sentences:
        out.print(Text(line(sentence.text)))
        for citation in sentence.citations:
            out.print(Text.assemble(("  " + citation_line(citation), "cyan")))
        out.print()
    if answer.weighing is not None:
        out.print(_statement(answer.weighing))
        out.print()
    _print_references(out, answer)
    for notice in answer.notices:
        out.print(Text(f"! {line(notice)}", "yellow"))
    if answer.timings_ms:  # an answer that was kept has none
        out.print(Text(quiet_line(answer), "dim"))


def _print_references(out: Console, answer: Answer) -> None:
    if answer.references:
        out.print(Text("References", "bold"))
        for entry in answer.references:
            numbers = "".join(f"[{n}]" for n in entry.numbers)
            out.print(Text(f"{numbers} {line(entry.text)}"))
        out.print()


def _statement(said: Statement, style: str = "") -> Text:
    """What citewell says of the quotes, with their numbers."""
    numbers = "".join(f"[{n}]" for n in said.numbers)
    return Text(f"{line(said.text)} {numbers}".rstrip(), style)


def _print_written(out: Console, answer: Answer) -> None:
    """A model's sentences with their marks, what speaks against them, and the quotes they stand on."""
    for sentence in answer.sentences:
        marks = [f"[{c.number}]{MARKS[c.verdict]}" for c in sentence.citations] or [MARKS[sentence.verdict]]
        # A no-break space: the mark never stands alone at the beginning of a line.
        out.print(Text.assemble(line(sentence.text), "\u00a0", (" ".join(marks), "cyan")))
        if said := objection(sentence):
            out.print(Text(f"  {said}", "yellow"))
    if answer.incomplete:
        out.print(Text("… (incomplete)", "yellow"))
    if answer.sentences:
        out.print()
    quoted = {c.number: c for s in answer.sentences for c in s.citations}
    for number in sorted(quoted):
        out.print(Text.assemble((citation_line(quoted[number], marked=False), "cyan")))
        out.print(Text(f"    “{line(quoted[number].quote)}”"))
    if quoted:
        out.print()
    if answer.extracted:
        out.print(Text("The papers' own sentences", "bold"))


def objection(sentence: AnswerSentence) -> str:
    """What is to be said against a sentence: ✗ not supported: it cites no passage. Empty if nothing is."""
    if not sentence.reasons and sentence.verdict in _FINE:
        return ""
    reasons = "; ".join(line(reason) for reason in sentence.reasons)
    return f"{MARKS[sentence.verdict]} {WORDS[sentence.verdict]}" + (f": {reasons}" if reasons else "")


def _print_declined(out: Console, answer: Answer) -> None:
    out.print(Text("Your papers do not answer this.", "bold"))
    best = nearest(answer.evidence)
    if best is not None:
        out.print(Text(f"The nearest is {place(best)}:"))
        out.print(Text(f"  {shortened(best.passage.text, 400)}"))
    out.print()


def citation_line(citation: Citation, *, marked: bool = True) -> str:
    """[1] ✓ Wang et al. 2026 · Abstract · p. 4"""
    parts = [short_name(citation.paper.record), citation.passage.section.heading]
    if citation.page is not None:
        parts.append(f"p. {citation.page}")
    mark = f"{MARKS[citation.verdict]} " if marked else ""
    return f"[{citation.number}] {mark}" + " · ".join(line(p) for p in parts if p)


def quiet_line(answer: Answer) -> str:
    """How much was read and how long it took."""
    citations = [c for s in (*answer.sentences, *answer.extracted) for c in s.citations]
    cited, quotes = {c.paper.id for c in citations}, len({c.number for c in citations})
    seconds = sum(ms for stage, ms in answer.timings_ms.items() if stage != "load") / 1000
    parts = [
        count(quotes, "quote"),
        count(len(cited), "paper"),
        f"from {count(len(answer.evidence), 'passage')}",
        *([f"written by {line(answer.writer)}"] if answer.writer else []),
        f"{seconds:.1f} s",
    ]
    if answer.timings_ms.get("load", 0.0) >= 100:
        parts.append(f"and {answer.timings_ms['load'] / 1000:.1f} s to load the model")
    return " · ".join(parts)


def print_evidence(answer: Answer) -> None:
    """The passages, best first."""
    out = console()
    for found in answer.evidence:
        out.print(Text.assemble((f"{found.rank}. {place(found)}", "bold"), (f"   {found.score:.4f}", "dim")))
        out.print(Text(f"   {shortened(found.passage.text, 300)}"))
        out.print(Text(f"   {found.paper.key} {found.passage.span.start}–{found.passage.span.end}", "dim"))
    if not answer.evidence:
        out.print("Nothing was found: the library holds no passage yet.")


def place(found: ScoredPassage) -> str:
    """Wang et al. 2026 · Abstract · p. 4"""
    parts = [short_name(found.paper.record), found.passage.section.heading]
    if found.passage.page is not None:
        parts.append(f"p. {found.passage.page}")
    return " · ".join(line(p) for p in parts if p)
