"""Styles of text inside a widget that several widgets share."""

from __future__ import annotations

# What is said by the way. Not $text-muted: inside a text Textual drops its share of the contrast, and what
# should be quiet would be the brightest on the screen.
MUTED = "$text 60%"
