"""Server-sent events, as bytes come: split anywhere, with any line ends, comments and odd spacing."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END_OF_LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")
MAX_EVENT = 1 << 20


class TooLong(ValueError):
    """An event has no end."""


class EventReader:
    """Gives the data of each event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._size = 0
        self._begun = False

    def feed(self, more: bytes) -> Iterator[str]:
        """The data of the events that are complete now; TooLong if one is larger than a megabyte."""
        *lines, self._rest = _END_OF_LINE.split(self._rest + more)
        for line in lines:
            yield from self._take(line)
        if len(self._rest) + self._size > MAX_EVENT:
            raise TooLong

    def end(self) -> Iterator[str]:
        """What was left when the server closed: some never send the last blank line."""
        yield from self._take(self._rest.rstrip(b"\r"))
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[str]:
        if not self._begun:
            line, self._begun = line.removeprefix(b"\xef\xbb\xbf"), True
        if not line:
            if self._data:
                yield "\n".join(self._data)
            self._data, self._size = [], 0
        elif line.startswith(b"data:"):
            value = line[5:].decode(errors="replace")
            self._size += len(line)
            if self._size > MAX_EVENT:
                raise TooLong
            self._data.append(value.removeprefix(" "))
        # Comments, and fields that a chat does not need, say nothing.
