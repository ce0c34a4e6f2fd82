"""From a file's bytes to a paper and its passages: the part of bringing papers in that needs no library.

It is done here, or in worker processes (reading_pool.py) where there is enough of it; what comes out, and the
order in which it comes, is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.chunk import TokenCounter, split
from index.errors import ParseError, SourceError
from index.model import Paper, Passage
from index.requests import Facts, with_facts
from index.sources import read

Parse = Callable[[bytes, str], Paper]


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read, and what services said of the paper in it, if it came from one."""

    path: str
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class ReadPaper:
    """A paper and its passages, and how many seconds it took to find them."""

    paper: Paper
    passages: list[Passage]
    parse_seconds: float
    split_seconds: float


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of a task: the file's bytes, and the paper in them or the reason why there is none."""

    path: str
    data: bytes
    outcome: ReadPaper | ParseError | SourceError


def read_paper(
    name: str, facts: Facts | None, parse: Parse, counter: TokenCounter, room: int, data: bytes
) -> ReadPaper:
    """The paper in a file's bytes with its passages, of `room` word pieces at most; else ParseError."""
    begun = time.perf_counter()
    paper = parse(data, name)
    if facts is not None:
        paper = with_facts(paper, facts)
    parsed = time.perf_counter()
    passages = split(paper, counter, room)
    if not passages:
        raise ParseError("it holds no text to search", "Add a version of the paper that has its text.")
    return ReadPaper(paper, passages, parsed - begun, time.perf_counter() - parsed)


def read_here(
    tasks: Sequence[Task], parse: Parse, counter: TokenCounter, room: int
) -> Generator[FileRead, None, None]:
    """Reads files one after another in this process."""
    for task in tasks:
        name = Path(task.path).name
        yield attempt(task, partial(read_paper, name, task.facts, parse, counter, room))


def attempt(task: Task, reading: Callable[[bytes], ReadPaper]) -> FileRead:
    """Has a file's bytes read; a failure is an outcome like any other."""
    data = b""
    try:
        data = read(Path(task.path))
        return FileRead(task.path, data, reading(data))
    except (ParseError, SourceError) as error:
        return FileRead(task.path, data, error)
