"""The server of `citewell serve`: one page, the script of textual-serve, and a socket for each tab."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path

from aiohttp import WSCloseCode, web

from index.errors import SettingsError
from tui.serving.guard import Guard
from tui.serving.session import Session, size

_MOST_TABS = 8  # each is a process with a model of its own
_HEARTBEAT = 15.0  # seconds after which a browser that says nothing is asked whether it is there
_GOING = 15.0  # seconds for every tab to end; a child is killed after ten
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address holds the key
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
# The page gets everything from here: nothing is loaded from, or sent to, anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves `command`, the words of a citewell that draws for the browser."""

    def __init__(self, command: Sequence[str], guard: Guard, said: Callable[[str], None]) -> None:
        self._command = command
        self._guard = guard
        self._said = said
        self._tabs: set[web.WebSocketResponse] = set()
        self._sessions: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """The routes, every one behind the guard."""
        import textual_serve

        app = web.Application(middlewares=[self._guarded])
        own = files("tui.serving") / "page"
        theirs = Path(textual_serve.__file__).parent / "static"
        app.router.add_get(f"/{self._guard.key}/", self._page)
        app.router.add_get(f"/{self._guard.key}/ws", self._socket)
        app.router.add_static(f"/{self._guard.key}/page", Path(str(own)))
        app.router.add_static(f"/{self._guard.key}/static", theirs)
        app.on_shutdown.append(self._close)
        app.on_cleanup.append(self._end)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        refusal = self._guard.refusal(
            request.path, request.headers.get("Host", ""), request.headers.get("Origin"),
            socket=upgrade or request.path.endswith("/ws"),
        )  # fmt: skip
        if refusal:
            return web.Response(status=403, text=refusal + "\n", headers=_HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _page(self, request: web.Request) -> web.Response:
        html = (files("tui.serving") / "page" / "index.html").read_text("utf-8")
        # The guard has looked at both: nothing in them can end an attribute or a rule.
        address = f"ws://{request.host}/{self._guard.key}/ws"
        policy = {"Content-Security-Policy": _POLICY.replace("{socket}", address)}
        return web.Response(text=html.replace("{socket}", address), content_type="text/html", headers=policy)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._tabs) >= _MOST_TABS:
            self._said(f"{_MOST_TABS} tabs are open; close one to open another")
            raise web.HTTPServiceUnavailable(text="too many tabs\n")
        tab = web.WebSocketResponse(heartbeat=_HEARTBEAT)
        self._tabs.add(tab)
        try:
            await tab.prepare(request)
            width, height = (
                size(request.query.get("width", ""), 80),
                size(request.query.get("height", ""), 24),
            )
            # In a task of its own: whatever ends this request, the process is ended in order.
            running = asyncio.create_task(Session(self._command, tab).run(width, height))
            self._sessions.add(running)
            running.add_done_callback(self._sessions.discard)
            await asyncio.shield(running)
        except OSError as error:
            self._said(f"citewell could not be started for a tab: {error.strerror or error}")
        finally:
            self._tabs.discard(tab)
        return tab

    async def _close(self, _app: web.Application) -> None:
        await asyncio.gather(
            *(
                tab.close(code=WSCloseCode.GOING_AWAY, message=b"citewell has ended")
                for tab in set(self._tabs)
            )
        )

    async def _end(self, _app: web.Application) -> None:
        """Their connections are closed by now, so they are ending, which takes a child's grace at most."""
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=2 * _GOING)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at this address; port 0 stands for one that is free. SettingsError for none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=16)
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}",
            "Another program may have this port. Leave --port out for one that is free.",
        ) from error


async def serve(server: Server, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serves until it is interrupted, and ends only when every tab's process has ended."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=_GOING)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        await web.SockSite(runner, listening).start()
        ready()
        await stop.wait()
    finally:
        await runner.cleanup()
