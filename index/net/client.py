"""Fetches one page over http, within limits of time, size, kind and place.

What comes back is whole: a body that was cut, an answer of another kind, an error page that claims
success and a compressed bomb all end as FetchError with a reason a user can read.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpcore
import httpx

from index.errors import FetchError
from index.net.addresses import NetworkPolicy
from index.net.failures import LATER, TryAgain, check_status, explained, in_other_words, is_silence
from index.net.pace import Manners, Pace, backoff
from index.net.transport import CheckedTransport, Deadline, Resolve, system_resolve

if TYPE_CHECKING:
    from hishel import SqliteStorage

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 20
_CACHE_BYTES = 1 << 30

Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts that no request exceeds."""

    deadline: float = 90.0  # for a page in all: redirects, waits and further tries included
    connect: float = 10.0
    read: float = 20.0
    max_bytes: int = 100 * 1024 * 1024  # decoded
    redirects: int = 5
    tries: int = 3
    backoff: float = 0.5
    longest_wait: float = 30.0  # that a server may ask for; a longer one ends the request


@dataclass(frozen=True, slots=True)
class Network:
    """What a caller may replace of the world outside: private addresses to allow, limits, the resolver."""

    also: frozenset[tuple[str, int]] = frozenset()
    limits: Limits = field(default_factory=Limits)
    resolve: Resolve = system_resolve


@dataclass(frozen=True, slots=True)
class Page:
    """What a server sent, whole. `url` is where it came from after redirects."""

    url: str
    kind: str  # the media type, lower case, without parameters
    body: bytes
    cached: bool


class HttpClient:
    """The one HTTP client. May be used from several threads; `stop` ends whatever they wait for."""

    def __init__(
        self,
        policy: NetworkPolicy,
        limits: Limits | None = None,
        *,
        contact: str | None = None,
        cache: Path | None = None,
        manners: Mapping[str, Manners] | None = None,
        resolve: Resolve = system_resolve,
    ) -> None:
        self.policy = policy
        self.limits = limits or Limits()
        self.stop = threading.Event()
        self._deadline = Deadline(self.stop)
        self._pace = Pace(manners or {}, self._deadline)
        self._storage = _storage(cache)
        transport: httpx.BaseTransport = CheckedTransport(policy, resolve, self._deadline)
        if self._storage is not None:
            from hishel import CacheOptions
            from hishel.httpx import CacheTransport

            transport = CacheTransport(transport, self._storage, rfc=CacheOptions(shared=False))
        # Asked directly: httpx.Client would read redirects and keep cookies by itself.
        self._transport = transport
        self._headers = {"User-Agent": user_agent(contact), "Accept-Encoding": "gzip"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what is still waited for, and every connection."""
        self.stop.set()
        self._transport.close()

    def get(
        self, url: str, kinds: frozenset[str], check: Check | None = None, *, fresh: bool = False
    ) -> Page:
        """The page at `url`, if it is of one of these media types and `check` does not raise FetchError.

        A busy server and a broken transfer are tried again, within the deadline. `fresh` asks the server
        even where the cache has an answer. FetchError.temporary tells whether a later try may succeed.
        """
        self.policy.check_url(url)
        try:
            with self._deadline.within(self.limits.deadline):
                for attempt in range(self.limits.tries):
                    try:
                        return self._attempt(url, kinds, check, fresh=fresh or attempt > 0)
                    except TryAgain as again:
                        if attempt + 1 == self.limits.tries or self.stop.is_set():
                            raise self._given_up(again) from again
                        self._wait(again, attempt)
        except (httpx.TransportError, httpcore.TimeoutException) as error:
            raise explained(error) from error
        raise AssertionError("the last try returns or raises")

    def _wait(self, again: TryAgain, attempt: int) -> None:
        seconds = backoff(attempt, self.limits.backoff) if again.after is None else again.after
        if seconds > self.limits.longest_wait:
            error = in_other_words(again.error, f"{again.error.message}, and asks to wait {seconds:.0f} s")
            self._pace.rest(again.host, seconds, error)
            raise error
        if self._deadline.is_before(seconds):
            raise self._given_up(again)
        if again.after is not None:
            self._pace.hold(again.host, seconds)
        else:
            self._pace.sleep(seconds)

    def _given_up(self, again: TryAgain) -> FetchError:
        if again.silent:
            self._pace.silent(again.host)
        return again.error

    def _attempt(self, url: str, kinds: frozenset[str], check: Check | None, *, fresh: bool) -> Page:
        """One try: follows redirects by hand, each hop judged like the first address."""
        for _ in range(self.limits.redirects + 1):
            parsed = self.policy.check_url(url)
            with self._pace.turn(parsed.host):
                found = self._hop(parsed, kinds, check, fresh=fresh)
            if isinstance(found, Page):
                return found
            url = found
        raise FetchError(f"{parsed.host} redirects without end", "Open the link in a browser.")

    def _hop(self, url: httpx.URL, kinds: frozenset[str], check: Check | None, *, fresh: bool) -> Page | str:
        """The page, or the address to go on to."""
        headers = self._headers | {"Accept": ", ".join(sorted(kinds))}
        if fresh:
            headers["Cache-Control"] = "no-cache"
        key = str(url)
        timeout = httpx.Timeout(self.limits.read, connect=self.limits.connect)
        extensions = {"caching": {"key": key}, "timeout": timeout.as_dict()}
        try:
            response = self._transport.handle_request(
                httpx.Request("GET", url, headers=headers, extensions=extensions)
            )
        except httpx.TransportError as error:
            raise TryAgain(explained(error), url.host, silent=is_silence(error)) from error
        self._pace.answered(url.host)
        try:
            if response.status_code in _REDIRECTS:
                return _target(url, response.headers.get("location", ""))
            check_status(url.host, response)
            kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind not in kinds:
                what = kind[:60] or "something unnamed"
                raise FetchError(f"{url.host} sent {what} instead of a paper", LATER, temporary=True)
            body = self._body(response, url.host)
            cached = bool(response.extensions.get("caching", {}).get("from_cache"))
        finally:
            response.close()
        if check is not None:
            try:
                check(body)
            except FetchError as error:
                self._forget(key)  # or every later try would be served the same from the cache
                if error.temporary:
                    raise TryAgain(error, url.host) from error
                raise
        return Page(str(url), kind, body, cached)

    def _body(self, response: httpx.Response, host: str) -> bytes:
        """The decoded body. Decoding is done here so that a bomb is noticed before it has gone off."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            raise FetchError(f"{host} sent a body packed as {encoding[:20]}", LATER)
        unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
        body = bytearray()
        try:
            for raw in response.iter_raw(_CHUNK):
                self._deadline.left()
                room = self.limits.max_bytes - len(body) + 1
                body += unpack.decompress(raw, room) if unpack else raw
                if len(body) > self.limits.max_bytes:
                    raise FetchError(
                        f"{host} sent more than {self.limits.max_bytes // 2**20} MB", "Fetch it by hand."
                    )
        except (httpx.TransportError, zlib.error) as error:
            raise TryAgain(explained(error), host) from error
        if unpack and not unpack.eof:
            raise TryAgain(FetchError(f"{host} sent only a part of the page", LATER, temporary=True), host)
        return bytes(body)

    def _forget(self, key: str) -> None:
        if self._storage is not None:
            for entry in self._storage.get_entries(key):
                self._storage.remove_entry(entry.id)


def user_agent(contact: str | None) -> str:
    """How citewell names itself to servers; with the address that the user gave, and nothing else."""
    try:
        name = f"citewell/{version('citewell')}"
    except PackageNotFoundError:
        name = "citewell"
    return f"{name} (mailto:{contact})" if contact else name


def _target(url: httpx.URL, location: str) -> str:
    """Where a redirect leads. It is judged before anyone is asked."""
    try:
        return str(url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        message = f"{url.host} redirects to what is no web address"
        raise FetchError(message, "Open the link in a browser.") from error


def _storage(folder: Path | None) -> SqliteStorage | None:
    if folder is None:
        return None
    import logging

    from hishel import SqliteStorage

    log = logging.getLogger("hishel")  # a cache that cannot be used is no news for the user
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return SqliteStorage(database_path=folder / "http-2.db", max_size=_CACHE_BYTES)
