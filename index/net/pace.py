"""How often a host is asked: as its service wishes, and later when it says so."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from index.errors import FetchError
from index.net.transport import Deadline

_SILENT = 5  # requests in a row without an answer, until a host is left alone
_REST = 60.0
_LONGEST_REST = 3600.0


@dataclass(frozen=True, slots=True)
class Manners:
    """At most one new request to a host every `gap` seconds, and `at_once` of them open."""

    gap: float = 0.34
    at_once: int = 3


class Pace:
    """Lets threads ask each host in turn. Times are waited for, never longer than the request has left."""

    def __init__(self, manners: Mapping[str, Manners], deadline: Deadline) -> None:
        self._manners = dict(manners)
        self._deadline = deadline
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._open: dict[str, threading.Semaphore] = {}
        self._silent: dict[str, int] = {}
        self._resting: dict[str, tuple[float, FetchError]] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Waits until `host` may be asked, and counts as one open request inside. FetchError if it rests."""
        manners = self._manners.get(host, Manners())
        with self._lock:
            gate = self._open.setdefault(host, threading.Semaphore(manners.at_once))
        while not gate.acquire(timeout=self._deadline.left(0.2)):
            pass
        try:
            with self._lock:
                until, why = self._resting.get(host, (0.0, None))
                if why is not None and time.monotonic() < until:
                    raise why
                at = max(time.monotonic(), self._free_at.get(host, 0.0))
                self._free_at[host] = at + manners.gap
            self.sleep(at - time.monotonic())
            yield
        finally:
            gate.release()

    def hold(self, host: str, seconds: float) -> None:
        """Nobody asks `host` before so many seconds have passed: it said that it is busy."""
        with self._lock:
            self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)

    def rest(self, host: str, seconds: float, why: FetchError) -> None:
        """Nobody asks `host` for so long; whoever wants to gets this error at once."""
        with self._lock:
            self._resting[host] = (time.monotonic() + min(seconds, _LONGEST_REST), why)

    def answered(self, host: str) -> None:
        """The host said something, if only that it is busy."""
        with self._lock:
            self._silent.pop(host, None)
            self._resting.pop(host, None)

    def silent(self, host: str) -> None:
        """A request ended without a word from the host. After a few in a row it is left alone for a while, or
        every paper of a long list would wait for it in vain."""
        with self._lock:
            self._silent[host] = self._silent.get(host, 0) + 1
            in_a_row = self._silent[host]
        if in_a_row >= _SILENT:
            said = f"{host} did not answer {in_a_row} times in a row and is left alone for a minute"
            self.rest(host, _REST, FetchError(said, "Try again later with: citewell retry", temporary=True))

    def sleep(self, seconds: float) -> None:
        """Waits, unless stopped; a wait beyond the deadline ends as a timeout there."""
        if seconds > 0:
            self._deadline.stop.wait(self._deadline.left(seconds))
            self._deadline.left()


def backoff(attempt: int, base: float) -> float:
    """Seconds to wait after the attempt with this number, from 0: doubling, and never in step with others."""
    return base * float(2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, keeps no secret)


def retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date; None if it says nothing."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
