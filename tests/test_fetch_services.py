"""Who serves a paper, what is kept of what the services say, and what is no paper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from index.errors import FetchError
from index.fetch.services import ADDRESSES, Options, Services
from index.fetch.wanted import Wanted, recognise
from index.model import PaperIds
from index.net.addresses import NetworkPolicy
from index.net.client import HttpClient
from index.requests import Facts
from tests.fake_services import FakeServices, Known, jats, pdf_file, services, tomesphere_page
from tests.local_server import Asked, LocalServer, Wire, resolve

ONE = Known(1, "PMC9000001", "10.5555/growth.1", "38000001")


@contextmanager
def asking(fake: FakeServices, **more: tuple[str, ...] | str) -> Iterator[tuple[LocalServer, Services]]:
    with services(fake) as (server, addresses, network):
        options = Options(addresses=addresses, **more)  # type: ignore[arg-type]
        policy = NetworkPolicy(also=network.also)
        with HttpClient(policy, network.limits, manners=options.manners(), resolve=resolve) as client:
            yield server, Services(client, options)


def asked_of(server: LocalServer) -> list[str]:
    return [f"{asked.host.removesuffix('.test')} {asked.path}" for asked in server.asked]


def want(name: str) -> Wanted:
    found = recognise(name)
    assert found is not None
    return found


def test_tomesphere_comes_first_and_a_pmcid_needs_no_other_question() -> None:
    with asking(FakeServices([ONE])) as (server, ask):
        given = ask.fetch(want("PMC9000001"))
        assert (given.service, given.suffix, given.body) == ("tomesphere", ".md", tomesphere_page(ONE))
        assert given.facts == Facts(PaperIds(pmcid="PMC9000001"))
        assert asked_of(server) == ["tomesphere /paper/PMC9000001/full.md"]


@pytest.mark.parametrize(
    ("at", "service", "body"),
    [
        ({"europepmc", "pmc"}, "europepmc", jats(ONE)),
        ({"pmc"}, "pmc", jats(ONE)),
    ],
)
def test_the_next_service_serves_what_the_first_lacks(at: set[str], service: str, body: bytes) -> None:
    paper = Known(1, "PMC9000001", "10.5555/growth.1", "38000001", at=frozenset(at))
    with asking(FakeServices([paper])) as (server, ask):
        given = ask.fetch(want("PMC9000001"))
        assert (given.service, given.suffix, given.body) == (service, ".xml", body)
        if service == "pmc":  # the newest version is the tenth, not the second
            assert given.url == server.url("/PMC9000001.10/PMC9000001.10.xml", "pmc.test")


def test_the_users_order_is_kept_and_nobody_else_is_asked() -> None:
    with asking(FakeServices([ONE]), order=("pmc",)) as (server, ask):
        assert ask.fetch(want("PMC9000001")).service == "pmc"
        assert {asked.host for asked in server.asked} == {"pmc.test"}
    with asking(FakeServices([ONE]), order=("tomesphere",)) as (server, ask):
        with pytest.raises(FetchError, match="neither in PMC nor on arXiv, as far as is known"):
            ask.fetch(want("10.5555/growth.1"))  # its PMCID would have to be asked of others
        assert server.asked == []


@pytest.mark.parametrize("name", ["10.5555/growth.1", "PMID: 38000001"])
def test_a_doi_or_pmid_leads_to_the_pmcid_and_what_is_learnt_is_kept(name: str) -> None:
    with asking(FakeServices([ONE])) as (server, ask):
        given = ask.fetch(want(name))
        assert given.service == "tomesphere"
        assert given.facts == Facts(PaperIds("10.5555/growth.1", "PMC9000001", "38000001"), "cc by", None)
        assert asked_of(server) == ["europepmc /search", "tomesphere /paper/PMC9000001/full.md"]


def test_the_converter_is_asked_when_europe_pmc_is_down() -> None:
    def down(asked: Asked) -> object:
        return (lambda _, wire: wire.reply(503)) if asked.host == "europepmc.test" else None

    fake = FakeServices([ONE], fault=down)  # type: ignore[arg-type]
    with asking(fake, contact="ada@example.org") as (server, ask):
        given = ask.fetch(want("PMID: 38000001"))
        assert (given.service, given.facts.ids.doi) == ("tomesphere", "10.5555/growth.1")
        question = next(asked for asked in server.asked if asked.host == "converter.test")
        assert question.query == {
            "ids": "38000001", "idtype": "pmid", "format": "json", "tool": "citewell",
            "email": "ada@example.org",
        }  # fmt: skip


def test_a_retraction_is_kept_from_whoever_says_it() -> None:
    said = Known(1, "PMC9000001", "10.5555/growth.1", "38000001", retracted=True)
    with asking(FakeServices([said])) as (_, ask):
        notice = ask.fetch(want("10.5555/growth.1")).facts.notice
        assert notice == "this paper was retracted: J Growth. 2025;3:9"
    with asking(FakeServices([said]), order=("pmc",)) as (_, ask):
        assert ask.fetch(want("PMC9000001")).facts.notice == "this paper was retracted"


def test_arxiv_gives_the_pdf() -> None:
    paper = Known(2, arxiv="2401.00002", at=frozenset({"arxiv"}))
    with asking(FakeServices([paper])) as (_, ask):
        for name in ("arXiv:2401.00002v3", "10.48550/arXiv.2401.00002", "https://arxiv.org/abs/2401.00002"):
            given = ask.fetch(want(name))
            assert (given.service, given.suffix, given.body) == ("arxiv", ".pdf", pdf_file(paper))
            assert given.facts.ids.arxiv == "2401.00002"


def test_the_version_that_was_named_is_the_one_asked_for() -> None:
    paper = Known(2, arxiv="2401.00002", at=frozenset({"arxiv", "tomesphere"}))
    with asking(FakeServices([paper])) as (server, ask):
        assert ask.fetch(want("arXiv:2401.00002")).service == "tomesphere"
        assert ask.fetch(want("https://arxiv.org/pdf/2401.00002v3.pdf")).service == "arxiv"
        assert [asked.path for asked in server.asked] == [
            "/paper/2401.00002/full.md", "/pdf/2401.00002v3",
        ]  # fmt: skip


LINKS = {
    "/a.pdf": ("application/pdf", pdf_file(ONE)),
    "/cut.pdf": ("application/pdf", pdf_file(ONE)[:-200]),
    "/b.xml": ("text/xml", jats(ONE)),
    "/c": ("text/html", b"<html><head><meta name='citation_title' content='T'></head><body><p>Hi</p></body>"),
    "/login": ("text/html", b"<html><body><p>Please sign in to read this paper.</p></body></html>"),
    "/img": ("application/octet-stream", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "/zip": ("application/zip", b"PK\x03\x04"),
}


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/a.pdf", ".pdf"),
        ("/b.xml", ".xml"),
        ("/c", ".html"),
        ("/cut.pdf", "link: sent a PDF that is cut short"),
        ("/login", "link: the link leads to a web page that names no paper"),
        ("/img", "link: not a paper citewell can read: it is a PNG image"),
        ("/zip", "link: publisher.test sent application/zip instead of a paper"),
        ("/none", "link: publisher.test does not have it (status 404)"),
    ],
)
def test_a_link_gives_a_paper_or_says_why_not(path: str, outcome: str) -> None:
    with asking(FakeServices([], LINKS)) as (server, ask):
        wanted = Wanted(url=server.url(path, "publisher.test"))
        if outcome.startswith("."):
            assert ask.fetch(wanted).suffix == outcome
        else:
            with pytest.raises(FetchError) as caught:
                ask.fetch(wanted)
            assert caught.value.message == outcome


def test_a_publishers_link_is_used_when_no_service_has_the_paper() -> None:
    with asking(FakeServices([], LINKS)) as (server, ask):
        given = ask.fetch(Wanted(PaperIds(doi="10.5555/other"), server.url("/a.pdf", "publisher.test")))
        assert (given.service, given.facts.ids.doi) == ("link", "10.5555/other")


def landing(**meta: str) -> tuple[str, bytes]:
    """A publisher's page about a paper, with this metadata."""
    stated = "".join(f'<meta name="{name}" content="{value}">' for name, value in meta.items())
    title = '<meta name="citation_title" content="A paper">'
    return "text/html", f"<html><head>{title}{stated}</head><body><p>Abstract.</p></body></html>".encode()


def test_a_publishers_page_leads_to_the_paper() -> None:
    links = LINKS | {
        "/by-doi": landing(citation_doi="10.5555/growth.1"),
        "/by-pdf": landing(citation_doi="10.5555/unknown", citation_pdf_url="a.pdf"),
        "/by-itself": landing(citation_pdf_url="/none.pdf"),
        "/hostile": landing(citation_pdf_url="http://127.0.0.1/secret.pdf"),
    }
    with asking(FakeServices([ONE], links)) as (server, ask):

        def follow(path: str) -> tuple[str, str, str | None]:
            given = ask.fetch(Wanted(url=server.url(path, "publisher.test")))
            return given.service, given.suffix, given.facts.ids.doi

        assert follow("/by-doi") == ("tomesphere", ".md", "10.5555/growth.1")
        assert follow("/by-pdf") == ("link", ".pdf", "10.5555/unknown")
        assert follow("/by-itself") == ("link", ".html", None)
        assert follow("/hostile") == ("link", ".html", None)


def page(body: bytes, kind: str = "text/markdown") -> FakeServices:
    """tomesphere says this, whatever it is asked."""
    return FakeServices([], fault=lambda _: lambda _, wire: wire.reply(200, body, kind))


@pytest.mark.parametrize(
    ("fake", "reason", "temporary"),
    [
        (page(tomesphere_page(ONE, full=False)), "tomesphere: has only a summary of it", False),
        (
            page(tomesphere_page(ONE).replace(ONE.title.encode(), b"long " * 300_000)),
            "tomesphere: gave a title of 1,499,999 characters",
            False,
        ),
        (page(b"# Sorry\n\nTry later."), "tomesphere: sent a page that is no paper", True),
        (
            page(tomesphere_page(Known(3, "PMC9000003", "10.5555/growth.3"))),
            "tomesphere: gave another paper, PMC9000003",
            False,
        ),
        (
            page(b"<html>Error", "text/html"),
            "tomesphere: tomesphere.test sent text/html instead of a paper",
            True,
        ),
        (page(b"\x00\xff" * 50), "tomesphere: sent a page that cannot be read", True),
    ],
)
def test_what_is_no_full_view_of_the_paper_is_refused(
    fake: FakeServices, reason: str, temporary: bool
) -> None:
    with asking(fake, order=("tomesphere",)) as (_, ask), pytest.raises(FetchError) as caught:
        ask.fetch(want("PMC9000001"))
    assert caught.value.message.startswith(reason)
    assert caught.value.temporary is temporary


def test_xml_that_is_cut_or_has_no_body_is_refused() -> None:
    def europe(body: bytes) -> FakeServices:
        return FakeServices(
            [], fault=lambda _: lambda _, wire: wire.reply(200, body, "text/xml", length=False)
        )

    front_only = jats(ONE).split(b"<body>")[0] + b"</article>"
    for body, reason in ((jats(ONE)[:-30], "cut short"), (front_only, "has only a summary of it")):
        with asking(europe(body), order=("europepmc",)) as (_, ask), pytest.raises(FetchError, match=reason):
            ask.fetch(want("PMC9000001"))


def test_every_reason_is_given_once() -> None:
    with asking(FakeServices([])) as (_, ask), pytest.raises(FetchError) as caught:
        ask.fetch(want("PMC9000009"))
    assert caught.value.message == (
        "tomesphere: tomesphere.test does not have it (status 404); "
        "europepmc: europepmc.test does not have it (status 404); "
        "pmc: it is not among the open-access papers"
    )
    assert caught.value.temporary is False
    with asking(FakeServices([])) as (_, ask), pytest.raises(FetchError, match="it names no DOI, PMCID"):
        ask.fetch(Wanted(title="Of mice"))


def test_an_answer_about_another_paper_is_not_believed() -> None:
    def other(asked: Asked) -> object:
        def answer(_: Asked, wire: Wire) -> None:
            record = b'{"resultList": {"result": [{"doi": "10.5555/else", "pmcid": "PMC666", "pmid": 7}]}}'
            wire.reply(200, record, "application/json")

        return answer if asked.path == "/search" else None

    with asking(FakeServices([], fault=other), order=("europepmc",)) as (server, ask):  # type: ignore[arg-type]
        with pytest.raises(FetchError, match="neither in PMC nor on arXiv"):
            ask.fetch(want("10.5555/growth.1"))
        assert asked_of(server) == ["europepmc /search"]


def test_the_real_services_are_asked_as_often_as_they_like() -> None:
    manners = Options().manners()
    assert {host: (m.gap, m.at_once) for host, m in manners.items()} == {
        "tomesphere.com": (0.34, 2), "www.ebi.ac.uk": (0.2, 3), "pmc-oa-opendata.s3.amazonaws.com": (0.34, 2),
        "pmc.ncbi.nlm.nih.gov": (0.34, 1), "arxiv.org": (3.0, 1),
    }  # fmt: skip
    assert all(address.startswith("https://") for address in ADDRESSES.values())
