"""A scripted session of adds, changes, moves, removals and a seal, made to be killed at any point.

Usage: kill_session.py citewell|control FOLDER. It reads FOLDER/stage/<step>/ (made by `stage`), applies one
step after the other to FOLDER/papers by renames, which are whole or not at all, and brings the library in
FOLDER/library up to date. After each step it prints one line, which says that the step is acknowledged;
before that a line for each paper that is said to be stored, and so to be found by its words.

The session's own changes use renameat, unlinkat and writev, so that rename, unlink and write are the
library's alone and may be made to fail.

The control does what most such tools do: it rewrites its FAISS file and its JSON catalogue in place.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from index import embedding
from index.errors import CitewellError
from index.events import PaperSynced
from index.library import Library
from index.remove import remove
from index.vectors import seal
from tests.fakes import FakeEmbedder, hash_vector, make_syncer, tiny

# Each step: files that appear or change (their text), files that go (None), files that move (a new name).
FIRST = tiny("First study of rats", "# One", "Rats ran w1. They ran again.", "# Two", "Rats slept w1b.")
SECOND = tiny("Second study of cats", "# One", "Cats sat w2.", "# Two", "Cats purred w2b.")
THIRD = tiny("Third study of bats", "# One", "Bats flew w3.", "# Two", "Bats hung w3b.")
PDF = tiny("Fourth study of ants", "# One", "Ants dug w4pdf.", doi="10.1/ants", format="pdf")
JATS = tiny("Fourth study of ants", "# One", "Ants dug w4jats.", doi="10.1/ants", format="jats")
STEPS: tuple[dict[str, str | None], ...] = (
    {"a.txt": FIRST, "b.txt": SECOND},
    {"c.txt": THIRD, "d.txt": PDF},
    {"a.txt": FIRST + "Rats ate w1c.\n"},
    {"e.txt": JATS, "bad.txt": "BAD"},
    {"b.txt": None, "a.txt": "-> moved.txt"},
    {"c.txt": None, "e.txt": None},
    {"moved.txt": "-> nowhere"},
)
# "nowhere" is out of the library: the user removes the paper and keeps the file.
REMOVED = "moved.txt"


def stage(folder: Path) -> None:
    """Lays out the new files of every step, so that the session itself writes none."""
    (folder / "papers").mkdir(parents=True)
    for number, step in enumerate(STEPS):
        place = folder / "stage" / str(number)
        place.mkdir(parents=True)
        for name, text in step.items():
            if text is not None and not text.startswith("-> "):
                (place / name).write_text(text)


def files_after(steps: int) -> dict[str, str]:
    """The papers folder after so many steps: texts by file name."""
    files: dict[str, str] = {}
    for step in STEPS[:steps]:
        for name, text in step.items():
            if text is None:
                del files[name]
            elif text.startswith("-> "):
                files[text[3:]] = files.pop(name)
            else:
                files[name] = text
    files.pop("nowhere", None)
    return files


def apply(folder: Path, number: int) -> None:
    """Brings the papers folder to where it is after this step."""
    papers = os.open(folder / "papers", os.O_RDONLY)
    staged = os.open(folder / "stage" / str(number), os.O_RDONLY)
    for name, text in STEPS[number].items():
        if text is None:
            os.unlink(name, dir_fd=papers)
        elif name == REMOVED:
            continue
        elif text.startswith("-> "):
            os.rename(name, text[3:], src_dir_fd=papers, dst_dir_fd=papers)
        else:
            os.rename(name, name, src_dir_fd=staged, dst_dir_fd=papers)
    os.close(papers)
    os.close(staged)


def say(text: str) -> None:
    """One line to standard output, at once."""
    os.writev(1, [f"{text}\n".encode()])


def citewell(folder: Path) -> None:
    """The session with citewell's own library; vectors come in several transactions a step."""
    embedding._WINDOW = 3
    library = Library(folder / "library", lock_seconds=2.0)
    library.create()
    for number in range(len(STEPS)):
        apply(folder, number)
        if REMOVED in STEPS[number]:
            remove(library, [REMOVED])
        syncer = make_syncer(library, FakeEmbedder())
        for event in syncer.add([folder / "papers"]) if number == 0 else syncer.sync():
            if isinstance(event, PaperSynced):
                say(f"stored {event.title}")
        if number in (2, 4):
            seal(library)
        say(f"done {number}")


def control(folder: Path) -> None:
    """The same session with a FAISS file and a JSON catalogue that are written in place."""
    import faiss

    place = folder / "library"
    place.mkdir(exist_ok=True)
    for number in range(len(STEPS)):
        apply(folder, number)
        names = sorted(files_after(number + 1))
        catalogue = {name: (folder / "papers" / name).read_text() for name in names}
        index = faiss.IndexFlatIP(16)
        for text in catalogue.values():
            index.add(hash_vector(text)[None, :])
        faiss.write_index(index, str(place / "index.faiss"))
        (place / "catalogue.json").write_text(json.dumps(catalogue))
        say(f"done {number}")


def main() -> int:
    """Runs the session; 3 and the message for an error that is said in words."""
    session, folder = sys.argv[1:]
    try:
        {"citewell": citewell, "control": control}[session](Path(os.path.realpath(folder)))
    except CitewellError as error:
        say(f"error {error.message} | {error.hint}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
