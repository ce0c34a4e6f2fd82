"""Times as the user's clock shows them; in files they are UTC."""

from __future__ import annotations

from datetime import datetime

from tui.clean import line


def when(kept: str) -> str:
    """A time as it is kept (ISO, with its offset from UTC) as local date, hour and minute.

    One that cannot be read, from a file that was changed by hand, is shown as it stands there.
    """
    try:
        return f"{datetime.fromisoformat(kept).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return line(kept)[:16]
