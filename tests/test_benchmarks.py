"""The benchmarks: what they measure is what they say, and what they print is what was measured."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.material import choose, file_name
from benchmarks.ours import fused, in_batches
from benchmarks.process import CommandFailed, run
from benchmarks.quality import of_names, success_of_texts
from benchmarks.rivals.driver import Hit, Search, Text
from benchmarks.rivals.driver import main as drive
from benchmarks.table import markdown, put_into, ratios
from eval.datasets import load

ROOT = Path(__file__).parents[1]

RESULTS = {
    "commit": "abc1234",
    "when": "2026-01-02T03:04:05+00:00",
    "machine": {"processor": "A processor", "cores": 2},
    "dataset": "samples",
    "papers": 8,
    "passages": 1200,
    "questions": 47,
    "versions": {"txtai": "9.0"},
    "measured": {"index": {"load": 0.1}, "cold": {"load": 2.0}},
    "tools": {
        "answer": {
            "index": {"seconds": 40.0, "core": 70.0, "peak_mb": 500.4, "disk_mb": 12.0, "stages": {}},
            "cold": {"min": 1.5, "core": 2.0, "peak_mb": 300},
            "warm": {"p50_ms": 600.4, "p95_ms": 700.0},
            "quality": {"nDCG@10": 0.8411, "success@5": 0.95},
        },
        "retrieval": {"warm": {"p50_ms": 6.0, "p95_ms": 9.0, "stages": {"look": [2.0, 4.0]}}},
        "bare": {
            "index": {"seconds": 39.0, "core": 71, "peak_mb": 400, "disk_mb": 3, "stages": {"store": 1.0}},
            "warm": {"p50_ms": 5.0, "p95_ms": 6.0, "stages": {"look": [1.0, 4.0]}},
        },
        "sentence-transformers": {"index": {"seconds": 100.0, "core": 140.0, "peak_mb": 700, "disk_mb": 0.0}},
        "txtai": {"cold": {"min": 6.0, "core": 11.0, "peak_mb": 5}},
        "chroma": {"failed": "no such file"},
    },
}  # fmt: skip


def test_the_table_holds_what_was_measured_and_leaves_out_what_was_not() -> None:
    lines = markdown(RESULTS).splitlines()
    assert lines[0] == (
        "8 papers, 1,200 passages, 47 questions (samples); A processor, 2 cores, load 0.1 to 2.0; commit"
        " abc1234, 2026-01-02. txtai 9.0."
    )
    assert lines[4] == (
        "| **citewell** `ask` | words, meaning, reranker; cited answer | 40 | 30.0 | 500 | 12 | 1.50 | 300 |"
        " 600 | 700 | 0.841 | 0.950 |"
    )
    assert lines[6] == (
        "| bare encoder + FAISS + FTS5 | words, meaning; the limit | 39 | 30.8 | 400 | 3 |  |  | 5 | 6 |  |"
        "  |"
    )
    assert "Chroma is missing: no such file" in lines
    assert not any(line.startswith(("| Chroma", "| LlamaIndex")) for line in lines)
    assert all(line.count("|") == 13 for line in lines[2:9])


def test_ratios_say_which_goals_are_missed() -> None:
    found = {ratio.what.partition(":")[0]: (ratio.value, ratio.reached) for ratio in ratios(RESULTS)}
    assert [r.core for r in ratios(RESULTS)][:2] == [1.0, 2.0]
    add, float32, looking, embedding, cold = (
        [(r.value, r.reached) for r in ratios(RESULTS) if start in r.what]
        for start in ("the bare encoder", "float32", "looking", "with embedding", "cold")
    )
    assert len(found) == 5
    assert add == [(pytest.approx(38 / 40), True)]  # of the bare parts only what encodes
    assert float32 == [(2.5, True)]
    assert looking == [(2.0, None), (1.0, None)]  # of so small a library nothing is wanted
    assert embedding == [(pytest.approx(1.2), None), (1.5, None)]
    assert cold == [(4.0, False)]
    large = [r for r in ratios(RESULTS | {"passages": 100_000}) if "looking" in r.what]
    assert [(r.value, r.reached) for r in large] == [(2.0, False), (1.0, True)]
    assert "| cold: txtai's passages against citewell's answer | 4.00 | 5.50 | ≥ 5 | missed |" in markdown(
        RESULTS
    )


def test_a_run_of_one_part_has_a_table_too() -> None:
    only = RESULTS | {"tools": {"answer": {"cold": {"min": 1.5, "core": 2, "peak_mb": 300}}}}
    assert markdown(only).splitlines()[-1].endswith("|  |  |  |  | 1.50 | 300 |  |  |  |  |")


def test_the_table_goes_between_its_marks_and_nowhere_else() -> None:
    page = "# Page\n<!-- benchmarks.table -->\nold\n<!-- /benchmarks.table -->\nrest\n"
    new = "# Page\n<!-- benchmarks.table -->\nnew | table\n<!-- /benchmarks.table -->\nrest\n"
    assert put_into(page, "new | table") == new
    assert put_into(new, "new | table") == new
    with pytest.raises(ValueError, match="there is no"):
        put_into("# Page\n", "table")


def test_papers_that_were_asked_of_come_first() -> None:
    dataset = load(ROOT / "samples")
    names = [path.stem for path in choose(dataset, 100)]
    asked = list(dict.fromkeys(file_name(quote.paper) for q in dataset.questions for quote in q.quotes))
    assert names == asked
    assert len(names) == 8
    few = replace(
        dataset, questions=tuple(q for q in dataset.questions if file_name(q.quotes[0].paper) == asked[3])
    )
    assert [path.stem for path in choose(few, 3)] == [asked[3], *sorted({*asked} - {asked[3]})[:2]]


def test_batches_hold_every_passage_once_and_like_lengths_together() -> None:
    lengths = [(i * 37) % 211 for i in range(1100)]
    found = in_batches(lengths)
    assert sorted(i for batch in found for i in batch) == list(range(1100))
    assert [len(batch) for batch in found] == [64] * 16 + [64, 12]
    assert all([lengths[i] for i in batch] == sorted(lengths[i] for i in batch) for batch in found)
    assert {i // 512 for i in found[0]} == {0}


def test_what_two_rankings_share_comes_first() -> None:
    assert fused([1, 2, 3], [3, 4]) == [3, 1, 2, 4]


def test_quality_is_that_of_the_names_or_of_the_texts() -> None:
    found = of_names(
        {"a": [["x"], ["y"]], "b": [["z"]], "c": []}, {"a": {"y": 1}, "b": {"y": 1}, "c": {"y": 1}}
    )
    assert found == {"nDCG@10": round(0.6309 / 3, 4), "success@5": round(1 / 3, 4)}
    hits = {
        "a": [["n", "P1", "It rose by 51% (P = 0.003), they say."]],
        "b": [["n", "P2", "It rose by 51% (P=0.003)."]],  # of another paper
        "c": [["n", "P1", "Nothing."]] * 5 + [["n", "P1", "It rose by 51% (P=0.003)."]],  # the sixth
    }
    quotes = {question: [["P1", "rose by 51% (P=0.003)"]] for question in "abc"}
    assert success_of_texts(hits, quotes) == round(1 / 3, 4)


class Lines:
    """A tool that finds the texts that hold the question, and talks too much."""

    whole_papers = False

    def index(self, texts: Sequence[Text], model: Path, folder: Path) -> None:
        assert model.is_dir()
        sys.stdout.write("indexing …")
        (folder / "lines").write_text("\n".join(f"{text.name} {text.text}" for text in texts), "utf-8")

    def open(self, model: Path, folder: Path) -> Search:
        assert model.is_dir()
        lines = [line.split(" ", 1) for line in (folder / "lines").read_text("utf-8").splitlines()]
        return lambda question, limit: [Hit(n, text) for n, text in lines if question in text][:limit]


def test_a_driver_indexes_and_finds_and_prints_only_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [{"name": f"n{i}", "text": f"about {word}", "paper": "P"} for i, word in enumerate("abcab")]
    (tmp_path / "texts").write_text("\n".join(map(json.dumps, texts)), "utf-8")
    (tmp_path / "questions").write_text(json.dumps({"q1": "about a", "q2": "about z"}), "utf-8")

    def said(*words: str) -> str:
        place = ["--model", str(tmp_path), "--index", str(tmp_path / "index")]
        monkeypatch.setattr(sys, "argv", ["driver", *words, *place])
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        printed = sys.stdout
        drive(Lines())
        return printed.getvalue()

    monkeypatch.setattr("os.environ", {})
    assert json.loads(said("index", "--texts", str(tmp_path / "texts")))["texts"] == 5
    found = json.loads(said("search", "--questions", str(tmp_path / "questions")))
    assert found["hits"] == {"q1": [["n0"], ["n3"]], "q2": []}
    assert len(found["ms"]) == 2
    assert said("ask", "--question", "about b") == "n1\nabout b\nn4\nabout b\n"
    assert "indexing" in capsys.readouterr().err


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(CommandFailed, match="the index is gone"):
        run([sys.executable, "-c", "raise SystemExit('the index is gone')"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what processes share")
def test_the_memory_of_workers_counts() -> None:
    hold = "held = bytearray(60_000_000); print('holding', flush=True)"
    worker = f"{hold}; import time; time.sleep(60)"
    both = (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', {worker!r}], stdout=-1);"
        "held = bytearray(60_000_000); child.stdout.readline(); time.sleep(1.2); child.kill()"
    )
    alone, together = (
        peak_mb([sys.executable, "-c", code]) for code in ("held = bytearray(60_000_000)", both)
    )
    assert 60 < alone < together - 50


def peak_mb(words: list[str]) -> float:
    """As a small process sees it: what pytest holds would count as well."""
    script = f"from benchmarks.process import run; print(run({words!r}).peak_mb)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


def test_citewell_and_its_bare_parts_are_measured_on_the_samples(tmp_path: Path) -> None:
    """The one command, as a developer runs it without the rivals."""
    words = [sys.executable, "-m", "benchmarks.run", "--dataset", "samples", "--papers", "2", "--rounds", "1"]
    words += ["--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    words += ["--only", "add,index,warm", "--tools", "retrieval,bare"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    kept = json.loads(next((tmp_path / "results").glob("run-*.json")).read_text("utf-8"))
    lines = (tmp_path / "work" / "passages.jsonl").read_text("utf-8").splitlines()
    passages = [json.loads(line) for line in lines]
    assert kept["papers"] == 2
    assert kept["passages"] == len(passages) > 10
    assert {p["paper"] for p in passages} == {path.stem for path in (tmp_path / "work" / "papers").iterdir()}
    tools = kept["tools"]
    for tool in ("retrieval", "bare"):
        assert 0 < tools[tool]["warm"]["p50_ms"] <= tools[tool]["warm"]["p95_ms"]
        assert 0.5 < tools[tool]["quality"]["nDCG@10"] <= 1
    spent = tools["bare"]["index"]["stages"]
    assert 0 < spent["encode"] < tools["bare"]["index"]["seconds"]
    assert tools["answer"]["index"]["stages"]["embed"] < tools["answer"]["index"]["seconds"]
    assert str(tmp_path) not in json.dumps(kept)  # figures are kept in the repository, places are not
    assert "| bare encoder + FAISS + FTS5 |" in done.stdout
    again = subprocess.run(
        [*words[:-4], "--only", "warm", "--tools", "bare"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
