"""A real HTTP server of our own on this machine, which can misbehave in every way a test asks for.

Host names end in ".test" and all resolve to it; `policy()` allows connections to it alone.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from index.net.addresses import NetworkPolicy


@dataclass(frozen=True)
class Asked:
    """A request as it reached the server."""

    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's first values, decoded."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


class Wire:
    """The connection, to answer on byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, data: bytes) -> None:
        """These bytes, as they are."""
        self.connection.sendall(data)

    def reply(
        self,
        status: int = 200,
        body: bytes = b"",
        kind: str = "text/plain",
        *,
        length: bool = True,
        **more: str,
    ) -> None:
        """A whole answer. `length=False` leaves Content-Length out; `retry_after="3"` adds a header."""
        headers = {"Date": formatdate(usegmt=True), "Content-Type": kind, "Connection": "close"}
        if length:
            headers["Content-Length"] = str(len(body))
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.send(f"HTTP/1.1 {status} Reason\r\n{lines}\r\n".encode() + body)

    def drip(self, data: bytes, seconds: float) -> None:
        """One byte, a pause, the next byte."""
        for byte in data:
            self.send(bytes([byte]))
            time.sleep(seconds)

    def reset(self) -> None:
        """Ends the connection the rude way, with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Answer = Callable[[Asked, Wire], None]


@dataclass
class LocalServer:
    """What runs, and what it was asked."""

    port: int
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str, host: str = "papers.test") -> str:
        """The address of a path on it, under any name."""
        return f"http://{host}:{self.port}{path}"

    def policy(self, **more: bool) -> NetworkPolicy:
        """Allows this server, and nothing else on this machine."""
        return NetworkPolicy(also=frozenset({("127.0.0.1", self.port)}), **more)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one.path == path for one in self.asked)


def resolve(host: str, port: int) -> list[str]:
    """Names that end in .test are this machine; no other name is known."""
    if host.endswith(".test"):
        return ["127.0.0.1"]
    raise socket.gaierror(f"{host} is not known here")


@contextmanager
def serve(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[LocalServer]:
    """A server that answers so, until the block ends."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                if tls is None:
                    self.talk(self.request)
                else:
                    with tls.wrap_socket(self.request, server_side=True) as connection:
                        self.talk(connection)

        def talk(self, connection: socket.socket) -> None:
            request = _read(connection)
            if request is not None:
                running.asked.append(request)
                answer(request, Wire(connection))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        running = LocalServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Asked(headers.get("host", "").rsplit(":", 1)[0], first.split(" ")[1], headers, body)
