"""Runs a command and says what it took: time, processor time, and memory with all its workers."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread

_EVERY = 0.2  # seconds between two looks at the memory of a command that has workers
_ROOT = Path(__file__).parents[1]


class CommandFailed(Exception):
    """A command that did not end well; its text is the last that it said."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed and took. `core`: core-seconds, which other work on the machine changes less."""

    output: str
    seconds: float
    core: float
    peak_mb: float

    def figures(self) -> dict[str, float]:
        """Without what it printed, to be kept."""
        found = asdict(self)
        del found["output"]
        return {name: round(value, 3) for name, value in found.items()}


def run(words: Sequence[str | Path], also: Sequence[int] = ()) -> Ended:
    """Runs a command in the project's folder; CommandFailed unless it ends with 0 or one of `also`.

    The system counts what this process had when it made the other as part of the other's memory: whoever
    calls this should be small.
    """
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    with tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
            env=environment, cwd=_ROOT, start_new_session=True,
        )  # fmt: skip
        with _Memory(process.pid) as memory:
            assert process.stdout is not None
            output = process.stdout.read().decode("utf-8", "replace")
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, *also):
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise CommandFailed(" / ".join(said[-3:]) or f"it ended with {process.returncode}")
    one = used.ru_maxrss * 1.024e-3
    return Ended(output, seconds, used.ru_utime + used.ru_stime, max(one, memory.peak_mb))


class _Memory:
    """Watches the memory of all processes of a session: what they share counts once (Linux; elsewhere 0)."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._ended = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY):
            processes = processes_of(self._session)
            if len(processes) > 1:  # of one alone the system itself knows the most it had
                self.peak_mb = max(self.peak_mb, sum(map(_share_mb, processes)))


def processes_of(session: int) -> list[Path]:
    """The folders in /proc of the processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):  # one that has just ended
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[3]) == session:
                found.append(folder)
    return found


def _share_mb(process: Path) -> float:
    """Memory of a process in MB, what it shares divided by the number that share it."""
    try:
        lines = (process / "smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1.024e-3


def size_mb(folder: Path) -> float:
    """What the files below a folder hold, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
