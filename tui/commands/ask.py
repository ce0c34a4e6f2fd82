"""citewell ask and citewell search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from tui.diagnostics import Exit
from tui.export_file import check_export, export_options
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
@click.option("-c", "--continue", "goes_on", is_flag=True, help="Go on with the last conversation.")
@click.option("--conversation", "name", metavar="ID", help="Go on with this conversation.")
@click.option("--no-history", is_flag=True, help="Do not keep this question and its answer.")
@export_options
@scope
@as_json
@llm
@place
def ask(
    question: str | None, batch: TextIO | None, goes_on: bool, name: str | None, no_history: bool,
    target: str | None, format_: str | None, force: bool, papers: tuple[str, ...], years: str | None,
    sections: tuple[str, ...], tags: tuple[str, ...], as_json: bool, llm: Llm,
    library: Path | None, model: str | None,
) -> int:  # fmt: skip
    """Answer QUESTION from the papers, each sentence with the place it is quoted from.

    With -c it may lean on the questions before: "and in mice?", "what about safety?", "the second paper's
    dose?". What is then searched for is shown. A conversation keeps its --paper, --year, --section and --tag.
    """
    if goes_on and name is not None:
        raise click.UsageError("Give --continue or --conversation, not both.")
    format_ = check_export(target, format_, force=force)
    with make_parts(library, model, llm=llm) as parts:
        filters = make_filters(papers, years, sections, tags)
        if question is not None or batch is not None:
            parts.begin_loading()
        from tui.asking import answer_with, print_found

        if batch is not None:
            if goes_on or name is not None or format_ is not None:
                raise click.UsageError("--batch asks questions one by one and prints JSON lines.")

            def answer(text: str) -> Answer:
                conversation = parts.conversation(keep=False)
                return answer_with(conversation, text, filters, quiet=True)[0]

            return _run_batch(question, batch, answer, _answer_json)
        asked = _required(question)
        conversation = parts.conversation("last" if goes_on else name, keep=not no_history)
        found, understood = answer_with(conversation, asked, filters, quiet=as_json)
        print_found(found, understood, as_json=as_json, target=target, format_=format_, force=force)
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
    years: str | None, sections: tuple[str, ...], tags: tuple[str, ...], as_json: bool,
    library: Path | None, model: str | None,
) -> int:  # fmt: skip
    """List the passages found for QUESTION, best first, without answering it."""
    with make_parts(library, model) as parts:
        filters: Filters = make_filters(papers, years, sections, tags)
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
