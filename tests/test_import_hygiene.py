"""What start-up may import: asked of a fresh interpreter, as a user starts one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "torch",
    "faiss",
    "transformers",
    "sentence_transformers",
    "textual",
    "lxml",
    "pypdfium2",
    "numpy",
    "rich",
    "httpx",
    "keyring",
    "hishel",
    "pydantic",
    "onnxruntime",
    "tokenizers",
    "bibtexparser",
    "watchfiles",
    "aiohttp",
}


def _modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["ask", "--help"],
        ["add", "--help"],
        ["chat", "--help"],
        ["watch", "--help"],
        ["serve", "--help"],
        ["fetch", "--help"],
        ["llm", "--help"],
        ["history", "--help"],
        ["history", "export", "--help"],
        ["tag", "add", "--help"],
        ["trace", "--help"],
        ["check", "--help"],
        ["--version"],
    ],
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = f"from tui.cli import cli\ncli.main({words!r}, prog_name='citewell', standalone_mode=False)"
    assert _modules_after(code) & HEAVY == set()


def test_looking_at_a_library_loads_no_model(sample_library: Path) -> None:
    words = ["--library", str(sample_library), "papers"]
    code = f"from tui.cli import cli\ncli.main({words!r}, standalone_mode=False)"
    models = {"torch", "faiss", "transformers", "sentence_transformers", "textual"}
    assert _modules_after(code) & models == set()


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_question_loads_no_torch(command: str, sample_library: Path) -> None:
    words = ["--library", str(sample_library), command, "how do MSCs promote angiogenesis?"]
    code = f"from tui.cli import cli\ncli.main({words!r}, standalone_mode=False)"
    found = _modules_after(code)
    assert found & {"torch", "transformers", "sentence_transformers", "onnx", "textual", "scipy"} == set()
    assert {"onnxruntime", "faiss"} <= found


def test_bringing_in_papers_loads_no_torch(tmp_path: Path) -> None:
    paper = tmp_path / "paper.md"
    paper.write_text("# A title\n\n## Results\n\nPericytes increased capillary density by half.\n", "utf-8")
    words = ["--library", str(tmp_path / "library"), "add", str(paper)]
    code = f"from tui.cli import cli\ncli.main({words!r}, standalone_mode=False)"
    assert _modules_after(code) & {"torch", "transformers", "sentence_transformers"} == set()


def test_without_a_language_model_nothing_of_one_is_loaded(sample_library: Path) -> None:
    code = (
        "from qa.settings import load_settings\nfrom tui.parts import Parts\n"
        f"assert Parts(load_settings(library={str(sample_library)!r})).answerer"
    )
    loaded = _modules_after(
        code + "\nimport sys\nassert not any(n.startswith('qa.llm') for n in sys.modules)"
    )
    assert loaded & {"httpx", "keyring"} == set()


def test_the_layers_import_one_way() -> None:
    for low, above in (("index", {"qa", "eval", "tui"}), ("qa.answer", {"eval", "tui"})):
        assert _modules_after(f"import {low}") & above == set()


def test_the_first_screen_waits_for_nothing_that_only_answers_need() -> None:
    program = (
        "import tui.commands.chat, tui.app\n"
        "from qa.settings import load_settings\n"
        "from tui.parts import Parts\n"
        "parts = Parts(load_settings())\n"
        "app = tui.app.CitewellApp(parts)\n"
        "from tui.screens.chat import ChatScreen\n"
        "list(parts.library.folder.parts)"
    )
    assert _modules_after(program) & HEAVY == {"textual", "rich", "pydantic"}
