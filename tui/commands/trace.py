"""citewell trace and citewell check: where sentences come from, a user's own or those of a draft."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tui.diagnostics import Exit
from tui.options import as_json, make_filters, make_parts, place, scope

_MAX_BYTES = 8 * 1024 * 1024


@click.command(short_help="Find the paper that a sentence comes from.")
@click.argument("sentence")
@click.option("-n", "limit", type=click.IntRange(1, 100), default=5, show_default=True,
              help="At most so many places.")  # fmt: skip
@scope
@as_json
@place
def trace(
    sentence: str, limit: int, papers: tuple[str, ...], years: str | None, sections: tuple[str, ...],
    tags: tuple[str, ...], as_json: bool, library: Path | None, model: str | None,
) -> int:  # fmt: skip
    """Find where SENTENCE (- reads it from stdin) comes from: paper, section, page, place.

    Where no paper has its words, the nearest sentences are named, and the exit code is 3.
    """
    from qa.trace import best_first, checked_sentence, find_exact, find_nearest
    from tui.print_trace import place_json, print_trace

    wanted = checked_sentence(sys.stdin.read() if sentence == "-" else sentence)
    filters = make_filters(papers, years, sections, tags)
    with make_parts(library, model) as parts, parts.library.read() as reader:
        found = find_exact(reader, wanted, parts.retriever.allowed(reader, filters) if filters else None)
        exact, nearest = best_first(found, limit), []
        if not exact:
            nearest = find_nearest(reader, parts.retriever, parts.embedder, wanted, filters, limit)
    if as_json:
        shown = {
            "sentence": wanted,
            "exact": [place_json(p) | {"to_the_letter": p.same} for p in exact],
            "nearest": [place_json(n.place) | {"score": n.score} for n in nearest],
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        print_trace(exact, nearest, len(found))
    return Exit.OK if exact else Exit.PARTIAL


@click.command(short_help="Check every cited sentence of a draft.")
@click.argument("draft", type=click.Path(path_type=Path))
@click.option("--bib", "bibliography", metavar="FILE", type=click.Path(path_type=Path),
              help="BibTeX file with the keys that the draft cites.")  # fmt: skip
@as_json
@place
def check(
    draft: Path, bibliography: Path | None, as_json: bool, library: Path | None, model: str | None
) -> int:
    """Check every sentence of DRAFT (Markdown, text or LaTeX) that cites something against what it cites.

    Citations are [1] with a list of references at the end, [@key] or \\cite{key} with --bib, and
    (Wang et al., 2020) by the authors of your library. The exit code is 3 when a sentence is not supported, a
    quotation is not in its paper, or a cited paper is not in your library.
    """
    from qa.catalogue import read_bibliography
    from qa.check import Checker
    from qa.manuscript import read_manuscript
    from tui.print_check import checked_json, print_checked, print_summary, summary

    manuscript = read_manuscript(_read(draft))
    entries = read_bibliography(bibliography) if bibliography is not None else None
    found = []
    with make_parts(library, model) as parts, parts.library.read() as reader:
        checker = Checker(reader, parts.retriever, parts.embedder, parts.judge)
        for one in checker.check(manuscript, entries):
            found.append(one)
            if not as_json:
                print_checked(one)
    if as_json:
        shown = {"summary": summary(found), "sentences": [checked_json(one) for one in found]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        print_summary(found)
    return Exit.PARTIAL if any(one.wrong for one in found) else Exit.OK


def _read(draft: Path) -> str:
    from index.errors import ManuscriptError

    try:
        data = draft.read_bytes()
    except OSError as error:
        raise ManuscriptError(
            f"{draft} cannot be read: {error.strerror or error}", "Check the path of the draft."
        ) from error
    if len(data) > _MAX_BYTES or b"\0" in data[:4096]:
        raise ManuscriptError(
            f"{draft} is no text, or larger than {_MAX_BYTES // 2**20} MB",
            "Save the draft as Markdown, plain text or LaTeX.",
        )
    return data.decode("utf-8-sig", "replace")
