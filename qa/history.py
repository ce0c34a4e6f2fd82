"""Conversations that are kept: a file of JSON lines each, in the library's own folder, for its user alone.

    conversations/20261123-145437-3f2a.jsonl     one line a question, appended when its answer is finished

A line is written in one piece and synced; one that was torn all the same is skipped when it is read, and the
next one begins on a line of its own. There is no index that could disagree with the files. Nothing of this is
ever sent anywhere, except the earlier questions to a language model that the user has set up.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from index.errors import HistoryError
from index.objects import sync_folder
from qa.kept import KeptTurn

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4,8}")
_SUFFIX = ".jsonl"
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """A kept conversation in one line: when it was last used, and its first question."""

    identifier: str
    question: str
    turns: int
    used: str  # ISO, UTC


class History:
    """The kept conversations of one library."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def new_id() -> str:
        """An id for a new conversation; ids sort by the time at which they were made."""
        return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"

    def append(self, identifier: str, turn: KeptTurn) -> None:
        """Adds a turn, durably. HistoryError if it cannot be written; what was kept before is untouched."""
        path = self._path(identifier)
        line = turn.model_dump_json().encode() + b"\n"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            new = not path.exists()
            _append(path, line)
            if new:
                sync_folder(self._folder)
        except OSError as error:
            raise HistoryError(
                f"this answer could not be kept in {path}: {error.strerror or error}",
                "Free some space or check the folder, or say --no-history.",
            ) from error

    def turns(self, identifier: str) -> list[KeptTurn]:
        """The turns of a conversation, oldest first, without lines that are torn or of a later version."""
        return [turn for turn in map(_turn, self._lines(identifier)) if turn is not None]

    def _lines(self, identifier: str) -> list[bytes]:
        try:
            return self._path(identifier).read_bytes().split(b"\n")
        except OSError as error:
            raise HistoryError(
                f"the conversation {identifier} cannot be read: {error.strerror or error}",
                "List them with: citewell history",
            ) from error

    def summaries(self) -> list[Summary]:
        """Every conversation that has a turn, the one used last first."""
        found: list[Summary] = []
        for identifier in self.identifiers():
            turns = self.turns(identifier)
            if turns:
                found.append(Summary(identifier, turns[0].question, len(turns), turns[-1].asked))
        return sorted(found, key=lambda s: (s.used, s.identifier), reverse=True)

    def find(self, name: str) -> str:
        """The id that begins with `name`, or that of the conversation used last for "last".

        HistoryError for none or several.
        """
        if name == "last":
            return self._last()
        ids = [identifier for identifier in self.identifiers() if name and identifier.startswith(name)]
        if len(ids) == 1:
            return ids[0]
        if not ids:
            raise HistoryError(
                f"no kept conversation is called {name[:40]!r}", "List them with: citewell history"
            )
        more = ", …" if len(ids) > _LISTED else ""
        raise HistoryError(
            f"{len(ids)} conversations begin with {name!r}: {', '.join(ids[:_LISTED])}{more}",
            "Give more of the id.",
        )

    def _last(self) -> str:
        """The conversation used last; only the last turn of each is parsed."""
        used = {i: next(filter(None, map(_turn, reversed(self._lines(i)))), None) for i in self.identifiers()}
        found = [(turn.asked, identifier) for identifier, turn in used.items() if turn is not None]
        if not found:
            raise HistoryError("no conversation is kept in this library yet", _HOW)
        return max(found)[1]

    def delete(self, identifiers: Iterable[str]) -> None:
        """Deletes conversations for good."""
        for identifier in identifiers:
            path = self._path(identifier)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise HistoryError(
                    f"{path} cannot be deleted: {error.strerror or error}", "Check the folder's permissions."
                ) from error

    def identifiers(self) -> list[str]:
        """The ids of all kept conversations, oldest first."""
        try:
            names = sorted(entry.name for entry in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise HistoryError(
                f"{self._folder} cannot be read: {error.strerror or error}", "Check the folder's permissions."
            ) from error
        stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        return [stem for stem in stems if _ID.fullmatch(stem)]

    def _path(self, identifier: str) -> Path:
        if not _ID.fullmatch(identifier):
            raise HistoryError(f"{identifier[:40]!r} is no id of a conversation", _HOW)
        return self._folder / f"{identifier}{_SUFFIX}"


_HOW = 'Begin one with: citewell ask "QUESTION"'


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # what stands there was torn; this one begins on a line of its own
        if os.write(descriptor, line) != len(line):
            raise OSError("the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _turn(line: bytes) -> KeptTurn | None:
    try:
        return KeptTurn.model_validate_json(line) if line.strip() else None
    except (ValidationError, UnicodeDecodeError):
        return None
