"""Completes what is typed as a path."""

from __future__ import annotations

import os
from pathlib import Path

_MOST = 200  # entries looked at after the first letters fit


def completions(typed: str) -> list[str]:
    """What the path could go on to: folders end in a slash and come first; nothing for what is no path."""
    if not typed:
        return []
    folder, _, begun = typed.rpartition("/")
    place = Path(typed[: len(typed) - len(begun)] or ".")
    found: list[tuple[bool, str]] = []
    try:
        with os.scandir(place.expanduser()) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not begun.startswith(".")
                if hidden or not entry.name.casefold().startswith(begun.casefold()):
                    continue
                is_folder = entry.is_dir()
                found.append((not is_folder, entry.name + ("/" if is_folder else "")))
                if len(found) == _MOST:
                    break
    except (OSError, ValueError, RuntimeError):
        return []
    head = f"{folder}/" if "/" in typed else ""
    return [head + name for _, name in sorted(found)]


def common(candidates: list[str], typed: str) -> str:
    """As much as all candidates share, or what was typed if that is not more."""
    if not candidates:
        return typed
    first, last = min(candidates), max(candidates)
    shared = next((first[:i] for i, c in enumerate(first) if last[i : i + 1] != c), first)
    return shared if len(shared) > len(typed) or len(candidates) == 1 else typed
