"""What a language model wrote, taken apart: quotes with keys, then sentences with keys.

It comes as JSON or as marked lines, and mostly in pieces. It is a stranger's text: nothing in it is
obeyed, what is invisible is dropped, and nothing in it may look like a mark of citewell's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from index.model import Span
from index.sentences import sentence_spans
from qa.prompt import NO_ANSWER

_MAX_SENTENCES = 12
_MAX_QUOTES = 24
_MAX_KEYS = 8
_MAX_SENTENCE = 1_000
_MAX_QUOTE = 2_000
_JSON = re.compile(r'\{\s*"(?:quotes|sentences)"|\A\s*(?:```(?:json)?\s*)?\{')
_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_QUOTE = re.compile(r"[-*•\d.\s]*QUOTE\b[\s:]*[\[(]?\s*(\w{1,12})\s*[\])]?[\s:]*(.+)", re.IGNORECASE)
# [k7f2], [k7f2, m3p8], [1], (k7f2). Neither "(p53)" nor "[18F]" is one, so those forms are left alone.
_ITEM = r"(?:(?=[a-z]+\d)[a-z\d]{4,8}|\d{1,3})"
_MARK = re.compile(
    rf"\[ ?({_ITEM}(?: ?[,; ] ?{_ITEM})*) ?\]|\( ?([a-z]\d[a-z]\d(?: ?[,; ] ?[a-z]\d[a-z]\d)*) ?\)",
    re.IGNORECASE,
)
_BEFORE_STOP = re.compile(r" ([.,;!?])")  # what a removed mark leaves behind
_OUR_SIGNS = re.compile(r"[✓✔✗✘☑☒✅❌]")
_QUOTATION = "\"'“”‘’«»„` "


@dataclass(frozen=True, slots=True)
class DraftQuote:
    """What a model says is written in the passage of this key."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence of a model, and the keys it names for it."""

    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply as far as it goes. `rest` is a sentence that is not finished yet."""

    quotes: tuple[DraftQuote, ...] = ()
    sentences: tuple[DraftSentence, ...] = ()
    rest: str = ""
    declined: bool = False  # the model says that the passages do not answer
    readable: bool = True  # False where a reply is neither JSON nor lines

    @property
    def view(self) -> str:
        """The sentences as one reads them while they come."""
        return " ".join([*(s.text for s in self.sentences), *([self.rest] if self.rest else [])])


def parse_draft(reply: str, *, ended: bool) -> Draft:
    """Takes a reply apart, also one that has not ended: what is not finished yet is only its `rest`."""
    reply = _THOUGHTS.sub("", reply)
    begin = _JSON.search(reply)
    if begin is not None:
        return _from_json(reply[reply.index("{", begin.start()) :], ended=ended)
    if not ended and reply.strip().startswith(("`", "<")):
        return Draft()
    return _from_lines(reply, ended=ended)


# --- JSON ---------------------------------------------------------------------------------------------------


def _from_json(text: str, *, ended: bool) -> Draft:
    try:
        seen = from_json(text, allow_partial="trailing-strings")
        sure = from_json(text, allow_partial=True)  # an unfinished string is left out
    except ValueError:
        return Draft(readable=False)
    try:
        from_json(text.strip().removesuffix("```"))
        whole = True
    except ValueError:
        whole = False
    closed = whole or text.rstrip().endswith(("}", "},", "}]"))
    quotes = [
        DraftQuote(_key(entry["key"]), plain(entry["quote"], _MAX_QUOTE))
        for entry in _list(sure, "quotes")
        if isinstance(entry, dict)
        and isinstance(entry.get("key"), str)
        and isinstance(entry.get("quote"), str)
    ]
    entries = _list(sure, "sentences")
    finished = entries if closed else entries[:-1]
    sentences = [s for entry in finished for s in _sentences(_text(entry), _list(entry, "keys"))]
    begun = _list(seen, "sentences")[len(finished) :]
    rest = ""
    if begun and not ended:
        done, rest = _cut(_text(begun[0]))
        if keys := _list(begun[0], "keys"):  # where they come first, the sentences before the cut have them
            sentences += _sentences(done, keys)
        else:
            rest = plain(f"{done} {rest}", _MAX_SENTENCE)
    draft = _draft(quotes, sentences, rest)
    answers = isinstance(sure, dict) and isinstance(sure.get("sentences"), list)
    return replace(draft, declined=ended and whole and answers and not draft.quotes and not sentences)


def _cut(text: str) -> tuple[str, str]:
    """The whole sentences of a text that is not at its end yet, and the piece after them."""
    flat = plain(text, 4 * _MAX_SENTENCE)
    *whole, last = sentence_spans(flat, Span(0, len(flat))) or [Span(0, 0)]
    return (flat[: whole[-1].end] if whole else ""), plain(last.of(flat), _MAX_SENTENCE)


def _list(data: Any, name: str) -> list[Any]:
    """A list of a reply, whatever the rest of it may be."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def _text(entry: Any) -> str:
    text = entry.get("text") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else ""


# --- lines --------------------------------------------------------------------------------------------------


def _from_lines(text: str, *, ended: bool) -> Draft:
    *lines, last = text.split("\n")
    quotes: list[DraftQuote] = []
    sentences: list[DraftSentence] = []
    declined = False
    for line in (" ".join(line.split()) for line in [*lines, *([last] if ended else [])]):
        quote = _QUOTE.match(line)
        if quote is not None:
            quotes.append(DraftQuote(_key(quote[1]), plain(quote[2], _MAX_QUOTE).strip(_QUOTATION)))
        elif line.strip(" .*\t").upper() == NO_ANSWER:
            declined = True
        elif not line.rstrip("* ").endswith(":"):  # "Here is the answer:"
            sentences += _marked(line, ended=True)[0]
    rest = ""
    if not ended and not "QUOTE".startswith(last.strip().upper()[:5]):
        more, rest = _marked(" ".join(last.split()), ended=False)
        sentences += more
    draft = _draft(quotes, sentences, rest)
    return replace(draft, declined=declined and ended and not sentences)


def _marked(line: str, *, ended: bool) -> tuple[list[DraftSentence], str]:
    """The sentences of a line, each group of them up to its marks; what has no mark yet is the rest."""
    sentences: list[DraftSentence] = []
    begin = end = 0
    keys: list[str] = []
    for mark in _MARK.finditer(line):
        if keys and line[end : mark.start()].strip(" ,;"):
            sentences += _sentences(line[begin:end], keys)
            begin, keys = end, []
        keys += _keys_in(mark)
        end = mark.end()
        while end < len(line) and line[end] in ".!?":  # "… in mice [k7f2]."
            end += 1
    if keys and (ended or end < len(line)):  # a full stop may still come
        sentences += _sentences(line[begin:end], keys)
        begin = end
    left = line[begin:].strip()
    if not ended:
        cut = left.rfind("[")
        return sentences, plain(left[:cut] if cut >= 0 else left, _MAX_SENTENCE)
    return sentences + _sentences(left, []), ""


# --- what both share ----------------------------------------------------------------------------------------


def _keys_in(mark: re.Match[str]) -> list[str]:
    return [_key(part) for part in re.split(r"[\s,;]+", mark[1] or mark[2]) if part]


def _sentences(text: str, keys: Iterable[Any]) -> list[DraftSentence]:
    """The sentences in a text, every one with all its keys; marks in it are keys, and no part of it."""
    named = [_key(key) for key in keys if isinstance(key, str)]
    flat = plain(text, 4 * _MAX_SENTENCE)
    named += [key for mark in _MARK.finditer(flat) for key in _keys_in(mark)]
    bare = _BEFORE_STOP.sub(r"\1", plain(_MARK.sub("", flat), 4 * _MAX_SENTENCE)).lstrip("-*•– ")
    chosen = tuple(dict.fromkeys(named))[:_MAX_KEYS]
    spans = sentence_spans(bare, Span(0, len(bare)))
    texts = [plain(span.of(bare), _MAX_SENTENCE) for span in spans]
    return [DraftSentence(t, chosen) for t in texts if any(c.isalpha() for c in t)]


def _key(text: str) -> str:
    return plain(text, 40).strip("[]() ").lower()


def plain(text: str, longest: int) -> str:
    """One line without anything invisible and without citewell's signs, cut where it is too long."""
    seen = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    flat = " ".join(_OUR_SIGNS.sub("", seen).split())
    return flat if len(flat) <= longest else flat[:longest].rsplit(" ", 1)[0] + "…"


def _draft(quotes: list[DraftQuote], sentences: list[DraftSentence], rest: str) -> Draft:
    kept = [quote for quote in quotes if quote.text]
    unique = list(dict.fromkeys(sentences))  # small models repeat themselves
    return Draft(tuple(kept[:_MAX_QUOTES]), tuple(unique[:_MAX_SENTENCES]), rest)
