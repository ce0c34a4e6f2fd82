"""One request and its answer, read in a thread of its own, so that nobody has to wait for a server.

httpx waits inside a read, and a generator that waits can neither be closed nor look at a clock. So a
thread reads, and whoever asks takes what is there, in waits as short as it likes.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import httpx

from index.net.addresses import NetworkPolicy
from index.net.pace import retry_after
from index.net.transport import CheckedTransport, Deadline, system_resolve

_AHEAD = 64  # chunks that are read before anyone takes them
_NOTICE = 0.2


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins."""

    status: int
    kind: str  # the media type, lower case, without parameters
    retry_after: float | None
    location: str


@dataclass(frozen=True, slots=True)
class End:
    """The answer is over."""


Item = Head | bytes | End


class Exchange:
    """A request under way. `close` ends its connection, whatever state it is in."""

    def __init__(self, request: httpx.Request, policy: NetworkPolicy, connect: float, total: float) -> None:
        timeout = httpx.Timeout(total, connect=connect)
        request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
        self._items: queue.Queue[Item | Exception] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        arguments = (request, policy, total)
        threading.Thread(target=self._run, args=arguments, name="citewell-llm", daemon=True).start()

    def take(self, seconds: float) -> Item | None:
        """What came next; None if nothing did in so many seconds. Raises what ended the connection."""
        try:
            item = self._items.get(timeout=max(0.001, seconds))
        except queue.Empty:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Ends the connection; the thread notices within half a second, at once while bytes come."""
        self._stop.set()

    def _run(self, request: httpx.Request, policy: NetworkPolicy, total: float) -> None:
        try:
            deadline = Deadline(self._stop)
            transport = CheckedTransport(policy, system_resolve, deadline)
            try:
                with deadline.within(total):
                    self._read(transport.handle_request(request))
            finally:
                transport.close()
        except Exception as error:  # whatever it is, whoever waits has to hear of it
            self._put(error)

    def _read(self, response: httpx.Response) -> None:
        try:
            headers = response.headers
            kind = headers.get("content-type", "").split(";")[0].strip().lower()
            after = retry_after(headers.get("retry-after"))
            self._put(Head(response.status_code, kind, after, headers.get("location", "")))
            if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise httpx.DecodingError("the answer is compressed, which was not asked for")
            # Not iter_raw: it would gather, and a token is shown when it comes.
            for chunk in response.stream:  # type: ignore[union-attr]
                if self._stop.is_set():
                    return
                self._put(chunk)
            self._put(End())
        finally:
            response.close()

    def _put(self, item: Item | Exception) -> None:
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=_NOTICE)
            except queue.Full:
                continue
            return
