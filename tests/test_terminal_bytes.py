"""What reaches a real terminal from hostile papers, byte by byte, through every screen."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.terminal import Terminal, command
from tests import hostile
from tests.chat_server import as_json, chat_server, pieces, says

pytestmark = pytest.mark.slow

QUESTION = "do pericytes increase capillary density?"
PASTED = hostile.ALL.replace("\x1b", "")  # what a terminal leaves of it
_EVERY = 160  # characters of a text: something hostile in nearly every sentence
_OSC = re.compile(rb"\x1b\]([^\x07\x1b]*)")
_FORBIDDEN = re.compile("[\u0080-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_POINTER = re.compile(rb"22;[a-z]+")  # Textual's: the shape of the mouse pointer
_CLIPBOARD = re.compile(rb"52;c;([A-Za-z0-9+/=]*)")


@pytest.fixture(scope="module")
def poisoned(sample_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, with hostile words in all that a paper, a file and a service can say.

    They are written past the parsers, which would take most of them out.
    """
    folder = tmp_path_factory.mktemp("poisoned") / f"lib{hostile.ESCAPES['title']}"
    shutil.copytree(sample_library, folder)
    with closing(sqlite3.connect(folder / "library.db")) as db, db:
        for number, record in db.execute("SELECT id, record FROM papers").fetchall():
            told = json.loads(record)
            told["title"] = f"{hostile.ALL} {told['title']} {hostile.LONG if number == 1 else ''}"
            told["journal"] = told["licence"] = hostile.ALL
            for author in told["authors"]:
                author["family"] += hostile.ALL
            title, made = told["title"], json.dumps(told)
            db.execute("UPDATE papers SET title = ?, record = ?, notes = ? WHERE id = ?",
                       (title, made, json.dumps([hostile.ALL]), number))  # fmt: skip
            db.execute("INSERT INTO tags (paper_id, name) VALUES (?, ?)", (number, hostile.ALL))
        for number, text in db.execute("SELECT id, text FROM revisions").fetchall():
            db.execute("UPDATE revisions SET text = ? WHERE id = ?", (_with_escapes(text), number))
        for revision, position, path in db.execute("SELECT revision_id, position, path FROM sections"):
            poison = json.dumps([part + hostile.ALL for part in json.loads(path)])
            db.execute("UPDATE sections SET path = ?, heading = heading || ? WHERE revision_id = ?"
                       " AND position = ?", (poison, hostile.ALL, revision, position))  # fmt: skip
        db.execute("UPDATE sources SET path = path || ?", (hostile.ALL,))
        db.execute(
            "INSERT INTO sources (path, sha256, size, status, recipe, reason, hint)"
            " VALUES (?, '', 1, 'failed', '1', ?, ?)", (f"/x/{hostile.ALL}.pdf", hostile.ALL, hostile.ALL),
        )  # fmt: skip
        db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
    return folder


def _with_escapes(text: str) -> str:
    """The text with hostile words in the place of as many of its characters: no span moves."""
    found = list(text)
    escapes = [*hostile.ESCAPES.values(), hostile.BIDI, hostile.MARKUP[:40]]
    for n, at in enumerate(range(40, len(text) - 80, _EVERY)):
        escape = escapes[n % len(escapes)]
        found[at : at + len(escape)] = escape
    return "".join(found)


def assert_harmless(seen: bytes) -> None:
    """Nothing of a paper's was sent as anything but letters."""
    for name, escape in hostile.ESCAPES.items():
        if name not in ("alone", "bell"):
            assert escape.encode() not in seen, name
    assert b"38;2;66;6;66" not in _controls(seen)
    text = seen.decode()  # what is sent is whole UTF-8
    found = _FORBIDDEN.search(text)
    assert not found, text[max(0, found.start() - 200) : found.start() + 50]
    for sent in _OSC.findall(seen):
        if _POINTER.fullmatch(sent):
            continue
        copied = _CLIPBOARD.fullmatch(sent)
        assert copied, f"an operating system command: {sent[:80]!r}"
        clip = base64.b64decode(copied[1]).decode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", clip)
        assert not _FORBIDDEN.search(clip)
    assert b"\x1bP" not in seen
    assert b"\x1b(0" not in seen
    assert hostile.MARK.encode() not in _controls(seen)


def _controls(seen: bytes) -> bytes:
    """All control sequences that were sent, the clipboard's left out."""
    return b" ".join(re.findall(rb"\x1b\[[0-?]*[ -/]*[@-~]", seen))


class Visitor:
    """Presses keys and collects all that was sent, from the first frame to the last byte."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.all = b""  # up to what the terminal saw since it last forgot

    def press(self, keys: str, expected: str = "", seconds: float = 20.0) -> bytes:
        """What came of it, once the expected words are there."""
        self.all += self.terminal.seen
        self.terminal.forget()
        self.terminal.send(keys)
        if expected:
            self.terminal.wait(expected, seconds)
        self.terminal.settle(0.15, 2.0)
        return self.terminal.seen

    def end(self) -> None:
        """Collects what came last."""
        self.all += self.terminal.seen
        self.terminal.forget()


def environ(folder: Path) -> dict[str, str]:
    return {
        "XDG_CONFIG_HOME": str(folder / "config"), "XDG_CACHE_HOME": str(folder / "cache"),
        "CITEWELL_HISTORY": "true", "CITEWELL_OFFLINE": "true", "COLORTERM": "truecolor", "BROWSER": "",
    }  # fmt: skip


def test_hostile_papers_reach_no_terminal(poisoned: Path, tmp_path: Path) -> None:
    chat = command("--library", str(poisoned), "chat")
    with Terminal(chat, 200, 50, environ(tmp_path)) as terminal:
        visitor = Visitor(terminal)
        press = visitor.press
        terminal.wait("scope: all papers", 60)
        press("", "8 papers")
        press(f"\x1b[200~{PASTED}\x1b[201~", "leave")
        press("\r", "s")
        shown = press(f"{QUESTION}\r", "from 10 passages", 60)
        assert b"[@click=app.quit]leave" in shown  # the markup of a name, letter by letter
        press("1", "around the infarct")
        for keys in ("o", "o", "/leave\r", "m", "y", "c", "b", "n", "p", "h", "\x1b"):
            press(keys)
        press("\x1b")
        for keys in ("\t", "y", "Y", "e", f"\x15{tmp_path}/out{hostile.MARKUP[:20]}.nothing\r", "\x1b"):
            press(keys)
        press("\x06", "Scope of the next")  # ctrl+f
        press(f"\x1b[200~{PASTED}\x1b[201~\r", "! ")
        press("\x1b")
        press("\x1bOP", "Keys")
        press("\x1b")
        press("\x10copy")  # the palette
        press("\x1b")
        press("\x0c", "1 failed")
        for keys in ("i", "\x1b[B", "i", "t", "\x1b", "d", "n", "s", "S", "S"):
            press(keys)
        press("\x1b[F\r")  # reads the last paper
        for keys in ("\x1b", "\x1b", "\x1b"):
            press(keys)
        press("\x0c", "Library")
        press("/")
        press("failed", "of 8 papers")
        press("\r")
        press("\r", "Press r to try again")
        press("\x1b")
        press("e", "Evals")
        press("d", "Dataset")
        press(f"\x1b[200~{PASTED}\x1b[201~\r", "! ")
        press("\x11")
        assert terminal.ended(30)
        assert terminal.status == 0
        visitor.end()
    assert_harmless(visitor.all)


def test_what_a_model_writes_reaches_no_terminal_but_as_letters(poisoned: Path, tmp_path: Path) -> None:
    reply = as_json([], [(f"Density rose {hostile.ALL} by half.", ())])
    with chat_server(says(*pieces(reply)), models=("tiny",)) as server:
        chat = command("--library", str(poisoned), "chat", "--llm", server.url)
        with Terminal(chat, 160, 50, environ(tmp_path)) as terminal:
            visitor = Visitor(terminal)
            terminal.wait("scope: all papers", 60)
            assert b"[@click=app.quit]leave" in visitor.press(f"{QUESTION}\r", "from ", 60)
            assert b"Density rose" in terminal.seen
            assert server.asked
            visitor.press("\t")
            visitor.press("y", "copied")  # a notification
            visitor.press("\x11")
            assert terminal.ended(30)
            visitor.end()
    assert_harmless(visitor.all)
    shutil.rmtree(poisoned / "conversations", ignore_errors=True)


def test_a_kept_conversation_edited_by_hand_reaches_no_terminal(poisoned: Path, tmp_path: Path) -> None:
    folder = poisoned / "conversations"
    for path in folder.glob("*.jsonl"):
        path.unlink()
    with Terminal(command("--library", str(poisoned), "chat"), 160, 50, environ(tmp_path)) as terminal:
        terminal.wait("scope: all papers", 60)
        terminal.send(f"{QUESTION}\r")
        terminal.wait("from 10 passages", 60)
        terminal.send("\x11")
        assert terminal.ended(30)
    (path,) = folder.glob("*.jsonl")
    path.write_text(json.dumps(_edited(json.loads(path.read_text()))) + "\n")
    with Terminal(command("--library", str(poisoned), "chat"), 160, 50, environ(tmp_path)) as terminal:
        visitor = Visitor(terminal)
        terminal.wait("scope: all papers", 60)
        visitor.press("\x12", "1 question")  # ctrl+r
        assert b"[@click=app.quit]leave" in visitor.press("\r", "1 paper")
        visitor.press("\x1b[A")
        visitor.press("\x11")
        assert terminal.ended(30)
        assert terminal.status == 0
        visitor.end()
    assert_harmless(visitor.all)
    shutil.rmtree(folder)


def _edited(value: Any, name: str = "") -> Any:
    """Hostile words behind everything that is said; what must have a form keeps it."""
    if isinstance(value, dict):
        return {key: _edited(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_edited(inner, name) for inner in value]
    said = isinstance(value, str) and name in (
        "question",
        "query",
        "text",
        "because",
        "title",
        "family",
        "writer",
    )
    return value + hostile.ALL if said else value


def test_the_plain_chat_says_hostile_words_as_letters(poisoned: Path, tmp_path: Path) -> None:
    plain = command("--library", str(poisoned), "chat", "--plain")
    with Terminal(plain, 160, 50, environ(tmp_path)) as terminal:
        visitor = Visitor(terminal)
        terminal.wait("Ask:", 60)
        assert b"[@click=app.quit]leave" in visitor.press(f"{QUESTION}\n", "verbatim", 60)
        for words in (
            ":read 1",
            ":sources",
            ":scope tags x",
            ":scope papers pericytes",
            ":conversations",
            ":help",
        ):
            visitor.press(f"{words}\n", "Ask:")
        visitor.press("\x04")
        assert terminal.ended(30)
        visitor.end()
    assert_harmless(visitor.all)
    shutil.rmtree(poisoned / "conversations", ignore_errors=True)
