"""`citewell chat --plain`, and `citewell` alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.conftest import Citewell


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> object:
    def type_in(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return type_in


def test_a_conversation_in_lines(
    citewell: Citewell, sample_library: Path, typed: object, tmp_path: Path
) -> None:
    target = tmp_path / "all.md"
    typed(  # type: ignore[operator]
        "do MSCs promote angiogenesis?", "", ":read 1", ":read 99", ":similar 1", ":similar",
        ":scope years 2010-", ":scope years x",
        ":scope papers no such paper", ":scope", "and in rats?", ":scope none", ":foo", ":open nothing",
        f":export {target}", ":export x", ":help", ":new", ":read 1", ":quit", "never read",
    )  # fmt: skip
    result = citewell("chat", "--plain", library=sample_library)
    out = result.out
    assert result.code == 0
    assert "promote angiogenesis by secreting growth factors, among them VEGF." in out
    assert "[1] Wang et al. 2026, Abstract (verbatim)" in out
    assert ">>MSCs promote angiogenesis by secreting growth factors, among them VEGF.<<" in out
    assert "The last answer has no citation 99." in out
    similar = [row for row in out.splitlines() if " (closeness 0." in row]
    assert similar[0].startswith("Alestalo et al. 2015, Introduction (closeness 0.5")
    assert [row for row in similar if row.startswith("Wang")] == []
    assert "The last answer has no citation without a number." in out
    assert "Scope: 2010–\nError: 'x' is no range of years\n" in out
    assert "Error: no paper in this library is called 'no such paper'. List them with: citewell papers" in out
    assert "Searched for: do MSCs promote angiogenesis in rats?" in out
    assert "Scope: all papers" in out
    assert "There is no :foo." in out
    assert "Error: no kept conversation is called 'nothing'." in out
    assert f"Written to {target}" in out
    assert target.read_text().startswith("# do MSCs promote angiogenesis?")
    assert ":read N  " in out
    assert "A new conversation.\nThe last answer has no citation 1.\n" in out
    assert "never read" not in out
    assert "\x1b" not in out
    assert "\r" not in out


def test_the_end_of_the_input_ends_it(citewell: Citewell, sample_library: Path, typed: object) -> None:
    typed()  # type: ignore[operator]
    result = citewell("chat", "--plain", library=sample_library)
    assert result.code == 0
    assert result.out == "citewell, 8 papers. Type a question; :help lists what else can be typed.\n"


def test_citewell_alone_prints_help_without_a_terminal(citewell: Citewell) -> None:
    result = citewell()
    assert result.code == 0
    assert result.out.startswith("Usage: citewell [OPTIONS] [COMMAND] [ARGS]...")


def test_citewell_alone_opens_the_chat_in_a_terminal(
    citewell: Citewell, sample_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("tui.app.run", lambda parts, _: opened.append(parts.settings.library))
    result = citewell(library=sample_library)
    assert (result.code, opened) == (0, [sample_library])
