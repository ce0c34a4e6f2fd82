"""Why a language model did not answer, in a user's words. No message ever holds the key."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from index.errors import CitewellError, LlmError
from qa.llm.chat import PromptTooLong, SchemaRefused

if TYPE_CHECKING:
    from qa.llm.address import LlmAddress
    from qa.llm.exchange import Head

LOOK = "Look at it with: citewell llm"
_SET_KEY = "Put the key into CITEWELL_LLM_KEY, or store it with: citewell llm --set-key"
_BUSY = frozenset({429, 502, 503, 504})
_ABOUT_LENGTH = (
    "context length", "context size", "context window", "maximum context", "too long", "exceed_context",
)  # fmt: skip
_ABOUT_SCHEMA = ("response_format", "json_schema", "schema", "grammar", "guided", "structured")


class TryAgain(Exception):
    """A failure that the next try, now or after so many seconds, may not meet."""

    def __init__(self, error: LlmError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class PageMissing(LlmError):
    """The server has no such page, or no such model."""


def shortened(text: str, longest: int) -> str:
    """What a server said, as one short line without anything that a terminal would obey."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def said_in(data: Any, key: str | None) -> str:
    """The message of an error that a server sent as JSON, without the key if it repeats that."""
    error = data.get("error", data) if isinstance(data, dict) else data
    text = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    if not isinstance(text, str):
        return ""
    return shortened(text.replace(key, "(the key)") if key else text, 200)


def explained(address: LlmAddress, error: Exception) -> LlmError | TryAgain:
    """What ended a connection."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return TryAgain(_unreachable(address, error))
    if isinstance(error, httpx.TimeoutException):
        return too_slow(address, "did not finish in time")
    if isinstance(error, (httpx.HTTPError, CitewellError, OSError)):
        return broken_off(address)
    return LlmError(f"{address.place} cannot be asked ({type(error).__name__})", LOOK)


def _unreachable(address: LlmAddress, error: Exception) -> LlmError:
    said = str(error)
    if isinstance(error, httpx.ConnectTimeout):
        return LlmError(f"no language model answers at {address.place}: no connection in time", LOOK)
    if "not known" in said:
        return LlmError(f"no language model answers at {address.place}: the name is not known", LOOK)
    if "CERTIFICATE" in said.upper() or "SSL" in said.upper():
        return LlmError(
            f"the connection to {address.place} is not secure: its certificate does not hold",
            "Check the address; with a server of your own, ask it over http:// on this machine.",
        )
    return LlmError(f"no language model answers at {address.place}", f"Start its server. {LOOK}")


def broken_off(address: LlmAddress) -> LlmError:
    """The connection ended before the reply did."""
    return LlmError(f"the language model at {address.place} broke off", "Ask again.")


def too_slow(address: LlmAddress, what: str) -> LlmError:
    """A deadline is over."""
    return LlmError(
        f"the language model at {address.place} {what}",
        "Use a smaller model, or raise llm_first_token_s, llm_token_s or llm_total_s.",
    )


def not_a_model(address: LlmAddress) -> LlmError:
    """Something answers there that speaks another language."""
    return LlmError(
        f"{address.place} does not answer like a language model's server",
        "Its address usually ends in /v1. " + LOOK,
    )


def refused(
    address: LlmAddress, head: Head, body: bytes, model: str, key: str | None, *, schema: bool
) -> LlmError | TryAgain:
    """What any status but 200 means, and what may be tried instead."""
    try:
        said = said_in(json.loads(body, strict=False), key)
    except (ValueError, RecursionError):
        said = ""
    status, place, colon = head.status, address.place, f": {said}" if said else ""
    if status in _BUSY:
        return TryAgain(LlmError(f"{place} is busy (status {status})", "Ask again later."), head.retry_after)
    if status in (401, 403):
        return LlmError(f"{place} {'refuses the key' if key else 'wants a key'} (status {status})", _SET_KEY)
    if 300 <= status < 400:
        return LlmError(
            f"{place} redirects to {shortened(head.location, 100) or 'nowhere'}, which is not followed",
            "If you trust that address, give it instead.",
        )
    lowered = said.lower()
    if status in (400, 413, 422, 500) and any(word in lowered for word in _ABOUT_LENGTH):
        return PromptTooLong(
            f"{place} reads less than it was sent{colon}", "Set llm_context to what it reads."
        )
    if schema and (status in (400, 422, 501) or any(word in lowered for word in _ABOUT_SCHEMA)):
        return SchemaRefused(f"{place} takes no JSON schema{colon}", LOOK)
    if status in (404, 405):
        named = f" has no model called {shortened(model, 60)}" if "model" in lowered else " has no such page"
        return PageMissing(f"{place}{named} (status {status})", LOOK)
    return LlmError(f"{place} answered with status {status}{colon}", LOOK)


class Patience:
    """The deadlines of one request: until the first token, between two, and in all."""

    def __init__(self, address: LlmAddress, first: float, between: float, until: float) -> None:
        self._address = address
        self._between = between
        self._next = time.monotonic() + first
        self._until = until
        self._said_nothing = True

    def left(self) -> float:
        """Seconds until the nearest deadline; LlmError when it is over."""
        now = time.monotonic()
        if now >= self._until:
            raise too_slow(self._address, "did not finish in time")
        if now >= self._next:
            what = "did not begin to answer in time" if self._said_nothing else "fell silent in mid-answer"
            raise too_slow(self._address, what)
        return min(self._next, self._until) - now

    def progress(self) -> None:
        """A token came."""
        self._said_nothing = False
        self._next = time.monotonic() + self._between
