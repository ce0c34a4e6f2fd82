"""How citewell does with many papers.

    python -m benchmarks.scale --library DIR --passages 1e3,1e5,1e6 --questions DATASET… --out DIR

Makes libraries of so many passages out of a real one (benchmarks/resample.py; those that are there are used
again) and measures, each in a process of its own so that its peak of memory is known: writing the index
file; retrieval by stage without the reranker, of the datasets' questions, in all papers and within scopes;
FAISS and FTS5 alone on the same rows and words; how much of the exact hundred best is found; one
paper more, as `citewell add`. With --doctor, every promise of the library is checked, too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import keep, print_machine
from benchmarks.resample import folder_for, make
from benchmarks.scale_stages import STAGES
from index.library import Library

PAPER = Path(__file__).parents[1] / "samples"


def in_own_process(stage: str, library: Path, questions: Path) -> dict[str, Any]:
    """What a stage measured, with the seconds, core-seconds and peak of memory of its process."""
    words = [sys.executable, "-m", "benchmarks.scale_stages", stage, str(library), str(questions)]
    return json.loads(measured(words)["output"])  # type: ignore[no-any-return]


def measured(words: list[str]) -> dict[str, Any]:
    """Runs a command: its output, wall and core-seconds, and peak resident megabytes."""
    begun = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: {output}")
    return {"output": output, "wall_s": time.perf_counter() - begun, **usage(used)}


def usage(used: resource.struct_rusage) -> dict[str, float]:
    """Core-seconds and peak megabytes (Linux counts in KiB, macOS in bytes)."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return {"core_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / unit}


def one_paper(library: Path, out: Path, runs: int) -> dict[str, Any]:
    """`citewell add` of one paper that the library lacks, taken out again after each run."""
    source = min(PAPER.glob("*.md"), default=None) or min(p for p in PAPER.rglob("*") if p.is_file())
    paper = out / f"one-paper{source.suffix}"
    shutil.copy(source, paper)
    citewell = [sys.executable, "-m", "tui.cli", "--library", str(library)]
    took = []
    for _ in range(runs):
        took.append(measured([*citewell, "add", str(paper)]))
        measured([*citewell, "remove", str(paper)])
    print(took[-1]["output"].strip())
    names = ("wall_s", "core_s", "peak_mb")
    return {name: min(run[name] for run in took) for name in names}


def disk(library: Path) -> dict[str, float]:
    """Megabytes of a library's parts."""
    parts = {"library.db": [library / "library.db"]}
    parts |= {name: [*(library / name).rglob("*")] for name in ("index", "objects")}
    return {name: sum(f.stat().st_size for f in files if f.is_file()) / 1e6 for name, files in parts.items()}


def size_of(count: int, given: argparse.Namespace, questions: Path) -> dict[str, Any]:
    """All figures for a library of so many passages."""
    folder = folder_for(given.out, count)
    library, found = Library(folder), dict[str, Any]()
    if not library.exists():
        begun = time.perf_counter()
        make(Library(given.library), library, count)
        found["make_s"] = time.perf_counter() - begun
    for stage in STAGES:
        if stage != "doctor" or given.doctor:
            found[stage] = in_own_process(stage, folder, questions)
            print(count, stage, json.dumps(rounded(found[stage])), flush=True)
    found["one paper"] = one_paper(folder, given.out, given.runs)
    print(count, "one paper", json.dumps(rounded(found["one paper"])), flush=True)
    with library.read() as reader:
        counts = reader.counts()
    return {"papers": counts["papers"], "passages": counts["passages"], **found, "disk_mb": disk(folder)}


def rounded(figures: Any) -> Any:
    """The same with figures that people read."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--library", type=Path, required=True, help="the real one")
    options.add_argument("--passages", required=True, help="such as 1e3,1e5,1e6")
    options.add_argument("--questions", type=Path, nargs="+", required=True, help="datasets, as for eval")
    options.add_argument("--each", type=int, default=60, help="questions of each dataset")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--runs", type=int, default=3, help="of adding one paper")
    options.add_argument("--doctor", action="store_true")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    print_machine()
    questions = given.out / "questions.npz"
    each = [str(given.each), *map(str, given.questions)]
    measured(
        [
            sys.executable,
            "-m",
            "benchmarks.scale_stages",
            "questions",
            str(given.library),
            str(questions),
            *each,
        ]
    )
    sizes = [int(float(size)) for size in given.passages.split(",")]
    found = {str(size): rounded(size_of(size, given, questions)) for size in sizes}
    print(f"kept in {keep('scale', {'sizes': found})}")


if __name__ == "__main__":
    main()
