"""What the threads behind the library and evaluation screens tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from index.restore import Removed
    from tui.listing import Listing
    from tui.standing import Standing
    from tui.widgets.place import Place
    from tui.work import Job


@dataclass
class WorkMoved(Message):
    """A picture of work that runs. `listed` once the library holds something new."""

    standing: Standing


@dataclass
class WorkSaw(Message):
    """Something in the stream that the screen wants to know of at once."""

    event: Any


@dataclass
class WorkEnded(Message):
    """The work has come to its end, or to where it was stopped."""

    job: Job
    stopped: bool
    kept: list[Any] = field(default_factory=list)  # the events that say what came of it


@dataclass
class WorkFailed(Message):
    """Why the work did not come to its end."""

    job: Job
    message: str
    hint: str


@dataclass
class Listed(Message):
    """What the library holds now."""

    listing: Listing


@dataclass
class Unlisted(Message):
    """Why the library cannot be read."""

    message: str
    hint: str
    missing: bool  # there is none, or none any more


@dataclass
class Changed(Message):
    """A small change was made; `removed` is what can be brought back."""

    said: str
    removed: list[Removed] = field(default_factory=list)


@dataclass
class Refused(Message):
    """A small change that could not be made."""

    message: str
    hint: str


@dataclass
class PaperToRead(Message):
    """A paper is to be opened at its beginning."""

    place: Place
