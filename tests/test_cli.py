"""The command line as a user meets it: what it prints, what it leaves behind, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, SAMPLES, Citewell

QUESTION = "how do MSCs promote angiogenesis?"


def test_ask_answers_with_places_and_references(citewell: Citewell, sample_library: Path) -> None:
    result = citewell("ask", QUESTION, library=sample_library)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == (
        "MSCs [mesenchymal stem cells] promote angiogenesis by secreting growth factors, among them VEGF."
    )
    assert lines[1] == "  [1] ✓ Wang et al. 2026 · Abstract"
    assert "https://doi.org/10.3389/fcell.2026.1724597" in result.out
    assert "\x1b" not in result.out


def test_ask_json_has_the_promised_shape_and_every_quote_stands_at_its_span(
    citewell: Citewell, sample_library: Path
) -> None:
    question = "do pericytes increase capillary density and reduce fibrosis after infarction?"
    shown = json.loads(citewell("ask", question, "--json", library=sample_library).out)
    assert shown["question"] == shown["query"] == question
    assert shown["declined"] is False
    assert set(shown["timings_ms"]) == {"load", "retrieve", "extract", "verify", "weigh"}
    texts = {
        paper["paper_id"]: citewell("show", paper["paper_id"], "--text", library=sample_library).out
        for paper in json.loads(citewell("papers", "--json", library=sample_library).out)
    }
    citations = [citation for sentence in shown["answer"] for citation in sentence["citations"]]
    assert [c["number"] for c in citations] == list(range(1, len(citations) + 1))
    assert len(citations) >= 2
    for citation in citations:
        assert texts[citation["paper_id"]][citation["start"] : citation["end"]] == citation["quote"]
        assert citation["verdict"] == "verbatim"
    assert [e["rank"] for e in shown["evidence"]] == list(range(1, len(shown["evidence"]) + 1))
    for found in shown["evidence"]:
        assert texts[found["paper_id"]][found["start"] : found["end"]] == found["text"]
    cited = {c["paper_id"] for c in citations}
    assert {reference["paper_id"] for reference in shown["references"]} == cited
    assert sorted(n for r in shown["references"] for n in r["numbers"]) == [c["number"] for c in citations]


def test_the_same_question_gets_the_same_answer_byte_for_byte(
    citewell: Citewell, sample_library: Path
) -> None:
    def without_times() -> dict[str, Any]:
        shown = json.loads(citewell("ask", QUESTION, "--json", library=sample_library).out)
        del shown["timings_ms"]
        return dict(shown)

    assert json.dumps(without_times()) == json.dumps(without_times())


def test_a_question_that_the_papers_do_not_answer_is_declined(
    citewell: Citewell, sample_library: Path
) -> None:
    result = citewell("ask", "what is the capital of France?", library=sample_library)
    assert result.code == 0
    assert result.out.startswith("Your papers do not answer this.\nThe nearest is ")
    shown = json.loads(
        citewell("ask", "what is the capital of France?", "--json", library=sample_library).out
    )
    assert shown["declined"] is True
    assert shown["answer"] == shown["references"] == []


def test_a_batch_answers_line_by_line_and_survives_a_bad_line(
    citewell: Citewell, sample_library: Path, tmp_path: Path
) -> None:
    batch = tmp_path / "questions.jsonl"
    batch.write_text(
        f'{{"id": "a", "question": "{QUESTION}"}}\n\nwhat do pericytes secrete?\n{{"id": 7}}\n{{broken\n'
    )
    result = citewell("ask", "--batch", str(batch), library=sample_library)
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["id"] for row in rows] == ["a", 3, 7, 5]
    assert [row["question"] for row in rows[:2]] == [QUESTION, "what do pericytes secrete?"]
    assert rows[0]["answer"][0]["citations"][0]["quote"].startswith("MSCs promote angiogenesis")
    assert [row["error"] for row in rows[2:]] == ["not a JSON object with a text called question"] * 2
    assert result.code == 3


def test_search_lists_passages_within_the_scope(citewell: Citewell, sample_library: Path) -> None:
    everything = json.loads(citewell("search", "VEGF", "--json", "-k", "5", library=sample_library).out)
    assert len(everything["evidence"]) == 5
    one = json.loads(
        citewell("search", "VEGF", "--json", "--paper", "PMC5850145", library=sample_library).out
    )
    assert {e["paper_id"] for e in one["evidence"]} == {"PMC5850145"}
    late = json.loads(citewell("search", "VEGF", "--json", "--year", "2018-", library=sample_library).out)
    assert {e["paper_id"] for e in late["evidence"]} == {"PMC5850145", "PMC13017818"}
    results = json.loads(
        citewell("search", "VEGF", "--json", "--section", "results", library=sample_library).out
    )
    assert results["evidence"]
    assert all("results" in e["heading"].lower() for e in results["evidence"])


def test_papers_show_and_status_agree(citewell: Citewell, sample_library: Path) -> None:
    papers = json.loads(citewell("papers", "--json", library=sample_library).out)
    status = json.loads(citewell("status", "--json", library=sample_library).out)
    assert status["papers"] == len(papers) == len(list(SAMPLES.glob("*.md")))
    assert status["passages"] == sum(paper["passages"] for paper in papers)
    assert status["model"] == "all-MiniLM-L6-v2"
    seed = json.loads(citewell("show", "10.3389/fcell.2026.1724597", "--json", library=sample_library).out)
    assert (seed["paper_id"], seed["year"], seed["body_missing"]) == ("PMC13017818", 2026, True)
    assert "The body is missing" in citewell("show", "PMC13017818", library=sample_library).out


def test_doctor_finds_the_library_healthy(citewell: Citewell, sample_library: Path) -> None:
    rows = json.loads(citewell("doctor", "--json", library=sample_library).out)
    assert len(rows) == 6
    assert all(row["ok"] and row["problems"] == [] for row in rows)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ask", "   "], 1, "the question is empty"),
        (["ask", "why " * 2500], 1, "the question has 9,999 characters; at most 2,000 are read"),
        (["ask"], 2, "Say what to ask"),
        (["ask", "why?", "--year", "soon"], 2, "'soon' is no range of years"),
        (["ask", "why?", "--paper", "PMC0"], 1, "no paper in this library is called 'PMC0'"),
        (["show", "PMC0"], 1, "no paper in this library is called 'PMC0'"),
        (["remove", "PMC0"], 1, "no paper in this library is called 'PMC0'"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["ask", "why?", "--model", "/nowhere/model"], 1, "cannot be loaded"),
    ],
)
def test_what_a_user_gets_wrong_gets_one_clear_answer(
    citewell: Citewell, sample_library: Path, words: list[str], code: int, said: str
) -> None:
    result = citewell(*words, library=sample_library)
    assert result.code == code
    assert said in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_without_a_library_the_user_is_told_how_to_make_one(citewell: Citewell, tmp_path: Path) -> None:
    result = citewell("ask", "why?", library=tmp_path / "none")
    assert result.code == 1
    assert result.err.splitlines()[1] == "  Make one with: citewell add FOLDER"
    assert not (tmp_path / "none").exists()


def test_bad_files_are_refused_with_their_reasons_and_the_library_stays(
    citewell: Citewell, tmp_path: Path
) -> None:
    library, folder = tmp_path / "library", tmp_path / "papers"
    folder.mkdir()
    assert citewell("add", str(folder), library=library).err.startswith("citewell: there are no papers in ")
    assert not library.exists()
    assert citewell("add", str(tmp_path / "nothing"), library=library).code == 1
    for source in sorted(SAMPLES.glob("PMC5*.md")):
        (folder / source.name).write_bytes(source.read_bytes())
    (folder / "empty.md").write_bytes(b"")
    (folder / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "bomb.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE article [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<article><body><p>&b;</p></body></article>"
    )
    result = citewell("add", str(folder), library=library)
    assert result.code == 3
    assert result.out.startswith("2 added, 0 changed, 0 removed, 0 unchanged, 3 failed")
    failed = json.loads(citewell("papers", "--failed", "--json", library=library).out)
    assert [Path(row["path"]).name for row in failed] == ["bomb.xml", "empty.md", "picture.pdf"]
    assert all(row["reason"] for row in failed)
    assert "empty (0 bytes)" in failed[1]["reason"]
    assert len(json.loads(citewell("papers", "--json", library=library).out)) == 2


def test_sync_follows_what_happens_to_the_files(citewell: Citewell, tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "papers"
    folder.mkdir()
    names = sorted(path.name for path in SAMPLES.glob("PMC*.md"))
    for name in names[:4]:
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    assert citewell("add", str(folder), library=library).code == 0
    assert citewell("sync", library=library).out.startswith(
        "0 added, 0 changed, 0 removed, 4 unchanged, 0 failed"
    )
    edited = (
        (folder / names[0])
        .read_text(encoding="utf-8")
        .replace("## TL;DR\n", "## TL;DR\n\nZebrafish regrow fins.\n")
    )
    (folder / names[0]).write_text(edited, encoding="utf-8")
    (folder / names[1]).unlink()
    (folder / names[2]).rename(folder / "renamed.md")
    (folder / names[4]).write_bytes((SAMPLES / names[4]).read_bytes())
    report = json.loads(citewell("sync", "--json", library=library).out)
    assert [Path(p).name for p in report["added"]] == [names[4]]
    assert [Path(p).name for p in report["changed"]] == [names[0]]
    assert [Path(p).name for p in report["removed"]] == [names[1]]
    assert [Path(p).name for p in report["moved"]] == ["renamed.md"]
    assert report["unchanged"] == 1
    found = json.loads(citewell("search", "zebrafish fins", "--json", library=library).out)["evidence"]
    assert "Zebrafish regrow fins." in found[0]["text"]
    gone = names[1].removesuffix(".md")
    assert gone not in {p["paper_id"] for p in json.loads(citewell("papers", "--json", library=library).out)}
    key = json.loads(citewell("papers", "--json", library=library).out)[0]["paper_id"]
    assert citewell("remove", key, library=library).err == f"removed {key}\n"
    assert citewell("sync", library=library).out.startswith("0 added, 0 changed, 0 removed, 3 unchanged")


def test_an_interrupted_user_gets_no_traceback(citewell: Citewell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tui.commands.look.make_parts", interrupt)
    result = citewell("status")
    assert (result.code, result.err.strip()) == (130, "citewell: stopped; what was finished is kept")


def test_nothing_leaves_the_machine(sample_library: Path) -> None:
    """The real command with every socket refused: a default run must not even try."""
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = refuse; socket.socket.connect_ex = refuse; socket.getaddrinfo = refuse\n"
        "from tui.cli import main\n"
        f"sys.argv = ['citewell', '--library', {str(sample_library)!r}, 'ask', {QUESTION!r}]\nmain()"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "promote angiogenesis by secreting" in done.stdout
