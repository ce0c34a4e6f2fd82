"""How soon a key is seen: from the press of a key until the terminal has received what it changes.

    python -m benchmarks.keys --library DIR --papers FOLDER [--keys N]

The real program runs in a terminal of its own, on a copy of the library. Keys are sent one by one, each some
tens of milliseconds after the one before was seen:

    at rest            letters into a question
    papers come in     the same while the papers of FOLDER are added, and steps through the library's table
    questions run      letters while questions are being answered
    a model writes     letters while a language model streams its answer, 50 tokens a second

The letters are Armenian: none stands anywhere else on the screen, so a letter that arrives is the one that
was sent. A step is seen when a row of the table is drawn; steps begin once there are rows to walk over. What
the library has already is not added again: FOLDER should hold some hundred papers that are new to it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.machine import keep, print_machine
from benchmarks.terminal import Terminal, command

_LETTERS = "".join(map(chr, range(0x531, 0x557))) + "".join(map(chr, range(0x561, 0x587)))
_QUESTIONS = (
    "do MSCs promote angiogenesis?", "what reduces inflammation?", "which cells secrete growth factors?",
    "does exercise lower blood pressure?", "how are genes regulated?", "what limits the spread of malaria?",
)  # fmt: skip
_TABLE_ROWS = range(4, 20)  # of the terminal, from 1: where only the table draws
_MOVE = re.compile(rb"\x1b\[(\d+);\d+H")
_UP, _DOWN, _CLEAR, _TO_LIBRARY, _QUIT = "\x1b[A", "\x1b[B", "\x15", "\x0c", "\x11"
_PAPERS = re.compile(rb"([\d,]+) papers")
_MARGIN, _WALK = 10, 20  # rows from the first one to where the walk begins, and steps down before it goes up
_TOKENS_A_SECOND = 50
_READY = "scope: all papers"


class Keys:
    """Presses keys in a terminal and notes how long each took to be seen."""

    def __init__(self, terminal: Terminal, seed: int = 1) -> None:
        self._terminal = terminal
        self._chance = random.Random(seed)  # noqa: S311 (pauses between keys)
        self._letters = itertools.cycle(_LETTERS)
        self._typed = 0
        self._steps = 0

    def letter(self) -> float:
        """Seconds until the next letter was seen in the line that has the focus."""
        if self._typed == len(_LETTERS):
            self.clear()
        self._typed += 1
        letter = next(self._letters)
        return self._press(letter, lambda seen: letter.encode() in seen)

    def clear(self) -> None:
        """Empties the line."""
        self._terminal.send(_CLEAR)
        self._terminal.settle(0.05, 0.5)
        self._typed = 0

    def step(self) -> float:
        """Seconds until the table was drawn with its cursor elsewhere."""
        self._steps += 1
        down = (self._steps - 1) % (2 * _WALK) < _WALK
        return self._press(_DOWN if down else _UP, _table_drawn)

    def _press(self, key: str, seen: Callable[[bytes], bool]) -> float:
        self._pause()
        self._terminal.forget()
        begun = time.perf_counter()
        self._terminal.send(key)
        return self._terminal.wait(seen) - begun

    def _pause(self) -> None:
        until = time.perf_counter() + self._chance.uniform(0.03, 0.09)
        while (left := until - time.perf_counter()) > 0:
            self._terminal.read(left)


def _table_drawn(seen: bytes) -> bool:
    return any(int(row) in _TABLE_ROWS for row in _MOVE.findall(seen))


def _has_rows(seen: bytes) -> bool:
    """Whether the head line has told of so many papers that each step finds a row to go to: at the last one
    a step draws nothing, and what is drawn next for another reason would be taken for it."""
    return any(int(count.replace(b",", b"")) > 2 * _MARGIN + _WALK for count in _PAPERS.findall(seen))


@contextmanager
def model_server(seconds: float) -> Iterator[tuple[str, threading.Event]]:
    """A language model that writes slowly, whatever it is asked: its address, and whether it has ended."""
    ended = threading.Event()
    sentences = [
        f"In trial {n * 7919} cells of {n} kinds moved about for {n * 37} days." for n in range(1000)
    ]
    text = json.dumps({"quotes": [], "sentences": [{"keys": [], "text": " ".join(sentences)}]})

    class Model(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._head("application/json")
            self.wfile.write(json.dumps({"data": [{"id": "writer", "meta": {"n_ctx": 8192}}]}).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._head("text/event-stream")
            try:
                for at in range(int(seconds * _TOKENS_A_SECOND)):
                    told = {"choices": [{"index": 0, "delta": {"content": text[at * 5 : at * 5 + 5]}}]}
                    self.wfile.write(b"data: " + json.dumps(told).encode() + b"\n\n")
                    time.sleep(1 / _TOKENS_A_SECOND)
            except OSError:
                pass  # the question was stopped
            ended.set()

        def _head(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ended
    finally:
        server.shutdown()
        server.server_close()


def opened(library: Path, *words: str) -> Terminal:
    """The program with its models loaded."""
    terminal = Terminal(command("--library", str(library), "chat", *words))
    terminal.wait("loading the model")
    terminal.forget()
    terminal.wait(_READY, 60)
    terminal.settle()
    return terminal


def at_rest_and_adding(library: Path, papers: Path, count: int) -> Iterator[tuple[str, list[float]]]:
    """What a key takes before and while papers come in, and while questions run."""
    with opened(library) as terminal:
        keys = Keys(terminal)
        yield "at rest", [keys.letter() for _ in range(count)]
        keys.clear()
        yield "questions run", list(_while_asking(terminal, keys, count))
        keys.clear()
        terminal.send(_TO_LIBRARY)
        terminal.wait("Library", 10)
        terminal.settle()
        terminal.send("a")
        terminal.settle()
        terminal.send(str(papers))
        terminal.settle(0.3, 3)
        terminal.send("\r")
        terminal.wait("adding papers", 60)
        terminal.wait(_has_rows, 60)
        terminal.send(_DOWN * _MARGIN)
        terminal.settle(0.1, 2)
        yield "papers come in, table", [keys.step() for _ in range(count)]
        terminal.send(_TO_LIBRARY)
        terminal.wait(_READY, 10)
        keys = Keys(terminal, 2)
        yield "papers come in, question", [keys.letter() for _ in range(count)]
        keys.clear()
        terminal.send(_TO_LIBRARY)
        terminal.wait("adding papers", 10)  # else there was nothing to be measured beside
        terminal.send(_QUIT)
        terminal.ended(60)


def _while_asking(terminal: Terminal, keys: Keys, count: int) -> Iterator[float]:
    """Letters, from the moment at which a question was sent; another one after every 25."""
    for question, _ in zip(itertools.cycle(_QUESTIONS), range(0, count, 25), strict=False):
        keys.clear()
        terminal.send(question)
        terminal.settle(0.05, 1)
        terminal.send("\r")
        for _ in range(25):
            yield keys.letter()


def streaming(library: Path, count: int) -> list[float]:
    """What a key takes while a language model writes."""
    seconds = count * 0.3 + 10
    with model_server(seconds) as (url, ended), opened(library, "--llm", url) as terminal:
        keys = Keys(terminal)
        terminal.send(_QUESTIONS[0])
        terminal.settle(0.1, 1)
        terminal.send("\r")
        terminal.wait("In trial 7919 ", 60)
        found = [keys.letter() for _ in range(count)]
        if ended.is_set():
            raise TimeoutError("the model had written all before the last key")
        terminal.send(_QUIT)
        terminal.ended()
    return found


def figures(took: list[float]) -> dict[str, float]:
    """Milliseconds: the middle, 19 of 20, all."""
    spread = statistics.quantiles(took, n=20, method="inclusive")
    found = {"p50": spread[9], "p95": spread[18], "max": max(took)}
    return {name: round(value * 1000, 1) for name, value in found.items()} | {"keys": len(took)}


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--library", type=Path, required=True)
    options.add_argument("--papers", type=Path, required=True)
    options.add_argument("--keys", type=int, default=300)
    given = options.parse_args()
    print_machine()
    print(f"{'milliseconds':28}{'p50':>8}{'p95':>8}{'max':>8}{'keys':>8}")
    found: dict[str, dict[str, float]] = {}

    def told(name: str, took: list[float]) -> None:
        found[name] = figures(took)
        print(f"{name:28}" + "".join(f"{value:8}" for value in found[name].values()), flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "library"
        shutil.copytree(given.library, library)
        told("a model writes", streaming(library, given.keys))
        for name, took in at_rest_and_adding(library, given.papers.resolve(), given.keys):
            told(name, took)
    words = command("--library", str(given.library), "status", "--json")
    print(f"kept in {keep('keys', {'library': _counts(words), 'milliseconds': found})}")


def _counts(words: list[str]) -> dict[str, int]:
    import subprocess

    told = json.loads(subprocess.check_output(words))
    return {name: told[name] for name in ("papers", "passages")}


if __name__ == "__main__":
    main()
