"""What the app does when the system tells it to end: it leaves in order, and the terminal as it was."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHELLS = 128  # how a shell tells that a signal ended a program: this and its number


def leave_on_signals(leave: Callable[[int], None], left: Callable[[], bool]) -> None:
    """Has a signal call `leave` with an exit code, in the loop that runs now; main thread only.

    The second one, one after the app was `left`, and one after the window was closed end the program at once:
    by then there is no terminal to put in order, or it may be what everything waits for.
    """
    loop = asyncio.get_running_loop()

    def take(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        if left() or not sys.stdin.isatty():
            signal.raise_signal(number)
        else:
            loop.call_soon_threadsafe(leave, _SHELLS + number)

    for number in _SIGNALS:
        signal.signal(number, take)
