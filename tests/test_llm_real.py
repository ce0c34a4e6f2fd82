"""The whole way to a real llama.cpp server with real weights and back. Its words are never looked at."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from index.library import Library
from qa.llm.address import parse_address
from qa.llm.chat import ChatRequest, Ended, Facts, Message, Token
from qa.llm.openai import LlmLimits, OpenAIChat
from qa.model import Answer, Drafted, Finished, StageBegun, Verdict
from qa.prompt import tokens_of
from tests.conftest import SAMPLES, Citewell
from tests.llama_server import LlamaServer, llama_server
from tests.llm_answers import (
    DENSITY,
    DOSE,
    FIBROSIS,
    QUESTION,
    answered,
    assert_quotes_stand,
    make_answerer,
    papers_library,
    stopped,
)
from tests.relay import relay
from tests.test_llm_client import facts_of, heard

pytestmark = pytest.mark.slow
PATIENT = LlmLimits()  # a real model on a busy machine takes its time


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    with llama_server() as server:
        yield server


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return papers_library(tmp_path_factory.mktemp("papers"), DENSITY, FIBROSIS, DOSE)


def assert_usable(library: Library, answer: Answer) -> None:
    """Something is answered, everything shown stands in a paper, and what is the model's is marked so."""
    assert_quotes_stand(library, answer)
    assert answer.evidence
    assert answer.sentences or answer.extracted
    for sentence in answer.sentences if answer.writer else ():
        assert sentence.citations or sentence.verdict is Verdict.UNSUPPORTED
    own = answer.extracted if answer.writer else answer.sentences
    assert all(sentence.verdict is Verdict.VERBATIM for sentence in own)
    if answer.incomplete or not answer.writer:
        assert own
        assert answer.notices


def test_the_server_says_what_it_is_and_streams(llama: LlamaServer) -> None:
    model = OpenAIChat(parse_address(llama.url))
    assert facts_of(model) == Facts("smollm2", ("smollm2",), 4096)
    tokens = [
        p for p in model.stream(ChatRequest((Message("user", "Count to five."),), 12)) if isinstance(p, Token)
    ]
    assert len(tokens) > 3


def test_a_schema_is_followed_and_a_full_reply_ends_as_it_should(llama: LlamaServer) -> None:
    model = OpenAIChat(parse_address(llama.url), model="smollm2")
    shape = {
        "type": "object",
        "properties": {"key": {"type": "string", "enum": ["k7f2"]}},
        "required": ["key"],
    }
    text, ended = heard(model.stream(ChatRequest((Message("user", "Which key?"),), 60, shape)))
    assert json.loads(text) == {"key": "k7f2"}
    assert ended == Ended(True)


def test_an_answer_of_a_real_model_is_tied_to_the_papers(library: Library, llama: LlamaServer) -> None:
    *told, last = list(make_answerer(library, llama.url, limits=PATIENT).answer(QUESTION))
    assert isinstance(last, Finished)
    assert StageBegun("smollm2 is writing") in told
    assert any(isinstance(event, Drafted) for event in told)
    assert_usable(library, last.answer)


def test_a_real_stream_that_is_cut_at_any_token_leaves_a_usable_answer(
    library: Library, llama: LlamaServer
) -> None:
    """k of 0 … 50, then the connection is reset. Every k is tried with a scripted model: test_llm_answer."""
    for k in (*range(11), *range(15, 51, 5)):
        with relay(llama.url, events=k) as url:
            answer = answered(make_answerer(library, url, limits=PATIENT))
        assert_usable(library, answer)
        assert answer.incomplete or not answer.writer
        assert any("broke off" in notice for notice in answer.notices), answer.notices


def test_a_server_that_is_killed_in_mid_stream_leaves_a_usable_answer(library: Library) -> None:
    with llama_server(2048) as server:
        answer, tokens = None, 0
        for event in make_answerer(library, server.url, limits=PATIENT).answer(QUESTION):
            if isinstance(event, StageBegun) and "writing" in event.stage:
                server.kill()
            tokens += isinstance(event, Drafted)
            answer = event.answer if isinstance(event, Finished) else None
    assert answer is not None
    assert_usable(library, answer)
    assert answer.incomplete or not answer.writer
    assert any("broke off" in notice for notice in answer.notices), answer.notices


def test_stopping_frees_the_server_for_the_next_question(library: Library, llama: LlamaServer) -> None:
    with stopped(make_answerer(library, llama.url, limits=PATIENT)) as running:
        for event in running:
            if isinstance(event, StageBegun) and "writing" in event.stage:
                break
    begun = time.monotonic()
    model = OpenAIChat(parse_address(llama.url), model="smollm2")
    heard(model.stream(ChatRequest((Message("user", "Hello"),), 1)))
    assert time.monotonic() - begun < 5, "the server was still busy with the answer that was left"


def test_tokens_are_never_counted_too_low(library: Library, llama: LlamaServer) -> None:
    """By the server's own tokeniser, which makes a token of every digit."""
    texts = [DENSITY, FIBROSIS, DOSE, "P<0.001; 95% CI 1.23–4.56; n = 12,345", "α–β µm ≥ 5 × 10⁶ 🧪"]
    texts += [path.read_text() for path in sorted(SAMPLES.glob("*.md"))[:3]]
    url = f"{llama.url.removesuffix('/v1')}/tokenize"
    for text in texts:
        counted = httpx.post(url, json={"content": text}, trust_env=False).json()["tokens"]
        assert len(counted) <= tokens_of(text) < 3 * len(counted), text[:80]


def test_citewell_llm_tells_what_is_there(citewell: Citewell, llama: LlamaServer, tmp_path: Path) -> None:
    result = citewell("llm", "--llm", llama.url)
    assert result.code == 0
    address, key, model, context, answers = result.out.splitlines()
    assert address == f"address  {llama.url}  (on this machine)"
    assert key == "key      none"
    assert model == "model    smollm2"
    assert context == "context  4,096 tokens, says the server"
    assert answers.startswith("answers  after ")
    assert threading.active_count() < 20
