"""Finds the files that a user's paths mean, and reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from index.errors import SourceError

MAX_BYTES = 512 * 1024 * 1024
_NEVER = frozenset({"__pycache__", "node_modules", "__MACOSX"})


@dataclass(slots=True)
class Found:
    """The files under the roots, and the places that could not be looked into."""

    files: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)

    def covers(self, path: str) -> bool:
        """Whether a file at `path` would have been seen: not so below a folder that cannot be read."""
        return not any(
            path == str(place) or path.startswith(f"{place}{os.sep}") for place, _ in self.unreadable
        )


def normal_path(path: Path) -> Path:
    """The absolute path without symbolic links, by which a file is known to the library."""
    return Path(os.path.realpath(path.expanduser()))


def check_path(path: Path) -> Path:
    """The normal path of something the user named; SourceError if it is not there or cannot be read."""
    try:
        place = normal_path(path)
        str(place).encode()  # raises UnicodeEncodeError, a ValueError, for a name that is not UTF-8
        if not place.exists():
            raise SourceError(f"there is no file or folder {path}", "Check the path.")
    except (OSError, ValueError) as error:
        raise SourceError(f"{str(path)[:200]!r} cannot be used as a path", "Check the path.") from error
    if not (place.is_dir() or place.is_file()):
        raise SourceError(f"{path} is neither a file nor a folder", "Name a paper or a folder of papers.")
    if not os.access(place, os.R_OK | (os.X_OK if place.is_dir() else 0)):
        raise SourceError(f"{path} cannot be read: no permission", "Change its permissions, or copy it.")
    return place


def find(roots: Iterable[Path], suffixes: frozenset[str], *, without: Path | None = None) -> Found:
    """All files with these endings below folders, and named files whatever their ending; sorted, once each.

    Hidden files and folders are left out, and so is the library itself (`without`).
    """
    found = Found()
    seen: set[Path] = set()
    for root in roots:
        try:
            if root.is_dir():
                seen.update(_walk(root, suffixes, without, found))
            elif root.exists():
                seen.add(root)
        except OSError as error:  # its server is gone, or a folder above it may not be entered
            found.unreadable.append((root, error.strerror or "cannot be read"))
    found.files = sorted(seen)
    return found


def _walk(root: Path, suffixes: frozenset[str], without: Path | None, found: Found) -> Iterator[Path]:
    def note(error: OSError) -> None:
        found.unreadable.append((Path(error.filename or root), error.strerror or "cannot be read"))

    for folder, folders, names in os.walk(root, onerror=note):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _NEVER and here / name != without
        )
        for name in names:
            path = here / name
            if name.startswith(".") or path.suffix.lower() not in suffixes:
                continue
            try:
                if path.is_file():
                    place = normal_path(path)
                    str(place).encode()
                    yield place
            except UnicodeEncodeError:
                found.unreadable.append((path, "its name is not valid UTF-8: rename it"))
            except OSError as error:  # a folder that may be listed but not entered, a server that is gone
                note(error)


def read(path: Path) -> bytes:
    """The file's bytes; SourceError with the reason if they cannot be had."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"larger than {MAX_BYTES // 2**20} MB", "Split it, or add its parts.")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", "Check its permissions.") from error
