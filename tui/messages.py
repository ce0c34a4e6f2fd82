"""What the workers tell the screens. A worker never touches a widget; it posts one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from index.model import Section
    from qa.history import Summary
    from qa.kept import KeptTurn
    from qa.model import Answer, AnswerEvent, Filters
    from tui.widgets.place import Place


@dataclass
class LibraryRead(Message):
    """What the library holds. `model` is the name of the one it was built with, "" before the first paper."""

    papers: int
    model: str


@dataclass
class LibraryKnown(Message):
    """What may be asked: questions that are `suggested`, and those `asked` on earlier days."""

    suggested: list[str]
    asked: list[str]


@dataclass
class Reopened(Message):
    """A kept conversation, its quotes looked up again, to go on with."""

    turns: list[KeptTurn]
    answers: list[Answer]
    scopes: list[str]
    limit: Filters
    scope: str  # the same, in words


@dataclass
class Listed(Message):
    """The kept conversations."""

    summaries: list[Summary]


@dataclass
class Restored(Message):
    """A kept conversation, to be exported."""

    turns: list[KeptTurn]
    answers: list[Answer]


@dataclass
class Scoped(Message):
    """What questions are to be limited to, and what that is called."""

    filters: Filters
    words: str


@dataclass
class ModelReady(Message):
    """Questions no longer wait for the model; after an error they are told it when they are asked."""


@dataclass
class Trouble(Message):
    """What went wrong, for the user. `turn` is the number of the question it befell, None for none."""

    turn: int | None
    message: str
    hint: str


@dataclass
class Progress(Message):
    """One event of the answer to the question numbered `turn`."""

    turn: int
    event: AnswerEvent


@dataclass
class PaperRead(Message):
    """The whole text of a paper and its sections, for the reader at `place`."""

    place: Place
    text: str
    sections: list[Section]


@dataclass
class PaperUnreadable(Message):
    """Why the paper of `place` cannot be shown."""

    place: Place
    message: str
    hint: str
