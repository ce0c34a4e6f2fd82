"""One question of a conversation asked on the command line, and what is printed or written of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tui.diagnostics import note
from tui.export_file import STDOUT, rendered, write

if TYPE_CHECKING:
    from qa.conversation import Conversation
    from qa.model import Answer, Filters, Understood


def answer_with(
    conversation: Conversation, question: str, filters: Filters, *, quiet: bool
) -> tuple[Answer, Understood]:
    """The answer, and what was searched for and within what."""
    from qa.model import Finished, Understood
    from tui.print_answer import working

    understood = None
    with working(quiet=quiet) as show:
        for event in conversation.ask(question, filters):
            if isinstance(event, Understood):
                understood = event
            elif isinstance(event, Finished) and understood is not None:
                return event.answer, understood
            else:
                show(event)
    raise AssertionError("a conversation says what it understood, and finishes")


def print_found(
    answer: Answer,
    understood: Understood,
    *,
    as_json: bool,
    target: str | None,
    format_: str | None,
    force: bool,
) -> None:
    """Prints an answer, as JSON or for people, and writes it where it is to go besides."""
    from tui.jsonout import answer_json
    from tui.print_answer import print_answer

    scope = understood.scope
    shown = answer_json(answer) | {"scope": scope_json(understood.query.filters)}
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
