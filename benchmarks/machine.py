"""What a figure was measured on, and where it is kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from index.ort import cores

RESULTS = Path(__file__).with_name("results")
_PACKAGES = ("onnxruntime", "torch", "sentence-transformers", "tokenizers", "faiss-cpu", "textual", "numpy")


def machine() -> dict[str, Any]:
    """Processor, cores, how busy it is now, and the versions of what does the work."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit() -> str:
    """The commit that is checked out, "-dirty" behind it if files differ from it."""
    words = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=RESULTS.parent, check=False)
    return done.stdout.strip() or "unknown"


def keep(name: str, figures: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Writes figures as JSON, named after the benchmark and the commit; returns the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{commit()}.json"
    content = {
        "commit": commit(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(word).name if Path(word).is_absolute() else word for word in sys.argv],
        "machine": machine(),
        **figures,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def print_machine() -> None:
    """A line or two above every table."""
    about = machine()
    print(f"{about['processor']}, {about['cores']} cores, load {about['load'][0]}; commit {commit()}")
    if about["load"][0] > 0.5:
        print("Others are using this machine: look at the minimum, not at the median.")
