"""What the tests share: real papers where they are, one small library with the real model, the command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

# Tests never reach for a network, a user's settings, or a terminal's colours.
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "NO_COLOR": "1"}
# On a busy machine the reranker would stop earlier than on a quiet one, and answers would differ.
os.environ["CITEWELL_RERANK_MS"] = "60000"
for name in ("LIBRARY", "LLM_URL", "LLM_MODEL", "LLM_KEY"):
    os.environ.pop(f"CITEWELL_{name}", None)
# Tests share libraries and must leave them as they are; those of the history switch it on.
os.environ["CITEWELL_HISTORY"] = "false"

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
SHARED = Path(os.environ.get("CITEWELL_SHARED", ROOT.parent / "shared")) / "data"


def shared(*parts: str) -> Path:
    """A path in the shared data; skips the test, saying so, where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the shared data is not here: {path}")
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nothing asks the network unless that was asked for: pytest -m live."""
    if "live" not in config.getoption("-m"):
        for item in items:
            if item.get_closest_marker("live"):
                item.add_marker(pytest.mark.skip(reason="asks the network; run it with -m live"))


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings file or the library of whoever runs it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the sample papers, made once with the real model. Do not change it."""
    from qa.settings import load_settings
    from tui.parts import Parts

    folder = tmp_path_factory.mktemp("samples") / "library"
    with Parts(load_settings(library=folder)) as parts:
        parts.library.create()
        for _ in parts.syncer.add([SAMPLES]):
            pass
    return folder


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Citewell = Callable[..., Result]


@pytest.fixture
def citewell(capsys: pytest.CaptureFixture[str]) -> Citewell:
    """Runs a command line in this process, as the entry point does: citewell("ask", "why?", library=…)."""
    from tui.cli import cli
    from tui.diagnostics import guarded

    def run(*words: str, library: Path | None = None, network: object = None) -> Result:
        arguments = [*(["--library", str(library)] if library else []), *words]
        capsys.readouterr()
        code = guarded(lambda: cli.main(arguments, prog_name="citewell", standalone_mode=False, obj=network))
        captured = capsys.readouterr()
        return Result(int(code), captured.out, captured.err)

    return run


def command_line(text: str) -> list[str]:
    """The words of a command as a shell would split them."""
    return shlex.split(text)
