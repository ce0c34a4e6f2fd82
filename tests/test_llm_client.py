"""What a server of a language model may do to its client, through real connections."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Generator
from email.utils import formatdate
from typing import Any

import pytest

from index.errors import LlmError, SettingsError
from qa.llm.address import check_allowed, parse_address
from qa.llm.chat import ChatRequest, Ended, Facts, Message, PromptTooLong, SchemaRefused, Token, Waiting
from qa.llm.openai import LlmLimits, OpenAIChat
from tests.chat_server import (
    DONE,
    HEAD,
    Act,
    ChatServer,
    chat_server,
    dies_after,
    event,
    refuses,
    says,
    sends,
    stream,
)
from tests.local_server import Asked, Wire

KEY = "sk-very-secret-0123456789"
QUICK = LlmLimits(connect=2.0, first_token=5.0, between_tokens=5.0, total=10.0, backoff=0.01)
HELLO = ChatRequest((Message("user", "Hello?"),), 100)


def chat(server: ChatServer, limits: LlmLimits = QUICK, **more: Any) -> OpenAIChat:
    return OpenAIChat(parse_address(server.url), limits=limits, **{"model": "small", **more})


def heard(reply: Generator[Any, None, Ended]) -> tuple[str, Ended]:
    """The text of a reply, and how it ended."""
    text = ""
    while True:
        try:
            part = next(reply)
        except StopIteration as end:
            return text, end.value
        text += part.text if isinstance(part, Token) else ""


def failed(reply: Generator[Any, None, Any]) -> tuple[str, LlmError]:
    """The text that came before the error, and the error."""
    text = ""
    try:
        for part in reply:
            text += part.text if isinstance(part, Token) else ""
    except LlmError as error:
        return text, error
    pytest.fail("no error came")


def drip(*parts: bytes, seconds: float) -> Act:
    def act(asked: Asked, wire: Wire) -> None:
        for part in parts:
            wire.send(part)
            time.sleep(seconds)

    return act


# --- what is a stream -----------------------------------------------------------------------------------

WORDS = ["Peri", "cytes ", "µ–é", " 🧪", "\nend"]
WHOLE = stream(WORDS)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        WHOLE.replace(b"\n\n", b"\r\n\r\n"),
        HEAD + WHOLE[len(HEAD) :].replace(b"\n", b"\r"),
        WHOLE.replace(b"data: ", b"data:"),
        WHOLE.replace(b"data: ", b": still here\n\ndata: "),
        WHOLE.replace(b"data: ", b"event: message\nid: 7\nretry: 10\ndata: "),
        HEAD + b"\xef\xbb\xbf" + WHOLE[len(HEAD) :],
        WHOLE.removesuffix(DONE),
        stream(WORDS, None),
        stream(WORDS, None).removesuffix(b"\n\n"),
        WHOLE.replace(b"\n\n", b"\n").replace(b"Connection: close\r\n\r\n", b"Connection: close\r\n\r\n", 1),
        HEAD + event(None, role="assistant") + event("") + WHOLE[len(HEAD) :],
        HEAD + b'data: {"choices": []}\n\ndata: {"usage": {"total_tokens": 3}}\n\n' + WHOLE[len(HEAD) :],
    ],
    ids=[
        "plain", "crlf", "cr", "no-space", "comments", "fields", "bom", "no-done", "no-finish",
        "no-last-line", "no-blank-lines", "empty-deltas", "no-choices",
    ],
)  # fmt: skip
def test_a_stream_is_read_however_it_is_written(data: bytes) -> None:
    with chat_server(sends(data)) as server:
        assert heard(chat(server).stream(HELLO)) == ("".join(WORDS), Ended(True))


def test_a_stream_is_read_however_it_is_cut() -> None:
    one_by_one = drip(*[WHOLE[i : i + 1] for i in range(len(WHOLE))], seconds=0.0)
    with chat_server(one_by_one) as server:
        assert heard(chat(server).stream(HELLO)) == ("".join(WORDS), Ended(True))


def test_a_surrogate_alone_and_a_broken_byte_harm_nobody() -> None:
    half = HEAD + b'data: {"choices":[{"delta":{"content":"a\\ud83db"}}]}\n\n'
    with chat_server(
        sends(half + HEAD[:0] + b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n' + DONE)
    ) as s:
        text, ended = heard(chat(s).stream(HELLO))
    assert (text, ended) == ("a\ufffdb\ufffd", Ended(True))


@pytest.mark.parametrize(
    ("finish", "ended"),
    [
        ("length", Ended(False, "it reached the length it may have")),
        ("content_filter", Ended(False, "the server withheld the rest")),
        ("tool_calls", Ended(False, "it stopped early")),
    ],
)
def test_an_answer_that_was_cut_says_why(finish: str, ended: Ended) -> None:
    with chat_server(says("half an", finish=finish)) as server:
        assert heard(chat(server).stream(HELLO)) == ("half an", ended)


def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}]
    }
    act: Act = lambda _, wire: wire.reply(200, json.dumps(whole).encode(), "application/json")  # noqa: E731
    with chat_server(act) as server:
        assert heard(chat(server).stream(HELLO)) == ("All at once.", Ended(True))


# --- what breaks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "text", "said"),
    [
        (dies_after(["half ", "an"]), "half an", "broke off"),
        (says("half an", finish=None, done=False), "half an", "broke off"),
        (sends(stream(["half an", " answer"], None, done=False)[:-40]), "half an", "broke off"),
        (sends(HEAD + event("x") + b'data: {"error": {"message": "GPU \x1b[31mlost"}}\n\n'),
         "x", "broke off: GPU [31mlost"),
        (sends(HEAD + event("x") + b"data: <html>\n\n"), "x", "does not answer like a language model's"),
        (sends(HEAD + b"data: " + b"x" * 1_100_000), "", "does not answer like a language model's server"),
        (sends(HEAD + b"data: " + b"[" * 100_000 + b"\n\n"), "", "does not answer like"),
        (lambda _, wire: wire.reset(), "", "broke off"),
        (lambda _, wire: wire.reply(200, b"<html>", "text/html"), "", "does not answer like"),
        (lambda _, wire: wire.reply(200, gzip.compress(b"{}"), content_encoding="gzip"), "", "broke off"),
        (refuses(401, f"Incorrect API key provided: {KEY}"), "", "refuses the key (status 401)"),
        (refuses(404, "model 'small' not found"), "", "has no model called small (status 404)"),
        (refuses(400, f"no: {KEY} \x1b]52;c;\x07"), "", "answered with status 400: no: (the key) ]52;c;"),
        (refuses(302, location="http://else.test/v1"), "", "redirects to http://else.test/v1, which is not"),
    ],
)  # fmt: skip
def test_what_breaks_is_said_in_one_line_without_the_key(act: Act, text: str, said: str) -> None:
    with chat_server(act) as server:
        came, error = failed(chat(server, key=KEY).stream(HELLO))
    assert came == text
    assert said in error.message
    assert error.hint
    assert KEY not in f"{error.message} {error.hint} {error!r}"
    assert error.message.isprintable()


def test_nobody_there_is_said_soon() -> None:
    begun = time.monotonic()
    _, error = failed(OpenAIChat(parse_address("http://127.0.0.1:9/v1"), limits=QUICK).facts())
    assert error.message == "no language model answers at 127.0.0.1:9"
    assert error.hint == "Start its server. Look at it with: citewell llm"
    assert time.monotonic() - begun < 5


# --- what is slow ---------------------------------------------------------------------------------------

COMMENTS = [b": keep-alive\n\n"] * 100


@pytest.mark.parametrize(
    ("act", "limits", "text", "said"),
    [
        (drip(HEAD, *COMMENTS, seconds=0.1), LlmLimits(first_token=0.5), "", "did not begin to answer"),
        (drip(*COMMENTS, seconds=0.1), LlmLimits(first_token=0.5), "", "broke off"),  # no HTTP at all
        (lambda *_: time.sleep(3), LlmLimits(first_token=0.5), "", "did not begin to answer"),
        (drip(HEAD, event("one"), *COMMENTS, seconds=0.1), LlmLimits(between_tokens=0.5), "one",
         "fell silent in mid-answer"),
        (drip(HEAD, *[event("a")] * 100, seconds=0.1), LlmLimits(total=0.7), None, "did not finish in time"),
        (drip(*[HEAD[i : i + 1] for i in range(len(HEAD))], seconds=0.1), LlmLimits(total=0.7), "",
         "did not finish in time"),
    ],
    ids=["comments", "no-http", "silence", "comments-between-tokens", "too-long", "drip"],
)  # fmt: skip
def test_every_deadline_holds_though_bytes_come(
    act: Act, limits: LlmLimits, text: str | None, said: str
) -> None:
    with chat_server(act) as server:
        begun = time.monotonic()
        came, error = failed(chat(server, limits).stream(HELLO))
    assert said in error.message
    assert text is None or came == text
    assert time.monotonic() - begun < 2.5


def test_a_model_that_thinks_first_is_not_silent() -> None:
    thoughts = [event(reasoning_content="hm")] * 8
    with chat_server(drip(HEAD, *thoughts, event("Yes.", "stop"), seconds=0.1)) as server:
        limits = LlmLimits(first_token=0.4, between_tokens=0.4)
        assert heard(chat(server, limits).stream(HELLO)) == ("Yes.", Ended(True))


def test_whoever_waits_may_leave_several_times_a_second_and_the_connection_ends() -> None:
    def silent(asked: Asked, wire: Wire) -> None:
        wire.send(HEAD)
        wire.connection.settimeout(5)
        assert wire.connection.recv(1) == b"", "nobody hung up"
        server.gone.set()

    with chat_server(silent) as server:
        begun = time.monotonic()
        reply = chat(server).stream(HELLO)
        assert [next(reply) for _ in range(3)] == [Waiting()] * 3
        assert time.monotonic() - begun < 1.5
        reply.close()
        assert server.gone.wait(1.5), "the connection stayed open"


# --- what is tried again --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with chat_server(refuses(status), refuses(status), says("Now.")) as server:
        assert heard(chat(server).stream(HELLO)) == ("Now.", Ended(True))
        assert len(server.asked) == 3


def test_retry_after_is_obeyed_in_seconds_and_as_a_date() -> None:
    when = formatdate(time.time() + 3, usegmt=True)  # whole seconds: between two and three from now
    with chat_server(refuses(429, retry_after="1"), refuses(503, retry_after=when), says("Now.")) as server:
        begun = time.monotonic()
        assert heard(chat(server).stream(HELLO))[0] == "Now."
        assert 1.8 < time.monotonic() - begun < 4.5


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for() -> None:
    with chat_server(refuses(429, retry_after="3600")) as server:
        begun = time.monotonic()
        _, error = failed(chat(server).stream(HELLO))
    assert error.message.endswith("is busy (status 429), and asks to wait 3,600 s")
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("act", [dies_after(["x"]), refuses(500), refuses(400), refuses(401)])
def test_what_another_try_would_not_mend_is_asked_once(act: Act) -> None:
    with chat_server(act) as server:
        failed(chat(server).stream(HELLO))
        assert len(server.asked) == 1


def test_a_server_that_stays_busy_is_given_up() -> None:
    with chat_server(refuses(503, "Loading model")) as server:
        _, error = failed(chat(server).stream(HELLO))
        assert "is busy (status 503)" in error.message
        assert len(server.asked) == 3


# --- what is sent ---------------------------------------------------------------------------------------


def test_the_request_is_what_every_such_server_takes() -> None:
    schema = {"type": "object"}
    with chat_server(says("Yes.")) as server:
        model = chat(server, key=KEY)
        heard(model.stream(ChatRequest(HELLO.messages, 7, schema)))
        (asked,) = server.asked
    assert asked.target == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(asked.body) == {
        "model": "small",
        "messages": [{"role": "user", "content": "Hello?"}],
        "max_tokens": 7,
        "temperature": 0.0,
        "seed": 1,
        "stream": True,
        "response_format": {"type": "json_schema",
                            "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }  # fmt: skip
    assert KEY not in repr(model)


def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    cookie: Act = lambda _, wire: wire.reply(503, b"{}", "application/json", set_cookie="id=7")  # noqa: E731
    with chat_server(cookie, refuses(307, location="/v1/elsewhere")) as server:
        failed(chat(server).stream(HELLO))
        assert len(server.server.asked) == 2
        assert all("cookie" not in asked.headers for asked in server.server.asked)


def test_a_proxy_of_the_environment_is_never_told_what_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with chat_server(says("Here.")) as server:
        assert heard(chat(server, trust_env=True).stream(HELLO))[0] == "Here."


def test_a_refused_schema_and_a_long_prompt_are_told_apart() -> None:
    structured = ChatRequest(HELLO.messages, 7, {"type": "object"})
    with chat_server(refuses(400, "response_format is not supported")) as server:
        assert isinstance(failed(chat(server).stream(structured))[1], SchemaRefused)
        assert type(failed(chat(server).stream(HELLO))[1]) is LlmError
    long = "request (5000 tokens) exceeds the available context size (4096 tokens)"
    with chat_server(refuses(400, long)) as server:
        assert isinstance(failed(chat(server).stream(structured))[1], PromptTooLong)


def test_a_model_that_takes_no_temperature_is_asked_without_and_then_always() -> None:
    no_length = "Unsupported parameter: 'max_tokens' is not supported, use 'max_completion_tokens' instead."
    no_heat = "Unsupported value: 'temperature' does not support 0 with this model."
    with chat_server(refuses(400, no_length), refuses(400, no_heat), says("Yes.")) as server:
        model = chat(server)
        assert [heard(model.stream(HELLO))[0] for _ in range(2)] == ["Yes.", "Yes."]
        told = [set(json.loads(asked.body)) - {"model", "messages", "stream"} for asked in server.asked]
    assert told == [
        {"max_tokens", "temperature", "seed"},
        {"max_completion_tokens", "temperature", "seed"},
        {"max_completion_tokens", "seed"},
        {"max_completion_tokens", "seed"},
    ]


# --- what it says of itself -----------------------------------------------------------------------------


def facts_of(model: OpenAIChat) -> Facts:
    asked = model.facts()
    while True:
        try:
            next(asked)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def test_the_only_model_is_taken_and_what_it_reads_is_asked_once() -> None:
    with chat_server(says("Yes."), models=["only"], context=2048) as server:
        model = chat(server, model=None)
        assert facts_of(model) == facts_of(model) == Facts("only", ("only",), 2048)
        assert model.name == "only"
        assert len(server.server.asked) == 1


def test_of_several_models_the_user_chooses() -> None:
    with chat_server(says("Yes."), models=["one", "two\x1b[31m"]) as server:
        _, error = failed(chat(server, model=None).facts())
        assert error.message.endswith("has 2 models: one, two [31m")
        assert error.hint == "Choose one: --llm-model NAME"
        assert facts_of(chat(server, model="one")).context == 4096


def test_a_server_without_a_list_serves_a_named_model() -> None:
    with chat_server(says("Yes.")) as server:
        address = parse_address(server.url)
        server.models = {"not": "a list"}  # type: ignore[assignment]
        assert facts_of(OpenAIChat(address, model="named")) == Facts("named", (), None)
        assert "does not answer like" in failed(OpenAIChat(address).facts())[1].message


# --- where it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("HTTP://LocalHost:8080/v1/chat/completions", "http://localhost:8080/v1"),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://api.example.org/openai/v1", "https://api.example.org/openai/v1"),
    ],
)
def test_addresses_are_taken_as_people_write_them(typed: str, base: str) -> None:
    assert parse_address(typed).base == base


@pytest.mark.parametrize(
    "typed",
    ["", "localhost:11434", "ftp://x/v1", "http://", "http://a b/v1", "http://me:sesame@x/v1", "http://x/v1?a=1",
     "http://x:port/v1", "http://x\x1b/v1", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_address(typed)
    assert "sesame" not in str(caught.value) + caught.value.hint


def test_offline_means_this_machine_and_a_key_never_travels_in_the_open() -> None:
    for here in ("http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"):
        check_allowed(parse_address(here), has_key=True, offline=True)
    for away in ("http://10.0.0.7:8000", "http://localhost.evil.test", "http://127.0.0.1.evil.test"):
        with pytest.raises(SettingsError, match="is not on this machine"):
            check_allowed(parse_address(away), has_key=False, offline=True)
        with pytest.raises(SettingsError, match="would travel unencrypted"):
            check_allowed(parse_address(away), has_key=True, offline=False)
        check_allowed(parse_address(away), has_key=False, offline=False)
    check_allowed(parse_address("https://api.example.org/v1"), has_key=True, offline=False)


def test_a_localhost_that_leads_elsewhere_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.llm.exchange.system_resolve", lambda *_: ["192.0.2.7"])
    _, error = failed(OpenAIChat(parse_address("http://localhost:8080"), limits=QUICK).facts())
    assert error.message == "the language model's name leads to 192.0.2.7, which is not this machine"
