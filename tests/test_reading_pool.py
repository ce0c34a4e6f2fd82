"""Files read in worker processes: the same papers in the same order, one loss for a crash, no child left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from index.embed_onnx import PieceCounter
from index.embedders import bundled_model_folder
from index.errors import ParseError, SourceError
from index.library import Library
from index.model import PaperIds
from index.parse import parse
from index.parse.pdf import PdfParser
from index.reading import FileRead, ReadPaper, Task, read_here
from index.reading_pool import ReadingPool
from index.requests import Facts
from index.sync import Syncer
from tests.conftest import SAMPLES
from tests.fakes import SUFFIXES, FakeEmbedder, parse_tiny, report_of
from tests.pdfs import column, pdf, prose, wrap
from tui.background import in_background

ROOM = 256


def tokenizer() -> Path:
    return bundled_model_folder() / "tokenizer.json"


def endless() -> bytes:
    """A small file whose pages take minutes to read."""
    crowded = [put for i in range(20) for put in column(wrap(prose("s", 8), 90), 50 + 0.1 * i, 760)]
    return pdf([crowded], repeat=1900)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Samples of several formats, one that is no paper and one that is not there."""
    (tmp_path / "a.pdf").write_bytes(pdf([column(wrap(prose("g", 8), 90), 50, 700)]))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "empty.xml").write_bytes(b"<article/>")
    for sample in sorted(SAMPLES.iterdir())[:3]:
        if sample.is_file():
            shutil.copy(sample, tmp_path)
    return [*sorted(tmp_path.iterdir()), tmp_path / "gone.md"]


def outcome(read: FileRead) -> object:
    """What came of a file, without the time that it took."""
    if isinstance(read.outcome, ReadPaper):
        return read.path, read.data, read.outcome.paper, read.outcome.passages
    return read.path, read.data, type(read.outcome), read.outcome.message, read.outcome.hint


def children() -> set[int]:
    """The running processes that this one has started."""
    place = Path("/proc/self/task")
    if not place.exists():
        pytest.skip("needs /proc")
    return {int(pid) for file in place.glob("*/children") for pid in file.read_text().split()}


def test_the_papers_and_their_order_are_the_same_whatever_the_number_of_workers(files: list[Path]) -> None:
    facts = Facts(PaperIds(doi="10.1/told"), licence="CC-BY", notice="It was retracted.")
    tasks = [Task(str(path), facts if path.name == "a.pdf" else None) for path in files]
    with PdfParser() as reader:
        here = list(read_here(tasks, partial(parse, pdf=reader), PieceCounter(tokenizer()), ROOM))
    before = children()
    for workers in (1, 3):
        pool = ReadingPool(tokenizer, workers=workers)
        found = [read for read in pool.read(tasks, ROOM) if read is not None]
        assert [outcome(read) for read in found] == [outcome(read) for read in here]
    assert children() == before
    kinds = {Path(read.path).name: type(read.outcome) for read in here}
    assert kinds["a.pdf"] is ReadPaper
    assert kinds["broken.pdf"] is kinds["empty.xml"] is ParseError
    assert kinds["gone.md"] is SourceError
    paper = next(read.outcome for read in here if read.path.endswith("a.pdf"))
    assert isinstance(paper, ReadPaper)
    assert (paper.paper.record.ids.doi, paper.paper.notes[-1]) == ("10.1/told", "It was retracted.")


def test_a_worker_that_dies_costs_its_paper_alone(tmp_path: Path, files: list[Path]) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(endless())
    tasks = [Task(str(path)) for path in (files[0], slow, files[0])]
    before = children()
    killed: set[int] = set()
    with closing(ReadingPool(tokenizer, workers=1).read(tasks, ROOM)) as stream:
        found = [next(read for read in stream if read is not None)]
        time.sleep(0.3)  # so that it is at the slow one
        killed = children() - before
        assert len(killed) == 1
        os.kill(*killed, signal.SIGSEGV)
        found += [read for read in stream if read is not None]
    assert [type(read.outcome) for read in found] == [ReadPaper, ParseError, ReadPaper]
    assert found[1].outcome.message == "the PDF reader crashed on it"
    assert children() == before


def test_a_file_that_takes_too_long_is_given_up_and_meanwhile_there_are_signs_of_life(
    tmp_path: Path, files: list[Path]
) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(endless())
    pool = ReadingPool(tokenizer, workers=2, seconds=2.0)
    found = list(pool.read([Task(str(slow)), Task(str(files[0]))], ROOM))
    first, second = (read for read in found if read is not None)
    assert isinstance(first.outcome, ParseError)
    assert first.outcome.message == "reading it took longer than 2 s"
    assert isinstance(second.outcome, ReadPaper)
    assert len(found) > 2


def test_whoever_stops_half_way_leaves_no_process_and_no_thread(tmp_path: Path, files: list[Path]) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(endless())
    before = children()
    stream = ReadingPool(tokenizer, workers=2).read(
        [Task(str(path)) for path in (slow, slow, files[0])], ROOM
    )
    assert next(stream) is None
    stream.close()
    assert children() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]


def test_workers_give_way_with_the_work_that_they_are_part_of(files: list[Path]) -> None:
    """In another session a low priority would count for nothing: Linux weighs the sessions first."""
    before = children()
    seen: list[tuple[int, bool, bool]] = []

    def step() -> None:
        with closing(ReadingPool(tokenizer, workers=2).read([Task(str(files[0]))] * 2, ROOM)) as stream:
            for _ in range(2):
                while next(stream) is None:
                    pass
            seen.extend(
                (os.getpriority(os.PRIO_PROCESS, pid), os.getsid(pid) == os.getsid(0), os.getpgid(pid) == pid)
                for pid in children() - before
            )

    nice = max(10, os.getpriority(os.PRIO_PROCESS, 0))
    in_background(step)
    assert seen == [(nice, True, True)] * 2


def test_workers_are_as_many_as_the_work_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    def workers(cores: int, *counts: tuple[int, str]) -> int:
        monkeypatch.setattr("index.reading_pool.cores", lambda: cores)
        tasks = [Task(f"/x/{i}.{ending}") for number, ending in counts for i in range(number)]
        return ReadingPool(tokenizer).workers(tasks)

    assert [workers(2, (number, "xml")) for number in (1, 31, 32, 5000)] == [0, 0, 2, 2]
    assert [workers(2, (number, "PDF")) for number in (1, 3, 4)] == [0, 0, 2]
    assert [workers(cores, (100, "md")) for cores in (1, 2, 3, 64)] == [0, 2, 3, 4]
    assert ReadingPool(lambda: None, workers=2).workers([Task("/x.xml")]) == 0, "pieces are counted here only"


def test_ctrl_c_in_a_terminal_keeps_what_was_stored_and_leaves_no_child(tmp_path: Path) -> None:
    """The whole process group is interrupted, as a terminal does it."""
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(80):
        (folder / f"{number:02}.txt").write_text(f"A study of w{number}\n\nThe w{number} sleep by day.\n")
    script = (
        "import signal, sys, time; from pathlib import Path; from index.library import Library\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may start jobs without it
        "from index.sync import *\n"
        "from index.events import *; from tests.fakes import FakeEmbedder, SUFFIXES\n"
        "from tests.test_reading_pool import children, tokenizer\n"
        "library = Library(Path(sys.argv[1])); library.create()\n"
        "syncer = Syncer(library, FakeEmbedder(), None, SUFFIXES, pool=ReadingPool(tokenizer, workers=2))\n"
        "try:\n"
        "    for event in syncer.add([Path(sys.argv[2])]):\n"
        "        if isinstance(event, PaperSynced):\n"
        "            print(event.title, *children(), sep='|', flush=True)\n"
        "            time.sleep(0.05)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', *children(), sep='|')\n"
    )
    root = Path(__file__).resolve().parents[1]
    running = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "library"), str(folder)],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        first, *workers = running.stdout.readline().strip().split("|")
        assert (first, len(workers)) == ("A study of w0", 2)
        os.killpg(running.pid, signal.SIGINT)
        rest = running.stdout.read().splitlines()
    assert running.returncode == 0
    assert rest[-1] == "stopped"
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    library = Library(tmp_path / "library")
    with library.read() as reader:
        stored = {paper.record.title for paper in reader.papers()}
        assert {"A study of w0", *(row.split("|")[0] for row in rest[:-1])} <= stored
        assert reader.sources(status="failed") == [], "an interrupted reader is no reason to give a file up"
        assert len(reader.pending()) == len(stored) < 80
    report = report_of(Syncer(library, FakeEmbedder(), parse_tiny, SUFFIXES).sync())
    assert (report.unchanged, len(report.added), report.embedded) == (len(stored), 80 - len(stored), 80)
