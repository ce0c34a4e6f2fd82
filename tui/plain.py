"""The chat as lines on stdin and stdout: for screen readers, dumb terminals and pipes.

Nothing is ever overwritten, coloured or animated, and what a mark says is said in words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import click

from index.errors import CitewellError
from tui.clean import clean, line
from tui.times import when

if TYPE_CHECKING:
    from qa.conversation import Conversation
    from qa.model import Answer, Citation, Filters
    from tui.parts import Parts

_HELP = """A line is a question. A line that begins with a colon is one of these:
:read N              the paragraph of citation N, the quote between >> and <<
:similar N           passages of other papers that are close to citation N
:scope               what questions are limited to
:scope WHAT VALUES   limit them: WHAT is papers, years, sections or tags; :scope none for all papers
:history             the kept conversations
:open ID             go on with one of them
:new                 begin a new conversation
:export FILE         write the conversation to FILE (.md .txt .json .bib .csl.json)
:quit                leave"""
_PROMPT = "Ask: "
_PARAGRAPH = "\n\n"


class PlainChat:
    """Reads lines until there are no more, or until :quit."""

    def __init__(self, parts: Parts, scope: Filters, source: TextIO | None = None) -> None:
        self._parts = parts
        self._scope = scope
        self._source = source or sys.stdin
        self._asking: Conversation | None = None
        self._answers: list[tuple[Answer, str, Filters]] = []  # with their scopes, in words and as such
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda _: _say(_HELP),
            "read": self._read,
            "similar": self._similar,
            "scope": self._limit,
            "history": lambda _: self._list(),
            "open": self._open,
            "new": lambda _: self._begin(),
            "export": self._export,
        }

    def run(self) -> None:
        """The whole conversation."""
        with self._parts.library.read() as reader:
            papers = reader.counts()["papers"]
        _say(f"citewell, {papers:,} papers. Type a question; :help lists what else can be typed.")
        while (text := self._next()) is not None and text not in (":quit", ":q"):
            try:
                self._take(text)
            except CitewellError as error:
                _say(f"Error: {line(error.message)}. {line(error.hint)}".rstrip())
            except click.UsageError as error:
                _say(f"Error: {line(error.message)}")

    def _next(self) -> str | None:
        """The next line; asked for where somebody types it."""
        if self._source.isatty():
            click.echo(_PROMPT, nl=False)
        read = self._source.readline()
        return read.strip() if read else None

    def _take(self, text: str) -> None:
        if not text.startswith(":"):
            if text:
                self._ask(text)
            return
        name, _, rest = text[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            _say(f"There is no :{line(name)}. :help lists what there is.")
        else:
            command(rest.strip())

    def _conversation(self) -> Conversation:
        if self._asking is None:
            self._asking = self._parts.conversation()
        return self._asking

    def _ask(self, question: str) -> None:
        from qa.export import text
        from tui.asking import answer_with

        asking = self._conversation()
        if asking.scope != self._scope:
            asking.limit(self._scope)
        answer, understood = answer_with(asking, line(question), type(self._scope)(), quiet=True)
        self._answers.append((answer, understood.scope, understood.query.filters))
        _say(text([answer], [understood.scope]).strip())

    def _read(self, number: str) -> None:
        """The paragraph in which a citation of the last answer stands."""
        from qa.references import short_name
        from qa.verify import stands_at

        citation = self._citation(number)
        if citation is None:
            _say(f"The last answer has no citation {line(number) or 'without a number'}.")
            return
        with self._parts.library.read() as reader:
            text = reader.text(citation.paper.id)
        if not stands_at(text, citation.span, citation.quote):
            _say("The paper has changed since; ask again.")
            return
        page = f", page {citation.page}" if citation.page is not None else ""
        _say(line(f"{short_name(citation.paper.record)}: {citation.paper.record.title}"))
        _say(line(f"{citation.passage.section.heading}{page}"))
        start, end = citation.span.start, citation.span.end
        before = text[text.rfind(_PARAGRAPH, 0, start) + 1 : start]
        after = text[end : stop if (stop := text.find(_PARAGRAPH, end)) >= 0 else len(text)]
        _say(line(f"{before}>>{citation.quote}<<{after}"))

    def _similar(self, number: str) -> None:
        """What other papers say of the same, a passage a line."""
        from qa.references import short_name

        citation = self._citation(number)
        if citation is None:
            _say(f"The last answer has no citation {line(number) or 'without a number'}.")
            return
        found = self._parts.neighbours(citation.paper.id, citation.span)
        for one in found:
            where = f"{short_name(one.paper.record)}, {one.passage.section.heading}"
            _say(line(f"{where} (closeness {one.score:.2f}): {one.passage.text}"))
        if not found:
            _say("No other paper in this library says anything similar.")

    def _citation(self, number: str) -> Citation | None:
        if not self._answers:
            return None
        answer = self._answers[-1][0]
        told = [c for s in (*answer.sentences, *answer.extracted) for c in s.citations]
        return next((c for c in told if str(c.number) == number), None)

    def _limit(self, words: str) -> None:
        from dataclasses import replace

        from qa.model import EVERYTHING
        from qa.scope import in_words, narrowed
        from tui.options import make_filters

        what, _, values = words.partition(" ")
        if what == "none":
            self._scope = EVERYTHING
        elif what in ("papers", "years", "sections", "tags") and values:
            papers = tuple(p.strip() for p in values.split(";")) if what == "papers" else ()
            made = make_filters(
                papers, values if what == "years" else None,
                (values,) if what == "sections" else (), (values.lower(),) if what == "tags" else (),
            )  # fmt: skip
            with self._parts.library.read() as reader:
                keys = tuple(reader.find_paper(name).key for name in made.papers)
                made = replace(made, papers=keys)
                reader.scope(None, None, None, None, made.tags)
            self._scope = narrowed(self._scope, made)
        elif words:
            _say("Say what to limit: papers, years, sections or tags, and then which.")
            return
        _say(f"Scope: {line(in_words(self._scope)) or 'all papers'}")

    def _list(self) -> None:
        found = self._parts.history.summaries()
        for summary in found:
            _say(
                line(f"{summary.identifier}: {when(summary.used)}, {summary.turns} asked. {summary.question}")
            )
        if not found:
            _say("No conversation is kept in this library yet.")

    def _open(self, name: str) -> None:
        from tui.reopen import restored, scopes_of

        asking = self._parts.conversation(name)
        turns, answers = restored(self._parts, name)
        self._asking, self._scope = asking, asking.scope
        used = [turn.filters for turn in turns]
        self._answers = list(zip(answers, scopes_of(turns), used, strict=True))
        self._show_all()

    def _show_all(self) -> None:
        from qa.export import text

        _say(
            text([answer for answer, _, _ in self._answers], [scope for _, scope, _ in self._answers]).strip()
        )

    def _begin(self) -> None:
        self._asking, self._answers = None, []
        _say("A new conversation.")

    def _export(self, target: str) -> None:
        from tui.asking import scope_json
        from tui.export_file import format_of, rendered, write
        from tui.jsonout import answer_json

        shown = [answer_json(answer) | {"scope": scope_json(used)} for answer, _, used in self._answers]
        answers, scopes = [a for a, _, _ in self._answers], [s for _, s, _ in self._answers]
        write(target, rendered(answers, format_of(target, None), scopes, shown), force=False)
        _say(f"Written to {line(target)}")


def _say(text: str) -> None:
    click.echo(clean(text))
    sys.stdout.flush()
