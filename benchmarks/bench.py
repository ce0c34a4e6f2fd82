"""One run of the benchmarks: where everything is, how each tool is driven, and what was found so far."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.process import CommandFailed, Ended, run
from benchmarks.rivals.environments import RIVALS, python_of

ENCODERS = ("bare", "sentence-transformers")
OF_LIBRARY = ("answer", "search", "retrieval")  # ours that ask the library itself
TOOLS = (*OF_LIBRARY, *ENCODERS, *(rival.name for rival in RIVALS))
FINDERS = tuple(name for name in TOOLS if name != "sentence-transformers")

Found = dict[str, Any]


@dataclass(slots=True)
class Bench:
    """What is asked for, and what was found so far."""

    work: Path
    dataset: Path
    split: str | None
    papers: int
    rounds: int
    rivals: Path
    tools: tuple[str, ...]
    results: Path
    found: Found = field(default_factory=dict)

    @property
    def library(self) -> Path:
        """What `citewell add` builds."""
        return self.work / "library"

    @property
    def model(self) -> Path:
        """The folder of the model that every tool uses."""
        from index.embedders import bundled_model_folder

        return bundled_model_folder()

    def of(self, tool: str) -> Found:
        """What was found out about a tool."""
        found: Found = self.found.setdefault("tools", {}).setdefault(tool, {})
        return found

    def words(self, tool: str, what: str, *more: str | Path) -> list[str]:
        """The command line that drives a tool."""
        rival = next((rival for rival in RIVALS if rival.name == tool), None)
        if rival is None:
            base: list[str | Path] = [sys.executable, "-m", "benchmarks.ours", tool]
        else:
            base = [python_of(rival, self.rivals) or sys.executable, "-m", f"benchmarks.rivals.with_{tool}"]
        place = self.library if tool in OF_LIBRARY else self.work / "indexes" / tool
        return [str(word) for word in (*base, what, "--model", self.model, "--index", place, *more)]

    def working(self, names: Iterable[str]) -> list[str]:
        """Those of these tools that are wanted and have not failed."""
        return [name for name in names if name in self.tools and "failed" not in self.of(name)]

    def attempt(self, tool: str, words: list[str]) -> Ended | None:
        """Runs a command of a tool; if that fails the tool is left out, and the table says why."""
        try:
            return run(words)
        except CommandFailed as error:
            self.of(tool)["failed"] = str(error)[:500]
            print(f"{tool} failed: {error}", flush=True)
            return None
