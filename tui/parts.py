"""The composition root: makes the parts from the settings and hands them over. Nothing else makes them.

Every part is made when it is first asked for, so that `citewell papers` never pays for a model.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qa.settings import Settings

if TYPE_CHECKING:
    from index.embed import Embedder
    from index.library import Library
    from index.model import Paper
    from index.parse.pdf import PdfParser
    from index.sync import Syncer
    from qa.answer import Answerer
    from qa.rerank import Reranker
    from qa.retrieve import RetrievalOptions, Retriever


class Parts:
    """Library, embedder, syncer and answerer for one set of settings. A context manager: it ends workers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pdf: PdfParser | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the PDF worker, if one was started."""
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None

    @cached_property
    def library(self) -> Library:
        """The library of the settings, which need not exist yet."""
        from index.library import Library

        return Library(self.settings.library)

    @cached_property
    def embedder(self) -> Embedder:
        """The model named in the settings, else the one the library was built with, else the default."""
        from index.embed import DEFAULT_MODEL, SentenceTransformerEmbedder

        name = self.settings.model
        if name is None and self.library.exists():
            with self.library.read() as reader:
                model = reader.model()
            name = model[1].name if model else None
        return SentenceTransformerEmbedder(name or DEFAULT_MODEL, precision=self.settings.precision)

    def parse(self, data: bytes, name: str) -> Paper:
        """A file's paper; PDFs in a worker process of their own."""
        from index.parse import parse
        from index.parse.pdf import PdfParser

        if self._pdf is None:
            self._pdf = PdfParser()
        return parse(data, name, self._pdf)

    @cached_property
    def syncer(self) -> Syncer:
        """Brings files into the library."""
        from index.parse import SUFFIXES
        from index.sync import Syncer

        return Syncer(self.library, self.embedder, self.parse, SUFFIXES)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker of the settings."""
        from qa.rerank import make_reranker

        return make_reranker(self.settings.reranker)

    @cached_property
    def retrieval(self) -> RetrievalOptions:
        """How retrieval weighs what it finds; an evaluation may try other values."""
        from qa.retrieve import RetrievalOptions

        return RetrievalOptions(rerank_ms=self.settings.rerank_ms)

    @cached_property
    def retriever(self) -> Retriever:
        """Finds passages. WrongModel if the library was built with another model than the configured one."""
        from index.vectors import VectorIndex
        from index.writer import check_model
        from qa.retrieve import Retriever

        with self.library.read() as reader:
            model = reader.model()
        if model is not None:
            check_model(model[1], self.embedder.fingerprint)
        return Retriever(self.embedder, VectorIndex(self.library), self.retrieval, self.reranker)

    @cached_property
    def answerer(self) -> Answerer:
        """Answers questions from the library. Not for use from two threads at once."""
        from qa.answer import Answerer, AnswerOptions

        settings = self.settings
        options = AnswerOptions(
            settings.evidence, settings.per_paper, settings.sentences, 0.3 * settings.rerank_ms
        )
        return Answerer(self.library, self.embedder, self.retriever, options, self.reranker)
