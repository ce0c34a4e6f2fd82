"""Answers and evidence as lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from qa.answer import nearest
from qa.model import Answer, AnswerEvent, Citation, ScoredPassage, StageBegun, Statement, Verdict
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


@contextmanager
def working(*, quiet: bool) -> Iterator[Callable[[AnswerEvent], None]]:
    """Shows the stage an answer is at on a terminal's stderr, and takes it away at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _event: None
        return
    with console(err=True).status("…") as spinner:

        def show(event: AnswerEvent) -> None:
            if isinstance(event, StageBegun):
                spinner.update(f"{event.stage}…")

        yield show


def print_answer(answer: Answer) -> None:
    """Sentences with their places, the references beneath, and one quiet line of figures."""
    out = console()
    if answer.declined:
        _print_declined(out, answer)
    if answer.headline is not None:
        out.print(_statement(answer.headline, "bold"))
        out.print()
    for sentence in answer.sentences:
        out.print(Text(line(sentence.text)))
        for citation in sentence.citations:
            out.print(Text.assemble(("  " + citation_line(citation), "cyan")))
        out.print()
    if answer.weighing is not None:
        out.print(_statement(answer.weighing))
        out.print()
    if answer.references:
        out.print(Text("References", "bold"))
        for entry in answer.references:
            numbers = "".join(f"[{n}]" for n in entry.numbers)
            out.print(Text(f"{numbers} {line(entry.text)}"))
        out.print()
    for notice in answer.notices:
        out.print(Text(f"! {line(notice)}", "yellow"))
    if answer.timings_ms:  # an answer that was kept has none
        out.print(Text(quiet_line(answer), "dim"))


def _statement(said: Statement, style: str = "") -> Text:
    """What citewell says of the quotes, with their numbers."""
    numbers = "".join(f"[{n}]" for n in said.numbers)
    return Text(f"{line(said.text)} {numbers}", style)


def _print_declined(out: Console, answer: Answer) -> None:
    out.print(Text("Your papers do not answer this.", "bold"))
    best = nearest(answer.evidence)
    if best is not None:
        out.print(Text(f"The nearest is {place(best)}:"))
        out.print(Text(f"  {shortened(best.passage.text, 400)}"))
    out.print()


def citation_line(citation: Citation) -> str:
    """[1] ✓ Wang et al. 2026 · Abstract · p. 4"""
    parts = [short_name(citation.paper.record), citation.passage.section.heading]
    if citation.page is not None:
        parts.append(f"p. {citation.page}")
    return f"[{citation.number}] {MARKS[citation.verdict]} " + " · ".join(line(p) for p in parts if p)


def quiet_line(answer: Answer) -> str:
    """How much was read and how long it took."""
    cited = {c.paper.id for s in answer.sentences for c in s.citations}
    quotes = sum(len(s.citations) for s in answer.sentences)
    seconds = sum(ms for stage, ms in answer.timings_ms.items() if stage != "load") / 1000
    parts = [
        count(quotes, "quote"),
        count(len(cited), "paper"),
        f"from {count(len(answer.evidence), 'passage')}",
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
