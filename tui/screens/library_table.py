"""The half of the library screen that shows: the table, its filter and order, details, and reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from index.errors import CitewellError, LibraryMissing
from tui.clean import line
from tui.listing import ORDERS, Listing, Row, matching, ordered, read_generation, read_listing
from tui.screens.confirm import DetailsScreen
from tui.screens.reader import ReaderScreen
from tui.screens.working import WorkingScreen
from tui.widgets.details import Details, facts
from tui.widgets.ink import MUTED
from tui.widgets.key_line import KeyLine
from tui.widgets.paper_table import PaperTable
from tui.widgets.place import counted
from tui.widgets.work_panel import WorkPanel
from tui.work_messages import Listed, PaperToRead, Refused, Unlisted

if TYPE_CHECKING:
    from tui.parts import Parts

WIDE = 110  # columns from which the details stand beside the table
_SHORT = 16
_LOOK_SECONDS = 2.0  # between two looks at whether the library has changed
_EMPTY = (
    "There are no papers here yet.\n\n"
    "Press a and name a folder of papers, a file, or a DOI, PMCID, PMID,\narXiv id or link.\n\n"
    "Papers may be PDF, JATS XML, Markdown, HTML or text."
)


class LibraryTable(WorkingScreen):
    """Shows what the library holds, and looks now and then whether that has changed."""

    AUTO_FOCUS = "PaperTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (Textual declares no ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (_SHORT, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort", show=False, id="library.sort", tooltip="Sort by the next column"),
        Binding("S", "turn", "Turn", show=False, id="library.turn", tooltip="Turn the order around"),
        Binding("slash", "filter", "Filter", key_display="/", id="library.filter",
                tooltip="Show only papers that hold these words, e.g. wang 2026 #trials, or failed"),
        Binding("i", "details", "Details", show=False, id="library.details",
                tooltip="Show what is known of the paper"),
        Binding("o", "browse", "Open online", show=False, id="library.browse",
                tooltip="Open the paper's page in the browser"),
        Binding("down", "to_table", "Papers", show=False, id="library.to_table",
                tooltip="From the filter to the papers"),
    ]  # fmt: skip

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self.listing = Listing()
        self.watching = False  # whether changes in the folders are taken in
        self._order, self._backwards = "Paper", False

    def compose(self) -> ComposeResult:
        """Head line, filter, table with details, work, what was done, keys."""
        yield Static(Content("Library"), id="headline")
        yield Input(placeholder="/ to filter: words of the title or name, a year, #tag, failed", id="filter",
                    select_on_focus=False)  # fmt: skip
        with Container(id="main"):
            yield PaperTable()
            yield Static(Content(""), id="empty")
            yield Details()
        yield WorkPanel()
        yield Static(Content(""), id="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """Reads the library once there is something to look at."""
        for name in ("#empty", "#said"):
            self.query_one(name).display = False
        self.call_after_refresh(self.list_again)
        self.set_interval(_LOOK_SECONDS, self._look)

    def on_screen_resume(self) -> None:
        """It may have changed while the user was elsewhere."""
        self._look()

    @property
    def table(self) -> PaperTable:
        """The table of papers."""
        return self.query_one(PaperTable)

    # --- reading the library ----------------------------------------------------------------------------

    def _look(self) -> None:
        if self.is_current:
            self.list_again(self.listing.generation)

    @work(thread=True, exclusive=True, exit_on_error=False, group="list")
    def list_again(self, known: int = -1) -> None:
        """Reads the library, unless it is still in the state that is `known`."""
        library = self._parts.library
        try:
            if known < 0 or read_generation(library) != known:
                self.post_message(Listed(read_listing(library)))
        except CitewellError as error:
            missing = isinstance(error, LibraryMissing)
            self.post_message(Unlisted(error.message, error.hint, missing))

    @on(Listed)
    def _show_listing(self, message: Listed) -> None:
        self.listing = message.listing
        self.fill()

    @on(Unlisted)
    def _show_nothing(self, message: Unlisted) -> None:
        if message.missing:
            self.listing = Listing()
            self.fill()
        elif self.job is None:
            self.complain(message.message, message.hint)

    def fill(self) -> None:
        """Shows the rows that the filter leaves, in order."""
        listing, typed = self.listing, self.query_one("#filter", Input).value
        found = matching(listing.rows, typed)
        self.table.show(ordered(found, self._order, backwards=self._backwards), self._order,
                        backwards=self._backwards)  # fmt: skip
        empty = self.query_one("#empty", Static)
        empty.display = not found
        self.table.display = bool(found)
        empty.update(Content(_EMPTY if not listing.rows else "No paper holds all of these words."))
        self.query_one(Details).set_class(not found, "-away")
        self._head(len(found) if typed.strip() else None)

    def _head(self, shown: int | None) -> None:
        listing = self.listing
        said = [line(self._parts.library.folder.name)]
        said.append(f"{shown:,} of {counted(listing.papers, 'paper')}" if shown is not None
                    else counted(listing.papers, "paper"))  # fmt: skip
        said += [f"{listing.failed:,} failed"] if listing.failed else []
        said += [f"{listing.pending:,} by words only"] if listing.pending else []
        said += ["watching"] if self.watching else []
        said.append(counted(listing.passages, "passage"))
        self.query_one("#headline", Static).update(
            Content.assemble(("Library", "bold"), (" ─ ", MUTED), " · ".join(said))
        )
        self.refresh_bindings()

    # --- table and filter -------------------------------------------------------------------------------

    @on(Input.Changed, "#filter")
    def _filter(self) -> None:
        self.fill()

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.query_one("#filter").focus()

    @on(Input.Submitted, "#filter")
    def action_to_table(self) -> None:
        """Goes to the papers."""
        self.table.focus()

    def action_sort(self) -> None:
        """Sorts by the next column."""
        names = list(ORDERS)
        self._sort(names[(names.index(self._order) + 1) % len(names)])

    def action_turn(self) -> None:
        """Turns the order around."""
        self._sort(self._order)

    @on(PaperTable.SortWanted)
    def _sort_clicked(self, event: PaperTable.SortWanted) -> None:
        self._sort(event.column)

    def _sort(self, column: str) -> None:
        self._backwards = not self._backwards if column == self._order else False
        self._order = column
        self.say(f"sorted by {column.lower() or 'what failed'}{', backwards' if self._backwards else ''}")
        self.fill()

    @on(PaperTable.Walked)
    def _show_details(self, event: PaperTable.Walked) -> None:
        self.query_one(Details).show(event.row)
        self.refresh_bindings()

    def action_details(self) -> None:
        """Shows what is known of the row."""
        if row := self.table.row:
            self.app.push_screen(DetailsScreen(facts(row)))

    @on(PaperTable.Opened)
    def _open(self, event: PaperTable.Opened) -> None:
        if event.row.paper is None:
            self.action_details()
        else:
            self._read(event.row)

    @work(thread=True, exclusive=True, exit_on_error=False, group="read")
    def _read(self, row: Row) -> None:
        from tui.whole_paper import beginning

        assert row.paper is not None
        try:
            self.post_message(PaperToRead(beginning(self._parts.library, row.paper)))
        except CitewellError as error:
            self.post_message(Refused(error.message, error.hint))

    @on(PaperToRead)
    def _show_paper(self, message: PaperToRead) -> None:
        self.app.push_screen(ReaderScreen(self._parts.library, [message.place], 0, self._parts.neighbours))

    def action_browse(self) -> None:
        """Opens the paper's page."""
        from tui.browse import browse

        if (row := self.table.row) and row.paper:
            browse(self.app, row.paper.record)

    @on(Refused)
    def _refused(self, message: Refused) -> None:
        self.complain(message.message, message.hint)
        self.list_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What can do nothing now is out of the way."""
        if not self.is_mounted:
            return True
        if action in ("sort", "turn", "filter", "details"):
            return True if self.listing.rows else None
        if action == "to_table":
            return self.query_one("#filter").has_focus
        return True
