"""How much slower `add` is than the bare encoder on the same passages, with the same backend.

    python -m benchmarks.add PAPERS [--precision float32] [--runs R] [--limit N]

Each run adds the papers (a folder) to a new library, with everything that belongs to it, and then has the
same embedder, loaded by then, embed the same passages in one go. By the cores is by the processor time used,
worker processes included, which other work on the machine changes less than the clock. "words" is when the
last paper could be found by its words.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import keep, print_machine
from index.embed import Embedder
from index.events import PaperSynced, Synced
from index.library import Library
from index.parse import SUFFIXES
from index.sources import find
from qa.settings import load_settings
from tui.parts import Parts


@dataclass(frozen=True, slots=True)
class Overhead:
    """One run: seconds by the clock and on the cores, of `add` and of the bare encoder."""

    papers: int
    passages: int
    add: float
    add_core: float
    bare: float
    bare_core: float
    words: float
    idle: float
    seconds: dict[str, float]
    core_seconds: dict[str, float]

    @property
    def by_clock(self) -> float:
        """The rate of `add` as a part of the bare encoder's."""
        return self.bare / self.add

    @property
    def by_cores(self) -> float:
        """The same by processor time."""
        return self.bare_core / self.add_core


def add_beside_bare(papers: Sequence[Path], *, precision: str = "auto") -> Overhead:
    """Adds papers to a library of their own and embeds its passages once more, bare."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = load_settings(library=Path(scratch) / "library", precision=precision)
        with Parts(settings) as parts:
            parts.library.create()
            begun, words = time.perf_counter(), 0.0
            for event in parts.syncer.add(papers):
                if isinstance(event, PaperSynced):
                    words = time.perf_counter() - begun
                if isinstance(event, Synced):
                    report = event.report
            whole = time.perf_counter() - begun
            texts = passage_texts(parts.library)
            bare, bare_core = seconds_of(parts.bulk_embedder, texts)
    return Overhead(
        len(report.added), len(texts), whole, sum(report.core_seconds.values()), bare, bare_core, words,
        report.idle, report.seconds, report.core_seconds,
    )  # fmt: skip


def passage_texts(library: Library) -> list[str]:
    """What the encoder reads of every passage."""
    with library.read() as reader:
        papers = reader.papers()
        found = reader.passages(i for paper in papers for i in reader.passage_ids(paper.id))
    return [f"{p.header}\n{p.text}" for p in found.values()]


def seconds_of(embedder: Embedder, texts: Sequence[str]) -> tuple[float, float]:
    """What embedding these texts in one go takes, by the clock and on the cores."""
    wall, used = time.perf_counter(), time.process_time()
    embedder.passages(texts)
    return time.perf_counter() - wall, time.process_time() - used


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("papers", type=Path)
    options.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="float32")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--limit", type=int, help="only so many files, spread evenly")
    given = options.parse_args()
    files = find([given.papers], SUFFIXES).files
    if given.limit and given.limit < len(files):
        files = [files[i * len(files) // given.limit] for i in range(given.limit)]
    print_machine()
    found = []
    for _ in range(given.runs):
        one = add_beside_bare(files, precision=given.precision)
        found.append(one)
        print(
            f"{one.papers} papers, {one.passages} passages: add {one.add:.1f} s, {one.add_core:.1f} core-s;"
            f" bare {one.bare:.1f} s, {one.bare_core:.1f} core-s: {one.by_clock:.2f} by the clock,"
            f" {one.by_cores:.2f} by the cores; words after {one.words:.1f} s; {one.idle:.0%} idle"
        )
    best = max(found, key=lambda one: one.by_cores)
    for stage, seconds in best.seconds.items():
        print(f"  {stage:<11}{seconds:8.2f} s{best.core_seconds.get(stage, 0.0):8.2f} core-s")
    rows = [asdict(one) | {"by_clock": one.by_clock, "by_cores": one.by_cores} for one in found]
    print(f"kept in {keep('add', {'precision': given.precision, 'runs': rows})}")


if __name__ == "__main__":
    main()
