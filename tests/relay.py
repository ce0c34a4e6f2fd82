"""Stands between a client and a real server, and breaks the connection after so many events of a stream."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def relay(url: str, events: int) -> Iterator[str]:
    """The address of a relay to the server at `url`; a chat is reset after its first `events` tokens."""
    parts = urlsplit(url)
    target = (str(parts.hostname), int(parts.port or 80))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.create_connection(target) as server:
                request = self.request.recv(1 << 20)
                while b"\r\n\r\n" not in request or len(request) < _length(request):
                    request += self.request.recv(1 << 20)
                server.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
                self.pass_on(server, is_chat=request.startswith(b"POST"))

        def pass_on(self, server: socket.socket, *, is_chat: bool) -> None:
            sent = b""
            while data := server.recv(1 << 16):
                sent += data
                if is_chat and sent.count(b'"content":"') >= events:
                    # What follows the last event that may pass is kept back.
                    self.request.sendall(_up_to(sent, events)[len(sent) - len(data) :])
                    break
                self.request.sendall(data)
            if is_chat:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                threading.Event().wait(0.05)  # what was sent is on its way: a reset would take it back
                self.request.close()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}{parts.path}"
        finally:
            running.shutdown()
            thread.join()


def _length(request: bytes) -> int:
    head, _, _ = request.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(head) + 4 + int(value)
    return len(head) + 4


def _up_to(sent: bytes, events: int) -> bytes:
    """The bytes up to and with the event that holds token number `events`; the head for none."""
    at = sent.find(b"\r\n\r\n") + 4 if not events else 0
    for _ in range(events):
        at = sent.find(b'"content":"', at) + 1
    return sent[: sent.find(b"\n\n", at) + 2] if events else sent[:at]
