"""A chat server of our own on this machine, which says what a test wants, and breaks as a test wants.

It speaks the wire format as llama.cpp does. A `Says` is one answer to one question; a script of several
is answered one after the other, the last one for ever.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.local_server import Asked, LocalServer, Wire, serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"
Act = Callable[[Asked, Wire], None]


def event(content: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """One event of a stream."""
    told = {**({"content": content} if content is not None else {}), **delta}
    choice = {"index": 0, "delta": told, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


def stream(tokens: Sequence[str], finish: str | None = "stop", *, done: bool = True) -> bytes:
    """A whole answer as it goes over the wire."""
    body = b"".join(map(event, tokens)) + (event(finish=finish) if finish else b"")
    return HEAD + body + (DONE if done else b"")


def says(*tokens: str, finish: str | None = "stop", done: bool = True) -> Act:
    """Answers with these tokens."""
    return lambda _, wire: wire.send(stream(tokens, finish, done=done))


def sends(data: bytes) -> Act:
    """Answers with these bytes, and closes."""
    return lambda _, wire: wire.send(data)


def dies_after(tokens: Sequence[str]) -> Act:
    """Sends these tokens and resets the connection."""

    def act(asked: Asked, wire: Wire) -> None:
        wire.send(HEAD + b"".join(map(event, tokens)))
        time.sleep(0.02)  # what was sent is on its way: a reset would take it back
        wire.reset()

    return act


def refuses(status: int, message: str = "", **headers: str) -> Act:
    """Answers with an error."""
    body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
    return lambda _, wire: wire.reply(status, body, "application/json", **headers)


def passages_in(asked: Asked) -> dict[str, str]:
    """The passages of a prompt by their keys: what a model can see of them."""
    text = json.loads(asked.body)["messages"][-1]["content"]  # what comes before it is an example
    found = re.findall(r"^PASSAGE (\w{4})\n\| \(.*\)\n((?:\| .*\n)*)END \1$", text, re.MULTILINE)
    return {key: re.sub(r"^\| ", "", block, flags=re.MULTILINE).strip() for key, block in found}


def key_of(asked: Asked, words: str) -> str:
    """The key of the passage that holds these words."""
    return next(key for key, text in passages_in(asked).items() if words in text)


def as_json(quotes: Sequence[tuple[str, str]], sentences: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A reply in the form that is asked for."""
    told = {
        "quotes": [{"key": key, "quote": quote} for key, quote in quotes],
        "sentences": [{"keys": list(keys), "text": text} for text, keys in sentences],
    }
    return json.dumps(told, ensure_ascii=False)


def pieces(text: str, length: int = 5) -> list[str]:
    """A text as tokens."""
    return [text[i : i + length] for i in range(0, len(text), length)]


@dataclass
class ChatServer:
    """A running server. `script` may be changed while it runs."""

    server: LocalServer
    script: list[Act]
    models: list[dict[str, Any]]
    gone: threading.Event = field(default_factory=threading.Event)  # a listener hung up

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/v1"

    @property
    def asked(self) -> list[Asked]:
        """The questions that reached it."""
        return [one for one in self.server.asked if one.path.endswith("/chat/completions")]


@contextmanager
def chat_server(
    *script: Act, models: Sequence[str] = ("small",), context: int = 4096
) -> Iterator[ChatServer]:
    """Runs a server until the block ends."""
    listed = [{"id": name, "object": "model", "meta": {"n_ctx": context}} for name in models]

    def answer(asked: Asked, wire: Wire) -> None:
        if asked.path.endswith("/models"):
            body = json.dumps({"object": "list", "data": running.models}).encode()
            wire.reply(200, body, "application/json")
            return
        act = running.script.pop(0) if len(running.script) > 1 else running.script[0]
        try:
            act(asked, wire)
        except OSError:
            running.gone.set()

    with serve(answer) as server:
        running = ChatServer(server, list(script), listed)
        yield running
