"""The PDF parser: hands each file to a worker process with limits and takes a Paper or a reason back."""

from __future__ import annotations

import json

from pydantic import ValidationError

from index.errors import ParseError
from index.model import Paper
from index.parse.pdf_worker import PAPER
from index.parse.process import WorkerProcess

PDF_READER = "the PDF reader"  # what failures call it


class PdfParser(WorkerProcess):
    """Reads PDF files in a process of its own."""

    def __init__(self, *, seconds: float = 60.0, megabytes: int = 2048, max_pages: int = 2000) -> None:
        limits = (str(max(1, round(seconds))), str(megabytes), str(max_pages))
        super().__init__("index.parse.pdf_worker", limits, seconds=seconds, megabytes=megabytes)

    def parse(self, data: bytes) -> Paper:
        """The paper in the bytes of a PDF file. Raises ParseError with the reason if there is none."""
        return _paper(self.ask((data,), PDF_READER))


def _paper(answer: bytes) -> Paper:
    """The worker read hostile bytes: its answer is checked like any other input."""
    try:
        if answer.startswith(b'{"paper":'):
            return PAPER.validate_json(answer[len(b'{"paper":') : -1])
        told = json.loads(answer)
        raise ParseError(str(told["error"]), str(told["hint"]))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ParseError("the PDF reader gave no usable answer") from error
