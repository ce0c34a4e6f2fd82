"""Measures how well questions find their passages, and shows it beside the last time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from index.errors import CitewellError
from tui.clean import line
from tui.eval_view import about, comparison, explained, plot, table
from tui.evaluating import Measured, Target, dataset_target, measuring, own_target
from tui.screens.line_dialog import LineDialog
from tui.screens.working import WorkingScreen
from tui.widgets.ink import MUTED
from tui.widgets.key_line import KeyLine
from tui.widgets.place import counted
from tui.widgets.work_panel import WorkPanel
from tui.work import Job
from tui.work_messages import Refused, WorkEnded

if TYPE_CHECKING:
    from tui.parts import Parts

_LIMIT = 100  # questions: some minutes at most
_NOT_YET = (
    "Nothing was measured here yet.\n\n"
    "Press enter to ask questions made from your own papers: sentences of their\n"
    "abstracts, for each of which the paper's body should be found.\n\n"
    "Press d to choose a dataset of your own, or a public one (BEIR, SQuAD)."
)
_DATASET = "A folder in the layout of BEIR, one with questions.jsonl and papers, or a SQuAD file."


class Chosen(Message):
    """What will be asked."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


class EvalScreen(WorkingScreen):
    """The last result of what is chosen, and a run of it in a thread."""

    KEPT = (Measured,)
    AUTO_FOCUS = "#result"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", id="evals.run", tooltip="Ask the questions and measure what is found"),
        Binding("d", "dataset", "Dataset", id="evals.dataset", tooltip="Choose a dataset"),
        Binding("o", "own", "Own papers", id="evals.own", tooltip="Ask questions made from your own papers"),
        Binding("n", "limit", "Number", id="evals.limit", tooltip="Change how many questions are asked"),
        Binding("escape", "back", "Back", id="evals.back", tooltip="Stop what runs; or back to the library"),
    ]

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self._target = Target("your own papers")
        self._limit = _LIMIT
        self._measured: Measured | None = None

    def compose(self) -> ComposeResult:
        """What is asked, what came of it, work, what was done, keys."""
        yield Static(Content("Evals"), id="headline")
        with VerticalScroll(id="result"):
            for name in ("about", "table", "plot", "compared", "explained"):
                yield Static(Content(""), id=name)
        yield WorkPanel()
        yield Static(Content(""), id="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """The own papers, unless something else is chosen."""
        self.query_one("#said").display = False
        self._draw()
        self.action_own()

    def on_resize(self) -> None:
        """The table and the bars follow the width."""
        self._draw()

    # --- choosing ---------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, exit_on_error=False, group="choose")
    def _choose(self, place: Path | None) -> None:
        try:
            target = own_target(self._parts) if place is None else dataset_target(place)
        except CitewellError as error:
            self.post_message(Refused(error.message, error.hint))
        else:
            self.post_message(Chosen(target))

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        self._target, self._measured = message.target, None
        if message.target.last is not None:
            self._measured = Measured(message.target.last, "")
        self.say("")
        self._draw()

    @on(Refused)
    def _refused(self, message: Refused) -> None:
        self.complain(message.message, message.hint)

    def action_own(self) -> None:
        """Chooses the library's own papers."""
        if self.job is None:
            self._choose(None)

    def action_dataset(self) -> None:
        """Asks for a dataset."""
        from tui.paths import completions

        dialog = LineDialog("Dataset", _DATASET, placeholder="~/datasets/scifact", complete=completions)
        self.app.push_screen(dialog, self._take_dataset)

    def _take_dataset(self, typed: str | None) -> None:
        if typed and self.job is None:
            self._choose(Path(typed))

    def action_limit(self) -> None:
        """Asks how many questions."""
        dialog = LineDialog("Number of questions", "The same ones every time, spread over all.",
                            value=str(self._limit))  # fmt: skip
        self.app.push_screen(dialog, self._take_limit)

    def _take_limit(self, typed: str | None) -> None:
        if typed is None:
            return
        if typed.isdecimal() and int(typed[:9]) > 0:
            self._limit = int(typed[:9])
            self.say("")
            self._draw()
        else:
            self.complain(f"{typed[:40]!r} is no number of questions", "Type one such as 100.")

    # --- running ----------------------------------------------------------------------------------------

    def action_run(self) -> None:
        """Begins."""
        target, limit = self._target, self._limit
        self.begin(Job(f"Asking {target.name}", lambda: measuring(self._parts, target, limit),
                       goes_on="enter goes on with what was built"))  # fmt: skip

    def ended(self, message: WorkEnded) -> None:
        """Shows the result."""
        measured = next((event for event in message.kept if isinstance(event, Measured)), None)
        if measured is not None:
            self._measured = measured
            self.say(f"kept in {measured.kept}")
            self._draw()
        elif message.stopped:
            self.say(f"stopped · {message.job.goes_on}")

    def action_back(self) -> None:
        """Stops what runs, or goes back."""
        if not self.stop():
            self.app.switch_mode("library")

    # --- drawing ----------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        target, measured = self._target, self._measured
        asked = min(self._limit, target.questions or self._limit)
        facts = f"{line(target.name)} · up to {counted(asked, 'question')}"
        self.query_one("#headline", Static).update(Content.assemble(("Evals", "bold"), (" ─ ", MUTED), facts))
        self._show("about", about(measured.result) if measured else Content(_NOT_YET))
        width = self.query_one("#result").content_size.width or self.size.width
        result = measured.result if measured else None
        before = measured.before if measured else None
        self._show("table", table(result, width) if result else None)
        self._show("plot", plot(result, width, before) if result else None)
        self._show("compared", comparison(before, measured.found) if measured and before else None)
        self._show("explained", explained(list(result.stages)) if result else None)

    def _show(self, name: str, content: Content | None) -> None:
        widget = self.query_one(f"#{name}", Static)
        widget.display = content is not None
        widget.update(content or Content(""))
