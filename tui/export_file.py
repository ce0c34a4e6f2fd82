"""Writes answers to a file or to stdout in the format that its name or --format says."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from qa.model import Answer

FORMATS = ("md", "txt", "json", "bib", "csl.json")
STDOUT = "-"


F = TypeVar("F", bound=Callable[..., Any])


def export_options(command: F) -> F:
    """--export, --format and --force, on every command whose answer can be written to a file."""
    for option in (
        click.option("--force", is_flag=True, help="Overwrite the file if it is there."),
        click.option("--format", "format_", type=click.Choice(FORMATS),
                     help="Format of the file; by default what its name ends in."),
        click.option("--export", "target", metavar="FILE",
                     help="Write the answer, or the cited papers (.bib, .csl.json), to FILE; - is stdout."),
    ):  # fmt: skip
        command = option(command)
    return command


def check_export(target: str | None, format_: str | None, *, force: bool) -> str | None:
    """The format to write, None without a target; fails before anything is asked if it could not be."""
    if target is None:
        if format_ is not None:
            raise click.UsageError("--format goes with --export FILE.")
        return None
    made = format_of(target, format_)
    check_target(target, force=force)
    return made


def format_of(target: str, named: str | None) -> str:
    """The format of a target: as named, else as its name ends. UsageError if neither says."""
    if named is not None:
        return named
    suffixes = sorted((f for f in FORMATS if target.lower().endswith(f".{f}")), key=len)
    if target == STDOUT or not suffixes:
        raise click.UsageError(
            f"Say the format of {'stdout' if target == STDOUT else target[:200]} with --format"
            f" {', '.join(FORMATS)}, or let the file's name end in it."
        )
    return suffixes[-1]


def check_target(target: str, *, force: bool) -> None:
    """ExportError, before anything is asked, if the file is there already or its folder is not."""
    from index.errors import ExportError

    if target == STDOUT:
        return
    try:
        path = Path(target).expanduser()
        str(path).encode()  # raises UnicodeEncodeError, a ValueError, for a name that is not UTF-8
        if not path.parent.is_dir():
            raise ExportError(f"there is no folder {path.parent}", "Make it, or name another file.")
        if path.is_dir():
            raise ExportError(f"{path} is a folder", "Name a file.")
        if (path.exists() or path.is_symlink()) and not force:
            raise ExportError(
                f"{path} is there already", "Name another file, or say --force to overwrite it."
            )
    except (OSError, ValueError, RuntimeError) as error:  # too long; "~" and the name of nobody
        raise ExportError(f"{target[:200]!r} cannot be the name of a file", "Name another file.") from error


def rendered(answers: Sequence[Answer], format_: str, scopes: Sequence[str], as_json: Any) -> str:
    """The answers in a format; `as_json` is what the JSON of them holds."""
    from qa import bibliography, export

    match format_:
        case "md":
            return export.markdown(answers, scopes)
        case "txt":
            return export.text(answers, scopes)
        case "bib":
            return bibliography.bibtex(export.cited_records(answers))
        case "csl.json":
            return bibliography.csl_json(export.cited_records(answers))
    return json.dumps(as_json, ensure_ascii=False, indent=2) + "\n"


def write(target: str, text: str, *, force: bool) -> None:
    """Writes the text whole or not at all; ExportError says why it could not be."""
    from index.errors import ExportError
    from tui.clean import clean

    if target == STDOUT:
        click.echo(clean(text) if sys.stdout.isatty() else text, nl=False)
        return
    check_target(target, force=force)
    path = Path(target).expanduser()
    try:
        _write(path, text.encode(errors="replace"), force=force)
    except FileExistsError as error:
        raise ExportError(f"{path} is there already", "Say --force to overwrite it.") from error
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}", "Name another file."
        ) from error


def _write(path: Path, data: bytes, *, force: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # noqa: PTH101 (the name is a string here)
        if force:
            os.replace(temporary, path)  # noqa: PTH105
        else:
            with path.open("xb"):  # fails if the file has come meanwhile
                os.replace(temporary, path)  # noqa: PTH105
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
