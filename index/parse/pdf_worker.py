"""The process that reads PDFs: `python -m index.parse.pdf_worker`. One document after another, with limits.

PDFium is C++ that reads hostile files, so it runs where a crash, a leak or an endless loop costs one
document and no more. Frames on stdin and stdout: four bytes of length, big-endian, then the bytes. The
first answer is an empty frame, "ready"; then each frame of PDF bytes is answered by a frame of JSON, either
{"paper": …} or {"error": message, "hint": hint}. End of input ends the process.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
import time
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from index.errors import ParseError
from index.model import Paper

HEADER = struct.Struct(">I")
PAPER: TypeAdapter[Paper] = TypeAdapter(Paper)


def main(arguments: list[str]) -> int:
    """Serves documents until stdin ends. Arguments: seconds and megabytes a document may take, pages."""
    seconds, megabytes, max_pages = int(arguments[0]), int(arguments[1]), int(arguments[2])
    source = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Nothing a library prints may get between the frames, or to the user's terminal.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    import pypdfium2  # loaded before the limits, so that they count documents only

    from index.parse.pdf_document import read_pdf

    assert pypdfium2 is not None
    _limit(megabytes)
    send(answers, b"")
    while (data := receive(source)) is not None:
        _allow_processor(seconds)
        send(answers, _answer(data, max_pages, megabytes, read_pdf))
    return 0


def _answer(data: bytes, max_pages: int, megabytes: int, read: Any) -> bytes:
    import json

    try:
        return b'{"paper":' + PAPER.dump_json(read(data, max_pages)) + b"}"
    except ParseError as error:
        return json.dumps({"error": error.message, "hint": error.hint}).encode()
    except (MemoryError, RecursionError):
        return json.dumps({"error": f"needs more than {megabytes} MB of memory", "hint": ""}).encode()
    except (
        Exception
    ) as error:  # a fault of ours costs this document, not the process and the ones that follow
        name = type(error).__name__
        return json.dumps(
            {"error": f"the PDF reader failed on it ({name})", "hint": "please report it"}
        ).encode()


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


def _end_with_parent(parent: int) -> None:
    """Ends the process when its parent was killed while a document was being read."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def _limit(megabytes: int) -> None:
    with contextlib.suppress(ImportError):
        import resource

        _set_limit(resource.RLIMIT_CORE, 0)
        _set_limit(resource.RLIMIT_FSIZE, 0)
        _set_limit(resource.RLIMIT_AS, megabytes << 20)


def _set_limit(which: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # macOS knows some of these limits and refuses to set them; the wall-clock limit still holds.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, hard))


def _allow_processor(seconds: int) -> None:
    """Processor time for one document: what was used so far and `seconds` more."""
    with contextlib.suppress(ImportError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        _set_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + seconds + 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
