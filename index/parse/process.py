"""A process of its own that reads hostile files: started when needed, ended when it takes too long or dies.

A file that crashes the reader, fills its memory or runs for ever costs that file alone: the worker is ended
and a fresh one reads the next.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from index.errors import ParseError
from index.parse.frames import receive, send

_ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package `index`
_START_SECONDS = 60.0
# What an interpreter needs to start; keys and tokens in the environment are none of a paper's business.
_ENVIRONMENT = "PATH HOME LANG LC_ALL TMPDIR PYTHONHOME LD_LIBRARY_PATH DYLD_LIBRARY_PATH".split()


class WorkerProcess:
    """Runs a module that answers frames, one document after another. Also a context manager.

    May be shared by threads, which then wait for each other. Nothing is started before the first `ask()`.
    """

    def __init__(self, module: str, arguments: tuple[str, ...], *, seconds: float, megabytes: int) -> None:
        """`seconds` is the wall-clock time and `megabytes` the address space that one document may take."""
        self._command = (sys.executable, "-P", "-B", "-m", module, *arguments)
        self._seconds = seconds
        self._megabytes = megabytes
        self._worker: subprocess.Popen[bytes] | None = None
        self._abandoned = False
        self._lock = threading.Lock()

    def ask(self, frames: tuple[bytes, ...], reader: str) -> bytes:
        """The worker's answer to these frames. Raises ParseError if none comes; it names the `reader`."""
        with self._lock:
            worker = self._ready(reader)
            answer, late = self._exchange(worker, frames)
            if answer is None:
                raise self._loss(worker, late, reader)
        return answer

    def close(self) -> None:
        """Ends the worker process; the next `ask()` would start another."""
        with self._lock:
            self._end()

    def abandon(self) -> None:
        """Ends whatever another thread is asking, for good; `close` is still due."""
        self._abandoned = True
        worker = self._worker
        if worker is not None:
            worker.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self, reader: str) -> subprocess.Popen[bytes]:
        if self._worker is not None and self._worker.poll() is None:
            return self._worker
        self._end()
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
        worker = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": path},
            # ctrl-c in a terminal is for us, who then end the worker: by itself it would look like a crash.
            # A session of its own would do that too, but Linux shares the processor between sessions first,
            # and a priority lowered in one counts for nothing against the others.
            process_group=0,
        )
        self._worker = worker
        if self._abandoned:
            worker.kill()
        hello, _ = _timed(worker, _START_SECONDS, ())
        if hello != b"":
            self._end()
            raise ParseError(f"{reader} could not be started", "check that pypdfium2 is installed")
        return worker

    def _exchange(
        self, worker: subprocess.Popen[bytes], frames: tuple[bytes, ...]
    ) -> tuple[bytes | None, bool]:
        try:
            return _timed(worker, self._seconds, frames)
        except BaseException:
            # Interrupted half-way: what the pipe still holds belongs to no later document.
            self._end()
            raise

    def _loss(self, worker: subprocess.Popen[bytes], late: bool, reader: str) -> ParseError:
        code = worker.wait()
        self._end()
        hint = "get another copy, print it to a new PDF, or save it in another format"
        if late or code == -signal.SIGXCPU:
            return ParseError(f"reading it took longer than {self._seconds:g} s", hint)
        if code in (-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL):
            # This is how PDFium ends when an allocation is refused.
            return ParseError(
                f"{reader} stopped, most likely as it needs more than {self._megabytes} MB of memory", hint
            )
        return ParseError(f"{reader} crashed on it", hint)

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        worker.wait()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        # Bytes the worker never took; it has ended.
        return


def _timed(
    worker: subprocess.Popen[bytes], seconds: float, frames: tuple[bytes, ...]
) -> tuple[bytes | None, bool]:
    """Sends frames, if any, and takes the answer; (None, whether time ran out) if none came."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        worker.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        for frame in frames:
            send(cast(BinaryIO, worker.stdin), frame)
        return receive(cast(BinaryIO, worker.stdout)), late.is_set()
    except BrokenPipeError:
        return None, late.is_set()
    finally:
        timer.cancel()
