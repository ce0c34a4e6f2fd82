"""A folder is watched while its user works in it: what changes is in the library soon after."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from index.events import PaperFailed, PaperSynced, Synced
from index.library import Library
from index.watch import FolderAway, LibraryBusy, Watcher, WatchEvent, Watching, on_network
from tests.fakes import SUFFIXES, assert_whole, expect, held, make_library, make_syncer, tiny

SETTLE = 0.3


@dataclass
class Watched:
    """A watcher at work in a thread, and what it has told so far."""

    library: Library
    watcher: Watcher
    events: list[WatchEvent] = field(default_factory=list)
    errors: queue.Queue[BaseException] = field(default_factory=queue.Queue)

    def until(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        """Waits for something to become true."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.errors.empty(), self.errors.get()
            assert time.monotonic() < end, self.events[-20:]
            time.sleep(0.03)

    def titles(self) -> set[str]:
        """Of the papers that the library holds now."""
        return {paper.title for paper in held(self.library)}

    def reports(self) -> list[Synced]:
        """The syncs so far."""
        return [event for event in self.events if isinstance(event, Synced)]


@contextmanager
def watching(folders: list[Path], library: Library, *, poll: bool = False) -> Iterator[Watched]:
    watcher = Watcher(library, make_syncer(library), SUFFIXES, settle=SETTLE, poll=poll)
    watched = Watched(library, watcher)

    def work() -> None:
        try:
            for event in watcher.run(folders):
                watched.events.append(event)
        except BaseException as error:  # the test's thread raises it
            watched.errors.put(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        watched.until(lambda: any(isinstance(event, Watching) for event in watched.events))
        yield watched
    finally:
        watcher.stop.set()
        thread.join(10)
        assert not thread.is_alive()
    assert watched.errors.empty(), watched.errors.get()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "papers"
    place.mkdir()
    return place


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return make_library(tmp_path / "library")


@pytest.mark.parametrize("poll", [False, True], ids=["told by the system", "by polling"])
def test_a_day_with_a_watched_folder(folder: Path, library: Library, poll: bool) -> None:
    first = folder / "first.txt"
    first.write_text(tiny("Of mice", "Mice sleep."))
    with watching([folder], library, poll=poll) as watched:
        assert watched.titles() == {"Of mice"}

        second = folder / "deeper" / "second.txt"  # new, in a new folder
        second.parent.mkdir()
        second.write_text(tiny("Of rats", "Rats run."))
        watched.until(lambda: watched.titles() == {"Of mice", "Of rats"})

        first.write_text(tiny("Of mice", "Mice wake."))  # changed
        watched.until(lambda: held(library) == {expect(first), expect(second)})

        renamed = folder / "renamed.txt"  # renamed: the same paper at another place, not read again
        first.rename(renamed)
        watched.until(lambda: held(library) == {expect(renamed), expect(second)})
        watched.until(lambda: watched.reports()[-1].report.moved == (str(renamed),))
        assert watched.reports()[-1].report.passages == 0

        shutil.rmtree(second.parent)  # removed, with its folder
        watched.until(lambda: watched.titles() == {"Of mice"})

        broken = folder / "broken.txt"  # no paper, and then one
        broken.write_text("BAD")
        watched.until(
            lambda: any(isinstance(e, PaperFailed) and e.path == str(broken) for e in watched.events)
        )
        broken.write_text(tiny("Of voles", "Voles dig."))
        watched.until(lambda: watched.titles() == {"Of mice", "Of voles"})

        (folder / "notes.docx").write_text("no paper by its ending")
        (folder / ".hidden.txt").write_text(tiny("Hidden", "Not seen."))
        time.sleep(1.0 + SETTLE + (1.0 if poll else 0))
        assert watched.titles() == {"Of mice", "Of voles"}
    assert_whole(library)


def test_a_file_is_read_when_it_has_been_written_and_not_before(folder: Path, library: Library) -> None:
    with watching([folder], library) as watched:
        with (folder / "slow.txt").open("w") as file:
            for part in ("Of slow", " mice", "\nMice sleep.", " Mice wake.", " Mice eat.\n"):
                file.write(part)
                file.flush()
                time.sleep(SETTLE * 0.4)
        watched.until(lambda: any(isinstance(event, PaperSynced) for event in watched.events))
        assert held(library) == {expect(folder / "slow.txt")}
        synced = [event for event in watched.events if isinstance(event, PaperSynced)]
        assert [event.title for event in synced] == ["Of slow mice"]


def test_a_thousand_files_at_once_are_one_burst(folder: Path, library: Library, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for n in range(1000):
        (source / f"{n}.txt").write_text(tiny(f"Paper {n}", f"Mouse {n} sleeps."))
    with watching([folder], library) as watched:
        shutil.copytree(source, folder / "copied")
        watched.until(lambda: len(watched.titles()) == 1000, 60)
        assert len(watched.reports()) <= 4  # the first walk, and the burst in a few parts at most
        shutil.rmtree(folder / "copied")
        watched.until(lambda: not watched.titles(), 60)
    assert_whole(library)


def test_a_folder_that_goes_away_is_a_drive_and_keeps_its_papers(
    folder: Path, library: Library, tmp_path: Path
) -> None:
    (folder / "a.txt").write_text(tiny("Of mice", "Mice sleep."))
    with watching([folder], library, poll=True) as watched:
        folder.rename(tmp_path / "unplugged")
        watched.until(lambda: FolderAway(str(folder), True) in watched.events)
        time.sleep(2.0)
        assert watched.titles() == {"Of mice"}
        (tmp_path / "unplugged").rename(folder)
        watched.until(lambda: FolderAway(str(folder), False) in watched.events)
        (folder / "b.txt").write_text(tiny("Of rats", "Rats run."))
        watched.until(lambda: watched.titles() == {"Of mice", "Of rats"})


def test_questions_and_other_writers_work_beside_it(folder: Path, library: Library, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text(tiny("Of owls", "Owls hunt."))
    with watching([folder], library) as watched:
        with library.lock():  # another citewell writes for long
            (folder / "a.txt").write_text(tiny("Of mice", "Mice sleep."))
            watched.until(lambda: LibraryBusy() in watched.events)
            with library.read() as reader:
                assert reader.papers() == []
        for _ in make_syncer(library).add([elsewhere]):
            pass
        watched.until(lambda: watched.titles() == {"Of owls", "Of mice"})


def test_a_library_inside_a_watched_folder_does_not_wake_the_watcher(folder: Path) -> None:
    library = make_library(folder / "library")
    with watching([folder], library) as watched:
        (library.folder / "objects" / "not-yours.txt").write_text(tiny("Of the library", "It is its own."))
        (folder / "a.txt").write_text(tiny("Of mice", "Mice sleep."))
        watched.until(lambda: watched.titles() == {"Of mice"})
        time.sleep(1.5)
        assert watched.titles() == {"Of mice"}
        assert len(watched.reports()) == 2
        assert watched.watcher._pending == {}


def test_network_drives_are_recognised(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/share nfs4 rw 0 0\n//nas/p /mnt/my\\040papers cifs rw 0 0\n"
        "/dev/sdb1 /mnt/share/local ext4 rw 0 0\n"
    )
    found = {
        place: on_network(Path(place), mounts)
        for place in ("/home/ada", "/mnt/share", "/mnt/share/a", "/mnt/my papers/b", "/mnt/share/local/c",
                      "/mnt/sharex")
    }  # fmt: skip
    assert found == {
        "/home/ada": False, "/mnt/share": True, "/mnt/share/a": True, "/mnt/my papers/b": True,
        "/mnt/share/local/c": False, "/mnt/sharex": False,
    }  # fmt: skip
    assert on_network(Path("/home"), tmp_path / "none") is False


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_cleanly(folder: Path, tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "tui.cli", "--library", str(tmp_path / "library"), "watch", str(folder)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "watching 1 folder (" in line
    process.send_signal(sign)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "stopped watching\n")


def test_watching_a_followed_folder_brings_no_removed_paper_back(
    citewell: Callable[..., Any], tmp_path: Path
) -> None:
    papers, library = tmp_path / "papers", tmp_path / "library"
    papers.mkdir()
    for name in ("mice", "rats"):
        (papers / f"{name}.md").write_text(f"# Of {name}\n\nThere were many {name} in the house.\n", "utf-8")
    citewell("add", str(papers), library=library)
    assert citewell("remove", "Of mice", library=library).code == 0
    command = [sys.executable, "-m", "tui.cli", "--library", str(library), "watch", str(papers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "watching 1 folder (" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert [p["title"] for p in json.loads(citewell("papers", "--json", library=library).out)] == ["Of rats"]


def test_a_file_cannot_be_watched(citewell: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nB.\n")
    result = citewell("watch", str(tmp_path / "a.md"), library=tmp_path / "library")
    assert "is no folder" in result.err  # type: ignore[attr-defined]
