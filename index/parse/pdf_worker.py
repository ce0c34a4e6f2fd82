"""The process that reads PDFs: `python -m index.parse.pdf_worker`. One document after another, with limits.

PDFium is C++ that reads hostile files, so it runs where a crash, a leak or an endless loop costs one
document and no more. Each frame of PDF bytes is answered by a frame of JSON, either {"paper": …} or
{"error": message, "hint": hint}.
"""

from __future__ import annotations

import json
import sys

from pydantic import TypeAdapter

from index.errors import ParseError
from index.model import Paper
from index.parse.frames import allow_processor, limit_memory, own_streams, receive, send

PAPER: TypeAdapter[Paper] = TypeAdapter(Paper)


class PdfHere:
    """Reads PDFs in this very process, which is to be one that nobody would miss."""

    def __init__(self, megabytes: int, max_pages: int) -> None:
        """Loads PDFium, so that limits set after this count documents only."""
        import pypdfium2

        from index.parse.pdf_document import read_pdf

        assert pypdfium2 is not None
        self._megabytes, self._max_pages, self._read = megabytes, max_pages, read_pdf

    def parse(self, data: bytes) -> Paper:
        """The paper in the bytes of a PDF file. Raises ParseError with the reason if there is none."""
        try:
            return self._read(data, self._max_pages)
        except ParseError:
            raise
        except (MemoryError, RecursionError) as error:
            raise ParseError(f"needs more than {self._megabytes} MB of memory") from error
        except Exception as error:  # a fault of ours costs this document, not the ones that follow
            name = type(error).__name__
            raise ParseError(f"the PDF reader failed on it ({name})", "please report it") from error


def main(arguments: list[str]) -> int:
    """Serves documents until stdin ends. Arguments: seconds and megabytes a document may take, pages."""
    seconds, megabytes, max_pages = map(int, arguments)
    source, answers = own_streams()
    reader = PdfHere(megabytes, max_pages)
    limit_memory(megabytes)
    send(answers, b"")
    while (data := receive(source)) is not None:
        allow_processor(seconds)
        send(answers, _answer(reader, data))
    return 0


def _answer(reader: PdfHere, data: bytes) -> bytes:
    try:
        return b'{"paper":' + PAPER.dump_json(reader.parse(data)) + b"}"
    except ParseError as error:
        return json.dumps({"error": error.message, "hint": error.hint}).encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
