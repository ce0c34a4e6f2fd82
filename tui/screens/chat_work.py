"""What the chat does in threads of its own: reading the library, loading, answering, reopening.

These post messages and touch no widget.
"""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from textual import work
from textual.worker import Worker, get_current_worker

from index.errors import CitewellError, HistoryError, LibraryMissing
from qa.model import EVERYTHING, Drafted, Filters
from tui.messages import LibraryKnown, LibraryRead, ModelReady, Progress, Reopened, Trouble
from tui.screens.sized import Sized

if TYPE_CHECKING:
    from qa.conversation import Conversation as Asking
    from tui.parts import Parts

_NO_PAPERS = "there are no papers in this library yet"
_ADD_PAPERS = "Press ctrl+l, then a; or in another terminal, type: citewell add FOLDER"
_NOTHING_NEW = Drafted("")  # several times a second, while a language model is waited for
_PATIENCE = 0.1  # seconds between two looks at whether a waiting question was stopped
_REMEMBERED = 20  # conversations whose questions can be taken up again


class ChatWork(Sized[None]):
    """The workers of the chat."""

    def __init__(self, parts: Parts, scope: Filters | None = None) -> None:
        super().__init__()
        self._parts = parts
        self._scope = scope or EVERYTHING  # of the conversation on the screen
        self._session = 0  # which conversation that is
        # The answerer is for one thread at a time, and a stopped thread ends only when it next looks.
        self._answering = threading.Lock()
        self._asking: Asking | None = None  # from the first question on; used under the lock only
        self._asking_in = 0  # the session that it belongs to
        self._prepared = True  # False once that failed: it is tried again when the user comes back

    @property
    def busy(self) -> bool:
        """Whether a thread is loading or answering; it ends only after the step it is at."""
        return self._answering.locked()

    @work(thread=True, exclusive=True, exit_on_error=False, group="prepare")
    def _prepare(self) -> None:
        try:
            with self._answering:
                self._read_library()
                self._offer()
                _ = self._parts.answerer
                self._parts.retriever.load()
        except CitewellError as error:
            self._prepared = False
            self.post_message(Trouble(None, error.message, error.hint))
        finally:
            self.post_message(ModelReady())

    @work(thread=True, exclusive=True, exit_on_error=False, group="count")
    def _count(self) -> None:
        with suppress(CitewellError):
            self._read_library()

    def _read_library(self) -> None:
        try:
            with self._parts.library.read() as reader:
                papers, model = reader.counts()["papers"], reader.model()
        except LibraryMissing as error:
            raise LibraryMissing(error.message, _ADD_PAPERS) from error
        self.post_message(LibraryRead(papers, model[1].name if model else ""))
        if not papers:
            raise LibraryMissing(_NO_PAPERS, _ADD_PAPERS)

    def _offer(self) -> None:
        """Questions to begin with, and those of earlier days."""
        from qa.suggest import suggestions

        with self._parts.library.read() as reader:
            suggested = suggestions(reader)
        asked: list[str] = []
        history = self._parts.history
        with suppress(HistoryError):
            for identifier in history.identifiers()[-_REMEMBERED:]:
                asked += [turn.question for turn in history.turns(identifier)]
        self.post_message(LibraryKnown(suggested, asked))

    @work(thread=True, exclusive=True, exit_on_error=False, group="answer")
    def _answer(self, turn: int, question: str, session: int, scope: Filters) -> None:
        worker = get_current_worker()
        if not self._acquired(worker):
            return
        try:
            self._read_library()
            if self._asking is None or self._asking_in != session:
                self._asking, self._asking_in = self._parts.conversation(), session
            if self._asking.scope != scope:
                self._asking.limit(scope)
            with closing(self._asking.ask(question)) as events:
                # Looked at before each pull: a question stopped while it waited is not even begun.
                while not worker.is_cancelled and (event := next(events, None)) is not None:
                    if event != _NOTHING_NEW:
                        self.post_message(Progress(turn, event))
        except CitewellError as error:
            self.post_message(Trouble(turn, error.message, error.hint))
        finally:
            self._answering.release()

    @work(thread=True, exclusive=True, exit_on_error=False, group="answer")
    def _reopen(self, identifier: str, session: int) -> None:
        from qa.kept import names
        from qa.scope import in_words
        from tui.reopen import restored, scopes_of

        worker = get_current_worker()
        if not self._acquired(worker):
            return
        try:
            turns, answers = restored(self._parts, identifier)
            asking = self._parts.conversation(identifier)
            self._asking, self._asking_in = asking, session
            if not worker.is_cancelled:
                words = in_words(asking.scope, names(turns))
                self.post_message(Reopened(turns, answers, scopes_of(turns), asking.scope, words))
        except CitewellError as error:
            self.post_message(Trouble(None, error.message, error.hint))
        finally:
            self._answering.release()

    def _acquired(self, worker: Worker[None]) -> bool:
        """Waits for the thread before; False if this one was stopped meanwhile."""
        while not self._answering.acquire(timeout=_PATIENCE):
            if worker.is_cancelled:
                return False
        return True
