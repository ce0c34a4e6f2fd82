"""Which passages answer a question: those that hold one of its quotes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from eval.model import Question, Quote
from index.errors import PaperNotFound
from index.model import Span
from index.reader import Reader, StoredPaper, StoredPassage
from qa.locate import KeyedText

_MOST = 0.5  # of a quote's length


@dataclass(slots=True)
class Judgements:
    """qrels by question and passage name, and the questions that cannot be judged, with the reason."""

    qrels: dict[str, dict[str, int]] = field(default_factory=dict)
    unjudged: dict[str, str] = field(default_factory=dict)
    split_quotes: int = 0  # questions whose quotes no passage holds whole


def passage_name(paper: StoredPaper, passage: StoredPassage) -> str:
    """A passage's name in runs and qrels: the same in every library with the same text and splitting."""
    return f"{'_'.join(paper.key.split())}:{passage.span.start}-{passage.span.end}"


class Judge:
    """Finds quotes in the papers of one library. Texts are keyed once a paper."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._papers: dict[str, StoredPaper | None] = {}
        self._texts: dict[int, KeyedText] = {}
        self._passages: dict[int, list[StoredPassage]] = {}

    def judge(self, questions: Iterable[Question]) -> Judgements:
        """The relevant passages of every question, each of grade 1."""
        found = Judgements()
        for question in questions:
            spans = [(self.paper(q.paper), span) for q in question.quotes for span in self.places(q)]
            if not spans:
                known = any(self.paper(q.paper) for q in question.quotes)
                found.unjudged[question.id] = "quote not found" if known else "paper not in the library"
                continue
            whole, most = self._holding(spans)
            found.split_quotes += not whole
            if whole or most:
                found.qrels[question.id] = dict.fromkeys(whole or most, 1)
            else:
                found.unjudged[question.id] = "quote outside the passages"
        return found

    def paper(self, name: str) -> StoredPaper | None:
        """The paper called `name`, None if the library has no such paper."""
        if name not in self._papers:
            try:
                self._papers[name] = self._reader.find_paper(name)
            except PaperNotFound:
                self._papers[name] = None
        return self._papers[name]

    def places(self, quote: Quote) -> list[Span]:
        """Where the quote stands in its paper's text."""
        paper = self.paper(quote.paper)
        if paper is None:
            return []
        if paper.id not in self._texts:
            self._texts[paper.id] = KeyedText(self._reader.text(paper.id))
        text = self._texts[paper.id]
        if quote.position is None:
            return text.find(quote.text)
        nearest = text.nearest(quote.text, quote.position)
        return [nearest] if nearest else []

    def _holding(self, spans: list[tuple[StoredPaper | None, Span]]) -> tuple[list[str], list[str]]:
        """Names of the passages that hold a span whole, and of those that hold most of one."""
        whole: list[str] = []
        most: list[str] = []
        for paper, span in spans:
            assert paper is not None
            for passage in self._of(paper.id):
                shared = min(span.end, passage.span.end) - max(span.start, passage.span.start)
                if shared >= span.end - span.start:
                    whole.append(passage_name(paper, passage))
                elif shared >= _MOST * (span.end - span.start):
                    most.append(passage_name(paper, passage))
        return whole, most

    def _of(self, paper_id: int) -> list[StoredPassage]:
        if paper_id not in self._passages:
            found = self._reader.passages(self._reader.passage_ids(paper_id))
            self._passages[paper_id] = list(found.values())
        return self._passages[paper_id]
