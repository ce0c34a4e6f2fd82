"""How long citewell takes to start.

    python -m benchmarks.cold --library DIR [--runs N]

Each command is started anew N times, as from a shell; the files it reads are in the system's cache by then.
For `chat` the time to the first frame is taken in a terminal of its own. `warm` is the second question of a
process. "core-s" is the least processor time that a run took, which says more where others use the machine,
too. The last line tells where the time of a cold `ask` goes, by the packages it imports.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import keep, print_machine
from benchmarks.terminal import Terminal, command

QUESTION = "how do MSCs promote angiogenesis?"
_PAINTED = b"Ask a question, and the answer"  # a part of the first frame, in one style
_QUIT = b"\x11"
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and core-seconds: what other work on the machine changes less."""

    seconds: float
    core: float


def whole(words: list[str]) -> Took:
    """From the start of a process to its end."""
    begun, used = time.perf_counter(), _used()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return Took(time.perf_counter() - begun, _used() - used)


def _used() -> float:
    """Core-seconds of the processes that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def first_paint(words: list[str]) -> Took:
    """From the start of a process in a terminal until its first frame is there."""
    begun = time.perf_counter()
    with Terminal(words) as terminal:
        painted = terminal.wait(_PAINTED)
        used = terminal.core_seconds()
        terminal.send(_QUIT)
        terminal.ended()
    return Took(painted - begun, used)


def warm(library: Path, runs: int) -> list[Took]:
    """Each further question of a process that has answered one."""
    from qa.settings import load_settings
    from tui.parts import Parts

    found = []
    with Parts(load_settings(library=library)) as parts:
        for _ in range(runs + 1):
            begun, used = time.perf_counter(), time.process_time()
            for _event in parts.answerer.answer(QUESTION):
                pass
            found.append(Took(time.perf_counter() - begun, time.process_time() - used))
    return found[1:]


def imports(words: list[str]) -> dict[str, float]:
    """Milliseconds that importing each package took by itself, the dearest first."""
    arguments = [words[0], "-X", "importtime", *words[1:]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    found: dict[str, float] = {}
    for line in done.stderr.splitlines():
        if match := _IMPORT.match(line):
            package = match[4].partition(".")[0]
            found[package] = found.get(package, 0.0) + int(match[1]) / 1000
    return dict(sorted(found.items(), key=lambda item: -item[1])[:15])


def measured(runs: int, once: Callable[[], Took]) -> list[Took]:
    """`runs` figures, after one that is thrown away."""
    once()
    return [once() for _ in range(runs)]


def start_up(library: Path, runs: int) -> dict[str, dict[str, float]]:
    """Figures of every command, of the chat's first frame and of a warm question, printed as they come."""
    place = ["--library", str(library)]
    cases: dict[str, list[str]] = {
        "--help": command("--help"),
        "ask --help": command("ask", "--help"),
        "papers": command(*place, "papers"),
        "search": command(*place, "search", QUESTION),
        "ask": command(*place, "ask", QUESTION),
    }
    print(f"{'seconds':24}{'min':>8}{'median':>8}{'core-s':>8}   ({runs} runs)")
    found = {name: _shown(name, measured(runs, partial(whole, words))) for name, words in cases.items()}
    chat = command(*place, "chat")
    found["chat, first paint"] = _shown("chat, first paint", measured(runs, partial(first_paint, chat)))
    found["ask, warm"] = _shown("ask, warm", warm(library, runs))
    return found


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--library", type=Path, required=True)
    options.add_argument("--runs", type=int, default=10)
    given = options.parse_args()
    place = ["--library", str(given.library)]
    print_machine()
    figures = start_up(given.library, given.runs)
    dearest = imports(command(*place, "ask", QUESTION))
    print(
        "\nms to import for a cold ask, by package: " + json.dumps({k: round(v) for k, v in dearest.items()})
    )
    papers = json.loads(subprocess.check_output(command(*place, "status", "--json")))
    library = {name: papers[name] for name in ("papers", "passages")}
    print(f"kept in {keep('cold', {'library': library, 'seconds': figures, 'imports_ms': dearest})}")


def _shown(name: str, runs: list[Took]) -> dict[str, float]:
    """Prints a line of the table, and returns its figures."""
    seconds = [run.seconds for run in runs]
    exact = {"min": min(seconds), "median": statistics.median(seconds), "core": min(r.core for r in runs)}
    found = {name: round(value, 4) for name, value in exact.items()}
    print(f"{name:24}{found['min']:8.3f}{found['median']:8.3f}{found['core']:8.3f}", flush=True)
    return {**found, "runs": len(runs)}


if __name__ == "__main__":
    main()
