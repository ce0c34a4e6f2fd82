"""Splits a paper into passages: whole sentences of one section, as many as the model reads at once.

The length is counted by the model's own tokenizer and with the header, because a model silently cuts
what is longer. The passages of a section are filled evenly, so that none ends as a leftover of five
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from index.model import Paper, Passage, Section, Span
from index.sentences import sentence_spans

SPECIAL_TOKENS = 2  # [CLS] and [SEP], or what the model has in their place
_HEADER_SHARE = 3  # a header takes at most a third of what the model reads


class TokenCounter(Protocol):
    """Counts word pieces as the embedding model will see them, special tokens left out."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text."""
        ...


def passage_input(header: str, text: str) -> str:
    """What the embedding model reads for a passage."""
    return f"{header}\n{text}" if header else text


def split(paper: Paper, counter: TokenCounter, max_tokens: int) -> list[Passage]:
    """The passages of `paper`, in order; `max_tokens` includes header and special tokens."""
    passages: list[Passage] = []
    for position, section in enumerate(paper.sections):
        if section.kind.searched:
            header = _header(paper.record.title, section, counter, max_tokens // _HEADER_SHARE)
            room = max_tokens - SPECIAL_TOKENS - counter.count([header])[0]
            for span in _pack(paper.text, section.span, counter, room):
                passages.append(Passage(span, position, header))
    return passages


def _header(title: str, section: Section, counter: TokenCounter, room: int) -> str:
    """Title › heading, with a table's caption; each part gives way before the next is lost."""
    parts = [title, section.heading, section.caption]
    share = max(8, room // max(1, sum(1 for part in parts if part)))
    counts = counter.count(parts)
    if sum(counts) > room:
        parts = [part if n <= share else _first_words(part, share, counter)
                 for part, n in zip(parts, counts, strict=True)]  # fmt: skip
    return " › ".join(part for part in parts if part)


def _first_words(text: str, room: int, counter: TokenCounter) -> str:
    words = text.split()
    kept: list[str] = []
    for word, tokens in zip(words, counter.count(words), strict=True):
        room -= tokens
        if room < 0:
            break
        kept.append(word)
    return " ".join(kept)


def _pack(text: str, span: Span, counter: TokenCounter, room: int) -> list[Span]:
    """Spans of whole sentences, each at most `room` word pieces; a longer sentence is cut at blanks."""
    sentences = sentence_spans(text, span)
    counts = counter.count([s.of(text) for s in sentences])
    pieces: list[tuple[Span, int]] = []
    for sentence, tokens in zip(sentences, counts, strict=True):
        if tokens <= room:
            pieces.append((sentence, tokens))
        else:
            pieces.extend(_cut(text, sentence, counter, room))
    return _fits(text, _fill(pieces, room), counter, room)


def _fill(pieces: list[tuple[Span, int]], room: int) -> list[Span]:
    """Joins neighbouring pieces up to an even share of the whole, never over `room`."""
    left = sum(tokens for _, tokens in pieces)
    spans: list[Span] = []
    i = 0
    while i < len(pieces):
        passages_left = -(-left // room)
        target = -(-left // passages_left)
        first, used = pieces[i]
        last = first
        i += 1
        while i < len(pieces) and used + pieces[i][1] <= room:
            following = pieces[i][1]
            # Stop where adding the next sentence would miss the target by more than leaving it out.
            if passages_left > 1 and used + following - target > target - used:
                break
            last = pieces[i][0]
            used += following
            i += 1
        left -= used
        spans.append(Span(first.start, last.end))
    return spans


def _cut(text: str, sentence: Span, counter: TokenCounter, room: int) -> list[tuple[Span, int]]:
    """A sentence longer than a passage, cut between words, or within one that is itself too long."""
    words = _words(text, sentence, room)
    counts = counter.count([w.of(text) for w in words])
    pieces: list[tuple[Span, int]] = []
    for word, tokens in zip(words, counts, strict=True):
        if pieces and pieces[-1][1] + tokens <= room:
            pieces[-1] = (Span(pieces[-1][0].start, word.end), pieces[-1][1] + tokens)
        else:
            pieces.append((word, tokens))
    return pieces


def _words(text: str, sentence: Span, room: int) -> list[Span]:
    """The words of a sentence; one longer than `room` characters (a sequence, a URL) comes in parts,
    since a word piece is at least one character."""
    words: list[Span] = []
    position = sentence.start
    for word in sentence.of(text).split():
        start = text.index(word, position)
        position = start + len(word)
        words.extend(Span(at, min(at + room, position)) for at in range(start, position, room))
    return words


def _fits(text: str, spans: list[Span], counter: TokenCounter, room: int) -> list[Span]:
    """Counts whole passages once more: not every tokenizer's counts add up over sentences."""
    checked: list[Span] = []
    for span, tokens in zip(spans, counter.count([s.of(text) for s in spans]), strict=True):
        if tokens <= room or len(span) < 2:
            checked.append(span)
        else:
            sentences = sentence_spans(text, span)
            if len(sentences) > 1:
                middle = len(sentences) // 2
                halves = [Span(span.start, sentences[middle - 1].end),
                          Span(sentences[middle].start, span.end)]  # fmt: skip
            else:
                middle_at = (span.start + span.end) // 2
                halves = [Span(span.start, middle_at), Span(middle_at, span.end)]
            checked.extend(_fits(text, halves, counter, room))
    return checked
