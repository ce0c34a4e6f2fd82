"""What every tool is asked to do, in a process of its own: index texts, and find them again.

    python -m benchmarks.rivals.with_NAME index  --texts FILE --model DIR --index DIR
    python -m benchmarks.rivals.with_NAME ask    --model DIR --index DIR --question TEXT
    python -m benchmarks.rivals.with_NAME search --model DIR --index DIR --questions FILE

It is run by the Python of the tool's own environment, so it needs nothing but the standard library. `ask`
prints the text of the best passages, as a user would want to see them; the other two print one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LIMIT = 10  # passages a question


@dataclass(frozen=True, slots=True)
class Text:
    """A passage with its name, or a whole paper for a tool that splits by itself."""

    name: str
    text: str
    paper: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found. A tool that splits by itself has no names: the text tells what it is."""

    name: str
    text: str
    paper: str = ""


Search = Callable[[str, int], list[Hit]]


class Tool(Protocol):
    """One tool, driven as its makers recommend. Times of importing it are counted: import it in here."""

    whole_papers: bool  # it splits papers itself

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        """Indexes the texts with the model and keeps the index in the folder."""
        ...

    def open(self, model: Path, folder: Path) -> Search:
        """Opens a kept index: what finds the best passages for a question."""
        ...


def offline() -> None:
    """Nothing is fetched and nothing is told to anyone while time is taken."""
    os.environ |= {
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1", "ANONYMIZED_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "TOKENIZERS_PARALLELISM": "true",
    }  # fmt: skip


def read_texts(file: Path) -> list[Text]:
    """The lines of a JSON lines file with name, text and paper."""
    with file.open(encoding="utf-8") as lines:
        return [Text(**json.loads(line)) for line in lines]


def peak_mb() -> float | None:
    """The most memory this process has had, in MB (10⁶ bytes); None where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    kilobytes = next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), None)
    return None if kilobytes is None else kilobytes * 1.024e-3


def main(tool: Tool) -> None:
    """The command line of one tool."""
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=("index", "ask", "search"))
    options.add_argument("--question")
    for name in ("--texts", "--model", "--index", "--questions"):
        options.add_argument(name, type=Path)
    given = options.parse_args()
    offline()
    printed, sys.stdout = sys.stdout, sys.stderr  # what a tool says must not get between the figures
    if given.what == "index":
        found = _index(tool, given.texts, given.model, given.index)
    elif given.what == "search":
        found = _search(tool, given.questions, given.model, given.index)
    else:
        for hit in tool.open(given.model, given.index)(given.question, LIMIT):
            print(hit.name, hit.text, sep="\n", file=printed)
        return
    print(json.dumps({**found, "peak_mb": peak_mb(), "stages": getattr(tool, "stages", {})}), file=printed)


def _index(tool: Tool, file: Path, model: Path, folder: Path) -> dict[str, Any]:
    texts = read_texts(file)
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    tool.index(texts, model, folder)
    return {"seconds": time.perf_counter() - begun, "texts": len(texts)}


def _search(tool: Tool, file: Path, model: Path, folder: Path) -> dict[str, Any]:
    """Every question once, after one that is thrown away: what it found and its milliseconds."""
    questions = json.loads(file.read_text("utf-8"))
    begun = time.perf_counter()
    search = tool.open(model, folder)
    search(next(iter(questions.values())), LIMIT)
    opened = time.perf_counter() - begun
    getattr(tool, "stages", {}).clear()
    hits, milliseconds = {}, []
    for name, question in questions.items():
        begun = time.perf_counter()
        found = search(question, LIMIT)
        milliseconds.append((time.perf_counter() - begun) * 1000)
        hits[name] = [[hit.name, hit.paper, hit.text] if tool.whole_papers else [hit.name] for hit in found]
    return {"open_s": opened, "ms": milliseconds, "hits": hits}
