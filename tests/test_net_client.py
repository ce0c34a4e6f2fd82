"""Fetching a page from servers that misbehave: what a user gets, how soon, and why not."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
import trustme

from index.errors import FetchError
from index.net.addresses import NetworkPolicy
from index.net.client import HttpClient, Limits, Page, user_agent
from index.net.pace import Manners, backoff, retry_after
from tests.local_server import Answer, Asked, LocalServer, Wire, resolve, serve

TEXT = frozenset({"text/plain"})
QUICK = Limits(
    deadline=2.0, connect=1.0, read=1.0, max_bytes=100_000, tries=3, backoff=0.01, longest_wait=1.0
)
NO_GAP = {"papers.test": Manners(gap=0.0, at_once=8)}


@contextmanager
def server_and_client(
    answer: Answer, limits: Limits = QUICK, cache: Path | None = None
) -> Iterator[tuple[LocalServer, HttpClient]]:
    with (
        serve(answer) as server,
        HttpClient(server.policy(), limits, cache=cache, manners=NO_GAP, resolve=resolve) as client,
    ):
        yield server, client


def failure(answer: Answer, limits: Limits = QUICK) -> tuple[FetchError, float, int]:
    """The error that a client ends with, after how many seconds, and how many requests it made."""
    with server_and_client(answer, limits) as (server, client):
        begun = time.monotonic()
        with pytest.raises(FetchError) as caught:
            client.get(server.url("/paper"), TEXT)
        return caught.value, time.monotonic() - begun, len(server.asked)


def in_turn(*answers: Answer) -> Answer:
    """Each request gets the next of these answers, and the last one from then on."""
    count = iter(range(10**9))
    return lambda asked, wire: answers[min(next(count), len(answers) - 1)](asked, wire)


def good(asked: Asked, wire: Wire) -> None:
    wire.reply(200, b"the paper")


def test_a_page_comes_whole_and_the_server_learns_who_asks() -> None:
    with (
        serve(good) as server,
        HttpClient(server.policy(), QUICK, contact="ada@example.org", resolve=resolve) as client,
    ):
        assert client.get(server.url("/paper"), TEXT) == Page(
            server.url("/paper"), "text/plain", b"the paper", cached=False
        )
        (asked,) = server.asked
    assert asked.host == "papers.test"  # by name, though the connection went to the address
    assert asked.headers["user-agent"] == user_agent("ada@example.org")
    assert asked.headers["user-agent"].endswith(" (mailto:ada@example.org)")
    assert asked.headers["accept-encoding"] == "gzip"
    assert "(" not in user_agent(None)


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_slow_drip_ends_at_the_deadline_though_every_read_is_quick(where: str) -> None:
    def drip(asked: Asked, wire: Wire) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\n"
        if where == "body":
            wire.send(head)
        wire.drip(head + b"x" * 900, 0.05)

    error, seconds, _ = failure(drip)
    assert error.message == "it was too slow"
    assert error.temporary
    assert 1.8 < seconds < 3.0


def test_a_stall_ends_at_the_deadline() -> None:
    error, seconds, asked = failure(lambda *_: time.sleep(5))
    assert error.message == "it was too slow"
    assert seconds < 3.0
    assert asked == 2  # a second for the first try, what was left for the next


@pytest.mark.parametrize(
    "broken",
    [
        lambda _, wire: wire.reset(),
        lambda _, wire: (
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nhalf"),
            wire.reset(),
        ),
        lambda _, wire: wire.reply(200, b"half", Content_Length="500", length=False),
        lambda _, wire: wire.send(b"\x00\x01 this is not http\r\n\r\n"),
        lambda *_: None,
    ],
    ids=["reset", "reset in the body", "short body", "not http", "closed at once"],
)
def test_a_broken_transfer_is_tried_again_and_then_given_up(broken: Answer) -> None:
    error, _, asked = failure(broken)
    assert error.message == "the connection broke before the page was whole"
    assert (error.temporary, asked) == (True, 3)
    assert error.hint == "Try again later with: citewell retry"
    with server_and_client(in_turn(broken, broken, good)) as (server, client):
        assert client.get(server.url("/paper"), TEXT).body == b"the paper"


def test_a_body_without_length_is_whole_only_if_the_check_says_so() -> None:
    def check(body: bytes) -> None:
        if not body.endswith(b"%%EOF"):
            raise FetchError("the PDF is cut short", temporary=True)

    cut = lambda _, wire: wire.reply(200, b"%PDF-1.7 half", length=False)  # noqa: E731
    whole = lambda _, wire: wire.reply(200, b"%PDF-1.7 %%EOF", length=False)  # noqa: E731
    with server_and_client(in_turn(cut, whole)) as (server, client):
        assert client.get(server.url("/paper"), TEXT, check).body == b"%PDF-1.7 %%EOF"
    with server_and_client(cut) as (server, client), pytest.raises(FetchError, match="the PDF is cut short"):
        client.get(server.url("/paper"), TEXT, check)


def test_a_gzip_bomb_is_stopped_when_the_limit_is_reached() -> None:
    bomb = gzip.compress(bytes(300_000_000))  # about 300 KB on the wire
    tracemalloc.start()
    error, seconds, asked = failure(
        lambda _, wire: wire.reply(200, bomb, Content_Encoding="gzip"),
        Limits(deadline=5.0, max_bytes=1024 * 1024),
    )
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 * 2**20  # the bytes of the whole bomb were never there
    assert error.message == "papers.test sent more than 1 MB"
    assert (error.temporary, asked) == (False, 1)
    assert seconds < 1.5


def test_an_endless_body_is_stopped_when_the_limit_is_reached() -> None:
    def endless(asked: Asked, wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            wire.send(b"x" * 65536)

    assert failure(endless)[0].message == "papers.test sent more than 0 MB"


def test_gzip_is_decoded_and_a_cut_gzip_is_no_paper() -> None:
    packed = gzip.compress(b"the paper" * 100)
    with server_and_client(lambda _, wire: wire.reply(200, packed, Content_Encoding="gzip")) as (
        server,
        client,
    ):
        assert client.get(server.url("/paper"), TEXT).body == b"the paper" * 100
    cut, *_ = failure(lambda _, wire: wire.reply(200, packed[:-9], Content_Encoding="gzip"))
    assert cut.message == "papers.test sent only a part of the page"
    damaged, *_ = failure(lambda _, wire: wire.reply(200, b"no gzip", Content_Encoding="gzip"))
    assert damaged.message == "its compressed body is damaged"
    other, *_ = failure(lambda _, wire: wire.reply(200, zlib.compress(b"x"), Content_Encoding="br"))
    assert other.message == "papers.test sent a body packed as br"


def test_an_error_page_that_claims_success_is_no_paper() -> None:
    error, _, asked = failure(lambda _, wire: wire.reply(200, b"<html>Sorry", "text/html; charset=utf-8"))
    assert error.message == "papers.test sent text/html instead of a paper"
    assert (error.temporary, asked) == (True, 1)
    unnamed, *_ = failure(lambda _, wire: wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
    assert unnamed.message == "papers.test sent something unnamed instead of a paper"


@pytest.mark.parametrize(
    ("status", "message", "temporary", "requests"),
    [
        (404, "papers.test does not have it (status 404)", False, 1),
        (410, "papers.test does not have it (status 410)", False, 1),
        (403, "papers.test does not give it to everyone (status 403)", False, 1),
        (418, "papers.test answered with status 418", False, 1),
        (206, "papers.test answered with status 206", False, 1),
        (500, "papers.test is busy or broken (status 500)", True, 3),
        (503, "papers.test is busy or broken (status 503)", True, 3),
        (429, "papers.test is busy or broken (status 429)", True, 3),
    ],
)
def test_a_status_says_whether_to_try_again(
    status: int, message: str, temporary: bool, requests: int
) -> None:
    error, _, asked = failure(lambda _, wire: wire.reply(status, b"no"))
    assert (error.message, error.temporary, asked) == (message, temporary, requests)


def test_retry_after_is_obeyed_to_the_second() -> None:
    busy = lambda _, wire: wire.reply(429, Retry_After="1")  # noqa: E731
    with server_and_client(in_turn(busy, good)) as (server, client):
        begun = time.monotonic()
        assert client.get(server.url("/paper"), TEXT).body == b"the paper"
        assert time.monotonic() - begun > 0.95


def test_a_server_that_asks_for_an_hour_is_left_alone() -> None:
    error, seconds, asked = failure(lambda _, wire: wire.reply(503, Retry_After="3600"))
    assert error.message == "papers.test is busy or broken (status 503), and asks to wait 3600 s"
    assert (error.temporary, asked) == (True, 1)
    assert seconds < 0.5


def test_a_server_that_asks_for_an_hour_is_not_asked_for_the_next_paper_either() -> None:
    with server_and_client(lambda _, wire: wire.reply(503, Retry_After="3600")) as (server, client):
        for n in range(5):
            with pytest.raises(FetchError, match="asks to wait 3600 s"):
                client.get(server.url(f"/{n}"), TEXT)
        assert len(server.asked) == 1


def test_a_server_that_does_not_answer_is_left_alone_after_a_few_papers() -> None:
    """A long list must not wait for a dead service once a paper."""

    def dead(asked: Asked, wire: Wire) -> None:
        if asked.host == "papers.test":
            time.sleep(1)
        else:
            good(asked, wire)

    limits = Limits(deadline=0.4, read=0.1, tries=2, backoff=0.01)
    with server_and_client(dead, limits) as (server, client):
        reasons = []
        for n in range(8):
            with pytest.raises(FetchError) as caught:
                client.get(server.url(f"/{n}"), TEXT)
            reasons.append(caught.value.message)
        assert reasons[:5] == ["it was too slow"] * 5
        said = "papers.test did not answer 5 times in a row and is left alone for a minute"
        assert reasons[5:] == [said] * 3
        assert len(server.asked) == 10
        assert client.get(server.url("/paper", "others.test"), TEXT).body == b"the paper"


def test_retry_after_may_be_a_date_and_may_be_nonsense() -> None:
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert later is not None
    assert 28 < later <= 30
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [retry_after(value) for value in ("soon", "", None, "-5", "9" * 400)] == [
        None, None, None, None, 999999999.0,
    ]  # fmt: skip


def test_waits_double_and_are_never_in_step() -> None:
    for attempt in range(4):
        waits = {backoff(attempt, 1.0) for _ in range(50)}
        assert 2**attempt * 0.5 <= min(waits) <= max(waits) <= 2**attempt
        assert len(waits) > 10


def test_a_host_is_asked_no_more_often_than_it_likes_from_any_number_of_threads() -> None:
    times: list[float] = []
    at_once = most = 0
    lock = threading.Lock()

    def answer(asked: Asked, wire: Wire) -> None:
        nonlocal at_once, most
        with lock:
            times.append(time.monotonic())
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.15)
        with lock:
            at_once -= 1
        good(asked, wire)

    manners = {"papers.test": Manners(gap=0.04, at_once=2)}
    with (
        serve(answer) as server,
        HttpClient(server.policy(), Limits(), manners=manners, resolve=resolve) as client,
    ):
        threads = [threading.Thread(target=client.get, args=(server.url(f"/{n}"), TEXT)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(times) == 8
    assert most == 2
    times.sort()
    assert min(b - a for a, b in pairwise(times)) > 0.02


def test_redirects_are_followed_a_few_times_and_not_for_ever() -> None:
    def hop(asked: Asked, wire: Wire) -> None:
        step = int(asked.path.removeprefix("/"))
        if step == 0:
            good(asked, wire)
        else:
            wire.reply(302, Location=f"/{step - 1}")

    with server_and_client(hop) as (server, client):
        page = client.get(server.url("/5"), TEXT)
        assert (page.body, page.url) == (b"the paper", server.url("/0"))
        with pytest.raises(FetchError, match="redirects without end"):
            client.get(server.url("/6"), TEXT)
    error, _, asked = failure(lambda _, wire: wire.reply(301, Location="/paper"))
    assert (error.message, asked) == ("papers.test redirects without end", 6)


def test_offline_asks_nobody() -> None:
    with serve(good) as server, HttpClient(server.policy(offline=True), QUICK, resolve=resolve) as client:
        with pytest.raises(FetchError, match="citewell is offline"):
            client.get(server.url("/paper"), TEXT)
        assert server.asked == []


def test_stopping_ends_a_wait_at_once() -> None:
    left = threading.Event()
    served: list[bool] = []
    silent = lambda *_: served.append(left.wait(30))  # noqa: E731
    with server_and_client(silent, Limits(deadline=60, read=60)) as (server, client):
        threading.Timer(0.4, client.stop.set).start()
        with pytest.raises(FetchError):
            client.get(server.url("/paper"), TEXT)
        assert served == [], "the answer of the server was waited for"
        left.set()


def test_the_cache_validates_and_never_keeps_what_was_no_paper(tmp_path: Path) -> None:
    def versioned(asked: Asked, wire: Wire) -> None:
        if asked.headers.get("if-none-match") == '"v1"':
            wire.reply(304, ETag='"v1"')
        else:
            wire.reply(200, b"the paper", ETag='"v1"', Cache_Control="no-cache")

    with server_and_client(versioned, cache=tmp_path) as (server, client):
        pages = [client.get(server.url("/paper"), TEXT) for _ in range(3)]
        assert [page.body for page in pages] == [b"the paper"] * 3
        assert ["if-none-match" in asked.headers for asked in server.asked] == [False, True, True]

    fresh = lambda _, wire: wire.reply(200, b"kept", Cache_Control="max-age=600")  # noqa: E731
    with server_and_client(fresh, cache=tmp_path) as (server, client):
        assert [client.get(server.url("/a"), TEXT).cached for _ in range(3)] == [False, True, True]
        assert server.count("/a") == 1
        client.get(server.url("/a"), TEXT, fresh=True)
        assert server.count("/a") == 2

    def check(body: bytes) -> None:
        if body == b"broken":
            raise FetchError("cut short", temporary=True)

    def broken_once(asked: Asked, wire: Wire) -> None:
        """Cut the first three times; and unchanged, says the server, to whoever has it already."""
        if "if-none-match" in asked.headers:
            wire.reply(304, ETag='"v2"')
        else:
            body = b"broken" if server.count("/b") <= 3 else b"kept"
            wire.reply(200, body, Cache_Control="max-age=600", ETag='"v2"')

    with server_and_client(broken_once, cache=tmp_path) as (server, client):
        with pytest.raises(FetchError, match="cut short"):
            client.get(server.url("/b"), TEXT, check)
        assert client.get(server.url("/b"), TEXT, check).body == b"kept"


def test_the_environments_proxy_is_used_only_when_the_user_trusts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def proxy(asked: Asked, wire: Wire) -> None:
        seen.append(asked.target)
        wire.reply(200, b"by proxy")

    with serve(proxy) as stranger, serve(good) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{stranger.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        with HttpClient(server.policy(), QUICK, resolve=resolve) as client:
            assert client.get(server.url("/paper"), TEXT).body == b"the paper"
        with HttpClient(server.policy(trust_env=True), QUICK, resolve=resolve) as client:
            assert client.get(server.url("/paper"), TEXT).body == b"by proxy"
    assert seen == [f"http://papers.test:{server.port}/paper"]


def test_a_policy_that_allows_nothing_private_is_the_default() -> None:
    assert NetworkPolicy() == NetworkPolicy(offline=False, also=frozenset(), trust_env=False)


def test_every_failure_has_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Callable[[Asked, Wire], None]] = [
        lambda _, wire: wire.reply(404),
        lambda _, wire: wire.reply(503),
        lambda _, wire: wire.reset(),
        lambda _, wire: wire.reply(302, Location="ftp://papers.test/x"),
    ]
    for answer in answers:
        assert failure(answer)[0].hint


def test_tls_is_spoken_to_the_name_though_the_connection_goes_to_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Server name, certificate and Host are those of the name; another name's certificate is refused."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.delenv("https_proxy", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("papers.test").configure_cert(context)
    names: list[str] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    with (
        serve(good, context) as server,
        HttpClient(server.policy(trust_env=True), QUICK, manners=NO_GAP, resolve=resolve) as client,
        HttpClient(server.policy(), QUICK, manners=NO_GAP, resolve=resolve) as distrusting,
    ):
        link = server.url("/paper", "papers.test").replace("http:", "https:")
        assert client.get(link, TEXT).body == b"the paper"
        assert (names, [asked.host for asked in server.asked]) == (["papers.test"], ["papers.test"])
        with pytest.raises(FetchError, match="no connection could be made"):
            client.get(link.replace("papers.test", "others.test"), TEXT)
        with pytest.raises(FetchError, match="no connection could be made"):
            distrusting.get(link, TEXT)  # the environment's certificates count only where it is trusted
        assert len(server.asked) == 1
