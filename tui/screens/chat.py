"""Where questions are asked: the conversation, its sources, and the line to type in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from qa.model import Query
from tui.clean import line
from tui.messages import LibraryKnown, LibraryRead, ModelReady, Progress, Reopened, Trouble
from tui.screens.chat_work import ChatWork
from tui.times import when
from tui.widgets.ask import AskInput
from tui.widgets.conversation import Conversation, Suggestions
from tui.widgets.headline import HeadLine
from tui.widgets.key_line import KeyLine
from tui.widgets.place import WIDE, Place, counted
from tui.widgets.sources import Sources

if TYPE_CHECKING:
    from qa.model import Filters
    from tui.parts import Parts

_SHORT = 16  # rows below which everything but the conversation and the input gives way
_SHOWN = 20  # turns of a reopened conversation; more of them would make the screen slow
_REOPENED = "{} not shown: ctrl+r, then e, exports the whole conversation."


class ChatScreen(ChatWork):
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
        Binding("ctrl+n", "new", "New", show=False, id="chat.new", tooltip="Begin a new conversation"),
        Binding(
            "ctrl+r",
            "conversations",
            "Earlier",
            id="chat.conversations",
            tooltip="List the kept conversations; go on with one",
        ),
        Binding(
            "ctrl+f",
            "scope",
            "Scope",
            id="chat.scope",
            priority=True,  # the input would delete a word
            tooltip="Limit questions to papers, years, sections, tags",
        ),
        Binding("y", "copy(False)", "Copy", show=False, id="chat.copy", tooltip="Copy the answer"),
        Binding(
            "Y",
            "copy(True)",
            "Copy all",
            show=False,
            id="chat.copy_all",
            tooltip="Copy the answer with its references",
        ),
        Binding(
            "e", "export", "Export", show=False, id="chat.export", tooltip="Write the conversation to a file"
        ),
        Binding("ctrl+o", "sources", "Sources", id="chat.sources", tooltip="Go to the list of sources"),
        Binding(
            "ctrl+l",
            "app.switch_mode('library')",
            "Library",
            id="chat.library",
            tooltip="See the papers, add some, bring them up to date",
        ),
        Binding(
            "E",
            "app.switch_mode('evals')",
            "Evals",
            show=False,
            id="chat.evals",
            tooltip="Measure how well questions find their papers",
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
        super().__init__(parts, scope)
        self._loading = True
        self._limited = ""  # the scope in words
        self._suggested: list[str] = []

    def compose(self) -> ComposeResult:
        """Headline, conversation with sources, status, input, keys."""
        yield HeadLine(self._parts.library.folder.name, self._parts.writer_name)
        with Container(id="main"):
            yield Conversation()
            yield Sources()
        yield Static(id="status")
        yield AskInput()
        yield KeyLine()

    def on_mount(self) -> None:
        """Begins to load what the first question will need, once there is something to look at."""
        from qa.scope import in_words

        self._limited = in_words(self._scope)
        self._tell_status()
        self.call_after_refresh(self._prepare)

    @property
    def conversation(self) -> Conversation:
        """The column of turns."""
        return self.query_one(Conversation)

    async def on_screen_resume(self) -> None:
        """The library may have changed while the user was elsewhere: there may be papers in it now."""
        if self._prepared or self.conversation.turns:
            self._count()
            return
        self._prepared, self._loading = True, True
        await self.conversation.empty()
        self._tell_status()
        self._prepare()

    # --- what the workers say ---------------------------------------------------------------------------

    @on(LibraryRead)
    def _show_library(self, message: LibraryRead) -> None:
        self.query_one(HeadLine).tell(message.papers, message.model)

    @on(ModelReady)
    def _hide_status(self) -> None:
        self._loading = False
        self._tell_status()

    def _tell_status(self) -> None:
        """The line above the input: what questions are limited to, and what they still wait for."""
        loading = "loading the model… · " if self._loading else ""
        said = f"{loading}scope: {line(self._limited) or 'all papers'}"
        self.query_one("#status", Static).update(Content(said))

    @on(LibraryKnown)
    def _offer_questions(self, message: LibraryKnown) -> None:
        self.query_one(AskInput).remember(message.asked)
        self._suggested = message.suggested
        self.conversation.suggest(self._suggested)
        self._follow()

    @on(Reopened)
    async def _show_conversation(self, message: Reopened) -> None:
        self._scope, self._limited = message.limit, message.scope
        self._tell_status()
        left_out = max(0, len(message.turns) - _SHOWN)
        await self.conversation.empty(
            _REOPENED.format(counted(left_out, "earlier question")) if left_out else " "
        )
        shown = list(zip(message.turns, message.answers, message.scopes, strict=True))[left_out:]
        for kept, answer, scope in shown:
            turn = await self.conversation.begin(kept.question)
            query = Query(kept.question, kept.query, kept.filters)
            turn.replay(answer, query, scope, when(kept.asked))
        self._follow()
        if turns := self.conversation.turns:
            self.conversation.settle(turns[-1])

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
        numbers: Iterable[int] = (place.number for place in self._places())
        if not self.conversation.turns:
            numbers = range(1, len(self.conversation.suggested) + 1)
        self.query_one(AskInput).lent = frozenset(map(str, numbers))
        self.refresh_bindings()

    # --- what the user does -----------------------------------------------------------------------------

    @on(AskInput.Submitted)
    async def _ask(self) -> None:
        if question := self.query_one(AskInput).take():
            await self._begin(question)

    @on(Suggestions.Chosen)
    async def _ask_suggested(self, event: Suggestions.Chosen) -> None:
        await self._begin(event.question)
        self.query_one(AskInput).focus()

    async def _begin(self, question: str) -> None:
        self._stop_answer()
        turn = await self.conversation.begin(question)
        self._follow()
        self._answer(turn.number, question, self._session, self._scope)

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

    async def action_open_number(self, number: int) -> None:
        """Opens a source of the latest question; before the first one, asks what is suggested."""
        if not self.conversation.turns:
            await self._begin(self.conversation.suggested[number - 1])
        elif turn := self.conversation.latest:
            self.action_open_source(turn.number, number)

    @on(Sources.Chosen)
    def _open_chosen(self, event: Sources.Chosen) -> None:
        self.action_open_source(event.turn, event.number)

    def action_open_source(self, turn: int, number: int) -> None:
        """Opens source `number` of a turn in the reader."""
        from tui.screens.reader import ReaderScreen

        asked = self.conversation.turn(turn)
        places = list(asked.places) if asked else []
        at = next((i for i, place in enumerate(places) if place.number == number), None)
        if at is not None:
            self.app.push_screen(ReaderScreen(self._parts.library, places, at, self._parts.neighbours))

    async def action_new(self) -> None:
        """Begins a new conversation; the one before is kept."""
        self._stop_answer()
        self._session += 1
        await self.conversation.empty()
        self.conversation.suggest(self._suggested)
        self.query_one(Sources).show(0, [])
        self._follow()
        self.query_one(AskInput).focus()

    def action_conversations(self) -> None:
        """Lists the kept conversations."""
        from tui.screens.conversations import ConversationsScreen

        self.app.push_screen(ConversationsScreen(self._parts), self._go_on)

    def _go_on(self, identifier: str | None) -> None:
        if identifier is not None:
            self._stop_answer()
            self._session += 1
            self._reopen(identifier, self._session)

    def action_scope(self) -> None:
        """Asks what questions are to be limited to."""
        from tui.screens.scope import ScopeScreen

        self.app.push_screen(ScopeScreen(self._parts.library, self._scope), self._limit)

    def _limit(self, chosen: tuple[Filters, str] | None) -> None:
        if chosen is not None:
            self._scope, self._limited = chosen
            self._tell_status()

    def action_copy(self, references: bool) -> None:
        """Copies the latest answer."""
        from tui.copying import answer_text, copy

        turn = self.conversation.latest
        if turn is not None and turn.answer is not None:
            what = "answer with references" if references else "answer"
            copy(self.app, answer_text(turn.answer, references=references), what)

    def action_export(self) -> None:
        """Writes what is on the screen to a file."""
        from tui.asking import scope_json
        from tui.jsonout import answer_json
        from tui.screens.export import ExportScreen

        turns = [(turn, turn.answer) for turn in self.conversation.turns if turn.answer is not None]
        answers = [answer for _, answer in turns]
        shown = [answer_json(answer) | {"scope": scope_json(turn.filters)} for turn, answer in turns]
        self.app.push_screen(ExportScreen(answers, [turn.scope for turn, _ in turns], shown))

    def _places(self) -> list[Place]:
        turn = self.conversation.latest
        return turn.places if turn else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can do nothing now is greyed out, and its key is left to others."""
        if not self.is_mounted:
            return True
        ask = self.query_one(AskInput)
        if action == "open_number" and not self.conversation.turns:
            return True if parameters[0] in range(1, len(self.conversation.suggested) + 1) else None
        if action in ("copy", "export"):
            return True if any(turn.answer is not None for turn in self.conversation.turns) else None
        if action == "open_number":
            return True if any(place.number == parameters[0] for place in self._places()) else None
        if action == "stop":
            turn = self.conversation.latest
            return True if (turn is not None and turn.running) or not ask.has_focus else None
        if action == "sources":
            return True if self.query_one(Sources).display else None
        return True
