"""Long work that leaves the processor to the screen whenever the screen wants it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

_NICE = 10


def in_background(step: Callable[[], object]) -> None:
    """Does the step in a thread of its own with a lower priority, and waits; its error is raised here.

    Threads that it starts, as those of the models that embed papers, have this priority, too. A thread of
    its own, because one of a pool would keep the priority for what it does next.
    """
    failed: list[BaseException] = []

    def run() -> None:
        _give_way()
        try:
            step()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), name="background")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _give_way() -> None:
    """Only Linux has priorities of threads; elsewhere it would be that of the whole program."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
