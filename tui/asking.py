"""One question of a conversation asked on the command line, and what is printed or written of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tui.diagnostics import note
from tui.export_file import STDOUT, rendered, write

if TYPE_CHECKING:
    from qa.conversation import Conversation
    from qa.model import Answer, Filters


def answer_with(
    conversation: Conversation, question: str, filters: Filters, *, quiet: bool
) -> tuple[Answer, Filters]:
    """The answer, and what the question was limited to in the end."""
    from qa.model import Finished, Understood
    from tui.print_answer import working

    used = filters
    with working(quiet=quiet) as show:
        for event in conversation.ask(question, filters):
            if isinstance(event, Understood):
                used = event.query.filters
            elif isinstance(event, Finished):
                return event.answer, used
            else:
                show(event)
    raise AssertionError("an answer always finishes")


def print_found(
    answer: Answer, used: Filters, *, as_json: bool, target: str | None, format_: str | None, force: bool
) -> None:
    """Prints an answer, as JSON or for people, and writes it where it is to go besides."""
    from qa.scope import in_words
    from tui.jsonout import answer_json
    from tui.print_answer import print_answer

    scope = in_words(used)
    shown = answer_json(answer) | {"scope": scope_json(used)}
    if format_ is not None and target is not None:
        write(target, rendered([answer], format_, [scope], shown), force=force)
        if target == STDOUT:
            return
        note(f"written to {target}")
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        print_understood(answer, scope)
        print_answer(answer)


def print_understood(answer: Answer, scope: str) -> None:
    """What was searched for, where that is not the question itself, and within what."""
    from rich.text import Text

    from tui.clean import line
    from tui.console import console

    out = console()
    said = [("searched for", answer.query)] if answer.query != " ".join(answer.question.split()) else []
    said += [("scope", scope)] if scope else []
    for name, value in said:
        out.print(Text(f"{name}: {line(value)}", "dim"))
    if said:
        out.print()


def scope_json(used: Filters) -> dict[str, Any]:
    """What a question was limited to; null and empty lists for nothing."""
    return {
        "papers": list(used.papers),
        "years": list(used.years) if used.years else None,
        "sections": list(used.sections),
        "tags": list(used.tags),
    }
