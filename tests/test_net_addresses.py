"""Hostile addresses: forty links that must not lead to one connection to this machine."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from index.errors import FetchError
from index.net.addresses import NetworkPolicy, is_public
from index.net.client import HttpClient, Limits
from index.net.pace import Manners
from tests.local_server import Asked, Wire, resolve, serve

TEXT = frozenset({"text/plain"})
QUICK = Limits(deadline=2.0, tries=2, backoff=0.01)
NO_GAP = {"redirects.test": Manners(gap=0.0)}

# {port} becomes that of a listener which nobody may reach.
HOSTILE = [
    "http://127.0.0.1/", "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1/",
    "http://127.0.1/", "http://2130706433/", "http://2130706433:{port}/", "http://0x7f000001/",
    "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://0177.0.0.01:{port}/", "http://017700000001/",
    "http://0/", "http://0.0.0.0:{port}/", "http://[::1]/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/",
    "http://[fc00::1]/", "http://[ff02::1]/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.1.1/admin", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://198.18.0.1/",
    "http://user:pass@papers.test/", "http://papers.test@127.0.0.1:{port}/", "ftp://papers.test/x",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "http://papers.test:22/", "http://papers.test:6379/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http:///etc/passwd", "http://", "javascript:alert(1)",
    "http://inside.test:{port}/", "http://inside.test/", "http://mixed.test:80/", "//127.0.0.1:{port}/",
    "http://papers.test\r\nHost: x/", "http://127.0.0.1:{port}#@papers.test/", "http://127.0.0.1.:{port}/",
    "http://127.0.0.1%00.papers.test/", "https://127.0.0.1:{port}/",
]  # fmt: skip


def names(host: str, port: int) -> list[str]:
    """Names that lead inside: plainly, and hidden behind a public address."""
    if host == "mixed.test":
        return ["93.184.216.34", "127.0.0.1"]
    if host in ("inside.test", "localhost"):
        return ["127.0.0.1"]
    return resolve(host, port)


@pytest.mark.parametrize("by", ["link", "redirect"])
def test_no_hostile_link_reaches_a_listener_on_this_machine(by: str) -> None:
    """Each is refused as a link and as the target of a redirect; the decoy counts its connections."""

    def redirect(asked: Asked, wire: Wire) -> None:
        number = asked.path.removeprefix("/")
        if not number.isdecimal():
            wire.reply(404)  # "http:///etc/passwd" leads back here, to a page that there is not
        else:
            wire.reply(302, Location=links[int(number)].replace("\r\n", " "))

    with (
        serve(lambda _, wire: wire.reply(200, b"secret")) as decoy,
        serve(redirect) as server,
        HttpClient(server.policy(), QUICK, manners=NO_GAP, resolve=names) as client,
    ):
        links = [link.format(port=decoy.port) for link in HOSTILE]
        assert len(links) >= 40
        for number, link in enumerate(links):
            with pytest.raises(FetchError) as caught:
                client.get(link if by == "link" else server.url(f"/{number}", "redirects.test"), TEXT)
            reasons = (
                "is not fetched",
                "is not known",
                "redirects to what is no",
                "redirects without end",
                "redirects.test does not have it",
            )
            said = caught.value.message
            assert any(reason in said for reason in reasons), (link, said)
        assert decoy.asked == []
        assert {asked.host for asked in server.asked} == (set() if by == "link" else {"redirects.test"})


def test_a_name_that_changes_its_answer_is_judged_by_the_address_that_is_connected_to() -> None:
    """DNS rebinding: allowed when first asked, this machine's when connecting again."""
    answers = iter(range(1000))

    def rebinding(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if next(answers) % 2 == 0 else ["127.0.0.2"]

    with (
        serve(lambda _, wire: wire.reply(200, b"paper")) as server,
        HttpClient(server.policy(), QUICK, resolve=rebinding) as client,
    ):
        assert client.get(server.url("/1"), TEXT).body == b"paper"
        with pytest.raises(FetchError, match=r"127\.0\.0\.2 is not fetched"):
            client.get(server.url("/2"), TEXT)
        assert [asked.path for asked in server.asked] == ["/1"]


def test_the_name_is_resolved_once_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked is what is connected to: the sockets below never see a name."""
    seen: list[object] = []
    real = socket.create_connection

    def spy(address: tuple[str, int], *more: object, **named: object) -> socket.socket:
        seen.append(address[0])
        return real(address, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", spy)
    with (
        serve(lambda _, wire: wire.reply(200, b"paper")) as server,
        HttpClient(server.policy(), QUICK, resolve=resolve) as client,
    ):
        client.get(server.url("/1"), TEXT)
    assert seen == ["127.0.0.1"]


def test_a_loopback_address_is_allowed_on_the_named_port_only() -> None:
    policy = NetworkPolicy(also=frozenset({("127.0.0.1", 23119)}))
    policy.check_url("http://127.0.0.1:23119/api/")
    for other in (
        "http://127.0.0.1:23120/",
        "http://127.0.0.1/",
        "http://127.0.0.2:23119/",
        "http://[::1]:23119/",
    ):
        with pytest.raises(FetchError):
            policy.check_url(other)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("193.62.193.80", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False), ("64:ff9b::7f00:1", False), ("2002:808:808::1", False),
        ("::ffff:8.8.8.8", False),
        ("192.0.0.1", False), ("192.0.2.1", False), ("203.0.113.9", False), ("2001:db8::1", False),
        ("fec0::1", False), ("ff0e::1", False), ("0.1.2.3", False), ("100.127.255.255", False), ("::", False),
    ],
)  # fmt: skip
def test_public_is_what_the_internet_routes(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
