"""Finds where a sentence comes from: every place where a paper has its words, else the sentences nearest it.

Words count as a paper's when their letters and digits agree from the beginning of a word to the end of one,
and their figures do too: "p < 0.05" and "p > 0.05" have the same letters and digits and say the opposite.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.embed import Embedder
from index.errors import SettingsError
from index.model import Page, Section, Span
from index.reader import Reader, StoredPaper, StoredPassage
from index.sentences import sentence_spans
from qa.locate import KeyedText, letters_key
from qa.model import EVERYTHING, Filters, Query
from qa.retrieve import Retriever
from qa.verify import page_of
from qa.words import content_words, fold, tokens

MAX_SENTENCE = 5_000  # characters
_SHORTLISTED = 300  # passages whose papers are read
_READ = 60  # papers
_PASSAGES = 10  # in which the nearest sentences are looked for
_MIN_LETTERS = 12
_MIN_WORDS = 3
_FIGURE = re.compile(r"[<>≤≥±]|(?<![\w)])-\d+(?:\.\d+)*|\d+(?:\.\d+)*")
_SIGNS = "<>≤≥±=−-+ "
_ENDS = 3  # characters in which such signs are looked for


@dataclass(frozen=True, slots=True)
class TracedPlace:
    """A place in a paper: `span` points into its text, `text` are its words there."""

    paper: StoredPaper
    span: Span
    text: str
    heading: str
    page: int | None
    same: bool = False  # to the letter, not only in letters, digits and figures


@dataclass(frozen=True, slots=True)
class NearSentence:
    """A sentence that is near, but is no quote. `score` is the cosine, 0 to 1; `passage` holds it."""

    place: TracedPlace
    score: float
    passage: StoredPassage


def checked_sentence(text: str) -> str:
    """The sentence without superfluous white space; SettingsError for too little or too much of one."""
    flat = " ".join(text.split())
    if len(tokens(flat)) < _MIN_WORDS or len(letters_key(flat)) < _MIN_LETTERS:
        raise SettingsError(
            f"{flat[:60]!r} is too short to be traced", "Give three words or more of the sentence."
        )
    if len(flat) > MAX_SENTENCE:
        raise SettingsError(
            f"the sentence has {len(flat):,} characters; at most {MAX_SENTENCE:,} are looked for",
            "Trace one sentence at a time.",
        )
    return flat


class Texts:
    """The texts of papers in one read transaction, each read once and made searchable once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._texts: dict[int, str] = {}
        self._keyed: dict[int, KeyedText] = {}
        self._outlines: dict[int, tuple[list[Section], list[Page]]] = {}

    def find(self, paper: StoredPaper, words: str) -> list[TracedPlace]:
        """Every place where the paper has these words, in the order of its text."""
        text = self._text(paper.id)
        if paper.id not in self._keyed:
            self._keyed[paper.id] = KeyedText(text)
        spans = [span for span in self._keyed[paper.id].find(words) if _whole_words(text, span)]
        return [
            self.place(paper, span, " ".join(words.split()) == " ".join(span.of(text).split()))
            for span in (_closed(text, span, words) for span in spans)
            if _same_figures(text, span, words)
        ]

    def place(self, paper: StoredPaper, span: Span, same: bool = False) -> TracedPlace:
        """The place of a span."""
        text = self._text(paper.id)
        if paper.id not in self._outlines:
            self._outlines[paper.id] = self.reader.sections(paper.id), self.reader.pages(paper.id)
        sections, pages = self._outlines[paper.id]
        inside = [s for s in sections if s.span.start <= span.start < s.span.end]
        heading = inside[-1].heading if inside else ""
        return TracedPlace(paper, span, span.of(text), heading, page_of(pages, span), same)

    def _text(self, paper_id: int) -> str:
        if paper_id not in self._texts:
            self._texts[paper_id] = self.reader.text(paper_id)
        return self._texts[paper_id]


def find_exact(reader: Reader, words: str, allowed: set[int] | None = None) -> list[TracedPlace]:
    """Every place where a paper has these words, the likeliest papers first; `allowed` are passage ids.

    The full-text index names the papers; words that span two passages are in both of them, in part.
    """
    hits = reader.match_words(_searched(words), _SHORTLISTED, (0.0, 0.0, 1.0), allowed)
    passages = reader.passages(i for i, _ in hits)
    order = list(dict.fromkeys(passages[i].paper_id for i, _ in hits if i in passages))[:_READ]
    papers, texts = reader.papers_by_id(order), Texts(reader)
    found = [place for paper_id in order for place in texts.find(papers[paper_id], words)]
    if allowed is None:
        return found
    within = {place.paper.id: _spans(reader, place.paper.id, allowed) for place in found}
    return [place for place in found if _touches(place.span, within[place.paper.id])]


def _searched(words: str) -> list[str]:
    """The words of the quote; a word with a ligature also as it is written, for so the index has it."""
    raw = [word for word in re.findall(r"[^\W_]+", words.lower()) if fold(word) != word]
    return [*content_words(words), *raw]


def _touches(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _spans(reader: Reader, paper_id: int, allowed: set[int]) -> list[Span]:
    ids = allowed.intersection(reader.passage_ids(paper_id))
    return [passage.span for passage in reader.passages(ids).values()]


def find_nearest(
    reader: Reader,
    retriever: Retriever,
    embedder: Embedder,
    sentence: str,
    filters: Filters = EVERYTHING,
    limit: int = 3,
) -> list[NearSentence]:
    """The sentences nearest in meaning among those of the passages found for this one, best first.

    Raises PaperNotFound or TagNotFound for a filter that names what the library lacks.
    """
    query = Query(sentence, sentence, filters)
    vector = retriever.embed(query)
    found = retriever.retrieve(reader, query, vector, _PASSAGES)
    texts = Texts(reader)
    places: list[tuple[StoredPaper, StoredPassage, Span]] = []
    for hit in found:
        start = hit.passage.span.start
        for local in sentence_spans(hit.passage.text, Span(0, len(hit.passage.text))):
            places.append((hit.paper, hit.passage, Span(start + local.start, start + local.end)))
    places = _once(places)
    if not places:
        return []
    said = [Span(s.start - p.span.start, s.end - p.span.start).of(p.text) for _, p, s in places]
    scores = embedder.passages(said) @ vector
    ranked = sorted(range(len(places)), key=lambda i: (-float(scores[i]), i))[:limit]
    return [
        NearSentence(texts.place(places[i][0], places[i][2]), round(float(scores[i]), 4), places[i][1])
        for i in ranked
    ]


def _once(
    places: Iterable[tuple[StoredPaper, StoredPassage, Span]],
) -> list[tuple[StoredPaper, StoredPassage, Span]]:
    """Each sentence once, though passages overlap; without those that have no words."""
    seen: dict[tuple[int, int], tuple[StoredPaper, StoredPassage, Span]] = {}
    for paper, passage, span in places:
        text = passage.text[span.start - passage.span.start : span.end - passage.span.start]
        if len(content_words(text)) >= _MIN_WORDS:
            seen.setdefault((paper.id, span.start), (paper, passage, span))
    return list(seen.values())


# --- when words are the same -----------------------------------------------------------------------------


def _whole_words(text: str, span: Span) -> bool:
    """Whether it begins and ends where words do: "art of" is no quote of "heart often"."""
    before = span.start > 0 and text[span.start - 1].isalnum()
    after = span.end < len(text) and text[span.end].isalnum()
    return not before and not after


def _closed(text: str, span: Span, words: str) -> Span:
    """The span with the marks that close the quote, as far as the text has the same ones."""
    tail = words.rstrip()[len(words.rstrip().rstrip(".!?)]%\"'”’")) :]
    end = span.end
    for mark in tail:
        if end < len(text) and text[end] == mark:
            end += 1
    return Span(span.start, end)


def _same_figures(text: str, span: Span, words: str) -> bool:
    """Whether the figures agree; signs at the ends of the words are looked for around the span."""
    start, end, bare = span.start, span.end, words.strip()
    if not bare[0].isalnum():
        while start > 0 and span.start - start < _ENDS and text[start - 1] in _SIGNS:
            start -= 1
    if not bare[-1].isalnum():
        while end < len(text) and end - span.end < _ENDS and text[end] in _SIGNS:
            end += 1
    return figures(text[start:end]) == figures(words)


def figures(text: str) -> list[str]:
    """The numbers and the signs that compare them, in order and in one spelling."""
    flat = unicodedata.normalize("NFKC", text).replace("−", "-").replace("·", ".")
    flat = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", flat)
    return _FIGURE.findall(re.sub(r"(?<=\d),(?=\d)", ".", flat))


def best_first(places: Sequence[TracedPlace], limit: int) -> list[TracedPlace]:
    """At most `limit` places, those to the letter first."""
    return sorted(places, key=lambda place: not place.same)[:limit]
