"""The scripted session is killed, or refused disk space, at every system call that writes.

Afterwards the library is compared with a model: every acknowledged step is there, no paper is half there,
and the next sync finishes the work. A control that writes its files in place must fail the same checks.
SIGKILL is not a power cut: this shows what the library does, not what a disk does.

All points: CITEWELL_KILL_ALL=1 pytest tests/test_storage_kill.py -s
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from index.identity import quality
from index.library import Library
from tests.fakes import Held, assert_whole, held, make_syncer, memory_folder, parse_tiny, report_of
from tests.kill_session import STEPS, files_after, stage

# The calls that the library writes with; the session's own changes use others (see kill_session).
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate", "mkdir")
EACH = int(os.environ.get("CITEWELL_KILL_ALL", "0"))  # 1 for every point; 7 for every seventh pwrite64
ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
}
_MANY = 100_000


@cache
def strace_fails() -> str:
    """Why strace cannot be used here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = ["strace", "-f", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "true"]
    found = subprocess.run(probe, capture_output=True, text=True)
    return "" if found.returncode == 0 else f"strace cannot be used here: {found.stderr.strip()[:200]}"


@pytest.fixture
def strace() -> None:
    if strace_fails():
        pytest.skip(strace_fails())


@dataclass(frozen=True)
class Run:
    """How a session went: the steps it acknowledged, the papers it said were stored in the step after those,
    how it ended, and its last words."""

    acknowledged: int
    stored: frozenset[str]
    code: int
    output: str

    @property
    def killed(self) -> bool:
        return self.code == -9


def run_session(session: str, folder: Path, injection: str) -> Run:
    """Runs the session in a fresh folder with one injection, e.g. "fsync:signal=SIGKILL:when=3"."""
    stage(folder)
    call = injection.partition(":")[0]
    # Not with --seccomp-bpf: it is faster, but then strace 6.1 delivers no signal.
    ended = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={injection}", sys.executable, "-m", "tests.kill_session", session, str(folder)],
        capture_output=True, text=True, env=ENVIRONMENT, timeout=120,
    )  # fmt: skip
    *_, last = ended.stdout.split("done ")
    stored = frozenset(line[7:] for line in last.splitlines() if line.startswith("stored "))
    return Run(ended.stdout.count("done "), stored, ended.returncode, ended.stdout + ended.stderr)


def model(files: dict[str, str], folder: Path) -> dict[str, Held]:
    """The papers that a library of these files should hold, by title."""
    found: dict[str, Held] = {}
    papers = {name: parse_tiny(text.encode(), name) for name, text in files.items() if "BAD" not in text}
    for title in {paper.record.title for paper in papers.values()}:
        copies = {name: paper for name, paper in papers.items() if paper.record.title == title}
        best = max(copies.values(), key=lambda p: quality(p.format, p.body_missing))
        found[title] = Held(frozenset(str(folder / "papers" / name) for name in copies), title, best.text)
    return found


def check_citewell(folder: Path, acknowledged: int, stored: frozenset[str]) -> str:
    """ "lost …" or "half-visible …" for what the library promises and does not keep, else an empty string."""
    folder = folder.resolve()
    library = Library(folder / "library", lock_seconds=2.0)
    if acknowledged == 0 and not library.exists():
        library.create()
        return _finish(library, folder)
    if acknowledged == 0:
        library.create()  # as `add` does: it may have been killed while it made the tables
    try:
        there = {paper.title: paper for paper in held(library)}
    except Exception as error:
        return f"lost: cannot be read: {error}"
    before = model(files_after(acknowledged), folder)
    after = model(files_after(min(acknowledged + 1, len(STEPS))), folder)
    if set(before) & set(after) - set(there) or set(there) - set(before) - set(after):
        return f"lost: {sorted(there)} after {acknowledged} steps"
    if lost := [title for title in stored if title not in there or not found_by_words(library, title)]:
        return f"lost: {lost}, said to be stored in step {acknowledged + 1}"
    for title, paper in there.items():
        states = [state[title] for state in (before, after) if title in state]
        if paper.text not in {s.text for s in states} or paper.paths not in {s.paths for s in states}:
            return f"half-visible: {paper}"
    try:
        assert_whole(library, pending=None)
    except AssertionError as error:
        return f"half-visible: {error}"
    return _finish(library, folder)


def found_by_words(library: Library, title: str) -> bool:
    """Whether all passages of the paper are found by its title."""
    with library.read() as reader:
        paper = reader.find_paper(title)
        found = {i for i, _ in reader.match(f'title : "{title}"', 100, (1, 1, 1))}
        return found >= set(reader.passage_ids(paper.id)) != set()


def _finish(library: Library, folder: Path) -> str:
    """The next sync makes the library equal the files; the one after it has nothing to do."""
    with library.read() as reader:
        following = bool(reader.roots())
    if not following:
        report_of(make_syncer(library).add([folder / "papers"]))
    report_of(make_syncer(library).sync())
    with library.read() as reader:
        removed = {source.path for source in reader.sources(status="excluded")}
    files = {
        path.name: path.read_text() for path in (folder / "papers").iterdir() if str(path) not in removed
    }
    if held(library) != set(model(files, folder).values()):
        return f"lost: the next sync ends with {held(library)}"
    assert_whole(library)
    report = report_of(make_syncer(library).sync())
    if report.added or report.changed or report.removed or report.moved or report.duplicates:
        return f"lost: a sync after the next one still found work: {report}"
    return ""


def check_control(folder: Path, acknowledged: int, _stored: frozenset[str]) -> str:
    """The same question to the control's two files."""
    import faiss

    place = folder / "library"
    states = [files_after(acknowledged), files_after(min(acknowledged + 1, len(STEPS)))]
    if acknowledged == 0 and not (place / "catalogue.json").exists():
        return ""
    try:
        catalogue = json.loads((place / "catalogue.json").read_text())
        index = faiss.read_index(str(place / "index.faiss"))
    except (OSError, ValueError, RuntimeError) as error:
        return f"lost: {error}"
    if catalogue not in states:
        return "lost: another catalogue"
    return "" if index.ntotal == len(catalogue) else "half-visible: the index has other papers"


CHECKS = {"citewell": check_citewell, "control": check_control}


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="citewell-kill-", dir=memory_folder()))
    yield folder
    shutil.rmtree(folder)


def try_point(session: str, place: Path, injection: str) -> tuple[Run, str]:
    """Runs the session with one injection and checks what it left behind."""
    folder = place / "run"
    try:
        run = run_session(session, folder, injection)
        if not run.killed and run.code not in (0, 3):
            return run, f"unexplained: {run.output.strip()[-600:]}"
        try:
            return run, CHECKS[session](folder, run.acknowledged, run.stored)
        except Exception as error:
            return run, f"half-visible: {type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)


def test_without_any_injection_the_session_runs_to_its_end(strace: None, place: Path) -> None:
    for session in CHECKS:
        run, wrong = try_point(session, place, "fsync:signal=SIGKILL:when=9999")
        assert (run.acknowledged, run.code, wrong) == (len(STEPS), 0, ""), run.output


@pytest.mark.parametrize(
    "point",
    # Chosen for what happens there: first bytes of the database, a raw copy, a commit, a seal, a removal; and
    # from pwrite64:333 vectors: of the first window, the second, papers of another step, a changed paper.
    ["pwrite64:3", "pwrite64:333", "pwrite64:360", "pwrite64:600", "pwrite64:740", "pwrite64:900",
     "fdatasync:20", "fdatasync:25", "fdatasync:63",
     "fsync:14", "rename:6", "unlink:31", "ftruncate:40", "write:5"],
)  # fmt: skip
def test_a_killed_session_loses_nothing(strace: None, place: Path, point: str) -> None:
    call, _, number = point.partition(":")
    run, wrong = try_point("citewell", place, f"{call}:signal=SIGKILL:when={number}")
    assert run.killed, "the point lies behind the end of the session"
    assert wrong == ""


@pytest.mark.parametrize(
    "injection",
    ["pwrite64:error=ENOSPC:when=400+", "pwrite64:error=EIO:when=500", "fdatasync:error=EIO:when=30",
     "write:error=ENOSPC:when=4", "fsync:error=EIO:when=8"],
)  # fmt: skip
def test_a_full_or_failing_disk_is_said_in_words_and_costs_nothing(
    strace: None, place: Path, injection: str
) -> None:
    run, wrong = try_point("citewell", place, injection)
    assert run.code in (0, 3), run.output
    assert wrong == ""


def test_the_control_that_writes_in_place_loses_papers(strace: None, place: Path) -> None:
    """Proof that the checks above can fail."""
    outcomes = [try_point("control", place, f"write:signal=SIGKILL:when={n}") for n in (2, 3, 8, 9)]
    assert all(run.killed for run, _ in outcomes)
    assert any(wrong for _, wrong in outcomes)


@pytest.mark.slow
@pytest.mark.skipif(not EACH, reason="all points take long: set CITEWELL_KILL_ALL=1")
@pytest.mark.parametrize("fault", ["signal=SIGKILL:when={}", "error=ENOSPC:when={}+", "error=EIO:when={}"])
@pytest.mark.parametrize("session", ["control", "citewell"])
def test_every_point(strace: None, place: Path, session: str, fault: str) -> None:
    """Every call of every kind, one after the other, until the session no longer meets it."""
    if session == "control" and "SIGKILL" not in fault:
        pytest.skip("the control is there to be killed")
    totals: Counter[str] = Counter()
    failures: list[str] = []
    for call in CALLS:
        for number in range(1, _MANY, EACH if call == "pwrite64" else 1):
            injection = f"{call}:{fault.format(number)}"
            run, wrong = try_point(session, place, injection)
            if (
                not wrong
                and run.code == 0
                and run.acknowledged == len(STEPS)
                and _behind(call, number, session)
            ):
                break
            totals["points"] += 1
            totals[f"{call} points"] += 1
            totals[wrong.partition(":")[0] or "held"] += 1
            if wrong:
                failures.append(f"{injection} after {run.acknowledged}: {wrong}")
    sys.stdout.write(f"\n{session} {fault}: {dict(totals)}\n")
    sys.stdout.write("\n".join(failures[:40]) + "\n")
    assert bool(failures) == (session == "control"), failures[:5]


@cache
def _number_of_calls(session: str) -> dict[str, int]:
    """How many calls of each kind a whole session makes."""
    with tempfile.TemporaryDirectory() as place:
        folder, log = Path(place) / "run", Path(place) / "log"
        stage(folder)
        subprocess.run(
            ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}",
             sys.executable, "-m", "tests.kill_session", session, str(folder)],
            capture_output=True, check=True,
            env=ENVIRONMENT,
        )  # fmt: skip
        made = Counter(line.split()[1].partition("(")[0] for line in log.read_text().splitlines())
    return dict(made)


def _behind(call: str, number: int, session: str) -> bool:
    """Whether a point lies behind the last call of its kind: a swallowed error looks the same."""
    return number > _number_of_calls(session).get(call, 0)
