"""Which way a sentence says that something goes: up, down, or nowhere. Only where it says so clearly."""

from __future__ import annotations

import re
from enum import StrEnum


class Direction(StrEnum):
    """What is said to happen."""

    UP = "up"
    DOWN = "down"
    NONE = "none"  # no difference, no effect, no change


_UP = re.compile(
    r"\b(?:increas\w*|rais(?:e|es|ed|ing)|higher|great(?:er|est)|elevat\w*|enhanc\w*|improv\w*|promot(?:e|es|ed|ing)"
    r"|stimulat(?:e|es|ed|ing)|up-?regulat\w*|more|longer|faster|better|superior|gain(?:s|ed)?|rose|rises?|grew"
    r"|augment\w*|boost\w*|prolong\w*|strengthen\w*|thicker|activat(?:e|es|ed|ing)|induc(?:e|es|ed|ing)|accelerat\w*"
    r"|accumulat\w*)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:decreas\w*|reduc\w*|lower(?:s|ed|ing)?|less|fewer|declin\w*|diminish\w*|suppress\w*|inhibit\w*"
    r"|down-?regulat\w*|shorter|slower|worse\w*|inferior|fell|falls?|drop(?:s|ped)?|attenuat\w*|impair\w*"
    r"|shorten\w*|smaller|alleviat\w*|prevent(?:s|ed|ing)?|block(?:s|ed|ing)?|loss(?:es)?|deplet\w*|lessen\w*"
    r"|ameliorat\w*|mitigat\w*|abolish\w*|thinner)\b",
    re.IGNORECASE,
)
_EFFECT = (
    r"(?:differen\w+|effects?|changes?|associations?|correlations?|improvements?|reductions?|increases?|decreases?"
    r"|benefits?|impact|influence|evidence|relationships?|gains?|declines?|interactions?|advantages?)"
)
_EXCEPTED = re.compile(
    r"\b(?:except|apart from|other than|but|although|though|however|while|whereas|only)\b", re.I
)
_DENIED = (
    r"differ\w*|chang\w*|affect\w*|alter\w*|influenc\w*|improv\w*|increas\w*|reduc\w*|decreas\w*|lower\w*"
    r"|rais\w*|higher|better|worse|associat\w*|correlat\w*|significan\w*|superior|inferior|rise|fall|enhanc\w*"
    r"|promot\w*|prevent\w*|help\w*"
)
_NONE = re.compile(
    r"\b(?:" + "|".join((
        r"no (?:\w+ ){0,3}?" + _EFFECT,
        r"(?:did|do|does|was|were|is|are|has|had|have) (?:not|n't) (?:\w+ ){0,2}?(?:" + _DENIED + ")",
        r"not (?:statistically )?significan\w+|non-?significan\w+|insignifican\w+",
        r"neither (?:[\w-]+ ){1,6}?(?:" + _DENIED + r")|neither",
        r"unchanged|unaffected|unaltered|non-?inferior\w*",
        r"similar (?:in|between|across|among|for|to|with)",
        r"(?:was|were|is|are|remained) (?:\w+ )?(?:similar|comparable|equivalent|the same|equal|stable)",
        r"comparable (?:in|between|across|among|to|with)",
        r"no (?:better|worse|more|less|higher|lower)",
        r"failed to \w+|did not|do not|does not|could not|cannot",
        r"(?:without|lack of) (?:\w+ )?" + _EFFECT,
    )) + r")\b",
    re.IGNORECASE,
)  # fmt: skip


def direction(text: str) -> Direction | None:
    """The one direction a sentence gives; None where it gives none, or more than one."""
    left = _NONE.sub(" ", text)
    found = set()
    if left != text:
        if _EXCEPTED.search(text):
            return None
        found.add(Direction.NONE)
        # What follows "did not" is denied with it: "did not reduce pain" reduces nothing.
        left = re.sub(r"\s{2,}\w+", " ", left)
    if _UP.search(left):
        found.add(Direction.UP)
    if _DOWN.search(left):
        found.add(Direction.DOWN)
    return found.pop() if len(found) == 1 else None


def denies(text: str) -> bool:
    """Whether a text says anywhere that something made no difference."""
    return _NONE.search(text) is not None


def opposed(claim: str, quote: str) -> str | None:
    """What speaks against the claim, in words, where both give one direction and they differ."""
    claimed, quoted = direction(claim), direction(quote)
    if claimed is None or quoted is None or claimed is quoted:
        return None
    said = {Direction.UP: "an increase", Direction.DOWN: "a decrease", Direction.NONE: "no effect"}
    return f"the sentence says {said[claimed]}, the quote {said[quoted]}"
