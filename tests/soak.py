"""Random keys, words, pastes, clicks and sizes for as long as one likes; the program must not fall over.

    python -m tests.soak --library DIR [--papers FOLDER] [--minutes N] [--seed N]

The real program in a terminal of its own, on a copy of the library, asking nobody over the network. Prints
its memory every half minute; ends with 1 if it crashed, no longer answered, or its memory grew by more than a
tenth after the first fifth of the time. Without arguments for it to add, no papers are added.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.terminal import Terminal, command
from tests import hostile

QUESTIONS = (
    "do MSCs promote angiogenesis?", "and in mice?", "what reduces inflammation?", "does it?",
    "what is the capital of Mongolia?", "which cells secrete growth factors, and why?",
)  # fmt: skip
WORDS = ("cells", "2015-", "2015", "trials, safety", "failed", "wang", "10", "answers.md", "#trials")
# Whatever is bound to something, but what ends the program or (ctrl+z) puts it to sleep. A slash goes only
# where no dialog is open: as a path it would be the whole disk.
KEYS = (
    *"1234567890npmMhoyYcbdizwtuersSjkgGqx? ",
    *"escape enter tab shift+tab up down left right pageup pagedown home end backspace delete f1".split(),
    *"ctrl+n ctrl+r ctrl+f ctrl+o ctrl+l ctrl+j ctrl+a ctrl+e ctrl+u ctrl+w ctrl+k ctrl+x ctrl+v".split(),
)
SIZES = (
    (20, 6), (20, 24), (33, 12), (63, 10), (64, 24), (80, 24), (109, 30), (110, 36), (160, 50), (300, 80),
    (3, 2),
)  # fmt: skip
BYTES = {
    "escape": "\x1b", "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "up": "\x1b[A", "down": "\x1b[B",
    "right": "\x1b[C", "left": "\x1b[D", "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "home": "\x1b[H",
    "end": "\x1b[F", "backspace": "\x7f", "delete": "\x1b[3~", "f1": "\x1bOP", "slash": "/",
}  # fmt: skip
_WARM = 0.2  # of the time
_GROWTH = 1.1
_WRONG = b"went wrong inside"
_MEGABYTE = 1 << 20
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?<=>]*[a-zA-Z]|[()].|.)")


@dataclass(frozen=True, slots=True)
class Action:
    """Keys by their names, text to type or to paste, a place to click, or a size."""

    keys: tuple[str, ...] = ()
    text: str = ""
    paste: str = ""
    click: tuple[float, float] | None = None  # shares of width and height
    wheel: int = 0  # up (-1) or down, at the place of the click
    size: tuple[int, int] | None = None


def actions(seed: int, adding: Sequence[str] = ()) -> Iterator[Action]:
    """What a restless user does, for ever; the same for the same seed. `adding` are paths that are added."""
    chance = random.Random(seed)
    kinds = [kind for kind, weight in _KINDS.items() for _ in range(weight)]
    while True:
        kind = chance.choice(kinds)
        if kind == "add" and adding:
            yield Action(keys=(*_AWAY, "ctrl+l", "a"), text=chance.choice(adding))
            yield Action(keys=("enter",))
        elif kind == "mouse":
            yield Action(click=(chance.random(), chance.random()), wheel=chance.choice((0, 0, -1, 1)))
        elif kind == "size":
            yield from (Action(size=chance.choice(SIZES)) for _ in range(chance.choice((1, 1, 1, 20))))
        else:
            yield from _typed(kind, chance)


_KINDS = {
    "key": 50, "keys": 10, "question": 5, "words": 8, "hostile": 3, "paste": 3, "mouse": 18, "size": 5,
    "filter": 1, "palette": 1, "add": 1,
}  # fmt: skip
_AWAY = ("escape", "escape", "escape")  # from dialogs, inputs, readers


def _typed(kind: str, chance: random.Random) -> Iterator[Action]:
    match kind:
        case "key":
            yield Action(keys=(chance.choice(KEYS),))
        case "keys":
            yield Action(keys=tuple(chance.choices(KEYS, k=chance.randint(2, 12))))
        case "question":
            yield Action(keys=("escape", "escape"))
            yield Action(text=chance.choice(QUESTIONS))
            yield Action(keys=("enter",))
        case "words":
            yield Action(text=chance.choice(WORDS))
        case "hostile":
            yield Action(text=(hostile.MARKUP + hostile.EMOJI).replace("/", "|"))
        case "paste":
            yield Action(paste=chance.choice(hostile.TEXTS).replace("/", "|"))
        case "filter":
            yield Action(keys=(*_AWAY, "slash"), text=chance.choice(WORDS))
        case "palette":
            yield Action(keys=("ctrl+p",), text=chance.choice(("theme", "copy", "scope", "help", "sort")))
            yield Action(keys=(chance.choice(("enter", "escape")),))


class Soak:
    """Sends actions to the program in its terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.size = (120, 40)

    def act(self, action: Action) -> None:
        """Does it, and reads what comes."""
        for key in action.keys:
            self.terminal.send(bytes_of(key))
        if action.text:
            self.terminal.send(action.text.replace("\x1b", ""))
        if action.paste:
            self.terminal.send(f"\x1b[200~{action.paste}\x1b[201~")
        if action.click is not None:
            self._mouse(action.click, action.wheel)
        if action.size is not None:
            self.size = action.size
            self.terminal.resize(*action.size)

    def _mouse(self, at: tuple[float, float], wheel: int) -> None:
        # Not the last line, where a click on ^q leaves.
        x, y = (int(share * (most - 1)) + 1 for share, most in zip(at, self.size, strict=True))
        button = {0: 0, -1: 64, 1: 65}[wheel]
        self.terminal.send(f"\x1b[<{button};{x};{y}M" + ("" if wheel else f"\x1b[<{button};{x};{y}m"))

    def answers(self, seconds: float = 60.0) -> bool:
        """Whether another size makes it draw, or it has been left."""
        self.terminal.settle(0.2, seconds / 2)
        self.size = (101, 31) if self.size == (100, 30) else (100, 30)
        self.terminal.resize(*self.size)
        return bool(self.terminal.read(seconds)) or self.terminal.ended(seconds)


def bytes_of(key: str) -> str:
    """What a terminal sends for a key."""
    return chr(ord(key[-1]) - 96) if key.startswith("ctrl+") else BYTES.get(key, key)


def main() -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--library", type=Path, required=True)
    options.add_argument("--papers", type=Path, action="append", default=[])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--program", help="another program that is given the same words, for finding leaks")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "library"
        shutil.copytree(given.library, library)
        adding = [str(path.resolve()) for path in given.papers]
        words = command("--library", str(library), "chat")
        if given.program:
            words[1:3] = [given.program]
        return soak(words, Path(scratch), adding, given.minutes * 60, given.seed)


@dataclass
class Record:
    """What was done so far, and how much memory that took."""

    seconds: float
    begun: float
    done: int = 0
    left: int = 0
    warm: int = 0  # bytes
    last: int = 0
    said: float = 0.0

    @property
    def spent(self) -> float:
        """Seconds."""
        return time.monotonic() - self.begun

    def look(self, memory: int) -> None:
        """Notes the memory, and tells it now and then."""
        self.last = memory
        if not self.warm and self.spent >= self.seconds * _WARM:
            self.warm = memory
        if self.spent >= self.said:
            self.said += 30.0
            _say(f"{self.spent:5.0f} s  {self.done:6} actions  {memory / _MEGABYTE:6.0f} MB")


def soak(words: list[str], folder: Path, adding: Sequence[str], seconds: float, seed: int) -> int:
    """Runs the program for so long, anew whenever it is left; 0 if nothing was wrong with it."""
    record, chosen = Record(seconds, time.monotonic()), actions(seed, adding)
    environ = {
        "CITEWELL_OFFLINE": "true", "BROWSER": "true", "XDG_CONFIG_HOME": str(folder / "config"),
        "PYTHONFAULTHANDLER": "1",
    }  # fmt: skip
    # What it exports is written there.
    started = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *words]
    while record.spent < seconds:
        with Terminal(started, environ=environ) as terminal:
            if wrong := _one_run(terminal, chosen, record):
                _say(f"after {record.done} actions {wrong}")
                return 1
    warm, last = record.warm / _MEGABYTE, record.last / _MEGABYTE
    _say(
        f"{record.done} actions, left {record.left} times; {warm:.0f} MB when warm, {last:.0f} MB at the end"
    )
    return int(bool(record.warm) and last > warm * _GROWTH)


def _one_run(terminal: Terminal, chosen: Iterator[Action], record: Record) -> str:
    """What was wrong, "" for nothing."""
    terminal.wait("Ask a question", 60)
    running = Soak(terminal)
    while terminal.running() and record.spent < record.seconds:
        running.act(next(chosen))
        record.done += 1
        terminal.read(0.03)
        if record.done % 20 == 0:  # it may be behind, as with anyone who types faster than it draws
            terminal.settle(0.15, 10.0)
        if record.done % 200 == 0:
            if not running.answers():
                return f"it no longer answers: {_where(terminal)}"
            if terminal.running():
                terminal.forget()
        if terminal.running():
            record.look(terminal.memory())
        if _WRONG in terminal.seen:
            return f"an action failed: {_said(terminal)[-3000:]}"
    if not terminal.running():
        terminal.ended()
        if terminal.status:
            return f"it ended with {terminal.status}:\n{_said(terminal)}"
        record.left, record.warm = record.left + 1, 0
        _say(f"left after {record.done} actions")
    return ""


def _where(terminal: Terminal) -> str:
    """What each of its threads is doing; the program ends with it."""
    terminal.forget()
    terminal.signal(signal.SIGABRT)
    terminal.ended(10.0)
    return _said(terminal)


def _said(terminal: Terminal) -> str:
    return _ESCAPE.sub("", terminal.seen[-40_000:].decode(errors="replace"))[-12_000:]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
