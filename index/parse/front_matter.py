"""The stated fields of a Markdown file: YAML front matter, and lines such as "**DOI:** …" at its top.

Front matter is read for `key: value` and simple lists only, which needs no YAML: nothing that a file
says can build an object or refer to another part of itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from index.parse.builder import plain

_MAX_LINES = 400
_FENCE = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n")
_KEY = re.compile(r"^([A-Za-z][\w .-]{0,40}?)[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"^\s*-\s+(?:(?:name|family|literal|author)\s*:\s*)?(.*)$")
_GIVEN = re.compile(r"^\s+(?:given|given-names|first(?:name)?)\s*:\s*(.+)$")
_BLOCK_SCALAR = re.compile(r"^[>|][+-]?$")
_PLAIN_KEY = (
    r"authors?|date|published|publication date|year|journal|doi|pmcid|pmid|arxiv|keywords?|licen[cs]e"
)
_TOP_LINE = re.compile(rf"^[*_]{{0,3}}({_PLAIN_KEY})[*_]{{0,3}}\s*:[*_]{{0,3}}\s*(\S.*)$", re.IGNORECASE)
_TOP_PARAGRAPHS = 8


@dataclass(slots=True)
class Fields:
    """Values by lower-case key, in the order found."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, key: str, value: str) -> None:
        """Adds a value, without quotes, if there is anything in it."""
        value = plain(value)
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = plain(value[1:-1])
        if value:
            self.values.setdefault(key, []).append(value)

    def all(self, *keys: str) -> tuple[str, ...]:
        """The values of the first key that has any."""
        return next((tuple(self.values[key]) for key in keys if self.values.get(key)), ())

    def first(self, *keys: str) -> str:
        """The first value of the first key that has any, else the empty string."""
        return next(iter(self.all(*keys)), "")


def split_fields(text: str) -> tuple[Fields, str]:
    """The fields that the text states at its top, and the text without them."""
    fields = Fields()
    body = _front_matter(text, fields)
    return fields, _top_lines(body, fields)


def _front_matter(text: str, fields: Fields) -> str:
    """Reads the block between the first two `---`; leaves the text alone if there is none."""
    opened = _FENCE.match(text)
    if not opened:
        return text
    lines = text[opened.end() :].splitlines(keepends=True)
    end = next((at for at, line in enumerate(lines[:_MAX_LINES]) if line.rstrip() in ("---", "...")), None)
    if end is None or not any(_KEY.match(line.rstrip()) for line in lines[:end]):
        return text  # a ruled line, not front matter
    _read_yaml([line.rstrip() for line in lines[:end]], fields)
    return "".join(lines[end + 1 :])


def _read_yaml(lines: list[str], fields: Fields) -> None:
    key = ""
    folded: list[str] | None = None
    for line in [*lines, "end:"]:
        found = _KEY.match(line)
        if found and folded:
            fields.add(key, " ".join(folded))
        if found:
            key, value, folded = found.group(1).lower(), found.group(2) or "", None
            if _BLOCK_SCALAR.match(value.strip()):
                folded = []
            elif value.startswith("[") and value.rstrip().endswith("]"):
                for part in value.strip()[1:-1].split(","):
                    fields.add(key, part)
            else:
                fields.add(key, value)
        elif folded is not None:
            folded.append(line)
        elif given := _GIVEN.match(line):
            if fields.values.get(key):
                fields.values[key][-1] += ", " + plain(given.group(1)).strip("\"'")
        elif item := _ITEM.match(line):
            fields.add(key, item.group(1))


def _top_lines(text: str, fields: Fields) -> str:
    """Takes the paragraphs out that hold nothing but fields, from those before the first section.

    What front matter says goes before.
    """
    parts = re.split(r"(\n[ \t]*\r?\n)", text, maxsplit=_TOP_PARAGRAPHS)
    headings = 0
    for at in range(0, min(len(parts), 2 * _TOP_PARAGRAPHS), 2):
        lines = [line for line in parts[at].splitlines() if line.strip()]
        headings += sum(line.startswith("#") for line in lines)
        if headings > 1 or any(line.startswith("##") for line in lines):
            break
        kept = [line for line in lines if line.startswith("# ")]
        found = [_TOP_LINE.match(line.strip()) for line in lines if line not in kept]
        if found and all(found):
            for match in found:
                if match and not fields.values.get(match.group(1).lower()):
                    fields.add(match.group(1).lower(), match.group(2).strip("*_ "))
            parts[at] = "\n".join(kept)
    return "".join(parts)
