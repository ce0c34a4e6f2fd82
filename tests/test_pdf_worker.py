"""The worker process: limits, crashes, restarts, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest

from index.errors import ParseError
from index.parse.pdf import PdfParser
from tests.pdfs import column, pdf, prose, wrap

ROOT = Path(__file__).resolve().parents[1]
GOOD = pdf([column(wrap(prose("g", 8), 90), 50, 700)])


def endless() -> bytes:
    """A file whose pages take minutes to read, though it is small."""
    crowded = [put for i in range(20) for put in column(wrap(prose("s", 8), 90), 50 + 0.1 * i, 760)]
    return pdf([crowded], repeat=1900)


def bomb(megabytes: int) -> bytes:
    """A page whose content unpacks to that much."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return pdf([[]], streams=[b"".join([*parts, packer.flush()])])


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def worker_of(parser: PdfParser) -> int:
    assert parser._worker is not None
    return parser._worker.pid


def test_nothing_is_started_before_the_first_file_and_one_worker_reads_all() -> None:
    with PdfParser() as parser:
        assert parser._worker is None
        first = parser.parse(GOOD)
        pid = worker_of(parser)
        assert parser.parse(GOOD) == first
        assert worker_of(parser) == pid
    assert not alive(pid)
    parser.close()


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    with PdfParser(seconds=1.0) as parser:
        begin = time.monotonic()
        with pytest.raises(ParseError, match=r"^reading it took longer than 1 s$"):
            parser.parse(endless())
        assert time.monotonic() - begin < 20
        assert "g0one" in parser.parse(GOOD).text


def test_a_file_that_needs_too_much_memory_is_given_up_and_the_next_one_is_read() -> None:
    with PdfParser(megabytes=600) as parser:
        with pytest.raises(ParseError, match="needs more than 600 MB of memory"):
            parser.parse(bomb(900))
        assert "g0one" in parser.parse(GOOD).text


def test_a_crash_costs_one_file() -> None:
    with PdfParser() as parser:
        parser.parse(GOOD)
        pid = worker_of(parser)
        timer = threading.Timer(0.5, os.kill, (pid, signal.SIGSEGV))
        timer.start()
        with pytest.raises(ParseError, match=r"^the PDF reader crashed on it$"):
            parser.parse(endless())
        timer.join()
        assert "g0one" in parser.parse(GOOD).text
        assert worker_of(parser) != pid


def test_a_worker_that_died_between_two_files_is_replaced() -> None:
    with PdfParser() as parser:
        parser.parse(GOOD)
        os.kill(worker_of(parser), signal.SIGKILL)
        assert parser._worker is not None
        parser._worker.wait(10)
        assert "g0one" in parser.parse(GOOD).text


def test_threads_share_one_worker() -> None:
    texts: list[str] = []
    with PdfParser() as parser:
        threads = [threading.Thread(target=lambda: texts.append(parser.parse(GOOD).text)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(texts) == 4
    assert len(set(texts)) == 1


def test_the_worker_does_not_see_the_user_s_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_API_KEY", "do not tell")
    with PdfParser() as parser:
        parser.parse(GOOD)
        environment = Path(f"/proc/{worker_of(parser)}/environ")
        if not environment.exists():
            pytest.skip("needs /proc")
        assert b"do not tell" not in environment.read_bytes()


def test_the_worker_s_limits_are_set() -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("needs prlimit")
    with PdfParser(seconds=30, megabytes=700) as parser:
        parser.parse(GOOD)
        pid = worker_of(parser)
        assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0
        assert resource.prlimit(pid, resource.RLIMIT_FSIZE)[0] == 0
        assert resource.prlimit(pid, resource.RLIMIT_AS)[0] == 700 << 20
        assert 30 <= resource.prlimit(pid, resource.RLIMIT_CPU)[0] <= 40


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "reading"])
def test_no_worker_is_left_when_the_parent_is_killed(busy: bool, tmp_path: Path) -> None:
    slow = tmp_path / "slow.pdf"
    slow.write_bytes(endless())
    good = tmp_path / "good.pdf"
    good.write_bytes(GOOD)
    script = (
        "import sys, time; from pathlib import Path; from index.parse.pdf import PdfParser\n"
        "parser = PdfParser(); parser.parse(Path(sys.argv[1]).read_bytes())\n"
        "print(parser._worker.pid, flush=True)\n"
        "parser.parse(Path(sys.argv[2]).read_bytes()) if sys.argv[3] == 'True' else time.sleep(60)\n"
    )
    # Run from elsewhere, as an installed program is.
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(good), str(slow), str(busy)],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.5)
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 15
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(pid)


def test_the_worker_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with PdfParser() as parser:
        parser.parse(GOOD)
        with pytest.raises(ParseError):
            parser.parse(b"%PDF-1.4 broken")
    assert capfd.readouterr() == ("", "")


def test_a_module_in_the_working_directory_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "__init__.py").write_text("raise SystemExit('wrong package')")
    (tmp_path / "json.py").write_text("raise SystemExit('wrong module')")
    monkeypatch.chdir(tmp_path)
    with PdfParser() as parser:
        assert "g0one" in parser.parse(GOOD).text
