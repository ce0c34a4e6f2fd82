"""How `citewell chat` ends, and is put to sleep: the terminal as before, no process left, the right code."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal, command

pytestmark = pytest.mark.slow

LEFT = (
    b"\x1b[?1049l",
    b"\x1b[?25h",
    b"\x1b[?2004l",
    b"\x1b[?1000l",
    b"\x1b[?1003l",
    b"\x1b[?1006l",
    b"\x1b[<u",
)
ENTERED = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?2004h", b"\x1b[?1003h")


def environ(folder: Path) -> dict[str, str]:
    return {
        "XDG_CONFIG_HOME": str(folder / "config"), "XDG_CACHE_HOME": str(folder / "cache"),
        "CITEWELL_OFFLINE": "true",
    }  # fmt: skip


def children(process: int) -> set[int]:
    """All processes below this one."""
    found = set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
    for thread in Path(f"/proc/{process}/task").iterdir():
        found |= set(map(int, (thread / "children").read_text().split()))
    return found.union(*map(children, found)) if found else found


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never came about"
        time.sleep(0.02)


def gone(processes: set[int]) -> bool:
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def assert_clean(terminal: Terminal, before: list[object]) -> None:
    """Everything that was switched on is off, last of all; and the line is as the shell left it."""
    for off in LEFT:
        assert off in terminal.seen
    for on in ENTERED:
        assert terminal.seen.rfind(on) < terminal.seen.rfind(on[:-1] + (b"h" if on.endswith(b"l") else b"l"))
    assert terminal.modes() == before


@pytest.mark.parametrize(
    ("how", "code"),
    [("ctrl+q", 0), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)],
)
def test_however_it_ends_the_terminal_is_as_before(tmp_path: Path, how: str, code: int) -> None:
    with Terminal(
        command("--library", str(tmp_path / "none"), "chat"), 80, 24, environ(tmp_path)
    ) as terminal:
        before = terminal.modes()
        terminal.wait("there is no library", 60)
        assert terminal.modes() != before
        left = children(terminal.process)
        if how == "ctrl+q":
            terminal.send("\x11")
        else:
            terminal.signal(getattr(signal, how))
        assert terminal.ended(30)
        assert terminal.status is not None
        assert os.waitstatus_to_exitcode(terminal.status) == code
        assert_clean(terminal, before)
        assert b"Traceback" not in terminal.seen
        until(lambda: gone(left))


def test_put_to_sleep_and_woken_it_goes_on(tmp_path: Path) -> None:
    with Terminal(
        command("--library", str(tmp_path / "none"), "chat"), 80, 24, environ(tmp_path)
    ) as terminal:
        before = terminal.modes()
        terminal.wait("there is no library", 60)
        terminal.settle()
        terminal.signal(signal.SIGTSTP)
        until(lambda: Path(f"/proc/{terminal.process}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        terminal.settle()
        assert_clean(terminal, before)
        terminal.forget()
        terminal.signal(signal.SIGCONT)
        terminal.wait("there is no library", 30)
        terminal.send("Ծ")
        terminal.wait("Ծ")
        terminal.send("\x11")
        assert terminal.ended(30)
        assert terminal.status == 0
        assert_clean(terminal, before)


def test_a_window_that_is_closed_while_papers_come_in_leaves_no_process_and_a_whole_library(
    tmp_path: Path,
) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    for n in range(400):
        (papers / f"{n}.md").write_text(
            f"# Paper {n}\n\n## Results\n\n" + f"Cells of kind {n} grow well. " * 200
        )
    library = str(tmp_path / "library")
    with Terminal(command("--library", library, "chat"), 80, 24, environ(tmp_path)) as terminal:
        terminal.wait("there is no library", 60)
        terminal.send("\x0c")
        terminal.wait("There are no papers here yet")
        terminal.send("a")
        terminal.wait("Add papers")
        terminal.send(f"{papers}\r")
        terminal.wait("of 400", 60)
        until(lambda: len(children(terminal.process)) > 1)  # those that read
        left = children(terminal.process)
        terminal.hang_up()
        until(lambda: not terminal.running())
        until(lambda: gone(left))
    checked = subprocess.run(
        command("--library", library, "doctor"), capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/null"])
def test_without_a_terminal_to_draw_in_it_says_so(tmp_path: Path, stream: str) -> None:
    words = ["sh", "-c", f'"$@" {stream}', "sh", *command("--library", str(tmp_path / "none"), "chat")]
    with Terminal(words, 80, 24, environ(tmp_path)) as terminal:
        assert terminal.ended(30)
        assert terminal.status is not None
        assert os.waitstatus_to_exitcode(terminal.status) == 1
        assert b"Traceback" not in terminal.seen
        assert ("2>" in stream) != (b"chat needs a terminal" in terminal.seen)
