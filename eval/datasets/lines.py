"""Reads the lines and splits that datasets share, saying where a line is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from index.errors import DatasetError

Row = TypeVar("Row", bound=BaseModel)
_PREFERRED = ("test", "validation", "dev", "train")
ALL = "all"


def read_lines(path: Path, row: type[Row]) -> Iterator[Row]:
    """The rows of a JSON lines file; DatasetError names the line that is none."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(path, number, line, row)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}", "Check the file.") from error


def _row(path: Path, number: int, line: str, row: type[Row]) -> Row:
    try:
        return row.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "the line"
        raise DatasetError(f"{path.name}, line {number}: {name}: {first['msg']}", "Mend the line.") from error
    except ValueError as error:
        raise DatasetError(f"{path.name}, line {number} is no JSON: {error}", "Mend the line.") from error


def choose_split(there: Sequence[str], wanted: str | None, place: Path) -> str:
    """The split to use: the one wanted, else the one that is most meant for measuring."""
    names = [name for name in dict.fromkeys(there) if name]
    if wanted is None:
        return next((name for name in _PREFERRED if name in names), names[0] if len(names) == 1 else ALL)
    if wanted != ALL and wanted not in names:
        raise DatasetError(f"{place.name} has no split {wanted!r}", f"There is: {', '.join([*names, ALL])}.")
    return wanted
