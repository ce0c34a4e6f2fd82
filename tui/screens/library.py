"""The library: its papers, what failed and why, and all that changes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from index.errors import CitewellError
from index.events import RunFetched, Synced
from tui.listing import Row
from tui.screens.confirm import ConfirmScreen
from tui.screens.library_table import LibraryTable
from tui.screens.line_dialog import LineDialog
from tui.widgets.ink import MUTED
from tui.widgets.place import shortened
from tui.work import (
    Job,
    adding_job,
    happened,
    outcome,
    restoring_job,
    retrying_job,
    updating_job,
    watching_job,
)
from tui.work_messages import Changed, Refused, WorkEnded, WorkSaw

if TYPE_CHECKING:
    from index.restore import Removed
    from tui.parts import Parts

SETTLE_SECONDS = 2.0  # how long a file must have stood still before a watched folder's is read
_ADD = "A folder or file of papers, or a DOI, PMCID, PMID, arXiv id, link, or list of these."
_TAGS = "Tags with commas between them. Questions can be limited to them."


class LibraryScreen(LibraryTable):
    """The table, and what can be done: each long work runs in a thread below it."""

    KEPT = (Synced, RunFetched)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="library.back",
                tooltip="Stop what runs; or back to the questions"),
        Binding("a", "add", "Add", id="library.add", tooltip="Add a folder, a file, an id or a link"),
        Binding("u", "update", "Update", id="library.update",
                tooltip="Take in what is new, changed or gone in the folders; goes on with what was stopped"),
        Binding("r", "retry", "Retry", id="library.retry", tooltip="Try again what failed"),
        Binding("d,delete", "remove", "Remove", id="library.remove",
                tooltip="Take the paper out; its file stays"),
        Binding("z", "undo", "Undo", id="library.undo", tooltip="Bring back what was removed last"),
        Binding("t", "tags", "Tags", id="library.tags", tooltip="Change the paper's tags"),
        Binding("w", "watch", "Watch", id="library.watch",
                tooltip="Take in changes in the folders as they happen; or end that"),
        Binding("e", "evals", "Evals", show=False, id="library.evals",
                tooltip="Measure how well questions find their papers"),
        Binding("ctrl+l", "app.switch_mode('chat')", "Questions", show=False, id="library.chat",
                tooltip="Back to the questions; what runs goes on"),
    ]  # fmt: skip

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._removed: list[list[Removed]] = []
        self._restoring: list[Removed] = []
        self._then: Job | None = None

    # --- long work --------------------------------------------------------------------------------------

    def begin(self, job: Job) -> bool:
        """Begins work; watching makes way for it, and goes on afterwards."""
        if self.job is not None and self.job.watches and not job.watches:
            self._then = job
            return self.stop()
        return super().begin(job)

    @on(WorkSaw)
    def _tell(self, message: WorkSaw) -> None:
        if self.job is not None and self.job.watches and (said := happened(message.event)):
            self.say(said)

    def ended(self, message: WorkEnded) -> None:
        """Says what came of it, and goes on with what waits."""
        self.list_again()
        job, then, self._then = message.job, self._then, None
        if self._restoring and not message.kept:
            self._removed.append(self._restoring)
        self._restoring = []
        if then is not None:
            super().begin(then)
        elif self.watching and not job.watches:
            self._watch()
        elif job.watches:
            self.watching = False
            self.fill()
        said = " · ".join(filter(None, map(outcome, message.kept)))
        if message.stopped and not job.watches:
            self.say(f"stopped; what was done is kept · {job.goes_on}")
        elif said and not job.watches:  # after watching has begun anew, which empties the line
            self.say(said)

    def action_add(self) -> None:
        """Asks what to add."""
        from tui.paths import completions

        self.app.push_screen(
            LineDialog("Add papers", _ADD, placeholder="~/papers", complete=completions), self._add
        )

    def _add(self, item: str | None) -> None:
        if item and item != "-":  # which would be a list on stdin
            self.begin(adding_job(self._parts, item))

    def action_update(self) -> None:
        """Makes the library equal its folders."""
        self.begin(updating_job(self._parts))

    def action_retry(self) -> None:
        """Tries again what failed."""
        self.begin(retrying_job(self._parts))

    def action_watch(self) -> None:
        """Begins or ends to watch the followed folders."""
        if self.watching:
            self.watching = False
            if self.job is not None and self.job.watches:
                self.stop()
                self.say("no longer watching")
            self.fill()
        elif not self.listing.folders:
            self.say("there is no folder to watch yet; press a and add one")
        else:
            self._watch()

    def _watch(self) -> None:
        self.watching = self.begin(watching_job(self._parts, self.listing.folders, SETTLE_SECONDS))
        self.fill()

    def action_back(self) -> None:
        """Stops what runs, leaves the filter, empties it, or goes back to the questions: one at a time."""
        typed = self.query_one("#filter", Input)
        if typed.has_focus:
            self.table.focus()
        elif self.job is not None and not self.job.watches:
            self.stop()
        elif typed.value:
            typed.value = ""
        else:
            self.app.switch_mode("chat")

    def action_evals(self) -> None:
        """Goes to the evaluations."""
        self.app.switch_mode("evals")

    # --- small changes ----------------------------------------------------------------------------------

    def action_remove(self) -> None:
        """Asks, and takes the paper out."""
        row = self.table.row
        if row is None or row.paper is None:
            return
        text = Content.assemble(
            ("Take this paper out of the library?\n\n", "bold"), shortened(row.title, 200),
            ("\n\nIts file stays where it is, and the library leaves it alone from now on.\n"
             "z brings the paper back, with its tags, as long as the file is there.", MUTED),
        )  # fmt: skip
        self.app.push_screen(ConfirmScreen("Remove", text), partial(self._remove_if, row))

    def _remove_if(self, row: Row, yes: bool | None) -> None:
        if yes:
            from tui.changes import removing

            self._change(removing(self._parts.library, row))

    def action_undo(self) -> None:
        """Brings back what was removed last."""
        if self._removed and self.begin(restoring_job(self._parts, self._removed[-1])):
            self._restoring = self._removed.pop()

    def action_tags(self) -> None:
        """Asks for the paper's tags."""
        row = self.table.row
        if row is None or row.paper is None:
            return
        from tui.changes import tag_completions

        complete = tag_completions(self.listing.tags)
        dialog = LineDialog("Tags", _TAGS, value=", ".join(row.tags), placeholder="trials, safety",
                            complete=complete)  # fmt: skip
        self.app.push_screen(dialog, partial(self._tag, row))

    def _tag(self, row: Row, typed: str | None) -> None:
        if typed is not None:
            from tui.changes import tagging

            self._change(tagging(self._parts.library, row, typed))

    @work(thread=True, exit_on_error=False, group="change")
    def _change(self, change: Callable[[], Changed]) -> None:
        try:
            self.post_message(change())
        except CitewellError as error:
            self.post_message(Refused(error.message, error.hint))

    @on(Changed)
    def _changed(self, message: Changed) -> None:
        if message.removed:
            self._removed.append(list(message.removed))
        self.say(message.said)
        self.list_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can do nothing now is out of the way."""
        if not self.is_mounted:
            return True
        row = self.table.row if self.table.display else None
        if action in ("remove", "tags"):
            return True if row and row.paper else None
        able = {"undo": bool(self._removed), "retry": bool(self.listing.failed)}
        return able[action] if action in able else super().check_action(action, parameters)
