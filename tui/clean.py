"""Makes text from papers, files and users harmless for a terminal, right before it is shown.

Neither Rich nor Textual strips terminal escapes. Papers are stored without control characters already;
file names, error messages and what a user pastes are not.
"""

from __future__ import annotations

import re

# C0 but newline and tab, DEL, C1, lone surrogates, and the bidi controls that reorder what is read.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """The text without what a terminal would obey; newlines and tabs stay."""
    return _HOSTILE.sub("", text)


def line(text: str) -> str:
    """The text as one harmless line."""
    return " ".join(clean(text).split())
