"""Measures citewell, its limits and its rivals in one run: the same machine, model, papers and questions.

    python -m benchmarks.rivals install                  (once; 6 GB)
    python -m benchmarks.run --dataset DIR --work DIR [--papers N] [--only PART,...] [--tools NAME,...]

DIR holds questions.jsonl and the papers, each file named as the questions name its paper. The parts:

index    papers brought in by `citewell add`; the same passages by each tool, and by the bare encoder alone
cold     a first question, each in a process of its own, the tools by turns
warm     every question in one process, and how good what was found is
start    how long each command takes to start
paper    one paper added to the library
encode   how fast each backend of the encoder is, and how well they agree

What is in WORK can be used again: `--only cold` asks the indexes that were made there before. Results are
kept in benchmarks/results/ by commit, and printed as the README's table (`python -m benchmarks.table FILE`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cold import command, start_up
from benchmarks.machine import RESULTS, commit, keep, print_machine
from benchmarks.material import lay_out
from benchmarks.process import CommandFailed, Ended, run, size_mb
from benchmarks.rivals.environments import RIVALS, default_place, python_of, version_of
from benchmarks.table import markdown

_ENCODERS = ("bare", "sentence-transformers")
_ASKED = ("answer", "search", "retrieval", "bare")  # ours that find passages, and what the names stand for:
_COLD = {"answer": "ask", "search": "search"}  # their commands
_WITHOUT_INDEX = ("sentence-transformers",)

Found = dict[str, Any]


@dataclass(slots=True)
class Bench:
    """One run: where everything is, what is asked for, and what was found so far."""

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

    def words(self, tool: str, what: str, *more: str | Path) -> list[str | Path]:
        """The command line that drives a tool."""
        rival = next((rival for rival in RIVALS if rival.name == tool), None)
        if rival is None:
            base: list[str | Path] = [sys.executable, "-m", "benchmarks.ours", tool]
        else:
            base = [python_of(rival, self.rivals) or sys.executable, "-m", f"benchmarks.rivals.with_{tool}"]
        place = (
            self.work / "indexes" / tool if tool not in ("answer", "search", "retrieval") else self.library
        )
        return [*base, what, "--model", self.model, "--index", place, *more]

    def working(self, names: Iterable[str]) -> list[str]:
        """Those of these tools that are wanted and have not failed."""
        return [name for name in names if name in self.tools and "failed" not in self.of(name)]

    def attempt(self, tool: str, words: list[str | Path]) -> Ended | None:
        """Runs a command of a tool; if that fails the tool is left out, and the table says why."""
        try:
            return run(words)
        except CommandFailed as error:
            self.of(tool)["failed"] = str(error)[:500]
            print(f"{tool} failed: {error}", flush=True)
            return None


def index(bench: Bench) -> None:
    """Lays the papers out, has citewell add them, and gives its passages to the others."""
    shutil.rmtree(bench.work, ignore_errors=True)
    bench.work.mkdir(parents=True)
    more = lay_out(bench.dataset, bench.split, bench.papers, bench.work)
    bench.found["more"] = more.name
    place = ["--library", str(bench.library)]
    added = run(command(*place, "add", str(bench.work / "papers"), "--json"))
    report = json.loads(added.output)
    split = ["--split", bench.split] if bench.split else []
    run(
        [sys.executable, "-m", "benchmarks.material", "--library", bench.library, "--dataset", bench.dataset,
         "--to", bench.work, *split]
    )  # fmt: skip
    passages = len((bench.work / "passages.jsonl").read_text("utf-8").splitlines())
    questions = len(json.loads((bench.work / "questions.json").read_text("utf-8")))
    papers = json.loads(run(command(*place, "status", "--json")).output)["papers"]
    bench.found |= {"papers": papers, "passages": passages, "questions": questions}
    print(
        f"{papers} papers, {passages} passages, {questions} questions; citewell {added.seconds:.1f} s",
        flush=True,
    )
    bench.of("answer")["index"] = added.figures() | {
        "disk_mb": round(size_mb(bench.library), 1), "stages": report["seconds"], "load": _load(),
    }  # fmt: skip
    for tool in bench.working([*_ENCODERS, *(rival.name for rival in RIVALS)]):
        whole = bench.work / ("papers.jsonl" if tool == "paperqa" else "passages.jsonl")
        done = bench.attempt(tool, bench.words(tool, "index", "--texts", whole))
        if done is not None:
            stages = {name: round(sum(spent), 3) for name, spent in json.loads(done.output)["stages"].items()}
            disk = 0.0 if tool in _WITHOUT_INDEX else size_mb(bench.work / "indexes" / tool)
            bench.of(tool)["index"] = done.figures() | {
                "disk_mb": round(disk, 1), "stages": stages, "load": _load(),
            }  # fmt: skip
            print(f"{tool} {done.seconds:.1f} s, {done.core:.0f} core-s", flush=True)


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _finders(bench: Bench) -> list[str]:
    return bench.working([*_ASKED, *(rival.name for rival in RIVALS)])


def cold(bench: Bench) -> None:
    """The first question, in new processes, every tool in each round; the first round is thrown away."""
    questions = json.loads((bench.work / "questions.json").read_text("utf-8"))
    question = next(iter(questions.values()))
    took: dict[str, list[Ended]] = {}
    for turn in range(bench.rounds + 1):
        for tool in [tool for tool in _finders(bench) if tool != "retrieval"]:
            if tool in _COLD:
                words: list[str | Path] = [*command("--library", str(bench.library), _COLD[tool], question)]
            else:
                words = bench.words(tool, "ask", "--question", question)
            done = bench.attempt(tool, words)
            if done is not None and turn:
                took.setdefault(tool, []).append(done)
    for tool, runs in took.items():
        seconds = [one.seconds for one in runs]
        bench.of(tool)["cold"] = {
            "min": round(min(seconds), 3), "median": round(statistics.median(seconds), 3),
            "core": round(min(one.core for one in runs), 3),
            "peak_mb": max(round(one.peak_mb) for one in runs), "runs": len(runs), "load": _load(),
        }  # fmt: skip
        print(f"{tool}, first question: {min(seconds):.2f} s", flush=True)


def warm(bench: Bench) -> None:
    """All questions twice (with one round: once), the tools by turns; the faster pass counts."""
    for turn in range(min(2, bench.rounds)):
        for tool in _finders(bench):
            words = bench.words(tool, "search", "--questions", bench.work / "questions.json")
            done = bench.attempt(tool, words)
            if done is None:
                continue
            said = json.loads(done.output)
            (bench.work / f"hits-{tool}.json").write_text(json.dumps(said["hits"]), "utf-8")
            figures = {
                "p50_ms": _percentile(said["ms"], 50), "p95_ms": _percentile(said["ms"], 95),
                "open_s": round(said["open_s"], 3), "peak_mb": round(said["peak_mb"] or done.peak_mb),
                "load": _load(),
                "stages": {
                    name: [_percentile(ms, 50), _percentile(ms, 95)] for name, ms in said["stages"].items()
                },
            }  # fmt: skip
            before = bench.of(tool).get("warm") if turn else None
            if before is None or figures["p50_ms"] < before["p50_ms"]:
                bench.of(tool)["warm"] = figures
            print(f"{tool}: {figures['p50_ms']} ms, p95 {figures['p95_ms']} ms", flush=True)
    from benchmarks.quality import quality

    for tool in _finders(bench):
        bench.of(tool)["quality"] = quality(bench.work, tool)


def _percentile(values: list[float], percent: int) -> float:
    """The least of the values that at least so many percent do not exceed."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 2)


def start(bench: Bench) -> None:
    """Every command, as benchmarks.cold measures it."""
    bench.found["start"] = start_up(bench.library, bench.rounds)


def paper(bench: Bench) -> None:
    """One paper more, by the command, into a copy of the library; the least of three."""
    runs, passages = [], 0
    for turn in range(3):
        copy = bench.work / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(bench.library, copy)
        more = str(bench.work / "more" / bench.found["more"])
        done = run(command("--library", str(copy), "add", more, "--json"))
        passages = json.loads(done.output)["passages"]
        runs.append(done)
        shutil.rmtree(copy)
        print(f"one paper of {passages} passages, run {turn + 1}: {done.seconds:.2f} s", flush=True)
    least = min(runs, key=lambda one: one.seconds)
    stages = json.loads(least.output)["seconds"]
    bench.found["paper"] = least.figures() | {"passages": passages, "stages": stages}


def encode(bench: Bench) -> None:
    """What benchmarks.encode measures, with few passages."""
    done = run([sys.executable, "-m", "benchmarks.encode", "--library", bench.library, "--json"])
    bench.found["encode"] = json.loads(done.output)
    for name, row in bench.found["encode"]["backends"].items():
        print(f"{name}: {row['per_second']} passages/s", flush=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    "index": index, "cold": cold, "warm": warm, "start": start, "paper": paper, "encode": encode,
}  # fmt: skip


def _chosen(text: str, there: Iterable[str], options: argparse.ArgumentParser) -> tuple[str, ...]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(there):
        options.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(there)}")
    return tuple(name for name in there if name in wanted)


def parse(arguments: list[str] | None = None) -> tuple[Bench, tuple[str, ...]]:
    """The run that the command line asks for, and its parts."""
    tools = [*_ASKED, "sentence-transformers", *(rival.name for rival in RIVALS)]
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--dataset", type=Path, required=True)
    options.add_argument("--split", help="of the questions; by default the one most meant for measuring")
    options.add_argument("--papers", type=int, default=60)
    options.add_argument("--rounds", type=int, default=5, help="of cold questions and starts")
    options.add_argument(
        "--work", type=Path, required=True, help="for libraries and indexes; emptied by `index`"
    )
    options.add_argument("--rivals", type=Path, default=default_place(), help="where they were installed")
    options.add_argument("--results", type=Path, default=RESULTS, help="where the figures are kept")
    options.add_argument("--only", default=",".join(PARTS), metavar="PART,...")
    options.add_argument("--tools", default=",".join(tools), metavar="NAME,...", help=", ".join(tools))
    given = options.parse_args(arguments)
    parts = _chosen(given.only, PARTS, options)
    wanted = _chosen(given.tools, tools, options)
    missing = [r.name for r in RIVALS if r.name in wanted and python_of(r, given.rivals) is None]
    if missing:
        print(f"not installed in {given.rivals}, so left out: {', '.join(missing)}", file=sys.stderr)
    wanted = tuple(name for name in wanted if name not in missing)
    bench = Bench(
        given.work.absolute(), given.dataset.absolute(), given.split, given.papers, given.rounds,
        given.rivals.absolute(), wanted, given.results.absolute(),
    )  # fmt: skip
    ours = (given.work / "found.json").exists() or not given.work.exists() or not any(given.work.iterdir())
    if "index" in parts and not ours:
        options.error(f"{given.work} holds something else, and would be emptied")
    return bench, parts


def main() -> None:
    """The command line."""
    bench, parts = parse()
    state = bench.work / "found.json"
    if "index" not in parts:
        bench.found = json.loads(state.read_text("utf-8"))
    print_machine()
    for name in parts:
        print(f"--- {name}", flush=True)
        begun = datetime.now(UTC)
        PARTS[name](bench)
        took = round((datetime.now(UTC) - begun).total_seconds())
        bench.found.setdefault("measured", {})[name] = {
            "when": begun.isoformat(timespec="seconds"), "seconds": took, "commit": commit(), "load": _load(),
        }  # fmt: skip
        bench.found["versions"] = {
            rival.name: version_of(rival, bench.rivals) for rival in RIVALS if rival.name in bench.tools
        }
        bench.found["dataset"] = bench.dataset.name
        state.write_text(json.dumps(bench.found), "utf-8")
    kept = keep("run", bench.found, bench.results)
    print(f"\n{markdown(json.loads(kept.read_text('utf-8')))}\nkept in {kept.name}")


if __name__ == "__main__":
    main()
