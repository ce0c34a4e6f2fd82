"""Questions to a small library whose answers a scripted server writes: all real but embedder and model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.library import Library
from index.vectors import VectorIndex
from qa.answer import Answerer, AnswerOptions
from qa.llm.address import parse_address
from qa.llm.openai import LlmLimits, OpenAIChat
from qa.model import Answer, AnswerEvent, Finished
from qa.retrieve import RetrievalOptions, Retriever
from qa.verify import Judge
from qa.write import Writer, WriterOptions
from tests.fakes import FakeEmbedder, make_library, make_syncer, report_of, tiny

QUESTION = "do pericytes increase capillary density?"
DENSITY = "Swine pericytes increased capillary density by 51% in the border zone (P=0.003)."
FIBROSIS = "There is no evidence that pericytes lower capillary density or mortality in pigs."
DOSE = "Pericytes increased capillary density at −0.5 mmol/l, but not at 5 mmol/l of glucose."
QUICK = LlmLimits(connect=2.0, first_token=5.0, between_tokens=5.0, total=20.0, backoff=0.01)
SECRET = b"of this test run"


def papers_library(folder: Path, *blocks: str) -> Library:
    """A library of papers of one paragraph each."""
    library = make_library(folder / "library")
    source = folder / "papers"
    source.mkdir()
    for number, block in enumerate(blocks):
        (source / f"{number}.txt").write_text(tiny(f"Pericytes {number}", "# Results", block))
    report_of(make_syncer(library).add([source]))
    return library


def make_answerer(library: Library, url: str, judge: Judge | None = None, **more: Any) -> Answerer:
    """Answers from this library through the server at `url`."""
    model = OpenAIChat(parse_address(url), limits=more.pop("limits", QUICK), **more)
    writer = Writer(model, WriterOptions(), judge, SECRET)
    embedder = FakeEmbedder()
    retriever = Retriever(embedder, VectorIndex(library), RetrievalOptions(), None)
    return Answerer(library, embedder, retriever, AnswerOptions(), writer=writer)


def answered(answerer: Answerer, question: str = QUESTION) -> Answer:
    """The answer to a question."""
    *_, last = events(answerer, question)
    assert isinstance(last, Finished)
    return last.answer


def events(answerer: Answerer, question: str = QUESTION) -> list[AnswerEvent]:
    """All that an answer tells on its way."""
    return list(answerer.answer(question))


def assert_quotes_stand(library: Library, answer: Answer) -> None:
    """Every quote is at its place in its paper, every number is that of one place, and all are listed."""
    places: dict[int, object] = {}
    with library.read() as reader:
        for sentence in (*answer.sentences, *answer.extracted):
            for citation in sentence.citations:
                text = reader.text(citation.paper.id)
                assert citation.span.of(text) == citation.quote
                assert citation.passage.span.contains(citation.span)
                place = (citation.paper.id, citation.span)
                assert places.setdefault(citation.number, place) == place
    assert sorted(places) == list(range(1, len(places) + 1))
    assert sorted(n for entry in answer.references for n in entry.numbers) == sorted(places)


@contextmanager
def stopped(answerer: Answerer, question: str = QUESTION) -> Iterator[Iterator[AnswerEvent]]:
    """An answer that is left before its end."""
    running = answerer.answer(question)
    try:
        yield running
    finally:
        running.close()
