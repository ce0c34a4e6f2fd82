"""The composition root: makes the parts from the settings and hands them over. Nothing else makes them.

Every part is made when it is first asked for, so that `citewell papers` never pays for a model.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qa.settings import Settings

if TYPE_CHECKING:
    from index.embed import Embedder
    from index.embedders import ModelEmbedder
    from index.fetch.run import FetchRun
    from index.library import Library
    from index.model import Paper, Span
    from index.net.client import HttpClient, Network
    from index.parse.pdf import PdfParser
    from index.sync import Syncer
    from index.vectors import VectorIndex
    from index.zotero import ZoteroPaper
    from qa.answer import Answerer
    from qa.conversation import Conversation
    from qa.history import History
    from qa.llm.chat import ChatModel
    from qa.model import ScoredPassage
    from qa.rerank import Reranker
    from qa.retrieve import RetrievalOptions, Retriever
    from qa.rewrite import Rewriter
    from qa.support import SupportModel
    from qa.verifier import Verifier
    from qa.verify import Judge
    from qa.write import Writer


class Parts:
    """Library, embedder, syncer and answerer for one set of settings. A context manager: it ends workers."""

    def __init__(self, settings: Settings, network: Network | None = None) -> None:
        self.settings = settings
        self._network = network
        self._pdf: PdfParser | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the PDF worker and what is waited for on the network, if either was started."""
        if "client" in self.__dict__:
            self.client.close()
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
        return self._embedder(bulk=False)

    @cached_property
    def bulk_embedder(self) -> ModelEmbedder:
        """The same model, computed by what is fastest for many passages."""
        return self._embedder(bulk=True)

    def _embedder(self, *, bulk: bool) -> ModelEmbedder:
        import platformdirs

        from index.embed import DEFAULT_MODEL
        from index.embedders import ModelEmbedder
        from index.model_notes import ModelNotes

        name = self.settings.model
        if name is None and self.library.exists():
            with self.library.read() as reader:
                model = reader.model()
            name = model[1].name if model else None
        notes = ModelNotes(platformdirs.user_cache_path("citewell", appauthor=False) / "models")
        return ModelEmbedder(
            name or DEFAULT_MODEL, notes, precision=self.settings.precision,
            local_only=self.settings.offline, bulk=bulk,
        )  # fmt: skip

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
        from index.reading_pool import ReadingPool
        from index.sync import Syncer

        pool = ReadingPool(lambda: self.bulk_embedder.tokenizer_file)
        return Syncer(self.library, self.bulk_embedder, self.parse, SUFFIXES, pool=pool)

    @cached_property
    def client(self) -> HttpClient:
        """The one HTTP client; it asks nobody by itself."""
        import platformdirs

        from index.fetch.services import Options
        from index.net.addresses import NetworkPolicy
        from index.net.client import HttpClient, Network

        settings, network = self.settings, self._network or Network()
        return HttpClient(
            NetworkPolicy(settings.offline, network.also, settings.trust_env),
            network.limits,
            contact=settings.contact,
            cache=platformdirs.user_cache_path("citewell", appauthor=False),
            manners=Options(addresses=settings.addresses).manners(),
            resolve=network.resolve,
        )

    def zotero(self) -> list[ZoteroPaper]:
        """The library of the user's Zotero, asked by a client of its own that may ask nobody else."""
        from urllib.parse import urlsplit

        from index.net.addresses import NetworkPolicy
        from index.net.client import HttpClient, Limits
        from index.net.pace import Manners
        from index.parse import SUFFIXES
        from index.zotero import ADDRESS, read_zotero

        address = self.settings.addresses.get("zotero", ADDRESS).rstrip("/")
        parts = urlsplit(address)
        if self.settings.offline or parts.hostname not in ("127.0.0.1", "::1"):
            return read_zotero(None, SUFFIXES, address, Path.home())
        here = NetworkPolicy(also=frozenset({(parts.hostname, parts.port or 80)}))
        limits, manners = Limits(deadline=30.0, tries=1), {parts.hostname: Manners(0.0, 4)}
        with HttpClient(here, limits, manners=manners) as client:
            return read_zotero(client, SUFFIXES, address, Path.home())

    @cached_property
    def fetch_run(self) -> FetchRun:
        """Fetches papers into the library's folder."""
        from index.fetch.run import FetchRun
        from index.fetch.services import Options, Services

        settings = self.settings
        options = Options(settings.services, settings.addresses, settings.contact)
        return FetchRun(self.library, self.client, Services(self.client, options))

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker of the settings."""
        from qa.rerank import make_reranker

        return make_reranker(self.settings.reranker, local_only=self.settings.offline)

    @cached_property
    def retrieval(self) -> RetrievalOptions:
        """How retrieval weighs what it finds; an evaluation may try other values."""
        from qa.retrieve import RetrievalOptions

        return RetrievalOptions(rerank_ms=self.settings.rerank_ms)

    @cached_property
    def index(self) -> VectorIndex:
        """The vectors of the library, for questions and for neighbours."""
        from index.vectors import VectorIndex

        return VectorIndex(self.library)

    def neighbours(self, paper_id: int, span: Span) -> list[ScoredPassage]:
        """Passages of other papers that say what stands at this span; no model is needed for it."""
        from qa.neighbours import neighbours

        with self.library.read() as reader:
            return neighbours(reader, self.index, paper_id, span)

    @cached_property
    def retriever(self) -> Retriever:
        """Finds passages. WrongModel if the library was built with another model than the configured one."""
        from index.writer import check_model
        from qa.retrieve import Retriever

        with self.library.read() as reader:
            model = reader.model()
        if model is not None:
            check_model(model[1], self.embedder.fingerprint)
        return Retriever(self.embedder, self.index, self.retrieval, self.reranker)

    def begin_loading(self) -> None:
        """Begins to load what the first question needs, in the background.

        What goes wrong there is left to the question, which tries the same again, to say.
        """
        load = self.retriever.load

        def quietly() -> None:
            with suppress(Exception):
                load()

        Thread(target=quietly, name="loading").start()

    @cached_property
    def verifier(self) -> Verifier:
        """Judges sentences by what they cite."""
        from qa.verifier import Verifier

        return Verifier(self.support)

    @cached_property
    def support(self) -> SupportModel | None:
        """Says what a quote does to a claim; None where there is no such model."""
        from qa.support import make_support_model

        return make_support_model(self.settings.verifier)

    @cached_property
    def answerer(self) -> Answerer:
        """Answers questions from the library. Not for use from two threads at once."""
        from qa.answer import Answerer, AnswerOptions

        settings = self.settings
        options = AnswerOptions(
            settings.evidence, settings.per_paper, settings.sentences, 0.3 * settings.rerank_ms
        )
        return Answerer(
            self.library, self.embedder, self.retriever, options, self.reranker, self.support, self.writer
        )

    @cached_property
    def chat_model(self) -> ChatModel | None:
        """The language model that the user named; None, and nothing of it is even imported, without one."""
        if self.settings.llm_url is None:
            return None
        from qa.llm.address import check_allowed, parse_address
        from qa.llm.keys import stored_key
        from qa.llm.openai import LlmLimits, OpenAIChat, Sampling

        settings = self.settings
        address = parse_address(self.settings.llm_url)
        key = settings.llm_key.get_secret_value() if settings.llm_key else stored_key(address)
        check_allowed(address, has_key=bool(key), offline=settings.offline)
        limits = LlmLimits(
            settings.llm_connect_s, settings.llm_first_token_s, settings.llm_token_s, settings.llm_total_s
        )
        return OpenAIChat(
            address, model=settings.llm_model, key=key, limits=limits,
            sampling=Sampling(settings.llm_temperature), trust_env=settings.trust_env,
        )  # fmt: skip

    @property
    def writer_name(self) -> str:
        """Who will write the answers, as far as the settings tell without asking anyone; "" for nobody."""
        settings = self.settings
        return (settings.llm_model or "an LLM") if settings.llm_url else ""

    @cached_property
    def judge(self) -> Judge | None:
        """Says whether quotes support what a model wrote; None leaves what is not verbatim unchecked."""
        if self.settings.judge == "llm" and self.chat_model is not None:
            from qa.llm_judge import LlmJudge

            return LlmJudge(self.chat_model)
        return None if self.settings.judge == "none" else self.verifier

    @cached_property
    def writer(self) -> Writer | None:
        """Has the language model write; None where there is none."""
        if self.chat_model is None:
            return None
        from qa.write import Writer, WriterOptions

        options = WriterOptions(self.settings.llm_passages, self.settings.llm_context)
        return Writer(self.chat_model, options, self.judge)

    @cached_property
    def rewriter(self) -> Rewriter:
        """Makes follow-ups stand alone."""
        if self.chat_model is not None:
            from qa.rewrite_llm import LlmRewriter

            return LlmRewriter(self.chat_model)
        from qa.rewrite import RuleRewriter

        return RuleRewriter()

    @cached_property
    def history(self) -> History:
        """The kept conversations of the library."""
        from qa.history import History

        return History(self.library.conversations)

    def conversation(self, name: str | None = None, *, keep: bool = True) -> Conversation:
        """A new conversation, or the one called `name` (the beginning of its id, or "last").

        With `keep` false, or where the settings say so, what is asked in it is not kept.
        """
        from qa.conversation import Conversation

        identifier = self.history.find(name) if name is not None else None
        kept = keep and self.settings.history
        conversation = Conversation(self.answerer, self.rewriter, self.history if kept else None)
        if identifier is not None:
            conversation.resume(identifier, self.history.turns(identifier))
        return conversation
