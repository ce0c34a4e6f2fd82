"""The PDF parser: hands each file to a worker process with limits and takes a Paper or a reason back.

A file that crashes the reader, fills its memory or runs for ever costs that file alone: the worker is ended
and a fresh one reads the next.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, cast

from pydantic import ValidationError

from index.errors import ParseError
from index.model import Paper
from index.parse.pdf_worker import PAPER, receive, send

_ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package `index`
_START_SECONDS = 60.0
# What an interpreter needs to start; keys and tokens in the environment are none of a PDF's business.
_ENVIRONMENT = "PATH HOME LANG LC_ALL TMPDIR PYTHONHOME LD_LIBRARY_PATH DYLD_LIBRARY_PATH".split()


class PdfParser:
    """Reads PDF files in a process of its own. May be shared by threads, which then wait for each other.

    `seconds` is the wall-clock time and `megabytes` the address space that one document may take. Nothing
    is started before the first `parse()`. Also a context manager.
    """

    def __init__(self, *, seconds: float = 60.0, megabytes: int = 2048, max_pages: int = 2000) -> None:
        self._seconds = seconds
        self._megabytes = megabytes
        self._max_pages = max_pages
        self._worker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def parse(self, data: bytes) -> Paper:
        """The paper in the bytes of a PDF file. Raises ParseError with the reason if there is none."""
        with self._lock:
            worker = self._ready()
            answer, late = self._exchange(worker, data)
            if answer is None:
                raise self._loss(worker, late)
        return _paper(answer)

    def close(self) -> None:
        """Ends the worker process; the next `parse()` would start another."""
        with self._lock:
            self._end()

    def __enter__(self) -> PdfParser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._worker is not None and self._worker.poll() is None:
            return self._worker
        self._end()
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
        limits = (str(max(1, round(self._seconds))), str(self._megabytes), str(self._max_pages))
        worker = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "index.parse.pdf_worker", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": path},
        )
        self._worker = worker
        hello, _ = _timed(worker, _START_SECONDS, None)
        if hello != b"":
            self._end()
            raise ParseError("the PDF reader could not be started", "check that pypdfium2 is installed")
        return worker

    def _exchange(self, worker: subprocess.Popen[bytes], data: bytes) -> tuple[bytes | None, bool]:
        try:
            return _timed(worker, self._seconds, data)
        except BaseException:
            # Interrupted half-way: what the pipe still holds belongs to no later document.
            self._end()
            raise

    def _loss(self, worker: subprocess.Popen[bytes], late: bool) -> ParseError:
        code = worker.wait()
        self._end()
        hint = "print it to a new PDF, or get another copy"
        if late or code == -signal.SIGXCPU:
            return ParseError(f"reading it took longer than {self._seconds:g} s", hint)
        if code in (-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL):
            # This is how PDFium ends when an allocation is refused.
            return ParseError(
                f"the PDF reader stopped, most likely as it needs more than {self._megabytes} MB of memory",
                hint,
            )
        return ParseError("the PDF reader crashed on it", hint)

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


def _timed(worker: subprocess.Popen[bytes], seconds: float, data: bytes | None) -> tuple[bytes | None, bool]:
    """Sends a frame, if any, and takes the answer; (None, whether time ran out) if none came."""
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
        if data is not None:
            send(cast(BinaryIO, worker.stdin), data)
        return receive(cast(BinaryIO, worker.stdout)), late.is_set()
    except BrokenPipeError:
        return None, late.is_set()
    finally:
        timer.cancel()


def _paper(answer: bytes) -> Paper:
    """The worker read hostile bytes: its answer is checked like any other input."""
    try:
        if answer.startswith(b'{"paper":'):
            return PAPER.validate_json(answer[len(b'{"paper":') : -1])
        told = json.loads(answer)
        raise ParseError(str(told["error"]), str(told["hint"]))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ParseError("the PDF reader gave no usable answer") from error
