"""Claims made of what is known: a trial's finding in words, and a sentence made to say something else."""

from __future__ import annotations

import random
import re

UP, DOWN, SAME = "up", "down", "same"

_WORDED = {
    UP: (
        "{I} significantly increased {o} compared with {c}.",
        "{O} was significantly higher with {i} than with {c}.",
        "{O} was higher in the {i} group than in the {c} group.",
        "Compared with {c}, {i} led to higher {o}.",
        "{I} increases {o}.",
        "{I} raised {o}.",
        "There was more {o} with {i} than with {c}.",
    ),
    DOWN: (
        "{I} significantly reduced {o} compared with {c}.",
        "{O} was significantly lower with {i} than with {c}.",
        "{O} was lower in the {i} group than in the {c} group.",
        "Compared with {c}, {i} led to lower {o}.",
        "{I} decreases {o}.",
        "{I} lowered {o}.",
        "There was less {o} with {i} than with {c}.",
    ),
    SAME: (
        "{I} had no significant effect on {o} compared with {c}.",
        "There was no significant difference in {o} between {i} and {c}.",
        "{O} did not differ between {i} and {c}.",
        "{O} was similar with {i} and {c}.",
        "{I} does not affect {o}.",
        "{I} was no better than {c} for {o}.",
    ),
}
_OPPOSITE = {UP: DOWN, DOWN: UP, SAME: SAME}
# Read both ways.
_ANTONYMS = (
    ("increased", "decreased"), ("increase", "decrease"), ("increases", "decreases"), ("higher", "lower"),
    ("increased", "reduced"), ("greater", "smaller"), ("more", "less"), ("improved", "worsened"),
    ("improve", "worsen"), ("improvement", "deterioration"), ("better", "worse"), ("longer", "shorter"),
    ("enhanced", "impaired"), ("enhances", "impairs"), ("promotes", "inhibits"), ("promoted", "inhibited"),
    ("promote", "inhibit"), ("stimulates", "suppresses"), ("activates", "inhibits"), ("elevated", "reduced"),
    ("upregulated", "downregulated"), ("up-regulated", "down-regulated"), ("gain", "loss"),
    ("faster", "slower"), ("positively", "negatively"), ("positive", "negative"), ("protects", "harms"),
    ("effective", "ineffective"), ("superior", "inferior"), ("most", "least"), ("high", "low"),
    ("safe", "harmful"), ("induces", "prevents"), ("induced", "prevented"), ("before", "after"),
    ("raises", "lowers"), ("raised", "lowered"), ("early", "late"), ("stronger", "weaker"),
)  # fmt: skip
_FLIPS: dict[str, list[str]] = {}
for _one, _other in _ANTONYMS:
    _FLIPS.setdefault(_one, []).append(_other)
    _FLIPS.setdefault(_other, []).append(_one)
_FLIPPABLE = re.compile(
    r"\b(?:" + "|".join(map(re.escape, sorted(_FLIPS, key=len, reverse=True))) + r")\b", re.I
)
_UNNEGATED = (
    (re.compile(r"\bno significant\b", re.I), "a significant"),
    (re.compile(r"\bnot significantly\b", re.I), "significantly"),
    (re.compile(r"\b(did|does|do) not\b", re.I), r"\1"),
    (re.compile(r"\b(was|were|is|are|can|could|may|will) not\b", re.I), r"\1"),
    (re.compile(r"\bwithout\b", re.I), "with"),
)
_NEGATABLE = re.compile(r"\b(was|were|is|are|can|could|may|will|has been|have been)\b(?! not)", re.I)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_OPENING = re.compile(
    r"^(?:however|moreover|furthermore|in addition|interestingly|notably|importantly|in conclusion"
    r"|in summary|overall|finally|thus|therefore|our (?:results|findings|data) (?:show|suggest|indicate)"
    r"(?:ed)? that|(?:we|the authors) (?:found|showed|observed|conclude|report)(?:ed)? that"
    r"|these (?:results|findings|data) (?:show|suggest|indicate) that)[,:]?\s+",
    re.I,
)


def finding(direction: str, one: str, other: str, outcome: str, rng: random.Random) -> str:
    """A claim that `one` moves the outcome in this direction against `other`, in one of many wordings."""
    if direction != SAME and rng.random() < 0.25:  # the same said from the other side
        direction, one, other = _OPPOSITE[direction], other, one
    form = rng.choice(_WORDED[direction])
    return form.format(I=_capital(one), i=one, c=other, O=_capital(outcome), o=outcome)


def shortened(sentence: str, rng: random.Random) -> str:
    """What a writer would take over of a sentence: asides, openings or the last clause left out."""
    text = _OPENING.sub("", sentence)
    if rng.random() < 0.7:
        text = _ASIDE.sub("", text)
    clauses = re.split(r"[,;:] ", text)
    if len(clauses) > 1 and len(clauses[0].split()) >= 7 and rng.random() < 0.5:
        text = clauses[0]
    return _capital(text.rstrip(" .")) + "."


def contradicted(sentence: str, rng: random.Random) -> str | None:
    """The sentence turned into its opposite by one word; None where none can be turned."""
    for pattern, positive in _UNNEGATED:
        if pattern.search(sentence):
            return pattern.sub(positive, sentence, count=1)
    words = list(_FLIPPABLE.finditer(sentence))
    if words and rng.random() < 0.8:
        found = rng.choice(words)
        other = rng.choice(_FLIPS[found[0].lower()])
        return sentence[: found.start()] + other + sentence[found.end() :]
    verbs = list(_NEGATABLE.finditer(sentence))
    if not verbs:
        return None
    verb = verbs[0]
    word = " not been" if verb[0].lower().endswith("been") else " not"
    kept = verb[0].split()[0]
    return sentence[: verb.start()] + kept + word + sentence[verb.end() :]


def misnumbered(sentence: str, rng: random.Random) -> str | None:
    """The sentence with another number; None without a number."""
    numbers = list(_NUMBER.finditer(sentence))
    if not numbers:
        return None
    found = rng.choice(numbers)
    value = float(found[0]) * rng.choice((0.2, 0.5, 1.5, 2, 3, 10)) + rng.choice((0, 1, 3))
    text = f"{value:.{len(found[0].partition('.')[2])}f}"
    return sentence[: found.start()] + text + sentence[found.end() :] if text != found[0] else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
