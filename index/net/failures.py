"""Why a page did not come, in a user's words, and whether asking again may help."""

from __future__ import annotations

import zlib

import httpcore
import httpx

from index.errors import FetchError
from index.net.pace import retry_after

LATER = "Try again later with: citewell retry"
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class TryAgain(Exception):
    """A failure that the next try, now or after so many seconds, may not meet."""

    def __init__(
        self, error: FetchError, host: str, after: float | None = None, *, silent: bool = False
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.host = host
        self.after = after
        self.silent = silent


def in_other_words(error: FetchError, message: str) -> FetchError:
    """The same error in other words."""
    return FetchError(message, error.hint, temporary=error.temporary)


def check_status(host: str, response: httpx.Response) -> None:
    """TryAgain or FetchError for every status but 200."""
    status = response.status_code
    if status == 200:
        return
    if status in _BUSY:
        error = FetchError(f"{host} is busy or broken (status {status})", LATER, temporary=True)
        raise TryAgain(error, host, retry_after(response.headers.get("retry-after")))
    if status in (404, 410):
        raise FetchError(f"{host} does not have it (status {status})", "Check the id.")
    if status in (401, 402, 403, 451):
        raise FetchError(f"{host} does not give it to everyone (status {status})", "Fetch it by hand.")
    raise FetchError(f"{host} answered with status {status}", LATER, temporary=status > 500)


def is_silence(error: httpx.TransportError) -> bool:
    """Whether the host did not say a word, in contrast to one that breaks off."""
    return isinstance(error, (httpx.TimeoutException, httpx.ConnectError))


def explained(error: Exception) -> FetchError:
    """A failure of the connection in a user's words."""
    if isinstance(error, httpx.ConnectError):
        said = str(error)
        reason = said if "name" in said and "known" in said else "no connection could be made"
    elif isinstance(error, httpx.ConnectTimeout):
        reason = "no connection in time"
    elif isinstance(error, (httpx.TimeoutException, httpcore.TimeoutException)):
        reason = "it was too slow"
    elif isinstance(error, zlib.error):
        reason = "its compressed body is damaged"
    else:
        reason = "the connection broke before the page was whole"
    return FetchError(reason, LATER, temporary=True)
