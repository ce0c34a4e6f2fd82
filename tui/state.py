"""What the screens remember of themselves between two runs, such as the theme.

It is kept in a file of its own beside config.toml, `state.json`: the program never writes into the file that
its user wrote, whose comments and order are theirs. What cannot be read or written is forgotten; nothing
depends on it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from qa.settings import config_file


def state_file() -> Path:
    """Where it is kept."""
    return config_file().with_name("state.json")


def remembered(name: str) -> str:
    """What was last remembered under this name, "" for nothing."""
    return _all().get(name, "")


def remember(name: str, value: str) -> None:
    """Keeps a value for the next run, as far as the disk lets us."""
    told = _all()
    if told.get(name, "") == value:
        return
    path = state_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        made.write_text(json.dumps(told | {name: value}, ensure_ascii=False, indent=1) + "\n", "utf-8")
        made.replace(path)


def _all() -> dict[str, str]:
    try:
        found = json.loads(state_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
