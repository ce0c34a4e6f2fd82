"""Sorts what a user named into files and folders, which are here, and papers, which are to be fetched."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from index.errors import SourceError
from index.fetch.lists import read_lines, read_list
from index.fetch.wanted import Wanted, recognise


def sort_items(items: Iterable[str]) -> tuple[list[Path], list[Wanted]]:
    """Paths that exist win; a file that is a list stands for what it lists; "-" is a list on stdin.

    SourceError for what is neither a path nor an id nor a link.
    """
    paths: list[Path] = []
    wanted: list[Wanted] = []
    for item in items:
        path = Path(item)
        listed = _stdin() if item == "-" and not path.exists() else _listed(path)
        found = None if listed is not None or _exists(path) else recognise(item)
        if listed is not None:
            wanted += listed
        elif found is not None:
            wanted.append(found)
        elif _exists(path):
            paths.append(path)
        else:
            raise SourceError(
                f"there is no file or folder {item[:200]}",
                "Check the path, or name a paper by its DOI, PMCID, PMID, arXiv id or link.",
            )
    return paths, wanted


def _exists(path: Path) -> bool:
    """Whether there may be something at a path: one that cannot be asked about is a path all the same."""
    try:
        return path.expanduser().exists() or path.is_symlink()
    except RuntimeError:  # "~" and the name of nobody
        return False
    except (OSError, ValueError):
        return recognise(str(path)) is None


def _listed(path: Path) -> list[Wanted] | None:
    try:
        return read_list(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def _stdin() -> list[Wanted]:
    listed = read_lines(sys.stdin.read())
    if listed is None:
        raise SourceError("what came on stdin is no list of papers", "Write one id or link a line.")
    return listed
