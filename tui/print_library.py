"""Papers, failures, the library's figures and the doctor's findings as lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from index.cited import Cited
from index.doctor import Finding
from index.events import RequestFailed
from index.model import Section
from index.reader import Source, StoredPaper
from index.requests import Request
from qa.references import full_reference
from tui.clean import line
from tui.console import console, count, shortened
from tui.diagnostics import note
from tui.print_fetch import print_failures_of

_LISTED = 20


def print_papers(papers: Sequence[StoredPaper], failed: int, unserved: int = 0) -> None:
    """One line a paper: key, year, first author, title, passages."""
    from rich.table import Table

    out = console()
    if not papers:
        out.print("The library is empty. Fill it with: citewell add FOLDER")
    elif sys.stdout.isatty():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, options in (("Paper", {"no_wrap": True}), ("Year", {}), ("First author", {}), ("Title", {}),
                              ("Passages", {"justify": "right"})):  # fmt: skip
            table.add_column(name, **options)
        for paper in papers:
            table.add_row(*(Text(cell) for cell in _row(paper)))
        out.print(table)
    else:
        for paper in papers:
            click.echo("\t".join(_row(paper)))
    if failed:
        note(f"{count(failed, 'file')} failed: citewell papers --failed")
    if unserved:
        note(f"{count(unserved, 'paper')} could not be fetched: citewell papers --failed")


def _row(paper: StoredPaper) -> list[str]:
    record = paper.record
    title = line(record.title) + (" (body missing)" if paper.body_missing else "")
    title += " (retracted)" if any("was retracted" in note for note in paper.notes) else ""
    title += " (words only so far)" if paper.pending else ""
    title += "".join(f" #{line(tag)}" for tag in paper.tags)
    author = line(record.authors[0].family) if record.authors else ""
    return [line(paper.key), str(record.year or ""), author, title, str(paper.passages)]


def print_failures(sources: Sequence[Source], requests: Sequence[Request] = ()) -> None:
    """Each file that gave no paper and each paper that no service gave: the reason, and what to do."""
    out = console()
    for source in sources:
        out.print(Text(f"✗ {line(source.path)}: {line(source.reason)}"))
        if source.hint:
            out.print(Text(f"    {line(source.hint)}", "dim"))
    failed = [RequestFailed(r.name, r.wanted.title, r.reason, r.hint) for r in requests]
    print_failures_of(tuple(failed), limit=len(failed))
    if not sources and not requests:
        out.print("No file failed.")


def print_cited(found: Sequence[Cited], *, missing: bool) -> None:
    """What a paper cites: id, tab, words; without an id as a remark. Such lines `citewell add -` takes."""
    for one in found:
        words = shortened(one.reference.text or one.reference.title, 160)
        here = "" if missing else ("✓ " if one.key else "  ")
        named = one.wanted.can_be_fetched
        # Not by Rich, which makes spaces of the tab.
        click.echo(f"{line(one.wanted.name)}\t{here}{words}" if named else f"# {here}no id: {words}")
    without = sum(not one.wanted.can_be_fetched for one in found)
    lacked = " that the library lacks" if missing else ""
    number = count(len(found), "reference")
    note(f"{number}{lacked}, {without} without an id")


def print_paper(
    paper: StoredPaper,
    sections: Sequence[Section],
    characters: int,
    pages: int,
    references: int,
    served: Request | None = None,
) -> None:
    """The record and the outline of one paper."""
    out = console()
    record = paper.record
    out.print(Text(line(record.title), "bold"))
    out.print(Text(line(full_reference(record)), "dim"))
    facts = [
        ("Paper", paper.key), ("DOI", record.ids.doi), ("PMCID", record.ids.pmcid), ("PMID", record.ids.pmid),
        ("arXiv", record.ids.arxiv), ("Published", record.date), ("Licence", record.licence),
        ("Tags", ", ".join(paper.tags)),
        ("Text", f"{characters:,} characters, {count(paper.passages, 'passage')}"
                 + (f", {count(pages, 'page')}" if pages else "")),
        ("References", str(references) if references else None), ("Read from", ", ".join(paper.paths)),
        ("Served by", f"{served.service} {served.url}" if served else None),
    ]  # fmt: skip
    for name, value in facts:
        if value:
            out.print(Text(f"{name:<11} {line(value)}"))
    if paper.body_missing:
        out.print(Text("The body is missing: this is a summary or an abstract.", "yellow"))
    if paper.pending:
        out.print(Text("Found by its words only so far: citewell sync goes on with the rest.", "yellow"))
    for remark in paper.notes:
        out.print(Text(f"! {line(remark)}", "yellow"))
    out.print()
    for section in sections:
        indent = "  " * max(0, len(section.path) - 1)
        name = section.path[-1] if section.path else "(no heading)"
        out.print(
            Text.assemble(f"{indent}{line(name)}", (f"  {section.span.start}–{section.span.end}", "dim"))
        )


def print_status(shown: dict[str, Any]) -> None:
    """The figures of a library."""
    out = console()
    missing = f" ({shown['body_missing']} without body)" if shown["body_missing"] else ""
    rows = [
        ("Library", shown["library"]),
        ("Papers", f"{shown['papers']:,}{missing}"),
        ("Passages", f"{shown['passages']:,}{_waiting(shown)}"),
        ("Files", f"{shown['sources']:,}, {shown['failed']:,} failed"),
        ("Model", f"{shown['model']} ({shown['dimension']} dimensions)" if shown["model"] else "none yet"),
        ("Size", f"{shown['bytes'] / 1e6:,.1f} MB"),
        ("Follows", _shortened(shown["follows"]) or "nothing"),
    ]
    for name, value in rows:
        out.print(Text(f"{name:<9} {line(str(value))}"))


def _waiting(shown: dict[str, Any]) -> str:
    """Passages that can be found by their words, but not yet by their meaning."""
    if not shown["pending_passages"]:
        return ""
    papers = count(shown["pending_papers"], "paper")
    return f" ({shown['pending_passages']:,} of {papers} wait to be embedded: citewell sync)"


def _shortened(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _LISTED:,} more" if len(paths) > _LISTED else ""
    return ", ".join(paths[:_LISTED]) + more


def print_finding(finding: Finding) -> None:
    """One check of the doctor."""
    out = console()
    if not finding.problems:
        out.print(Text(f"✓ {finding.check}", "green"))
        return
    mark, style = ("✓", "green") if finding.repaired else ("✗", "red")
    out.print(Text(f"{mark} {finding.check}{' (repaired)' if finding.repaired else ''}", style))
    for problem in finding.problems[:_LISTED]:
        out.print(Text(f"    {line(problem)}"))
