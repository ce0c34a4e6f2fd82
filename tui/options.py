"""Options that several commands share, and how their words are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from qa.model import Filters
    from tui.parts import Parts

F = TypeVar("F", bound=Callable[..., Any])

_YEARS = re.compile(r"(\d{4})?\s*(-|–)?\s*(\d{4})?")


def place(command: F) -> F:
    """--library and --model, on every command that touches a library."""
    for option in (
        click.option(
            "--model", metavar="NAME", help="Embedding model, by name or path (default: the library's)."
        ),
        click.option(
            "--library",
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="The library's folder.",
        ),
    ):
        command = option(command)
    return command


def scope(command: F) -> F:
    """--paper, --year, --section and --tag, on every command that searches."""
    for option in (
        click.option("--tag", "tags", metavar="TAGS", multiple=True,
                     help="Only papers with one of these tags, e.g. trials,safety."),
        click.option("--section", "sections", metavar="NAMES", multiple=True,
                     help="Only sections so called, e.g. methods,results."),
        click.option("--year", "years", metavar="YEARS", help="Only papers of 2015, 2015-, or 2015-2020."),
        click.option("--paper", "papers", metavar="PAPER", multiple=True,
                     help="Only this paper, by key, DOI or title; may be repeated."),
    ):  # fmt: skip
        command = option(command)
    return command


def as_json(command: F) -> F:
    """--json, where a program would read the output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def network(command: F) -> F:
    """--offline, on every command that could ask the network."""
    return click.option("--offline", is_flag=True, help="Ask no server for anything.")(command)


@dataclass(frozen=True)
class Llm:
    """What the flags of a command say about a language model."""

    url: str | None = None
    model: str | None = None
    none: bool = False
    judge: str | None = None


def llm(command: F) -> F:
    """--llm, --llm-model, --judge and --no-llm, on every command that may have a language model write.

    The command gets them as one argument, `llm`.
    """

    @wraps(command)
    def with_llm(
        *args: Any, llm_url: str | None, llm_model: str | None, no_llm: bool, judge: str | None, **rest: Any
    ) -> Any:
        if no_llm and (llm_url or llm_model or judge == "llm"):
            raise click.UsageError("--no-llm goes with no other option about a language model.")
        return command(*args, llm=Llm(llm_url, llm_model, no_llm, judge), **rest)

    wrapped: Any = with_llm
    for option in (
        click.option("--no-llm", is_flag=True, help="Ask no language model, whatever the settings say."),
        click.option("--judge", type=click.Choice(["citewell", "llm", "none"]),
                     help="Who judges whether quotes support a sentence."),
        click.option("--llm-model", metavar="NAME", help="The model's name, if the server has several."),
        click.option("--llm", "llm_url", metavar="URL",
                     help="Have the language model at this address write the answer."),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return cast(F, wrapped)


def make_parts(
    library: Path | None, model: str | None, *, offline: bool = False, llm: Llm | None = None
) -> Parts:
    """The parts for these flags; an option given before the command counts where none follows it.

    Only a command that hands `llm` in, even an empty one, can ever reach a language model.

    Whoever calls the command line from Python may hand a Network in as the context's object.
    """
    from qa.settings import load_settings
    from tui.parts import Parts

    context = click.get_current_context()
    settings = load_settings(
        library=library or _earlier(context, "library"),
        model=model or _earlier(context, "model"),
        offline=offline or _earlier(context, "offline") or None,
        llm_url=llm.url if llm else None,
        llm_model=llm.model if llm else None,
        judge=llm.judge if llm else None,
    )
    if llm is None or llm.none:
        settings = settings.model_copy(update={"llm_url": None})
    return Parts(settings, context.find_root().obj)


def _earlier(context: click.Context, name: str) -> Any:
    """An option given before the command, or before the group that the command is in."""
    above = context.parent
    while above is not None:
        if above.params.get(name):
            return above.params[name]
        above = above.parent
    return None


def make_filters(
    papers: tuple[str, ...], years: str | None, sections: tuple[str, ...], tags: tuple[str, ...] = ()
) -> Filters:
    """The filters for these flags; click.BadParameter for years that are none."""
    from qa.model import Filters

    between = _years(years) if years is not None else None
    return Filters(papers, between, listed(sections), tags=listed(tags))


def listed(values: tuple[str, ...]) -> tuple[str, ...]:
    """The names in values such as "methods,results", in order."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _years(text: str) -> tuple[int | None, int | None]:
    found = _YEARS.fullmatch(text.strip())
    if found is None or not (found[1] or found[3]):
        raise click.BadParameter(f"{text[:40]!r} is no range of years", param_hint="--year")
    low, high = (int(year) if year else None for year in (found[1], found[3]))
    if found[2] is None:
        return low or high, low or high
    if low and high and low > high:
        raise click.BadParameter(f"{low} comes after {high}", param_hint="--year")
    return low, high
