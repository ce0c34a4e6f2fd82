"""What the library screen and the evaluation screen share: long work in a thread, seen and stopped."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from textual import on, work
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState, get_current_worker

from index.errors import CitewellError
from tui.background import in_background
from tui.clean import line
from tui.screens.sized import Sized
from tui.standing import Standing, pull
from tui.widgets.turn import trouble
from tui.widgets.work_panel import WorkPanel
from tui.work import Job
from tui.work_messages import WorkEnded, WorkFailed, WorkMoved, WorkSaw

_STILL = "something is running; press esc to stop it first"


class WorkingScreen(Sized[None]):
    """One piece of work at a time. Its stream is pulled by a thread, which posts pictures of it."""

    KEPT: ClassVar[tuple[type, ...]] = ()  # events that say what came of the work

    def __init__(self) -> None:
        super().__init__()
        self.job: Job | None = None
        self._working = threading.Lock()
        self._latest = Standing()  # set by the thread, looked at by the panel's clock

    @property
    def busy(self) -> bool:
        """Whether a thread is at work; stopped, it ends after the step it is at."""
        return self._working.locked()

    def begin(self, job: Job) -> bool:
        """Begins work, unless other work runs."""
        if self.job is not None:
            self.say(_STILL)
            return False
        self.job = job
        self.say("")
        self._latest = Standing("beginning")
        self.query_one(WorkPanel).begin(job.title, job.ends, lambda: self._latest)
        self._work(job)
        self.refresh_bindings()
        return True

    def stop(self) -> bool:
        """Has the work end after the step it is at; False where none runs."""
        if self.job is None:
            return False
        self.job.interrupt()
        self.workers.cancel_group(self, "work")
        self.query_one(WorkPanel).end_soon()
        return True

    def on_unmount(self) -> None:
        """Nothing goes on after the program."""
        if self.job is not None:
            self.job.interrupt()

    @work(thread=True, exclusive=True, exit_on_error=False, group="work")
    def _work(self, job: Job) -> None:
        worker = get_current_worker()
        kept: list[Any] = []

        def saw(event: Any) -> None:
            if job.watches:
                self.post_message(WorkSaw(event))
            if isinstance(event, self.KEPT):
                kept.append(event)

        with self._working:
            try:
                in_background(
                    lambda: pull(
                        job.events(), lambda: worker.is_cancelled,
                        lambda standing: self.post_message(WorkMoved(standing)), saw, self._know,
                    )
                )  # fmt: skip
            except CitewellError as error:
                self.post_message(WorkFailed(job, error.message, error.hint))
                return
        self.post_message(WorkEnded(job, worker.is_cancelled, kept))

    def _know(self, standing: Standing) -> None:
        self._latest = standing

    def ended(self, message: WorkEnded) -> None:
        """The work is over; a screen says here what came of it."""
        raise NotImplementedError

    # --- what the thread says ---------------------------------------------------------------------------

    @on(WorkMoved)
    def _show_standing(self, message: WorkMoved) -> None:
        if self.job is not None:
            self.query_one(WorkPanel).take(message.standing)

    @on(WorkEnded)
    def _end(self, message: WorkEnded) -> None:
        self._over()
        self.ended(message)

    @on(WorkFailed)
    def _fail(self, message: WorkFailed) -> None:
        self._over()
        self.complain(message.message, message.hint)
        self.ended(WorkEnded(message.job, stopped=False))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error nobody foresaw becomes a line, not the end of the program."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        if event.worker.group == "work":
            self._over()
        self.complain(
            f"something went wrong inside citewell ({type(error).__name__}: {error})", "Please report it."
        )

    def _over(self) -> None:
        self.job = None
        self.query_one(WorkPanel).end()
        self.refresh_bindings()

    def say(self, text: str) -> None:
        """One line of what was done, below everything."""
        said = self.query_one("#said", Static)
        said.update(Content(line(text)))
        said.display = bool(text)

    def complain(self, message: str, hint: str) -> None:
        """What went wrong, and what to do about it."""
        said = self.query_one("#said", Static)
        said.update(trouble(message, hint))
        said.display = True
