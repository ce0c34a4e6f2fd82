"""The only module that knows the wire format: OpenAI's /v1/chat/completions, as most servers speak it.

llama.cpp, Ollama, vLLM, LM Studio and the clouds agree on what is used here, and on little else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from index.errors import LlmError
from index.net.client import user_agent
from index.net.pace import backoff
from qa.llm.address import LlmAddress, LlmPolicy
from qa.llm.chat import ChatRequest, Ended, Facts, Token, Waiting
from qa.llm.exchange import End, Exchange, Head
from qa.llm.failures import PageMissing, Patience, TryAgain, explained, not_a_model, refused, shortened
from qa.llm.reply import Reply
from qa.llm.sse import EventReader, TooLong

_TICK = 0.1  # seconds between two chances to leave
_EVENTS = "text/event-stream"
_MAX_BODY = 1 << 20
_MAX_BYTES = 16 << 20
_MAX_TEXT = 20_000  # characters of a reply; ours are asked to have a few hundred words
_FACTS_SECONDS = 10.0
_OPTIONS = ("max_tokens", "temperature", "seed")

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LlmLimits:
    """Seconds and tries that no request exceeds. Comments and empty events of a server are no tokens."""

    connect: float = 5.0
    first_token: float = 120.0  # a CPU reads a long prompt for a minute before it says anything
    between_tokens: float = 30.0
    total: float = 300.0  # further tries and waits included
    tries: int = 3
    backoff: float = 0.3
    longest_wait: float = 30.0  # that a server may ask for; a longer one ends the request


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen: by default the likeliest, and the same every time as far as a server can."""

    temperature: float = 0.0
    seed: int = 1


class OpenAIChat:
    """A language model behind an OpenAI-compatible server. Asks nobody until it is used."""

    def __init__(
        self,
        address: LlmAddress,
        *,
        model: str | None = None,
        key: str | None = None,
        limits: LlmLimits | None = None,
        sampling: Sampling | None = None,
        trust_env: bool = False,
    ) -> None:
        self._address = address
        self._model = model
        self._key = key
        self._limits = limits or LlmLimits()
        self._sampling = sampling or Sampling()
        # A proxy is for what is away; what is here stays here.
        self._policy = LlmPolicy(here=address.is_here, trust_env=trust_env and not address.is_here)
        self._facts: Facts | None = None
        self._refused: set[str] = set()  # options that the server does not take

    def __repr__(self) -> str:
        return f"OpenAIChat({self._address.base!r}, model={self._model!r})"  # never the key

    @property
    def name(self) -> str:
        """The model's name, as far as it is known."""
        return self._model or (self._facts.model if self._facts else "the model")

    # --- what it is -------------------------------------------------------------------------------------

    def facts(self) -> Generator[Waiting, None, Facts]:
        """The model that will answer and what it reads; asked once, and then known."""
        if self._facts is None:
            listed = yield from self._listed()
            names = tuple(str(entry["id"])[:200] for entry in listed if isinstance(entry.get("id"), str))
            model = self._model or self._only(names)
            entry = next((e for e in listed if e.get("id") == model), {})
            context = _context(entry)
            self._facts = Facts(model, names, context)
        return self._facts

    def _listed(self) -> Generator[Waiting, None, list[dict[str, Any]]]:
        """What GET /models lists; a server without that page is no error where the model is named."""
        request = httpx.Request("GET", f"{self._address.base}/models", headers=self._headers())
        try:
            body = yield from self._again(lambda until: self._page(request, until), _FACTS_SECONDS)
        except PageMissing as error:
            if self._model:
                return []
            raise LlmError(
                f"{self._address.place} does not say which models it has", "Name one: --llm-model NAME"
            ) from error
        try:
            listed = json.loads(body)["data"]
            if not isinstance(listed, list):
                raise TypeError
            return [entry for entry in listed if isinstance(entry, dict)]
        except (ValueError, KeyError, TypeError, RecursionError):
            if self._model:
                return []
            raise not_a_model(self._address) from None

    def _only(self, names: tuple[str, ...]) -> str:
        if len(names) == 1:
            return names[0]
        if not names:
            raise LlmError(f"{self._address.place} has no model yet", "Load or pull one there first.")
        some = ", ".join(shortened(name, 60) for name in names[:8]) + (" …" if len(names) > 8 else "")
        raise LlmError(
            f"{self._address.place} has {len(names)} models: {some}", "Choose one: --llm-model NAME"
        )

    def _page(self, request: httpx.Request, until: float) -> Generator[Waiting, None, bytes]:
        with closing(self._send(request, until)) as exchange:
            patience = Patience(self._address, _FACTS_SECONDS, _FACTS_SECONDS, until)
            head = yield from self._head(exchange, patience)
            body = yield from self._body(exchange, patience)
            if head.status != 200:
                raise refused(self._address, head, body, self.name, self._key, schema=False)
            return body

    # --- what it says -----------------------------------------------------------------------------------

    def stream(self, request: ChatRequest) -> Generator[Waiting | Token, None, Ended]:
        """The reply as it comes. Busy and missing servers are asked again, unless they have answered."""
        return (yield from self._again(lambda until: self._reply(request, until), self._limits.total))

    def _reply(self, request: ChatRequest, until: float) -> Generator[Waiting | Token, None, Ended]:
        content = json.dumps(self._payload(request)).encode()
        asked = httpx.Request(
            "POST", f"{self._address.base}/chat/completions", headers=self._headers(), content=content
        )
        with closing(self._send(asked, until)) as exchange:
            limits = self._limits
            patience = Patience(self._address, limits.first_token, limits.between_tokens, until)
            head = yield from self._head(exchange, patience)
            if head.status != 200:
                body = yield from self._body(exchange, patience)
                schema = request.schema is not None
                error = refused(self._address, head, body, self.name, self._key, schema=schema)
                if isinstance(error, LlmError) and (option := self._refused_option(error.message)):
                    self._refused.add(option)
                    raise TryAgain(error, after=0.0)
                raise error
            if head.kind == _EVENTS:
                return (yield from self._events(exchange, patience))
            return (yield from self._at_once(exchange, patience))

    def _payload(self, request: ChatRequest) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": self._sampling.temperature,
            "seed": self._sampling.seed,
            "stream": True,
        }
        if request.schema is not None:
            shape = {"name": "answer", "strict": True, "schema": request.schema}
            payload["response_format"] = {"type": "json_schema", "json_schema": shape}
        for option in self._refused:
            value = payload.pop(option, None)
            if option == "max_tokens":
                payload["max_completion_tokens"] = value
        return payload

    def _refused_option(self, said: str) -> str | None:
        """What a server will not be told: models that reason choose their temperature themselves, and have
        another name for the length."""
        lowered = said.lower()
        if not any(word in lowered for word in ("unsupported", "not supported", "does not support")):
            return None
        return next((name for name in _OPTIONS if name in lowered and name not in self._refused), None)

    def _events(self, exchange: Exchange, patience: Patience) -> Generator[Waiting | Token, None, Ended]:
        reader, reply, size = EventReader(), Reply(self._address, self._key), 0
        while size <= _MAX_BYTES and reply.length <= _MAX_TEXT:
            item = yield from self._next(exchange, patience)
            data = item if isinstance(item, bytes) else None
            last = data is None
            size += len(data or b"")
            try:
                events = list(reader.end() if data is None else reader.feed(data))
            except TooLong:
                raise not_a_model(self._address) from None
            for event in events:
                text = reply.take(event, last=last)
                if text or reply.thought:
                    patience.progress()
                if text:
                    yield Token(text)
                if reply.ended is not None:
                    return reply.ended
            if last:
                return reply.close()
        return Ended(False, "it did not come to an end")

    def _at_once(self, exchange: Exchange, patience: Patience) -> Generator[Waiting | Token, None, Ended]:
        """The reply of a server that does not stream."""
        body = yield from self._body(exchange, patience)
        reply = Reply(self._address, self._key)
        text = reply.take(body.decode(errors="replace"), last=False)
        if not text and reply.ended is None:
            raise not_a_model(self._address)
        if text:
            yield Token(text[:_MAX_TEXT])
        return reply.close()

    # --- the connection ---------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": user_agent(None),
            "Accept": f"{_EVENTS}, application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    def _send(self, request: httpx.Request, until: float) -> Exchange:
        left = max(0.001, until - time.monotonic())
        return Exchange(request, self._policy, min(self._limits.connect, left), left)

    def _head(self, exchange: Exchange, patience: Patience) -> Generator[Waiting, None, Head]:
        item = yield from self._next(exchange, patience)
        assert isinstance(item, Head), "an answer begins with its head"
        return item

    def _body(self, exchange: Exchange, patience: Patience) -> Generator[Waiting, None, bytes]:
        body = bytearray()
        while isinstance(item := (yield from self._next(exchange, patience)), bytes):
            body += item
            if len(body) > _MAX_BODY:
                raise not_a_model(self._address)
        return bytes(body)

    def _next(self, exchange: Exchange, patience: Patience) -> Generator[Waiting, None, Head | bytes | End]:
        """What the server sends next; until it does, a chance to leave several times a second."""
        while True:
            try:
                item = exchange.take(min(_TICK, patience.left()))
            except LlmError:
                raise
            except Exception as error:
                raise explained(self._address, error) from error
            if item is not None:
                return item
            yield Waiting()

    def _again(
        self, attempt: Callable[[float], Generator[P, None, R]], seconds: float
    ) -> Generator[P | Waiting, None, R]:
        """Makes the attempt, again where that may help, all within so many seconds."""
        until = time.monotonic() + seconds
        for number in range(self._limits.tries):
            try:
                return (yield from attempt(until))
            except TryAgain as again:
                if number + 1 == self._limits.tries:
                    raise again.error from again
                wait = backoff(number, self._limits.backoff) if again.after is None else again.after
                if again.after is not None and wait > min(
                    self._limits.longest_wait, until - time.monotonic()
                ):
                    said = f"{again.error.message}, and asks to wait {wait:,.0f} s"
                    raise LlmError(said, again.error.hint) from again
            over = min(until, time.monotonic() + wait)
            while (left := over - time.monotonic()) > 0:
                time.sleep(min(_TICK, left))
                yield Waiting()
        raise AssertionError("the last attempt returns or raises")


def _context(entry: Mapping[str, Any]) -> int | None:
    """How many tokens a listed model reads: llama.cpp says so in `meta`, vLLM in `max_model_len`."""
    meta = entry.get("meta")
    told = [meta.get("n_ctx") if isinstance(meta, dict) else None]
    told += [entry.get(name) for name in ("max_model_len", "context_length", "context_window")]
    return next((n for n in told if isinstance(n, int) and not isinstance(n, bool) and n >= 256), None)
