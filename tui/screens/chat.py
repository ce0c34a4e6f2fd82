"""Where questions are asked: the conversation, its sources, and the line to type in."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState, get_current_worker

from index.errors import CitewellError, LibraryMissing
from qa.model import Drafted
from tui.messages import LibraryRead, ModelReady, Progress, Trouble
from tui.screens.reader import ReaderScreen
from tui.widgets.ask import AskInput
from tui.widgets.conversation import Conversation
from tui.widgets.headline import HeadLine
from tui.widgets.place import Place
from tui.widgets.sources import Sources

if TYPE_CHECKING:
    from qa.conversation import Conversation as Asking
    from qa.model import Filters
    from tui.parts import Parts

WIDE = 110  # columns from which sources stand beside the answer
_SHORT = 16  # rows below which everything but the conversation and the input gives way
_NO_PAPERS = "there are no papers in this library yet"
_ADD_PAPERS = "Press ctrl+l, then a; or in another terminal, type: citewell add FOLDER"
_NOTHING_NEW = Drafted("")  # several times a second, while a language model is waited for
_PATIENCE = 0.1  # seconds between two looks at whether a waiting question was stopped


class ChatScreen(Screen[None]):
    """Asks the library and shows what it answers."""

    AUTO_FOCUS = "AskInput"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (Textual declares no ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (_SHORT, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "stop",
            "Stop",
            id="chat.stop",
            tooltip="Stop the answer, keep what is there; or back to the input",
        ),
        Binding("ctrl+o", "sources", "Sources", id="chat.sources", tooltip="Go to the list of sources"),
        Binding(
            "ctrl+l",
            "app.switch_mode('library')",
            "Library",
            id="chat.library",
            tooltip="See the papers, add some, bring them up to date",
        ),
        *(
            Binding(
                str(n),
                f"open_number({n})",
                f"Read source {n}",
                show=False,
                priority=True,  # before the input types it; the input keeps it unless it is empty
                id=f"chat.read.{n}",
                tooltip="Read the source of this number (while the input is empty)",
            )
            for n in range(1, 10)
        ),
    ]

    def __init__(self, parts: Parts, scope: Filters | None = None) -> None:
        super().__init__()
        self._parts = parts
        self._scope = scope
        # The answerer is for one thread at a time, and a stopped thread ends only when it next looks.
        self._answering = threading.Lock()
        self._asking: Asking | None = None  # from the first question on; used under the lock only

    def compose(self) -> ComposeResult:
        """Headline, conversation with sources, status, input, keys."""
        yield HeadLine(self._parts.library.folder.name, self._parts.writer_name)
        with Container(id="main"):
            yield Conversation()
            yield Sources()
        yield Static(Content("loading the model…"), id="status")
        yield AskInput()
        yield Footer()

    def on_mount(self) -> None:
        """Begins to load what the first question will need, once there is something to look at."""
        self.call_after_refresh(self._prepare)

    @property
    def conversation(self) -> Conversation:
        """The column of turns."""
        return self.query_one(Conversation)

    @property
    def busy(self) -> bool:
        """Whether a thread is loading or answering; it ends only after the step it is at."""
        return self._answering.locked()

    def on_screen_resume(self) -> None:
        """The library may have changed while the user was elsewhere."""
        self._count()

    # --- workers: they post messages and touch no widget ------------------------------------------------

    @work(thread=True, exclusive=True, exit_on_error=False, group="prepare")
    def _prepare(self) -> None:
        try:
            with self._answering:
                self._read_library()
                _ = self._parts.answerer
                self._parts.retriever.load()
        except CitewellError as error:
            self.post_message(Trouble(None, error.message, error.hint))
        finally:
            self.post_message(ModelReady())

    @work(thread=True, exclusive=True, exit_on_error=False, group="count")
    def _count(self) -> None:
        with suppress(CitewellError):
            self._read_library()

    def _read_library(self) -> None:
        with self._parts.library.read() as reader:
            papers, model = reader.counts()["papers"], reader.model()
        self.post_message(LibraryRead(papers, model[1].name if model else ""))
        if not papers:
            raise LibraryMissing(_NO_PAPERS, _ADD_PAPERS)

    @work(thread=True, exclusive=True, exit_on_error=False, group="answer")
    def _answer(self, turn: int, question: str) -> None:
        from qa.model import EVERYTHING

        worker = get_current_worker()
        while not self._answering.acquire(timeout=_PATIENCE):
            if worker.is_cancelled:
                return
        try:
            self._read_library()
            if self._asking is None:
                self._asking = self._parts.conversation()
            # Given once it is the conversation's; given again it would win over "the second paper".
            given = EVERYTHING if self._asking.turns else self._scope or EVERYTHING
            with closing(self._asking.ask(question, given)) as events:
                # Looked at before each pull: a question stopped while it waited is not even begun.
                while not worker.is_cancelled and (event := next(events, None)) is not None:
                    if event != _NOTHING_NEW:
                        self.post_message(Progress(turn, event))
        except CitewellError as error:
            self.post_message(Trouble(turn, error.message, error.hint))
        finally:
            self._answering.release()

    # --- what the workers say ---------------------------------------------------------------------------

    @on(LibraryRead)
    def _show_library(self, message: LibraryRead) -> None:
        self.query_one(HeadLine).tell(message.papers, message.model)

    @on(ModelReady)
    def _hide_status(self) -> None:
        self.query_one("#status").display = False

    @on(Progress)
    def _show_progress(self, message: Progress) -> None:
        if turn := self.conversation.turn(message.turn):
            running = turn.running
            turn.take(message.event)
            self._follow()
            if running and not turn.running:
                self.conversation.settle(turn)

    @on(Trouble)
    def _show_trouble(self, message: Trouble) -> None:
        turn = self.conversation.turn(message.turn) if message.turn else None
        if turn is not None:
            turn.fail(message.message, message.hint)
        elif message.turn is None and not self.conversation.turns:
            # Once a question was asked, its own answer says the same.
            self.conversation.complain(message.message, message.hint)
        self._follow()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error nobody foresaw ends the question with a line as well, not the program."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        turn = self.conversation.latest if event.worker.group == "answer" else None
        said = f"something went wrong inside citewell ({type(error).__name__}: {error})"
        self._show_trouble(Trouble(turn.number if turn else None, said, "Please report it."))

    def _follow(self) -> None:
        """The list of sources and the keys as the latest turn wants them."""
        if turn := self.conversation.latest:
            self.query_one(Sources).show(turn.number, turn.places)
        self.query_one(AskInput).lent = frozenset(str(place.number) for place in self._places())
        self.refresh_bindings()

    # --- what the user does -----------------------------------------------------------------------------

    @on(AskInput.Submitted)
    async def _ask(self) -> None:
        question = self.query_one(AskInput).take()
        if not question:
            return
        self._stop_answer()
        turn = await self.conversation.begin(question)
        self._follow()
        self._answer(turn.number, question)

    def _stop_answer(self) -> bool:
        turn = self.conversation.latest
        if turn is None or not turn.running:
            return False
        self.workers.cancel_group(self, "answer")
        turn.stop()
        self._follow()
        return True

    def action_stop(self) -> None:
        """Stops the answer; with none running, goes back to the input."""
        if not self._stop_answer():
            self.query_one(AskInput).focus()

    def action_sources(self) -> None:
        """Goes to the list of sources."""
        sources = self.query_one(Sources)
        if sources.display:
            sources.highlighted = sources.highlighted or 0
            sources.focus()

    def action_open_number(self, number: int) -> None:
        """Opens a source of the latest question."""
        if turn := self.conversation.latest:
            self.action_open_source(turn.number, number)

    @on(Sources.Chosen)
    def _open_chosen(self, event: Sources.Chosen) -> None:
        self.action_open_source(event.turn, event.number)

    def action_open_source(self, turn: int, number: int) -> None:
        """Opens source `number` of a turn in the reader."""
        asked = self.conversation.turn(turn)
        places = list(asked.places) if asked else []
        at = next((i for i, place in enumerate(places) if place.number == number), None)
        if at is not None:
            self.app.push_screen(ReaderScreen(self._parts.library, places, at))

    def _places(self) -> list[Place]:
        turn = self.conversation.latest
        return turn.places if turn else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can do nothing now is greyed out, and its key is left to others."""
        if not self.is_mounted:
            return True
        ask = self.query_one(AskInput)
        if action == "open_number":
            return True if any(place.number == parameters[0] for place in self._places()) else None
        if action == "stop":
            turn = self.conversation.latest
            return True if (turn is not None and turn.running) or not ask.has_focus else None
        if action == "sources":
            return True if self.query_one(Sources).display else None
        return True
