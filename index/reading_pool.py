"""Reads many files at once, in worker processes with limits, and hands them over in the order asked for.

The order of the files decides the order of the papers in the library, so that it never depends on how many
workers there were or which of them was quicker. A file that kills its worker costs that file alone.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

from pydantic import ValidationError

from index.errors import ParseError
from index.ort import cores
from index.parse.pdf import PDF_READER
from index.parse.process import WorkerProcess
from index.reading import FileRead, ReadPaper, Task, attempt
from index.reading_worker import FACTS, READ

_MOST = 4  # workers: each takes about 70 MB, more with PDFs
_A_WORKER = 16  # files that are worth starting one for
_PDF = 8  # a PDF is as much work as so many other files
_AHEAD = 4  # files a worker that may be read before they are taken
_WAIT = 0.2  # seconds between two signs of life


class ReadingPool:
    """Worker processes for one run after another; none lives longer than the run that it was started for."""

    def __init__(
        self,
        tokenizer: Callable[[], Path | None],
        *,
        workers: int | None = None,
        seconds: float = 60.0,
        megabytes: int = 2048,
        max_pages: int = 2000,
    ) -> None:
        """`tokenizer`: the file by which word pieces are counted, None where they can only be counted here.

        `workers` is chosen by the machine and the files unless it is given; `seconds`, `megabytes` and
        `max_pages` are limits for each file.
        """
        self._tokenizer = tokenizer
        self._workers = workers
        self._seconds, self._megabytes, self._max_pages = seconds, megabytes, max_pages

    def workers(self, tasks: Sequence[Task]) -> int:
        """How many workers these files are worth: 0 for few, which are read sooner than one has started."""
        if self._tokenizer() is None:
            return 0
        if self._workers is not None:
            return self._workers
        work = sum(_PDF if task.path.lower().endswith(".pdf") else 1 for task in tasks)
        worth = min(cores(), _MOST, work // _A_WORKER)
        return worth if worth > 1 else 0  # one alone saves nothing: whoever waits for it could read as well

    def read(self, tasks: Sequence[Task], room: int) -> Generator[FileRead | None, None, None]:
        """What came of each file, in order; None now and then while the next one is still being read."""
        workers = [self._worker(room) for _ in range(self.workers(tasks))]
        free: SimpleQueue[WorkerProcess] = SimpleQueue()
        for worker in workers:
            free.put(worker)
        threads = ThreadPoolExecutor(len(workers), thread_name_prefix="reading")
        left, ahead = iter(tasks), deque[Future[FileRead]]()
        try:
            while True:
                more = islice(left, _AHEAD * len(workers) - len(ahead))
                ahead.extend(threads.submit(_read, task, free) for task in more)
                if not ahead:
                    return
                if wait([ahead[0]], timeout=_WAIT).done:
                    yield ahead.popleft().result()
                else:
                    yield None
        finally:
            for worker in workers:
                worker.abandon()
            threads.shutdown(cancel_futures=True)
            for worker in workers:
                worker.close()

    def _worker(self, room: int) -> WorkerProcess:
        limits = (str(max(1, round(self._seconds))), str(self._megabytes), str(self._max_pages))
        return WorkerProcess(
            "index.reading_worker", (*limits, str(self._tokenizer()), str(room)),
            seconds=self._seconds, megabytes=self._megabytes,
        )  # fmt: skip


def _read(task: Task, free: SimpleQueue[WorkerProcess]) -> FileRead:
    worker = free.get()
    try:
        return attempt(task, lambda data: _asked(worker, task, data))
    finally:
        free.put(worker)


def _asked(worker: WorkerProcess, task: Task, data: bytes) -> ReadPaper:
    facts = FACTS.dump_python(task.facts, mode="json")
    question = json.dumps({"name": Path(task.path).name, "facts": facts}).encode()
    answer = worker.ask((question, data), PDF_READER if data.startswith(b"%PDF-") else "its reader")
    try:
        if not answer.startswith(b'{"error":'):
            return READ.validate_json(answer)
        told = json.loads(answer)
        raise ParseError(str(told["error"]), str(told["hint"]))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ParseError("its reader gave no usable answer") from error
