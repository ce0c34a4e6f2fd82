"""The environments of the rivals: one for each, with the versions of requirements/NAME.txt."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_REQUIREMENTS = Path(__file__).with_name("requirements")


@dataclass(frozen=True, slots=True)
class Rival:
    """Another tool: how it is called here, the package that names its version, and what it does."""

    name: str
    package: str
    does: str


RIVALS = (
    Rival("txtai", "txtai", "words and meaning"),
    Rival("chroma", "chromadb", "meaning"),
    Rival("llamaindex", "llama-index-core", "words and meaning"),
    Rival("paperqa", "paper-qa", "words, then meaning; no language model"),
)


def default_place() -> Path:
    """Where the environments are unless something else is said."""
    import platformdirs

    return Path(platformdirs.user_cache_path("citewell", appauthor=False)) / "rivals"


def python_of(rival: Rival, where: Path) -> Path | None:
    """The Python of a rival's environment; None if that was not installed."""
    folder = where / rival.name
    path = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return path.absolute() if path.exists() else None


def install(rival: Rival, where: Path) -> None:
    """Makes the environment, from the package index; what is already there is brought to those versions.

    Raises subprocess.CalledProcessError if that fails; pip has said why.
    """
    where.mkdir(parents=True, exist_ok=True)
    if python_of(rival, where) is None:
        subprocess.run([sys.executable, "-m", "venv", str(where / rival.name)], check=True)
    python = python_of(rival, where)
    assert python is not None
    needed = _REQUIREMENTS / f"{rival.name}.txt"
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(needed)]
    subprocess.run(words, check=True)


def version_of(rival: Rival, where: Path) -> str:
    """The version that is installed."""
    code = f"import importlib.metadata as m; print(m.version({rival.package!r}))"
    words = [str(python_of(rival, where)), "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
