"""Measures citewell, its limits and its rivals in one run: the same machine, model, papers and questions.

    python -m benchmarks.rivals install                  (once; 6 GB)
    python -m benchmarks.run --dataset DIR --work DIR [--papers N] [--only PART,...] [--tools NAME,...]

DIR holds questions.jsonl and the papers, each file named as the questions name its paper. The parts:

add      papers brought in by `citewell add`
index    the same passages by each tool, and by the bare encoder alone
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
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import ENCODERS, FINDERS, TOOLS, Bench, Found
from benchmarks.cold import start_up
from benchmarks.machine import RESULTS, commit, keep, print_machine
from benchmarks.material import lay_out
from benchmarks.process import Ended, run, size_mb
from benchmarks.rivals.environments import RIVALS, default_place, python_of, version_of
from benchmarks.table import markdown
from benchmarks.terminal import command

_SOME_FAILED = 3  # what `add` ends with if it could not read every file
_COMMANDS = {"answer": "ask", "search": "search"}  # as users ask a first question


def add(bench: Bench) -> None:
    """Lays the papers out, has citewell add them, and writes its passages down for the others."""
    shutil.rmtree(bench.work, ignore_errors=True)
    bench.work.mkdir(parents=True)
    more = lay_out(bench.dataset, bench.split, bench.papers, bench.work)
    place = ("--library", bench.library)
    added = run(command(*place, "add", bench.work / "papers", "--json"), also=(_SOME_FAILED,))
    stages = json.loads(added.output)["seconds"]
    split = ("--split", bench.split) if bench.split else ()
    words = (sys.executable, "-m", "benchmarks.material", *place, "--dataset", bench.dataset, *split)
    run([*words, "--to", bench.work])
    counts = json.loads(run(command(*place, "status", "--json")).output)
    questions = len(json.loads((bench.work / "questions.json").read_text("utf-8")))
    bench.found |= {
        "dataset": bench.dataset.name, "split": bench.split or "", "papers": counts["papers"],
        "passages": counts["passages"], "questions": questions, "more": more.name,
    }  # fmt: skip
    bench.of("answer")["index"] = _indexed(added, size_mb(bench.library), stages)
    print(
        f"{counts['papers']} papers, {counts['passages']} passages, {questions} questions:"
        f" {added.seconds:.1f} s, {added.core:.0f} core-s",
        flush=True,
    )


def index(bench: Bench) -> None:
    """The passages that citewell made, by the encoders alone and by the others."""
    for tool in [*ENCODERS, *(rival.name for rival in RIVALS)]:
        if tool not in bench.tools:
            continue
        bench.found["tools"].pop(tool, None)
        shutil.rmtree(bench.work / "indexes" / tool, ignore_errors=True)
        texts = bench.work / ("papers.jsonl" if tool == "paperqa" else "passages.jsonl")
        done = bench.attempt(tool, bench.words(tool, "index", "--texts", texts))
        if done is not None:
            stages = {name: sum(spent) for name, spent in json.loads(done.output)["stages"].items()}
            bench.of(tool)["index"] = _indexed(done, size_mb(bench.work / "indexes" / tool), stages)
            print(f"{tool}: {done.seconds:.1f} s, {done.core:.0f} core-s", flush=True)


def _indexed(done: Ended, disk: float, stages: dict[str, float]) -> Found:
    rounded = {name: round(seconds, 3) for name, seconds in stages.items()}
    return done.figures() | {"disk_mb": round(disk, 1), "stages": rounded, "load": _load()}


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def cold(bench: Bench) -> None:
    """The first question, in new processes, every tool in each round; the first round is thrown away."""
    questions = json.loads((bench.work / "questions.json").read_text("utf-8"))
    question = next(iter(questions.values()))
    took: dict[str, list[Ended]] = {}
    for turn in range(bench.rounds + 1):
        for tool in [tool for tool in bench.working(FINDERS) if tool != "retrieval"]:
            if tool in _COMMANDS:
                words = command("--library", bench.library, _COMMANDS[tool], question)
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
        for tool in bench.working(FINDERS):
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

    for tool in bench.working(FINDERS):
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
        more = bench.work / "more" / bench.found["more"]
        done = run(command("--library", copy, "add", more, "--json"))
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
    "add": add, "index": index, "cold": cold, "warm": warm, "start": start, "paper": paper, "encode": encode,
}  # fmt: skip


def _chosen(text: str, there: Iterable[str], options: argparse.ArgumentParser) -> tuple[str, ...]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(there):
        options.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(there)}")
    return tuple(name for name in there if name in wanted)


def parse(arguments: list[str] | None = None) -> tuple[Bench, tuple[str, ...]]:
    """The run that the command line asks for, and its parts."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--dataset", type=Path, required=True)
    options.add_argument("--split", help="of the questions; by default the one most meant for measuring")
    options.add_argument("--papers", type=int, default=60)
    options.add_argument("--rounds", type=int, default=5, help="of cold questions and starts")
    options.add_argument(
        "--work", type=Path, required=True, help="for libraries and indexes; emptied by `add`"
    )
    options.add_argument("--rivals", type=Path, default=default_place(), help="where they were installed")
    options.add_argument("--results", type=Path, default=RESULTS, help="where the figures are kept")
    options.add_argument("--only", default=",".join(PARTS), metavar="PART,...")
    options.add_argument("--tools", default=",".join(TOOLS), metavar="NAME,...", help=", ".join(TOOLS))
    given = options.parse_args(arguments)
    parts = _chosen(given.only, PARTS, options)
    wanted = _chosen(given.tools, TOOLS, options)
    missing = [r.name for r in RIVALS if r.name in wanted and python_of(r, given.rivals) is None]
    if missing:
        print(f"not installed in {given.rivals}, so left out: {', '.join(missing)}", file=sys.stderr)
    wanted = tuple(name for name in wanted if name not in missing)
    bench = Bench(
        given.work.absolute(), given.dataset.absolute(), given.split, given.papers, given.rounds,
        given.rivals.absolute(), wanted, given.results.absolute(),
    )  # fmt: skip
    ours = (given.work / "found.json").exists() or not given.work.exists() or not any(given.work.iterdir())
    if "add" in parts and not ours:
        options.error(f"{given.work} holds something else, and would be emptied")
    return bench, parts


def main() -> None:
    """The command line."""
    bench, parts = parse()
    state = bench.work / "found.json"
    if "add" not in parts:
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
        state.write_text(json.dumps(bench.found), "utf-8")
    kept = keep("run", bench.found, bench.results)
    print(f"\n{markdown(json.loads(kept.read_text('utf-8')))}\nkept in {kept.name}")


if __name__ == "__main__":
    main()
