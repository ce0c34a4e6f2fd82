"""Stories of an engineer who measures retrieval before trusting it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import load
from eval.judge import Judge, passage_name
from eval.measures import auroc, compare, coverage_at_precision, intervals, means, per_query
from eval.model import Question, Quote
from eval.results import Result, differences, read_trec_run, worse
from index.errors import DatasetError
from index.library import Library
from tests.conftest import ROOT, SAMPLES, Citewell, shared
from tests.fakes import make_library, make_syncer, report_of, tiny


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


# --- measures --------------------------------------------------------------------------------------------


def test_measures_are_those_of_trec_eval() -> None:
    lines = [line.split() for line in shared("trec_eval", "qrels.test").read_text().splitlines()]
    qrels: dict[str, dict[str, int]] = {}
    for question, _, document, grade in lines:
        qrels.setdefault(question, {})[document] = int(grade)
    run = read_trec_run(shared("trec_eval", "results.test"))
    mean = means(per_query({q: qrels[q] for q in run}, run))
    assert mean["AP"] == pytest.approx(0.1785, abs=1e-4)
    assert mean["nDCG@10"] == pytest.approx(0.3016, abs=1e-4)
    assert mean["R@100"] == pytest.approx(0.4980, abs=1e-4)
    assert mean["RR@10"] == pytest.approx(0.3889, abs=1e-4)


def test_a_question_the_run_lacks_counts_as_nothing_found() -> None:
    values = per_query({"a": {"x": 1}, "b": {"x": 1}}, {"a": {"x": 2.0, "y": 1.0}})
    assert values["nDCG@10"] == {"a": 1.0, "b": 0.0}
    assert means(values)["success@5"] == 0.5
    low, high = intervals(values)["nDCG@10"]
    assert (low, high) == (0.0, 1.0)


def test_a_paired_difference_is_told_from_chance() -> None:
    a = {str(i): 0.5 for i in range(40)}
    better = compare(a, dict.fromkeys(a, 0.6))
    assert (better.mean, better.low, better.high, better.questions) == (0.1, 0.1, 0.1, 40)
    assert better.p < 0.001
    assert compare(a, a).p == 1.0
    mixed = compare(a, {q: 0.5 + (0.1 if int(q) % 2 else -0.1) for q in a})
    assert (mixed.mean, mixed.p) == (0.0, 1.0)
    assert compare(a, {"other": 1.0}).questions == 0


def test_declining_is_measured_by_how_well_two_lists_are_told_apart() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.1, 0.9], [0.5]) == 0.5
    assert coverage_at_precision([0.9, 0.8, 0.3], [0.2, 0.1, 0.4], 0.95) == pytest.approx(2 / 3, abs=1e-3)
    assert coverage_at_precision([0.1], [0.2, 0.3], 0.95) == 0.0


# --- datasets --------------------------------------------------------------------------------------------


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-beir"
    write_lines(
        folder / "corpus.jsonl",
        [
            {"_id": "d/1", "title": "Frogs at night", "text": "Frogs glow in the dark. Nobody knows why."},
            {"_id": "2", "title": "Newts", "text": "Newts do not glow. They were asked twice."},
            {"_id": "3", "title": "Newts", "text": "Newts do not glow. They were asked twice."},
            {"_id": "4", "title": "Empty", "text": ""},
        ],
    )
    write_lines(
        folder / "queries.jsonl",
        [{"_id": 7, "text": "why do frogs glow at night?"}, {"_id": "8", "text": "do newts glow?"},
         {"_id": "9", "text": "asked of no one"}],
    )  # fmt: skip
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n7\td/1\t2\n8\t2\t1\n8\t3\t1\n9\t4\t0\n"
    )
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n8\t2\t1\n")
    return folder


def test_a_folder_in_the_layout_of_beir_is_recognised(beir: Path) -> None:
    dataset = load(beir)
    assert (dataset.name, dataset.split, dataset.unit) == ("tiny-beir", "test", "document")
    assert [(q.id, dict(q.grades)) for q in dataset.questions] == [("7", {"d/1": 2}), ("8", {"2": 1, "3": 1})]
    assert [q.id for q in load(beir, "dev").questions] == ["8"]
    with pytest.raises(DatasetError, match="has no split 'best'") as error:
        load(beir, "best")
    assert error.value.hint == "There is: dev, test, all."


def test_documents_are_ranked_and_twins_both_count(citewell: Citewell, beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = citewell("eval", str(beir), "--json", "--results", str(out), "--trec", str(out))
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert (found["queries"], found["papers"], found["unit"]) == (2, 3, "document")
    assert set(found["stages"]) == {"bm25", "dense", "fused", "reranked"}
    assert found["stages"]["fused"]["nDCG@10"] == 1.0
    run = read_trec_run(out / "tiny-beir-test.fused.run")
    assert next(iter(run["7"])) == "d/1"
    assert set(list(run["8"])[:2]) == {"2", "3"}
    assert (out / "tiny-beir-test.qrels").read_text().splitlines()[0] == "7 0 d/1 2"
    (saved,) = out.glob("tiny-beir-test-*.json")
    assert Result.model_validate_json(saved.read_text()).per_query["fused"]["nDCG@10"] == {"7": 1.0, "8": 1.0}


def test_answers_in_the_layout_of_squad_are_found_though_their_offsets_are_off(tmp_path: Path) -> None:
    context = "A title\n\nThe dose was 5 mg. Nothing else. Later the dose was 5 mg again, for a year."
    asked = {
        "id": 1, "question": "which dose later?", "is_impossible": False,
        "answers": [{"text": "5  mg", "answer_start": context.index("5 mg again") + 6}],
    }  # fmt: skip
    impossible = {"id": 2, "question": "who?", "is_impossible": True, "answers": []}
    path = tmp_path / "data" / "x.json"
    path.parent.mkdir()
    path.write_text(
        json.dumps({"data": [{"paragraphs": [{"context": context, "qas": [asked, impossible]}]}]})
    )
    dataset = load(path.parent)
    assert (dataset.name, dataset.unit, len(dataset.questions)) == ("data", "passage", 1)
    (quote,) = dataset.questions[0].quotes
    assert quote.position is not None
    folder = tmp_path / "papers"
    folder.mkdir()
    assert dataset.material.write is not None
    dataset.material.write(folder)
    assert (folder / quote.paper).read_text() == context


def test_a_quote_is_found_by_its_letters_and_counts_for_the_passage_that_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    sentences = [f"Mouse number {n} slept for {n} hours in the dark of the cage." for n in range(9)]
    (folder / "mice.txt").write_text(tiny("Sleep of mice", "# Results", " ".join(sentences), doi="10.1/m"))
    library = make_library(tmp_path / "library")
    report_of(make_syncer(library).add([folder]))
    asked = [
        Question("whole", "?", (Quote("10.1/m", "mouse NUMBER 3 slept\nfor 3-hours"),)),
        Question("across", "?", (Quote("mice.txt", " ".join(sentences)),)),
        Question("absent", "?", (Quote("10.1/m", "rats slept"),)),
        Question("unknown", "?", (Quote("10.1/other", "mouse"),)),
        Question("second", "?", (Quote("10.1/m", "hours in the dark", 0.99),)),
    ]
    with library.read() as reader:
        judged = Judge(reader).judge(asked)
        paper = reader.find_paper("10.1/m")
        passages = {passage_name(paper, p): p for p in reader.passages(reader.passage_ids(paper.id)).values()}
    assert judged.unjudged == {"absent": "quote not found", "unknown": "paper not in the library",
                               "across": "quote outside the passages"}  # fmt: skip
    (holding,) = judged.qrels["whole"]
    assert sentences[3] in passages[holding].text
    (last,) = judged.qrels["second"]
    assert sentences[8] in passages[last].text


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "is not known"),
        ({"a.json": "{}", "b.json": "{}"}, "it has 2 JSON files"),
        ({"a.json": "{}"}, "not in the layout of SQuAD"),
        ({"questions.jsonl": ""}, "holds no question"),
        ({"questions.jsonl": '{"question": "why?"}\n'}, "line 1: paper"),
        ({"questions.jsonl": "why?\n"}, "line 1 is no JSON"),
        ({"corpus.jsonl": "", "queries.jsonl": ""}, "has no qrels"),
    ],
)
def test_a_dataset_that_cannot_be_used_says_what_is_wrong(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message) as error:
        load(tmp_path)
    assert error.value.hint


# --- the command -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample papers' questions, asked once; the folder with the result."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(out / "cache"))
        _measure_samples(out)
    return out


def _measure_samples(out: Path) -> None:
    from tests.conftest import command_line
    from tui.cli import cli

    words = command_line(f"eval '{SAMPLES}' --results '{out}' --plot '{out / 'plot.svg'}' --json")
    cli.main(words, prog_name="citewell", standalone_mode=False)


def test_the_samples_are_a_dataset_and_its_questions_find_their_passages(measured: Path) -> None:
    (path,) = measured.glob("samples-all-*.json")
    result = Result.model_validate_json(path.read_text())
    assert (result.queries, result.unjudged, result.papers) == (47, {}, 8)
    assert result.stages["fused"]["nDCG@10"] > result.stages["bm25"]["nDCG@10"] > 0.7
    assert result.stages["fused"]["R@10"] == 1.0
    assert set(result.timings_ms) == {"bm25", "dense", "fuse", "rerank", "total"}
    assert (measured / "plot.svg").read_text().startswith("<?xml")


def test_no_stage_has_become_worse_than_the_baseline(measured: Path) -> None:
    """The gate: a change that makes a stage significantly worse on the samples does not land."""
    (path,) = measured.glob("samples-all-*.json")
    baseline = Result.model_validate_json((ROOT / "eval" / "baseline.json").read_text())
    found = differences(baseline, Result.model_validate_json(path.read_text()))
    assert set(found) == {"bm25", "dense", "fused", "reranked"}
    assert worse(found, "nDCG@10") == []


def test_the_gate_fails_when_a_stage_is_broken(citewell: Citewell, measured: Path, tmp_path: Path) -> None:
    (baseline,) = measured.glob("samples-all-*.json")
    words = ("eval", str(SAMPLES), "--results", str(tmp_path), "--baseline", str(baseline))
    assert citewell(*words, "--stages", "bm25,fused").code == 0
    broken = citewell(*words, "--stages", "fused", "--set", "depth=1")
    assert broken.code == 1
    assert "significantly worse than the baseline: fused" in broken.err


def test_a_second_run_uses_the_library_again(citewell: Citewell, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(SAMPLES / "PMC1550249.md", folder)
    write_lines(
        folder / "questions.jsonl",
        [{"question": "how many eggs degenerated?", "paper": "PMC1550249",
          "quote": "71.1% of eggs were fertilized and 12.0% degenerated"}],
    )  # fmt: skip
    words = ("eval", str(folder), "--results", str(tmp_path / "out"), "--stages", "fused", "--json")
    first = citewell(*words)
    assert json.loads(first.out)["queries"] == 1
    (folder / "PMC1550249.md").touch()
    second = citewell(*words)
    assert json.loads(second.out)["stages"] == json.loads(first.out)["stages"]
    assert json.loads(second.out)["passages"] == json.loads(first.out)["passages"]


def test_declining_and_evidence_are_measured_where_asked(citewell: Citewell, tmp_path: Path) -> None:
    result = citewell(
        "eval", str(SAMPLES), "--stages", "fused", "--declining", "8", "--evidence", "8", "--results",
        str(tmp_path),
    )  # fmt: skip
    assert result.code == 0, result.err
    saved = Result.model_validate_json(next(tmp_path.glob("*.json")).read_text())
    assert saved.declining is not None
    assert saved.declining.questions == 8
    assert saved.declining.auroc > 0.8
    assert [e.scope for e in saved.evidence] == ["library", "paper"]
    assert all(0.2 < e.f1 <= 1 for e in saved.evidence)
    assert "Declining, 8 questions asked with and without the paper: AUROC" in result.out


def test_own_papers_are_asked_by_their_abstracts(citewell: Citewell, sample_library: Path) -> None:
    result = citewell("eval", "--own", "--limit", "20", "--json", library=sample_library)
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert sum(paper["questions"] for paper in found["papers"]) == 20
    assert found["without_body"] == 2
    assert found["stages"]["reranked"]["success@5"] > 0.9
    with Library(sample_library).read() as reader:
        assert {paper["key"] for paper in found["papers"]} <= {paper.key for paper in reader.papers()}


def test_two_results_are_compared(citewell: Citewell, measured: Path) -> None:
    (path,) = measured.glob("samples-all-*.json")
    shown = json.loads(citewell("eval", "--compare", str(path), str(path), "--json").out)
    assert shown["fused"]["nDCG@10"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "questions": 47}
    table = citewell("eval", "--compare", str(path), str(path)).out
    assert "reranked" in table
    wrong = citewell("eval", "--compare", str(path), str(SAMPLES / "questions.jsonl"))
    assert wrong.code == 1
    assert "is no result of citewell eval" in wrong.err


@pytest.mark.parametrize(
    "words",
    [(), ("--own", "x"), ("x", "--stages", "best"), ("x", "--set", "nonsense=1"), ("x", "--set", "depth=a")],
)
def test_what_cannot_be_meant_is_a_usage_error(citewell: Citewell, words: tuple[str, ...]) -> None:
    assert citewell("eval", *words).code == 2
