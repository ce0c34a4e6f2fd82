"""What both sides of the reading processes share: frames, and the limits that a worker puts on itself.

A frame is four bytes of length, big-endian, then the bytes. The first answer of a worker is an empty frame,
"ready". End of input ends the process.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from typing import BinaryIO

HEADER = struct.Struct(">I")


def send(stream: BinaryIO, data: bytes) -> None:
    """Writes one frame."""
    stream.write(HEADER.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Reads one frame; None when the other side has gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    data = stream.read(length)
    return data if len(data) == length else None


def own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Where a worker's frames come in and go out, and nothing else does: what a library prints must neither
    get between the frames nor reach the user's terminal. Ends the process when its parent has died."""
    source, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    return source, answers


def _end_with_parent(parent: int) -> None:
    """Ends the process when its parent was killed while a document was being read."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def limit_memory(megabytes: int) -> None:
    """Of the whole process from now on; nor may it write files."""
    with contextlib.suppress(ImportError):
        import resource

        _set_limit(resource.RLIMIT_CORE, 0)
        _set_limit(resource.RLIMIT_FSIZE, 0)
        _set_limit(resource.RLIMIT_AS, megabytes << 20)


def allow_processor(seconds: int) -> None:
    """Processor time for one document: what was used so far and `seconds` more."""
    with contextlib.suppress(ImportError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        _set_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + seconds + 2)


def _set_limit(which: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # macOS knows some of these limits and refuses to set them; the wall-clock limit still holds.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, hard))
