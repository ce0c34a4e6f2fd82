"""The results of a run as Markdown: one table, and the ratios that were wanted.

python -m benchmarks.table FILE      (of benchmarks/results/, or "-" for the newest run)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS

Results = dict[str, Any]
_BEGIN, _END = "<!-- benchmarks.table -->", "<!-- /benchmarks.table -->"

# How a tool is called in the table, and what it does.
_ROWS = {
    "answer": ("**citewell** `ask`", "words, meaning, reranker; cited answer"),
    "search": ("citewell `search`", "words, meaning, reranker"),
    "retrieval": ("citewell, no reranker", "words, meaning"),
    "bare": ("bare encoder + FAISS + FTS5", "words, meaning; the limit"),
    "sentence-transformers": ("bare sentence-transformers", "encoder alone, float32"),
    "txtai": ("txtai", "words, meaning"),
    "chroma": ("Chroma", "meaning"),
    "llamaindex": ("LlamaIndex", "words, meaning"),
    "paperqa": ("paper-qa", "words, then meaning; no LLM"),
}
_RIVALS = ("txtai", "chroma", "llamaindex", "paperqa")
_LARGE = 100_000  # passages from which on how long looking takes is felt, and something is wanted of it
_HEADER = (
    "", "finds by", "index, s", "passages/s", "memory, MB", "disk, MB", "cold question, s", "memory, MB",
    "further ones, ms: p50", "p95", "nDCG@10", "success@5",
)  # fmt: skip


def markdown(results: Results) -> str:
    """The table with the machine above and the ratios below."""
    return "\n\n".join(
        part for part in (_about(results), _table(results), _failures(results), _ratios(results)) if part
    )


def _about(results: Results) -> str:
    machine, measured = results["machine"], results.get("measured", {})
    loads = [part["load"] for part in measured.values()]
    busy = f", load {min(loads)} to {max(loads)}" if loads else ""
    versions = ", ".join(f"{_ROWS[name][0]} {found}" for name, found in results.get("versions", {}).items())
    return (
        f"{results.get('papers', 0)} papers, {results.get('passages', 0):,} passages,"
        f" {results.get('questions', 0)} questions ({_dataset(results)}); {machine['processor']},"
        f" {machine['cores']} cores{busy}; commit {results['commit']}, {results['when'][:10]}."
        + (f" {versions}." if versions else "")
    )


def _dataset(results: Results) -> str:
    return ", ".join(name for name in (results.get("dataset"), results.get("split")) if name)


def _table(results: Results) -> str:
    rows: list[tuple[str, ...]] = [_HEADER]
    for tool, (name, does) in _ROWS.items():
        found = results.get("tools", {}).get(tool)
        if found and "failed" not in found:
            rows.append((name, does, *_cells(tool, found, results.get("passages", 0))))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|---|---|" + "---:|" * (len(_HEADER) - 2))
    return "\n".join(lines)


def _cells(tool: str, found: Results, passages: int) -> Iterator[str]:
    index, cold, warm, good = (found.get(name, {}) for name in ("index", "cold", "warm", "quality"))
    yield _number(index.get("seconds"), 0)
    # A tool that makes passages of its own has other ones, and fewer.
    yield _number(passages / index["seconds"] if index and tool != "paperqa" else None, 1)
    yield _number(index.get("peak_mb"), 0)
    yield _number(index.get("disk_mb") or None, 0)
    yield _number(cold.get("min"), 2)
    yield _number(cold.get("peak_mb"), 0)
    yield _number(warm.get("p50_ms"), 0)
    yield _number(warm.get("p95_ms"), 0)
    yield _number(good.get("nDCG@10"), 3)
    yield _number(good.get("success@5"), 3)


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def _failures(results: Results) -> str:
    failed = {name: found["failed"] for name, found in results.get("tools", {}).items() if "failed" in found}
    return "\n".join(f"{_ROWS[name][0]} is missing: {reason}" for name, reason in failed.items())


@dataclass(frozen=True, slots=True)
class Ratio:
    """How two figures of one run compare, and what is wanted, if anything is: at least, or at most.

    `core` is the same by core-seconds, where they are known: it holds on a machine that others use, too.
    """

    what: str
    value: float
    wanted: float | None
    at_least: bool = True
    core: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether it is as wanted; None if nothing is."""
        if self.wanted is None:
            return None
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted


def ratios(results: Results) -> list[Ratio]:
    """Those that the results tell."""
    tools = results.get("tools", {})
    return [
        *_of_indexing(tools), *_of_searching(tools, results.get("passages", 0)), *_of_first_questions(tools)
    ]  # fmt: skip


def _of_first_questions(tools: Results) -> Iterator[Ratio]:
    """Each rival's passages against ours, which is the same work, and against a whole answer."""
    for tool, found in (("search", "passages"), ("answer", "answer")):
        ours = _get(tools, tool, "cold")
        for rival in _RIVALS:
            theirs = _get(tools, rival, "cold")
            if ours and theirs:
                what = f"cold: {_ROWS[rival][0]}'s passages against citewell's {found}"
                yield Ratio(what, theirs["min"] / ours["min"], 5.0, core=theirs["core"] / ours["core"])


def _of_indexing(tools: Results) -> Iterator[Ratio]:
    """Whole processes, so that starting and loading count for both."""
    ours = _get(tools, "answer", "index")
    for tool, name, wanted in (
        ("bare", "the bare encoder", 0.9),
        ("sentence-transformers", "bare sentence-transformers in float32", 2.3),
    ):
        theirs = _get(tools, tool, "index")
        if ours and theirs:
            stored = _get(theirs, "stages", "store") or 0.0  # the bare index is no part of the bare encoder
            value, core = (theirs[unit] - stored for unit in ("seconds", "core"))
            what = f"`add` against {name}, passages/s"
            yield Ratio(what, value / ours["seconds"], wanted, core=core / ours["core"])


def _of_searching(tools: Results, passages: int) -> Iterator[Ratio]:
    wanted = 1.3 if passages >= _LARGE else None
    ours, bare = (_get(tools, tool, "warm", "stages", "look") for tool in ("retrieval", "bare"))
    if ours and bare:
        for place, name in enumerate(("p50", "p95")):
            what = f"looking, without embedding: citewell's {name} against FAISS + FTS5"
            yield Ratio(what, ours[place] / bare[place], wanted, at_least=False)
    for name in ("p50", "p95"):
        ours, bare = (_get(tools, tool, "warm", f"{name}_ms") for tool in ("retrieval", "bare"))
        if ours and bare:
            what = f"with embedding: citewell's {name} against the bare parts"
            yield Ratio(what, ours / bare, wanted, at_least=False)


def _get(found: Any, *names: str) -> Any:
    for name in names:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found


def _ratios(results: Results) -> str:
    rows = ["| ratio | by the clock | by core-seconds | wanted | |", "|---|---:|---:|---:|---|"]
    for ratio in ratios(results):
        core = _number(ratio.core, 2)
        rows.append(f"| {ratio.what} | {ratio.value:.2f} | {core} | {_wanted(ratio)} |")
    return "\n".join(rows) if len(rows) > 2 else ""


def _wanted(ratio: Ratio) -> str:
    if ratio.wanted is None:
        return " | "
    sign, verdict = "≥" if ratio.at_least else "≤", "reached" if ratio.reached else "missed"
    return f"{sign} {ratio.wanted:g} | {verdict}"


def put_into(page: str, table: str) -> str:
    """The page with the table between its two marks; ValueError if it lacks them."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"there is no {_BEGIN} and {_END}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def newest() -> Path:
    """The results that were kept last."""
    kept = {path: json.loads(path.read_text("utf-8"))["when"] for path in RESULTS.glob("run-*.json")}
    return max(kept, key=lambda path: kept[path])


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table of a results file, or puts it into a page."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("results", type=Path, nargs="?", help="by default those of the newest run")
    options.add_argument("--into", type=Path, metavar="PAGE", help=f"put it between {_BEGIN} and {_END}")
    given = options.parse_args(arguments)
    table = markdown(json.loads((given.results or newest()).read_text("utf-8")))
    if given.into is None:
        print(table)
    else:
        given.into.write_text(put_into(given.into.read_text("utf-8"), table), "utf-8")


if __name__ == "__main__":
    main()
