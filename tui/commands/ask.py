"""citewell ask and citewell search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from tui.diagnostics import Exit
from tui.options import Llm, as_json, llm, make_filters, make_parts, place, scope

if TYPE_CHECKING:
    from qa.model import Answer, Filters

_BATCH = click.option(
    "--batch", metavar="FILE", type=click.File("r", encoding="utf-8"),
    help="Questions from a file, one a line, or JSON lines with id and question; prints JSON lines.",
)  # fmt: skip


@click.command(short_help="Answer a question, every sentence with its place.")
@click.argument("question", required=False)
@_BATCH
@scope
@as_json
@llm
@place
def ask(
    question: str | None, batch: TextIO | None, papers: tuple[str, ...], years: str | None,
    sections: tuple[str, ...], as_json: bool, llm: Llm, library: Path | None, model: str | None,
) -> int:  # fmt: skip
    """Answer QUESTION from the papers, each sentence with the place it is quoted from."""
    with make_parts(library, model, llm=llm) as parts:
        filters = make_filters(papers, years, sections)
        if question is not None or batch is not None:
            parts.begin_loading()
        from qa.model import Finished
        from tui.print_answer import print_answer, working

        def answer(text: str) -> Answer:
            with working(quiet=as_json or batch is not None) as show:
                for event in parts.answerer.answer(text, filters):
                    if isinstance(event, Finished):
                        return event.answer
                    show(event)
            raise AssertionError("an answer always finishes")

        if batch is not None:
            return _run_batch(question, batch, answer, _answer_json)
        found = answer(_required(question))
        if as_json:
            click.echo(json.dumps(_answer_json(found), ensure_ascii=False, indent=2))
        else:
            print_answer(found)
    return Exit.OK


@click.command(short_help="List the passages found for a question.")
@click.argument("question", required=False)
@_BATCH
@click.option(
    "-k", "limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many passages."
)
@click.option("--per-paper", type=click.IntRange(1), help="At most so many from one paper.")
@scope
@as_json
@place
def search(
    question: str | None, batch: TextIO | None, limit: int, per_paper: int | None, papers: tuple[str, ...],
    years: str | None, sections: tuple[str, ...], as_json: bool, library: Path | None, model: str | None,
) -> int:  # fmt: skip
    """List the passages found for QUESTION, best first, without answering it."""
    with make_parts(library, model) as parts:
        filters: Filters = make_filters(papers, years, sections)
        if question is not None or batch is not None:
            parts.begin_loading()
        from tui.print_answer import print_evidence

        def find(text: str) -> Answer:
            return parts.answerer.search(text, filters, limit, per_paper)

        if batch is not None:
            return _run_batch(question, batch, find, _search_json)
        found = find(_required(question))
        if as_json:
            click.echo(json.dumps(_search_json(found), ensure_ascii=False, indent=2))
        else:
            print_evidence(found)
    return Exit.OK


def _answer_json(answer: Answer) -> dict[str, Any]:
    from tui.jsonout import answer_json

    return answer_json(answer)


def _search_json(answer: Answer) -> dict[str, Any]:
    from tui.jsonout import search_json

    return search_json(answer)


def _required(question: str | None) -> str:
    if question is None:
        raise click.UsageError('Say what to ask, e.g. citewell ask "how do …?", or name a file with --batch.')
    return question


def _run_batch(
    question: str | None,
    lines: Iterable[str],
    answer: Callable[[str], Answer],
    to_json: Callable[[Answer], dict[str, Any]],
) -> int:
    """Answers line by line; a line that cannot be answered says so in its place and ends nothing."""
    from index.errors import SettingsError

    if question is not None:
        raise click.UsageError("Give a question or --batch, not both.")
    failed = False
    for identifier, text in _questions(lines):
        result: dict[str, Any] = {"id": identifier}
        try:
            if text is None:
                raise SettingsError("not a JSON object with a text called question")
            result |= to_json(answer(text))
        except SettingsError as error:
            failed = True
            result |= {"question": text, "error": error.message}
        click.echo(json.dumps(result, ensure_ascii=False))
    return Exit.PARTIAL if failed else Exit.OK


def _questions(lines: Iterable[str]) -> Iterator[tuple[Any, str | None]]:
    """(id, question) of each line that is not blank; plain lines are called by their number."""
    for number, raw in enumerate(lines, start=1):
        text = raw.strip().removeprefix("\ufeff")
        if not text:
            continue
        if not text.startswith("{"):
            yield number, text
            continue
        try:
            item = json.loads(text)
        except ValueError:
            yield number, None
            continue
        question = item.get("question")
        yield item.get("id", number), question if isinstance(question, str) else None
