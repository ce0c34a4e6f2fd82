"""One tab of the browser: a citewell of its own in a child process, and the bytes between the two.

Textual's web driver writes packets to its standard output and reads them from its standard input: a letter,
the length in four bytes, and as many bytes; "D" is what a terminal would get or send, "M" is JSON. The script
of textual-serve in the page speaks JSON lists and plain bytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress

from aiohttp import WSMsgType, web

_GRACE = 10.0  # seconds that a child has to finish what it is writing
_READY = b"__GANGLION__\n"  # what the driver writes before its first packet
_LINES_BEFORE = 20  # that something else may print before it
_SMALLEST, _LARGEST = 1, 1_000  # columns or rows
# These tell of the terminal in which the server runs, not of the browser.
_NOT_OURS = ("TMUX", "STY", "VTE_VERSION", "TERM_PROGRAM", "COLUMNS", "LINES")


def environment(own: Mapping[str, str], width: int, height: int) -> dict[str, str]:
    """The environment of a child: Textual draws for the browser, in all colours, at this size."""
    kept = {name: value for name, value in own.items() if name not in _NOT_OURS}
    return kept | {
        "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM": "xterm-256color",
        "COLUMNS": str(width),
        "ROWS": str(height),
    }


def size(text: str, default: int) -> int:
    """A number of columns or rows, whatever was sent."""
    try:
        return min(_LARGEST, max(_SMALLEST, int(text)))
    except ValueError:
        return default


def packet(kind: bytes, data: bytes) -> bytes:
    """A packet for the driver."""
    return kind + len(data).to_bytes(4, "big") + data


class Session:
    """Runs until the tab is closed or the user leaves citewell; no process stays behind."""

    def __init__(self, command: Sequence[str], socket: web.WebSocketResponse) -> None:
        self._command = command
        self._socket = socket

    async def run(self, width: int, height: int) -> None:
        """Starts citewell and carries bytes both ways. OSError if it cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=environment(os.environ, width, height),
            start_new_session=True,  # ctrl+c in the server's terminal is for the server, which ends this one
        )  # fmt: skip
        showing = asyncio.create_task(self._show(process))
        try:
            async for message in self._socket:
                if message.type == WSMsgType.TEXT:
                    await self._take(process, message.data)
        finally:
            await _end(process, showing)

    async def _take(self, process: Process, said: str) -> None:
        """Hands on what the page said. What is not understood is left out."""
        match _parsed(said):
            case ["stdin", str(text)]:
                await _send(process, packet(b"D", text.encode("utf-8", "replace")))
            case ["resize", {"width": int(width), "height": int(height)}]:
                told = {"type": "resize", "width": size(str(width), 80), "height": size(str(height), 24)}
                await _tell(process, told)
            case ["focus" | "blur" as kind, *_]:
                await _tell(process, {"type": kind})
            case ["ping", str(number)]:
                await self._socket.send_json(["pong", number])

    async def _show(self, process: Process) -> None:
        """Sends on what the child draws until it ends, then closes the tab's connection."""
        assert process.stdout is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await _ready(process.stdout):
                while await self._hand_on(process.stdout):
                    pass
        with suppress(ConnectionError):
            await self._socket.close()
        while await process.stdout.read(65_536):  # else it could not write, and would not end
            pass

    async def _hand_on(self, output: asyncio.StreamReader) -> bool:
        """One packet. False after the last."""
        kind, length = await output.readexactly(1), await output.readexactly(4)
        data = await output.readexactly(int.from_bytes(length, "big"))
        if kind == b"D":
            await self._socket.send_bytes(data)
        elif kind == b"M":
            told = _parsed(data.decode("utf-8", "replace"))
            if told == {"type": "exit"}:
                return False
            if isinstance(told, dict) and told.get("type") == "open_url":
                await self._socket.send_json(["open_url", {"url": told["url"], "new_tab": True}])
        return True


async def _ready(output: asyncio.StreamReader) -> bool:
    for _ in range(_LINES_BEFORE):
        if (text := await output.readline()) in (_READY, b""):
            return text == _READY
    return False


def _parsed(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except ValueError:
        return None
    return parsed


async def _tell(process: Process, what: dict[str, object]) -> None:
    await _send(process, packet(b"M", json.dumps(what).encode()))


async def _send(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError, RuntimeError):  # it has ended; the tab learns of it from `_show`
        process.stdin.write(data)
        await process.stdin.drain()


async def _end(process: Process, showing: asyncio.Task[None]) -> None:
    """Asks the child to leave, as ctrl+q does; one that does not is killed, with all it has started."""
    await _tell(process, {"type": "quit"})
    done, _ = await asyncio.wait([showing], timeout=_GRACE)
    if not done:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await showing
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await process.wait()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
