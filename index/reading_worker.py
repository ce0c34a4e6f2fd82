"""The process that reads papers of any format: `python -m index.reading_worker`, one after another.

Arguments: seconds and megabytes a paper may take, the most pages of a PDF, the file of the tokenizer, the
word pieces that a passage may have. Two frames, a JSON object ({"name": …, "facts": …}) and the file's bytes,
are answered by one of JSON: a ReadPaper, or {"error": message, "hint": hint}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from index.chunk import TokenCounter
from index.errors import ParseError
from index.parse.frames import allow_processor, limit_memory, own_streams, receive, send
from index.parse.pdf_worker import PdfHere
from index.reading import ReadPaper, read_paper
from index.requests import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

READ: TypeAdapter[ReadPaper] = TypeAdapter(ReadPaper)
FACTS: TypeAdapter[Facts | None] = TypeAdapter(Facts | None)


def main(arguments: list[str]) -> int:
    """Serves files until stdin ends."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # there is a worker for each core
    source, answers = own_streams()
    seconds, megabytes, max_pages, room = (int(arguments[i]) for i in (0, 1, 2, 4))
    reader = _reader(PdfHere(megabytes, max_pages), Path(arguments[3]), room)
    limit_memory(megabytes)
    send(answers, b"")
    while (asked := receive(source)) is not None and (data := receive(source)) is not None:
        allow_processor(seconds)
        send(answers, _answer(reader, asked, data))
    return 0


def _reader(pdf: PdfHere, tokenizer: Path, room: int) -> Callable[[bytes, str, Facts | None], ReadPaper]:
    from index.embed_onnx import PieceCounter
    from index.parse import parse

    counter: TokenCounter = PieceCounter(tokenizer)
    counter.count(["ready"])  # loads it before the limits, so that they count papers only
    return lambda data, name, facts: read_paper(
        name, facts, lambda data, name: parse(data, name, pdf), counter, room, data
    )


def _answer(reader: Callable[[bytes, str, Facts | None], ReadPaper], asked: bytes, data: bytes) -> bytes:
    try:
        told = json.loads(asked)
        return READ.dump_json(reader(data, told["name"], FACTS.validate_python(told["facts"])))
    except ParseError as error:
        return json.dumps({"error": error.message, "hint": error.hint}).encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
