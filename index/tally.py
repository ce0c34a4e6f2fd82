"""Keeps count of what a sync does and where its time goes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from index.events import PaperFailed, SyncReport
from index.ort import cores


@dataclass(slots=True)
class Tally:
    """What the report will say."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    failed: list[PaperFailed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unchanged: int = 0
    passages: int = 0
    embedded: int = 0
    revisions: list[int] = field(default_factory=list)  # texts that were stored, in order
    seconds: dict[str, float] = field(default_factory=dict)
    core_seconds: dict[str, float] = field(default_factory=dict)
    reading: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the seconds inside to a stage, and the processor time that this process took meanwhile."""
        begun, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._add(self.seconds, stage, time.perf_counter() - begun)
            self._add(self.core_seconds, stage, time.process_time() - used)

    @contextmanager
    def with_children(self, stage: str) -> Iterator[None]:
        """Adds the processor time of the processes that end inside to a stage."""
        before = os.times()
        try:
            yield
        finally:
            after = os.times()
            used = after.children_user + after.children_system
            self._add(self.core_seconds, stage, used - before.children_user - before.children_system)

    def read(self, parse_seconds: float, split_seconds: float) -> None:
        """A file was read, here or in a worker."""
        self._add(self.reading, "parse", parse_seconds)
        self._add(self.reading, "split", split_seconds)

    def _add(self, figures: dict[str, float], stage: str, value: float) -> None:
        figures[stage] = figures.get(stage, 0.0) + value

    def report(self) -> SyncReport:
        """The finished report."""
        return SyncReport(
            tuple(self.added), tuple(self.changed), tuple(self.removed), tuple(self.moved), self.unchanged,
            tuple(self.duplicates), tuple(self.failed), tuple(self.warnings), self.passages, self.embedded,
            dict(self.seconds), dict(self.core_seconds), dict(self.reading), cores(),
        )  # fmt: skip
