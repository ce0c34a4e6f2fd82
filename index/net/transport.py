"""Connections that are only made to addresses that were checked, and that end at a deadline.

httpx gives a time to every single read, so a server that sends a byte now and then is waited for without
end. Here every read, write and connect gets what is left until the deadline of the whole request. The
host's name still goes into TLS and the Host header; only the connection goes to the checked address.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from index.errors import FetchError
from index.net.addresses import NetworkPolicy

Resolve = Callable[[str, int], list[str]]
_MAX_ADDRESSES = 4
_NOTICE = 0.5  # seconds until a stop is noticed


class Deadline(threading.local):
    """Until when the request of this thread has to be done. `stop` ends all of them early."""

    def __init__(self, stop: threading.Event) -> None:
        self.until = float("inf")
        self.stop = stop

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Gives what happens inside so many seconds in all."""
        before, self.until = self.until, time.monotonic() + seconds
        try:
            yield
        finally:
            self.until = before

    def is_before(self, seconds: float) -> bool:
        """Whether the time will be over in so many seconds."""
        return time.monotonic() + seconds >= self.until

    def left(self, timeout: float | None = None) -> float:
        """The seconds left, at most `timeout`; httpcore.ReadTimeout when there are none."""
        if self.stop.is_set():
            raise FetchError("stopped", temporary=True)
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole request is over")
        return left if timeout is None else min(timeout, left)


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver gives for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore: resolves, judges every address, connects to one that was judged.

    Without a policy nothing is judged: so the proxy is reached that the user trusts.
    """

    def __init__(self, policy: NetworkPolicy | None, resolve: Resolve, deadline: Deadline) -> None:
        self._policy = policy
        self._resolve = resolve
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers; FetchError if any is not allowed."""
        addresses = self._addresses(host, port)
        if self._policy is not None:
            for address in addresses:
                self._policy.check_address(address, port)
        error: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                left = self._deadline.left(timeout)
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
                continue
            return _TimedStream(stream, self._deadline)
        raise error

    def _addresses(self, host: str, port: int) -> list[str]:
        """Asks the resolver in a thread of its own: it takes no timeout."""
        answer: queue.Queue[list[str] | Exception] = queue.Queue(1)

        def ask() -> None:
            try:
                answer.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answer.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answer.get(timeout=self._deadline.left(10.0))
        except queue.Empty:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        if isinstance(found, Exception):
            raise httpcore.ConnectError(f"the name {host} is not known") from found
        return found

    def sleep(self, seconds: float) -> None:
        """Waits, at most until the deadline."""
        self._deadline.stop.wait(self._deadline.left(seconds))


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends at the deadline of the thread that asks."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + self._deadline.left(timeout)
        while True:  # in short waits, between which a stop is noticed
            try:
                wait = min(end - time.monotonic(), _NOTICE)
                return self._inner.read(max_bytes, max(0.001, self._deadline.left(wait)))
            except httpcore.ReadTimeout:
                if time.monotonic() >= end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class CheckedTransport(httpx.BaseTransport):
    """httpx over connections that were checked; over a proxy where the user trusts the environment's."""

    def __init__(self, policy: NetworkPolicy, resolve: Resolve, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline
        self._context = httpx.create_ssl_context(trust_env=policy.trust_env)
        self._pool = httpcore.ConnectionPool(
            ssl_context=self._context,
            max_connections=16,
            keepalive_expiry=15.0,
            network_backend=CheckedBackend(policy, resolve, deadline),
        )
        self._proxies: dict[str, httpcore.HTTPProxy] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; httpcore's errors become httpx's."""
        url = request.url
        core = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=cast(httpx.SyncByteStream, request.stream),
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = self._pool_for(url).handle_request(core)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(cast(Iterable[bytes], answer.stream)),
            extensions=answer.extensions,
        )

    def _pool_for(self, url: httpx.URL) -> httpcore.ConnectionPool:
        if not self._policy.trust_env or proxy_bypass(url.host):
            return self._pool
        proxy = getproxies().get(url.scheme)
        if proxy is None:
            return self._pool
        if proxy not in self._proxies:
            self._proxies[proxy] = httpcore.HTTPProxy(
                proxy if "//" in proxy else f"http://{proxy}",
                ssl_context=self._context,
                max_connections=16,
                network_backend=CheckedBackend(None, system_resolve, self._deadline),
            )
        return self._proxies[proxy]

    def close(self) -> None:
        """Closes every connection."""
        for pool in (self._pool, *self._proxies.values()):
            pool.close()


class _Body(httpx.SyncByteStream):
    """The bytes of an answer as they come, with httpx's errors."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except httpcore.ConnectTimeout as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except httpcore.ConnectError as error:
        raise httpx.ConnectError(str(error)) from error
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProxyError) as error:
        raise httpx.ReadError(str(error)) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
