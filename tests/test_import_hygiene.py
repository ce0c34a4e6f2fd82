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
    "hishel",
    "pydantic",
    "bibtexparser",
    "watchfiles",
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
        ["fetch", "--help"],
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


def test_the_layers_import_one_way() -> None:
    for low, above in (("index", {"qa", "eval", "tui"}), ("qa.answer", {"eval", "tui"})):
        assert _modules_after(f"import {low}") & above == set()
