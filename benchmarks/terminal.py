"""A program in a terminal of its own: what it is sent, what it answers, and how it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 65536
_ENDING = 5.0  # seconds that a program has to end


def command(*words: str | Path) -> list[str]:
    """A command line of citewell, run by the Python that runs this."""
    return [sys.executable, "-m", "tui.cli", *map(str, words)]


class Terminal:
    """Runs a command line in a pseudo-terminal. A context manager; the program is ended with it.

    `seen` is all that the program wrote since `forget` was last called.
    """

    def __init__(
        self, words: list[str], columns: int = 120, rows: int = 40, environ: Mapping[str, str] | None = None
    ) -> None:
        self.seen = b""
        self.status: int | None = None  # as os.waitpid tells it, once the program has ended
        self.process, self._terminal = pty.fork()
        if self.process == 0:
            # These, which readline sets past os.environ as well, would hide the terminal's own size.
            mine = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            os.execvpe(words[0], words, {**mine, "TERM": "xterm-256color", **(environ or {})})  # noqa: S606
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes | str) -> None:
        """Types."""
        rest = data.encode() if isinstance(data, str) else data
        while rest:
            if not select.select([], [self._terminal], [], 0)[1]:
                self.read(0.01)  # a program that is not read from reads nothing either
                continue
            rest = rest[os.write(self._terminal, rest[:512]) :]

    def read(self, seconds: float) -> bytes:
        """What comes within so many seconds, as soon as something comes; b"" for nothing."""
        if not select.select([self._terminal], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            found = os.read(self._terminal, _CHUNK)
        except OSError:  # how Linux says that the other side is closed
            return b""
        self.seen += found
        return found

    def wait(self, wanted: bytes | str | Callable[[bytes], bool], seconds: float = 30.0) -> float:
        """Reads until that was written since `forget`; the clock then. TimeoutError with what was seen."""
        mark = wanted.encode() if isinstance(wanted, str) else wanted
        there = mark if callable(mark) else lambda seen: mark in seen
        until = time.perf_counter() + seconds
        while not there(self.seen):
            left = until - time.perf_counter()
            if left <= 0 or not (self.read(left) or self.running()):
                ended = "" if self.status is None else f" before the program ended ({self.status})"
                raise TimeoutError(f"{wanted!r} never came{ended}; what came, its end: {self.seen[-2000:]!r}")
        return time.perf_counter()

    def settle(self, quiet: float = 0.3, seconds: float = 10.0) -> None:
        """Reads until nothing has come for `quiet` seconds."""
        until = time.perf_counter() + seconds
        while self.read(quiet) and time.perf_counter() < until:
            pass

    def forget(self) -> None:
        """Begins to look anew."""
        self.seen = b""

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size, and tells the program."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[object]:
        """How the terminal treats what is typed and written: whether it echoes, waits for whole lines, ..."""
        return list(termios.tcgetattr(self._terminal)[:4])

    def signal(self, number: int) -> None:
        """Sends a signal to the program."""
        os.kill(self.process, number)

    def running(self) -> bool:
        """Whether the program has not ended."""
        if self.status is None:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self.status = status
        return self.status is None

    def ended(self, seconds: float = _ENDING) -> bool:
        """Reads until the program has ended; False if it has not by then."""
        until = time.perf_counter() + seconds
        while self.running():
            if time.perf_counter() > until:
                return False
            if not self.read(0.02):
                time.sleep(0.01)
        while self.read(0.0):
            pass
        return True

    def hang_up(self) -> None:
        """Closes the terminal, as a window that is closed does."""
        os.close(self._terminal)
        self._terminal = -1

    def close(self) -> None:
        """Ends the program, by force if it has not ended by itself."""
        if self.running():
            self.signal(signal.SIGKILL)
            _, self.status = os.waitpid(self.process, 0)
        if self._terminal >= 0:
            self.hang_up()

    def core_seconds(self) -> float:
        """Processor time of the program so far, where the system tells it (Linux), else 0."""
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0

    def memory(self) -> int:
        """Resident bytes of the program, where the system tells them (Linux), else 0."""
        try:
            status = Path(f"/proc/{self.process}/status").read_text("utf-8")
        except OSError:
            return 0
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0

    def _stat(self) -> list[str]:
        try:
            return Path(f"/proc/{self.process}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return []
