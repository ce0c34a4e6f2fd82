"""How far long work has come: a stream of events as a picture that is posted a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from index.events import (
    Advanced,
    PaperFailed,
    PaperFetched,
    PaperSynced,
    RequestFailed,
    StageStarted,
    Synced,
)
from index.watch import Watching
from tui.widgets.place import counted

_SECONDS = 0.1  # between two pictures: more than that nobody sees
_AT_ONCE = (StageStarted, Synced, Watching)  # what may be the last that is heard for long


@dataclass(frozen=True, slots=True)
class Standing:
    """One picture. `finished` are the stages that are over, each with what came of it."""

    stage: str = ""
    total: int | None = None
    done: int = 0
    detail: str = ""
    finished: tuple[str, ...] = ()
    papers: int = 0  # that came in
    failed: int = 0
    resting: str = ""  # the stage between two changes of watched folders


def moved(standing: Standing, event: object) -> Standing:
    """The picture after an event; events of other kinds change nothing."""
    match event:
        case StageStarted(_, None) if standing.resting:
            return standing  # looking comes to nothing more often than not, and that is not told
        case StageStarted(stage, total):
            finished = (*standing.finished, standing.stage) if standing.stage else standing.finished
            return replace(standing, stage=stage, total=total, done=0, detail="", finished=finished)
        case Advanced(done, detail):
            return replace(standing, done=done, detail=detail)
        case PaperSynced():
            return replace(standing, papers=standing.papers + 1)
        case PaperFailed() | RequestFailed():
            return replace(standing, failed=standing.failed + 1)
        case Watching(folders):
            resting = f"watching {counted(len(folders), 'folder')}"
            return Standing(resting, papers=standing.papers, resting=resting)
        case Synced() if standing.resting:
            return Standing(standing.resting, papers=standing.papers, resting=standing.resting)
        case PaperFetched(name):
            return replace(standing, detail=name)
        case _:
            return standing


def pull(
    events: Generator[Any, None, None], stopped: Callable[[], bool], post: Callable[[Standing], object],
    saw: Callable[[Any], object], known: Callable[[Standing], object],
) -> object | None:  # fmt: skip
    """Pulls the events until they end or it is `stopped`; the last one, or None where it was stopped.

    `saw` is told every event and `known` what is known after it; `post` is given pictures: every stage, and
    else ten a second at most.
    """
    standing, last_post, last = Standing(), 0.0, None
    with closing(events):
        while not stopped():
            try:
                event = next(events)
            except StopIteration:
                return last
            last = event
            standing = moved(standing, event)
            saw(event)
            known(standing)
            now = time.monotonic()
            if isinstance(event, _AT_ONCE) or now - last_post >= _SECONDS:
                last_post = now
                post(standing)
    return None
