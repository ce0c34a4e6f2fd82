"""`citewell serve`: the same app in a browser, for whoever has the address and for nobody else."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.browser import browser, shown, until
from tests.conftest import Citewell
from tui.serving.guard import Guard, is_loopback
from tui.serving.session import environment, size

# --- who may -------------------------------------------------------------------------------------------

GUARD = Guard("thekey")
HERE = "127.0.0.1:8000"


@pytest.mark.parametrize(
    ("path", "host", "origin", "is_socket", "passes"),
    [
        ("/thekey/", HERE, None, False, True),
        ("/thekey/ws", HERE, f"http://{HERE}", True, True),
        ("/thekey/ws", "localhost:9000", "http://localhost:9000", True, True),  # through a tunnel
        ("/thekey/ws", "[::1]:8000", "http://[::1]:8000", True, True),
        # Without the key, or with a part of it.
        ("/", HERE, None, False, False),
        ("/thekey2/", HERE, None, False, False),
        ("/theke", HERE, None, False, False),
        ("/static/js/textual.js", HERE, None, False, False),
        # A name that an attacker points at this computer: Host and Origin agree, and are not ours.
        ("/thekey/ws", "evil.example:8000", "http://evil.example:8000", True, False),
        ("/thekey/", "evil.example:8000", None, False, False),
        ("/thekey/", "localhost.evil.example", None, False, False),
        ("/thekey/", "", None, False, False),
        ("/thekey/", "192.168.1.7:8000", None, False, False),
        # A page from elsewhere, even from another port of this computer.
        ("/thekey/ws", HERE, "http://evil.example", True, False),
        ("/thekey/ws", HERE, "http://127.0.0.1:9999", True, False),
        ("/thekey/ws", HERE, "http://localhost:8000", True, False),
        ("/thekey/ws", HERE, "null", True, False),
        ("/thekey/ws", HERE, None, True, False),
        ("/thekey/", HERE, "http://evil.example", False, False),
        # What could end an attribute of the page.
        ("/thekey/", '127.0.0.1:80"><script>', None, False, False),
        ("/thekey/", 'x"y@127.0.0.1', None, False, False),
    ],
)  # fmt: skip
def test_only_the_page_itself_at_its_own_address_passes(
    path: str, host: str, origin: str | None, is_socket: bool, passes: bool
) -> None:
    assert (GUARD.refusal(path, host, origin, socket=is_socket) == "") is passes


def test_beyond_this_computer_names_of_strangers_are_still_refused() -> None:
    guard = Guard("k", frozenset({"localhost", "desk"}), beyond=True)
    for host, passes in (("192.168.1.7:80", True), ("desk:80", True), ("evil.example:80", False)):
        assert (guard.refusal("/k/", host, None, socket=False) == "") is passes


def test_what_counts_as_this_computer() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.9.1", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "example.org", "")))


def test_a_child_knows_nothing_of_the_servers_terminal() -> None:
    made = environment({"TMUX": "x", "PATH": "/bin", "COLUMNS": "200", "TERM": "linux"}, 100, 30)
    assert made == {
        "PATH": "/bin", "COLUMNS": "100", "ROWS": "30", "TERM": "xterm-256color",
        "TEXTUAL_COLOR_SYSTEM": "truecolor", "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
    }  # fmt: skip
    assert [size(text, 80) for text in ("120", "", "-5", "99999999", "1e3")] == [120, 80, 1, 1000, 80]


# --- the command ---------------------------------------------------------------------------------------


def test_an_address_that_others_can_reach_must_be_asked_for(citewell: Citewell, tmp_path: Path) -> None:
    result = citewell("serve", "--host", "0.0.0.0", library=tmp_path / "library")
    assert result.code == 2
    assert "0.0.0.0 can be reached from other computers" in result.err
    assert "can read and change" in result.err
    assert "--allow-remote" in result.err


def test_what_is_no_library_is_told_before_a_browser_is_opened(citewell: Citewell, tmp_path: Path) -> None:
    (tmp_path / "library.db").write_bytes(b"this is no database at all" * 100)
    result = citewell("serve", library=tmp_path)
    assert result.code == 1
    assert result.err.startswith("citewell: ")
    assert "Traceback" not in result.err
    assert "http://" not in result.out


def test_a_port_that_is_taken_is_told(citewell: Citewell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = citewell("serve", "--port", port, library=tmp_path / "library")
    assert result.code == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in result.err
    assert "Leave --port out" in result.err


# --- the server ----------------------------------------------------------------------------------------


@dataclass
class Served:
    """A running `citewell serve`."""

    process: subprocess.Popen[str]
    address: str
    library: Path
    told: list[str]

    @property
    def origin(self) -> str:
        return "/".join(self.address.split("/")[:3])

    def children(self) -> list[int]:
        """The processes that draw for tabs of this server."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--in-browser" in words and str(self.library).encode() in words:
                found.append(int(entry.parent.name))
        return found

    def none_left(self, seconds: float = 30) -> bool:
        end = time.monotonic() + seconds
        while self.children() and time.monotonic() < end:
            time.sleep(0.05)
        return not self.children()


@contextmanager
def serving(library: Path, *words: str) -> Iterator[Served]:
    """Starts it as a user would, and reads the address that it prints."""
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "--library", str(library), "serve", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        told = [process.stdout.readline()]
        found = re.search(r"http://\S+/", told[0])
        assert found, told[0] + process.stdout.read()
        yield Served(process, found[0], library, told)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.communicate()


@pytest.fixture
def own_library(sample_library: Path, tmp_path: Path) -> Path:
    """The sample library under a name that no other test has."""
    place = tmp_path / "library"
    place.symlink_to(sample_library)
    return place


def ended(served: Served) -> str:
    served.process.send_signal(signal.SIGINT)
    out, _ = served.process.communicate(timeout=60)
    return out


async def drawn(session: aiohttp.ClientSession, address: str, origin: str) -> aiohttp.ClientWebSocketResponse:
    """A connection like that of the page, once the first screen has come."""
    tab = await session.ws_connect(
        f"{address}ws?width=100&height=30", headers={"Origin": origin}, max_msg_size=0
    )
    seen = ""
    async with asyncio.timeout(60):
        while "Ask about your papers" not in seen:
            message = await tab.receive()
            assert message.type is aiohttp.WSMsgType.BINARY, message
            seen += message.data.decode("utf-8", "replace")
    return tab


async def test_strangers_get_nothing_and_ctrl_c_leaves_no_process(own_library: Path) -> None:
    with serving(own_library, "--tag", "nothing") as served:
        there = served.origin.removeprefix("http://")
        with httpx.Client() as client:
            page = client.get(served.address)
            assert page.status_code == 200
            assert f'data-session-websocket-url="ws://{there}/' in page.text
            assert "http" not in page.text.replace("https://", "http"), "the page names another place"
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert f"connect-src ws://{there}/" in policy
            assert page.headers["Referrer-Policy"] == "no-referrer"
            assert client.get(f"{served.address}static/js/textual.js").status_code == 200
            refused = [
                client.get(served.origin),
                client.get(f"{served.origin}/static/js/textual.js"),
                client.get(served.address, headers={"Host": f"evil.example:{there.split(':')[1]}"}),
                client.get(served.address, headers={"Origin": "http://evil.example"}),
                client.get(f"{served.address}ws"),
            ]
            assert [answer.status_code for answer in refused] == [403] * 5
            assert client.get(f"{served.address}download/1").status_code == 404
        async with aiohttp.ClientSession() as session:
            for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                    await session.ws_connect(f"{served.address}ws", headers={"Origin": origin})
                assert error.value.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{served.address}ws")
            assert served.children() == []

            tab = await drawn(session, served.address, served.origin)
            for nonsense in ("", "{", "[]", '["stdin"]', '["resize", {"width": "x"}]', "[1, 2]", '"stdin"'):
                await tab.send_str(nonsense)
            await tab.send_str(json.dumps(["ping", "17"]))
            async with asyncio.timeout(30):
                while (message := await tab.receive()).type is not aiohttp.WSMsgType.TEXT:
                    assert message.type is aiohttp.WSMsgType.BINARY
            assert json.loads(message.data) == ["pong", "17"]
            assert len(served.children()) == 1
            out = await asyncio.to_thread(ended, served)
            await tab.close()
    assert served.process.returncode == 0
    assert out.splitlines()[-1] == "citewell serve has ended."
    assert served.children() == []


async def test_closing_a_tab_and_killing_the_server_end_the_processes(own_library: Path) -> None:
    with serving(own_library) as served:
        async with aiohttp.ClientSession() as session:
            tab = await drawn(session, served.address, served.origin)
            assert len(served.children()) == 1
            await tab.close()
            assert await asyncio.to_thread(served.none_left)

            tab = await drawn(session, served.address, served.origin)
            assert len(served.children()) == 1
            served.process.kill()
            assert await asyncio.to_thread(served.none_left)
            await tab.close()


STUCK = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("said before", flush=True)
print("__GANGLION__", flush=True)
told = str(child.pid).encode()
sys.stdout.buffer.write(b"D" + len(told).to_bytes(4, "big") + told)
sys.stdout.flush()
time.sleep(600)
"""


async def test_what_does_not_leave_is_killed_with_all_it_started_and_tabs_are_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tui.serving.server import Server

    monkeypatch.setattr("tui.serving.session._GRACE", 0.3)
    monkeypatch.setattr("tui.serving.server._MOST_TABS", 2)
    said: list[str] = []
    server = Server([sys.executable, "-c", STUCK], GUARD, said.append)
    async with TestClient(TestServer(server.application())) as client:
        headers = {"Origin": f"http://{client.host}:{client.port}"}
        tabs = [await client.ws_connect("/thekey/ws", headers=headers) for _ in range(2)]
        pids = [int((await tab.receive_bytes()).decode()) for tab in tabs]
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await client.ws_connect("/thekey/ws", headers=headers)
        assert error.value.status == 503
        assert said == ["2 tabs are open; close one to open another"]
        assert all(map(alive, pids))
        await tabs[0].close()
        end = time.monotonic() + 30
        while alive(pids[0]) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        assert [alive(pid) for pid in pids] == [False, True]
    assert not alive(pids[1])


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- a real browser ------------------------------------------------------------------------------------


class Hostile(http.server.BaseHTTPRequestHandler):
    """A page from elsewhere that tries to drive citewell. It has even learnt the address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        address = f"ws://{self.path.removeprefix('/?')}ws"
        self.wfile.write(
            f"""<script>document.title = "trying"; const s = new WebSocket("{address}");
            s.onopen = () => document.title = "OPEN"; s.onerror = () => document.title = "refused";</script>
            """.encode()
        )

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def hostile_page() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/?"
        server.shutdown()


def test_a_question_is_asked_and_its_source_read_in_chromium(own_library: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as driver, serving(own_library) as served, hostile_page() as hostile:
        from selenium.webdriver.common.keys import Keys

        driver.get(served.address)
        until(driver, lambda text: "Ask about your papers" in text)
        driver.switch_to.active_element.send_keys("do MSCs promote angiogenesis?", Keys.ENTER)
        until(driver, lambda text: "from 10 passages" in text)
        rows = [row[:95].strip() for row in shown(driver).split("\n")]
        at = rows.index("❯ do MSCs promote angiogenesis?")
        assert " ".join(rows[at + 1 : at + 4]).strip() == (
            "MSCs [mesenchymal stem cells] promote angiogenesis by secreting growth factors, "
            "among them VEGF. [1]✓"
        )
        driver.switch_to.active_element.send_keys("1")
        until(driver, lambda text: "✓ verbatim" in text)
        top = shown(driver).split("\n")[:2]
        assert top[0].strip().startswith("Role and mechanism of mesenchymal stem cells")
        assert top[1].strip() == "Wang et al. 2026 · Abstract · ✓ verbatim"
        time.sleep(0.3)  # until it is painted
        picture = tmp_path / "reader.png"
        driver.save_screenshot(str(picture))
        assert highlighted(picture) > 2_000

        # A key that browsers have a use for themselves comes through.
        driver.switch_to.active_element.send_keys(Keys.CONTROL + "p")
        until(driver, lambda text: "Search for commands" in text)
        asked = [
            told["params"]["request"]["url"]
            for entry in driver.get_log("performance")
            if (told := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
        ]
        assert f"{served.address}static/js/textual.js" in asked
        assert [
            url for url in asked if not url.startswith((served.address, "data:", "about:", "chrome"))
        ] == []
        assert [e["message"] for e in driver.get_log("browser") if e["level"] == "SEVERE"] == []

        driver.get(hostile + served.address.removeprefix("http://"))
        end = time.monotonic() + 30
        while driver.title == "trying" or not driver.title:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert driver.title == "refused"
        assert served.none_left(), "the tab was left, and its process is still there"


def highlighted(picture: Path) -> int:
    """How many pixels have the highlight's ground, that of the default theme's warning colour."""
    import matplotlib.image
    import numpy as np

    pixels = (matplotlib.image.imread(picture)[:, :, :3] * 255).round()
    return int((np.abs(pixels - np.array([255, 166, 43])).max(axis=2) <= 4).sum())
