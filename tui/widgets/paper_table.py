"""The table of the library. Only the lines in sight are drawn, so ten thousand papers cost what ten do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.listing import Row

_WITH_TITLE, _WITH_FIGURES, _WITH_TAGS = 34, 64, 84  # columns from which there is room for these
_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, which is also what it sorts by, and its place on the line."""

    name: str
    left: int
    width: int
    right_aligned: bool = False


def columns_for(width: int, tags: int) -> list[Column]:
    """The columns there is room for; the title takes what the others leave. `tags`: cells of the longest."""
    wanted: list[tuple[str, int]] = [
        ("", 1),
        ("Paper", min(28, width // 4) if width >= _WITH_FIGURES else 14),
    ]
    if width < _WITH_TITLE:
        return [Column("", 1, 1), Column("Paper", 4, max(1, width - 5))]
    after: list[tuple[str, int]] = []
    if width >= _WITH_FIGURES:
        after += [("Year", 4), ("Passages", 8)]
    if width >= _WITH_TAGS and tags:
        after.append(("Tags", min(max(tags, 6), 28, width // 5)))
    taken = 1 + sum(w + _GAP for _, w in (*wanted, *after))
    found, left = [], 1
    for name, size in (*wanted, ("Title", max(1, width - taken - 1)), *after):
        found.append(Column(name, left, size, name in ("Year", "Passages")))
        left += size + _GAP
    return found


class PaperTable(ScrollView, can_focus=True):
    """Rows to walk through and to choose from; the head line tells what they are sorted by."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "paper-table--head", "paper-table--cursor", "paper-table--failed", "paper-table--found",
        "paper-table--muted",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read", id="papers.open", tooltip="Read the paper"),
        Binding("up,k", "move(-1)", "Up", show=False, id="papers.up", tooltip="One paper up or down"),
        Binding("down,j", "move(1)", "Down", show=False, id="papers.down", tooltip="One paper up or down"),
        Binding(
            "pageup", "page(-1)", "Page up", show=False, id="papers.page_up", tooltip="A page up or down"
        ),
        Binding(
            "pagedown", "page(1)", "Page down", show=False, id="papers.page_down", tooltip="A page up or down"
        ),
        Binding("home,g", "edge(0)", "First", show=False, id="papers.first", tooltip="To the first or last"),
        Binding("end,G", "edge(1)", "Last", show=False, id="papers.last", tooltip="To the first or last"),
    ]
    cursor: reactive[int] = reactive(0)

    @dataclass
    class Opened(Message):
        """The row is to be opened."""

        row: Row

    @dataclass
    class Walked(Message):
        """The cursor stands on this row now; None where there is no row."""

        row: Row | None

    @dataclass
    class SortWanted(Message):
        """The heading of this column was clicked."""

        column: str

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self.sorted_by = ""
        self.backwards = False
        self._columns: list[Column] = []
        self._arranged = 0  # the width for which the columns were made

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[Row], sorted_by: str, *, backwards: bool) -> None:
        """Shows these rows; the cursor stays on the row on which it stood, if that is still there."""
        before = self.row
        self.rows, self.sorted_by, self.backwards = rows, sorted_by, backwards
        at = next((i for i, row in enumerate(rows) if before and row.key == before.key), None)
        self._arrange()
        self.cursor = min(self.cursor, max(0, len(rows) - 1)) if at is None else at
        self._reveal()
        self.refresh()
        self.post_message(self.Walked(self.row))

    def on_resize(self) -> None:
        """The columns follow the width."""
        self._arrange()
        self._reveal()

    def _arrange(self) -> None:
        width = self.scrollable_content_region.width
        self.virtual_size = Size(width, len(self.rows) + 1)
        self._arrange_columns(width)

    def _arrange_columns(self, width: int) -> None:
        self._arranged = width
        tags = max((cell_len(", ".join(row.tags)) for row in self.rows if row.tags), default=0)
        self._columns = columns_for(width, tags)

    def _reveal(self) -> None:
        page = max(1, self.scrollable_content_region.height - 1)
        top = round(self.scroll_y)
        top = min(max(top, self.cursor - page + 1), self.cursor)
        self.scroll_to(y=top, animate=False)

    def watch_cursor(self, _before: int, _now: int) -> None:
        """Brings the cursor into sight and says where it is."""
        self._reveal()
        self.refresh()
        self.post_message(self.Walked(self.row))

    # --- drawing ----------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """The head line, or a row."""
        width = self.scrollable_content_region.width
        if width != self._arranged:  # the scrollbar came or went
            self._arrange_columns(width)
        at = round(self.scroll_offset.y) + y - 1
        if y == 0:
            strip = self._head()
        elif at < len(self.rows):
            strip = self._line(self.rows[at], is_cursor=at == self.cursor)
        else:
            strip = Strip.blank(width, self.rich_style)
        return strip.crop(0, width)

    def _head(self) -> Strip:
        style = self.get_component_rich_style("paper-table--head")
        arrow = "▲" if self.backwards else "▼"
        cells = [
            (c, f"{c.name} {arrow}" if c.name == self.sorted_by and c.width > len(c.name) + 1 else c.name)
            for c in self._columns
        ]
        return self._strip([(column, text, style) for column, text in cells], style)

    def _line(self, row: Row, *, is_cursor: bool) -> Strip:
        ground = self.get_component_rich_style("paper-table--cursor") if is_cursor else self.rich_style
        kinds = {"": "found" if row.paper else "failed"}
        if row.paper is None:
            kinds["Title"] = "failed"
        else:
            kinds |= {"Year": "muted", "Passages": "muted", "Tags": "muted"}
        # The year has a column of its own, and the name is cut less often without it.
        dated = any(column.name == "Year" for column in self._columns)
        texts = {
            "": row.mark, "Paper": row.name.removesuffix(f" {row.year}") if dated else row.name,
            "Title": row.title, "Year": str(row.year or ""),
            "Passages": f"{row.passages:,}" if row.paper else "", "Tags": ", ".join(row.tags),
        }  # fmt: skip
        cells = []
        for column in self._columns:
            kind = kinds.get(column.name)
            style = (
                self.get_component_rich_style(f"paper-table--{kind}") if kind and not is_cursor else ground
            )
            cells.append((column, texts[column.name], style))
        return self._strip(cells, ground)

    def _strip(self, cells: Sequence[tuple[Column, str, Style]], ground: Style) -> Strip:
        width = self.scrollable_content_region.width
        segments, at = [], 0
        for column, text, style in cells:
            segments.append(Segment(" " * (column.left - at), ground))
            segments.append(Segment(fitted(text, column), style))
            at = column.left + column.width
        segments.append(Segment(" " * max(0, width - at), ground))
        return Strip(segments)

    # --- what the user does -----------------------------------------------------------------------------

    def action_open(self) -> None:
        """Opens the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Opened(self.row))

    def action_move(self, step: int) -> None:
        """Up or down by some rows."""
        self.cursor = min(max(self.cursor + step, 0), max(0, len(self.rows) - 1))

    def action_page(self, step: int) -> None:
        """Up or down by a screenful."""
        self.action_move(step * max(1, self.scrollable_content_region.height - 2))

    def action_edge(self, last: int) -> None:
        """To the first or the last row."""
        self.action_move(len(self.rows) if last else -len(self.rows))

    def on_click(self, event: events.Click) -> None:
        """A heading sorts; a row is chosen, and a chosen one is opened."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = next((c for c in reversed(self._columns) if offset.x >= c.left - 1), None)
            if column is not None:
                self.post_message(self.SortWanted(column.name))
            return
        at = round(self.scroll_offset.y) + offset.y - 1
        if at < len(self.rows):
            if at == self.cursor and event.chain > 1:
                self.action_open()
            self.cursor = at

    def region_of(self, key: str) -> Region | None:
        """Where a row is drawn, if it is in sight."""
        at = next((i for i, row in enumerate(self.rows) if row.key == key), -1) - round(self.scroll_y)
        inside = 0 <= at < self.size.height - 1
        return Region(self.region.x, self.region.y + at + 1, self.region.width, 1) if inside else None


def fitted(text: str, column: Column) -> str:
    """The text in exactly the width of the column; what does not fit ends in an ellipsis."""
    if cell_len(text) > column.width:
        text = set_cell_size(text, column.width - 1).rstrip() + "…" if column.width > 1 else "…"
    short = max(0, column.width - cell_len(text))
    return " " * short + text if column.right_aligned else text + " " * short
