"""What the library knows of one row: the record, files, notes and tags, or why there is no paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from qa.references import full_reference
from tui.clean import line
from tui.times import when
from tui.widgets.ink import MUTED
from tui.widgets.place import counted, shortened

if TYPE_CHECKING:
    from index.reader import StoredPaper
    from tui.listing import Row

_LONGEST = 1_500  # characters of a title or a reference: enough for every real one
_FORMATS = {"jats": "JATS XML", "pdf": "PDF", "html": "HTML", "markdown": "Markdown", "text": "text",
            "tomesphere": "tomesphere page"}  # fmt: skip


class Details(VerticalScroll, can_focus=False):
    """Beside the table where there is room."""

    def compose(self) -> ComposeResult:
        """One text."""
        self.border_title = "Details"
        yield Static(id="facts")

    def show(self, row: Row | None) -> None:
        """Shows a row, or nothing."""
        self.query_one("#facts", Static).update(facts(row) if row else Content(""))
        self.scroll_home(animate=False)


def facts(row: Row) -> Content:
    """All that is known of a row."""
    return _of_paper(row.paper) if row.paper else _of_failure(row)


def _of_failure(row: Row) -> Content:
    parts: list[str | tuple[str, str]] = [
        (row.name, "bold"), "\n\n", ("✗ ", "$text-error"), row.title or "there is no paper in it",
    ]  # fmt: skip
    if row.hint:
        parts.append(f"\n\n{row.hint}")
    parts.append(("\n\nPress r to try again what failed.", MUTED))
    if row.path:
        parts += [("\n\nFile\n", MUTED), line(row.path)]
    return Content.assemble(*parts)


def _of_paper(paper: StoredPaper) -> Content:
    record = paper.record
    parts: list[str | tuple[str, str]] = [
        (shortened(line(record.title[: _LONGEST * 2]), _LONGEST), "bold"),
        "\n\n",
        (shortened(line(full_reference(record)[: _LONGEST * 2]), _LONGEST), MUTED),
        "\n",
    ]
    figures = [
        ("Text", f"{counted(paper.passages, 'passage')}, from {_FORMATS.get(paper.format, paper.format)}"),
        ("Tags", ", ".join(paper.tags) or "none (t gives some)"),
        ("DOI", record.ids.doi), ("PMCID", record.ids.pmcid), ("PMID", record.ids.pmid),
        ("arXiv", record.ids.arxiv), ("Published", record.date), ("Licence", record.licence),
        ("Added", when(paper.added)[:10]), ("Key", paper.key),
    ]  # fmt: skip
    for name, value in figures:
        if value:
            parts += [(f"\n{name:<10}", MUTED), line(str(value))]
    for path in paper.paths:
        parts += [("\nFile      ", MUTED), line(path)]
    if paper.body_missing:
        parts += [("\n\n! ", "$text-warning"), "Only a summary or an abstract: the body is missing."]
    if paper.pending:
        parts += [("\n\n! ", "$text-warning"), "Found by its words only so far: u goes on with the rest."]
    for note in paper.notes:
        parts += [("\n\n! ", "$text-warning"), line(note)]
    return Content.assemble(*parts)
