"""The nouns of a question and its answer. Frozen; nothing here knows how they are found or shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from index.model import Span

if TYPE_CHECKING:  # it brings in SQLite and numpy, which the first screen does not wait for
    from index.reader import StoredPaper, StoredPassage


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be searched. Empty means everything; years are inclusive, None leaves an end open;
    papers in `without` are left out."""

    papers: tuple[str, ...] = ()
    years: tuple[int | None, int | None] | None = None
    sections: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # of sections
    without: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()  # papers that have any of them

    def __bool__(self) -> bool:
        return bool(self.papers or self.years or self.sections or self.kinds or self.without or self.tags)


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Query:
    """The question as asked, and the text that is searched for it."""

    question: str
    text: str
    filters: Filters = EVERYTHING


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage with its rank (from 1) and score (higher is better), and why it stands there."""

    rank: int
    score: float
    passage: StoredPassage
    paper: StoredPaper
    cosine: float | None = None  # None where only its words were found
    bm25: float | None = None  # None where only its meaning was found


class Verdict(StrEnum):
    """How well a citation supports its sentence."""

    VERBATIM = "verbatim"
    SUPPORTED = "supported"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Citation:
    """One mark in the answer: `paper.text[span.start:span.end] == quote`, checked before it is shown."""

    number: int
    paper: StoredPaper
    passage: StoredPassage
    quote: str
    span: Span
    page: int | None
    verdict: Verdict  # how well this quote alone supports its sentence
    reasons: tuple[str, ...] = ()  # what speaks against it, in the reader's words


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence of the answer with the citations it stands on, and how well they support it together.

    `text` is what is shown. For a sentence of a paper it is the quote, or the quote with citewell's own
    additions in square brackets.
    """

    text: str
    citations: tuple[Citation, ...]
    verdict: Verdict = Verdict.UNCHECKED
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A line that citewell itself says of the quotes, with the numbers of the citations it rests on."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """A cited paper as the list beneath the answer shows it, with the numbers of its citations."""

    numbers: tuple[int, ...]
    paper: StoredPaper
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """All there is to show for a question. A declined answer has no sentences but may have evidence.

    `query` is what was searched for: another text than `question` where that was a follow-up. `writer` names
    the language model that wrote the sentences; without one they are the papers' own. `extracted` are the
    papers' own sentences, given beside what a model wrote when that is missing or incomplete.
    """

    question: str
    query: str
    declined: bool
    sentences: tuple[AnswerSentence, ...]
    references: tuple[ReferenceEntry, ...]
    evidence: tuple[ScoredPassage, ...]
    confidence: float = 0.0  # 0 to 1: how well the evidence meets the question
    notices: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    caveat: Statement | None = None  # of whom the question asks and no quoted passage speaks
    headline: Statement | None = None  # the answer in one line, where the evidence states it
    weighing: Statement | None = None  # whether the papers agree
    writer: str = ""
    incomplete: bool = False  # the model's text broke off
    extracted: tuple[AnswerSentence, ...] = ()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What citewell itself says of the quotes, in the order in which it stands above them."""
        return tuple(said for said in (self.caveat, self.headline, self.weighing) if said is not None)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations of the answer, those of the papers' own sentences last."""
        return tuple(c for sentence in (*self.sentences, *self.extracted) for c in sentence.citations)


@dataclass(frozen=True, slots=True)
class StageBegun:
    """A step of answering begins, e.g. "loading the model"."""

    stage: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What is searched for, and within what: `scope` is that in words. `because` says what a follow-up was
    taken to follow."""

    query: Query
    because: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The evidence is known."""

    evidence: tuple[ScoredPassage, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """More text from a language model, as it came: nothing of it is verified yet.

    Empty where it is still waited for: a chance to stop, several times a second.
    """

    text: str


@dataclass(frozen=True, slots=True)
class SentenceReady:
    """One more sentence of the answer, its quotes re-found and judged."""

    sentence: AnswerSentence


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole answer; always the last event."""

    answer: Answer


AnswerEvent = StageBegun | Understood | Retrieved | Drafted | SentenceReady | Finished
