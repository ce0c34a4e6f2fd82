"""The services that have papers, as their documentation describes their answers, on one local server.

Nothing here is copied from an answer of theirs: the papers are made up, the shapes are as documented.
"""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from index.model import PaperIds
from index.net.client import Limits, Network
from tests.local_server import Asked, LocalServer, Wire, resolve, serve
from tests.pdfs import column, pdf, prose, wrap

LIMITS = Limits(
    deadline=2.0, connect=1.0, read=0.5, max_bytes=2_000_000, tries=3, backoff=0.01, longest_wait=0.5
)
Fault = Callable[[Asked, Wire], None]


@dataclass(frozen=True)
class Known:
    """A paper and who has it."""

    number: int
    pmcid: str | None = None
    doi: str | None = None
    pmid: str | None = None
    arxiv: str | None = None
    at: frozenset[str] = frozenset({"tomesphere", "europepmc", "pmc"})
    licence: str | None = "cc by"
    retracted: bool = False
    summary_only: bool = False  # at tomesphere

    @property
    def ids(self) -> PaperIds:
        """All of them."""
        return PaperIds(self.doi, self.pmcid, self.pmid, self.arxiv)

    @property
    def title(self) -> str:
        """Unlike every other paper's."""
        return f"Effects of compound {WORDS[self.number % len(WORDS)]}{self.number} on cell growth"

    @property
    def sentence(self) -> str:
        """That only this paper has."""
        return (
            f"Compound {WORDS[self.number % len(WORDS)]}{self.number} slowed growth by {self.number} percent."
        )


WORDS = "arvo belto cimra dosku enlap farit gosem hivar ilond jurek".split()


def tomesphere_page(paper: Known, *, full: bool = True) -> bytes:
    """A page of tomesphere in Markdown, its full or its summary view."""
    where = f"https://tomesphere.com/paper/{paper.pmcid or paper.arxiv}"
    body = (
        f"### Results\n\n{paper.sentence} {prose(f'w{paper.number}x', 6)}"
        if full
        else f"_Full body text omitted from this summary view._ Fetch the complete paper: {where}/full.md"
    )
    doi = f"DOI: {paper.doi} · " if paper.doi else ""
    return (
        f"# {paper.title}\n\n**Authors:** Moreau Ada, Lindqvist Bo\n\n"
        f"PMC · {doi}Journal of Growth · 2024-05-06\n\n"
        f"## TL;DR\n\nCompound {paper.number} was tested.\n\n"
        f"## Abstract\n\n{prose(f'a{paper.number}b', 3)}\n\n"
        f"## Full text\n\n{body}\n\n---\nSource: {where}\n"
    ).encode()


def jats(paper: Known) -> bytes:
    """The same paper as JATS XML."""
    ids = "".join(
        f'<article-id pub-id-type="{kind}">{escape(value)}</article-id>'
        for kind, value in (("pmc", (paper.pmcid or "")[3:]), ("doi", paper.doi), ("pmid", paper.pmid))
        if value
    )
    return (
        '<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and '
        'Interchange DTD v1.3//EN" "JATS-archivearticle1-3.dtd"><article><front><article-meta>'
        f"{ids}<title-group><article-title>{paper.title}</article-title></title-group>"
        f"<abstract><p>{prose(f'a{paper.number}b', 3)}</p></abstract></article-meta></front><body><sec>"
        f"<title>Results</title><p>{paper.sentence} {prose(f'w{paper.number}x', 6)}</p></sec></body>"
        "</article>"
    ).encode()


def pdf_file(paper: Known) -> bytes:
    """The same paper as PDF."""
    lines = wrap(f"{paper.sentence} {prose(f'w{paper.number}x', 12)}", 80)
    return pdf([[*column([paper.title], 60, 740, size=18.0), *column(lines, 60, 690)]])


def europe_pmc_record(paper: Known) -> dict[str, object]:
    """One result of a search with resultType=core; what it does not have is left out."""
    record: dict[str, object] = {"id": paper.pmid or paper.pmcid, "source": "MED", "title": f"{paper.title}."}
    record |= {k: v for k, v in (("pmid", paper.pmid), ("pmcid", paper.pmcid), ("doi", paper.doi)) if v}
    record |= {"license": paper.licence} if paper.licence else {}
    kinds = ["Journal Article"] + (["Retracted Publication"] if paper.retracted else [])
    record["pubTypeList"] = {"pubType": kinds}
    if paper.retracted:
        notice = {"id": "1", "source": "MED", "type": "Retraction in", "reference": "J Growth. 2025;3:9"}
        record["commentCorrectionList"] = {"commentCorrection": [notice]}
    return record


@dataclass
class FakeServices:
    """What the server answers; `faults` come before the papers, by request."""

    papers: list[Known]
    links: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    fault: Callable[[Asked], Fault | None] = lambda _: None

    def answer(self, asked: Asked, wire: Wire) -> None:
        """Whatever the service of that name would say."""
        fault = self.fault(asked)
        if fault is not None:
            fault(asked, wire)
            return
        service = asked.host.removesuffix(".test")
        getattr(self, f"_{service}")(asked, wire)

    def _by(self, name: str, value: str) -> Known | None:
        return next((paper for paper in self.papers if getattr(paper, name) == value), None)

    def _tomesphere(self, asked: Asked, wire: Wire) -> None:
        name = asked.path.split("/")[2]
        paper = self._by("pmcid", name) or self._by("arxiv", name)
        if paper is None or "tomesphere" not in paper.at:
            wire.reply(404, b"Not found", "text/html")
        else:
            wire.reply(
                200, tomesphere_page(paper, full=not paper.summary_only), "text/markdown; charset=utf-8"
            )

    def _europepmc(self, asked: Asked, wire: Wire) -> None:
        if asked.path == "/search":
            query = asked.query["query"]
            doi, pmid = re.fullmatch(r'DOI:"(.*)"', query), re.fullmatch(r"EXT_ID:(\d+) AND SRC:MED", query)
            paper = self._by("doi", doi[1]) if doi else self._by("pmid", pmid[1]) if pmid else None
            found = [europe_pmc_record(paper)] if paper else []
            shown = {"version": "6.9", "hitCount": len(found), "resultList": {"result": found}}
            wire.reply(200, json.dumps(shown).encode(), "application/json;charset=UTF-8")
            return
        paper = self._by("pmcid", asked.path.split("/")[1])
        if paper is None or "europepmc" not in paper.at:
            wire.reply(404, b"")
        else:
            wire.reply(200, jats(paper), "application/xml")

    def _pmc(self, asked: Asked, wire: Wire) -> None:
        if asked.path == "/":
            pmcid = asked.query["prefix"].rstrip(".")
            paper = self._by("pmcid", pmcid)
            versions = [1, 2, 10] if paper and "pmc" in paper.at else []
            shown = "".join(
                f"<CommonPrefixes><Prefix>{pmcid}.{v}/</Prefix></CommonPrefixes>" for v in versions
            )
            listing = (
                '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult '
                f'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pmc-oa-opendata</Name>'
                f"<Prefix>{pmcid}.</Prefix>{shown}</ListBucketResult>"
            )
            wire.reply(200, listing.encode(), "application/xml")
            return
        found = re.fullmatch(r"/(PMC\d+)\.10/\1\.10\.(xml|json)", asked.path)
        paper = self._by("pmcid", found[1]) if found else None
        if paper is None or found is None:
            wire.reply(404, b"<Error/>", "application/xml")
        elif found[2] == "xml":
            wire.reply(200, jats(paper), "binary/octet-stream")
        else:
            shown = json.dumps({"pmcid": paper.pmcid, "version": 10, "is_retracted": paper.retracted})
            wire.reply(200, shown.encode(), "application/json")

    def _converter(self, asked: Asked, wire: Wire) -> None:
        value = asked.query["ids"]
        paper = self._by(asked.query["idtype"], value)
        record: dict[str, object] = {"requested-id": value}
        if paper and paper.pmcid:
            record |= {"pmcid": paper.pmcid, "doi": paper.doi}
            record |= {"pmid": int(paper.pmid)} if paper.pmid else {}
        else:
            record |= {"status": "error", "errmsg": "Identifier not found in PMC"}
        wire.reply(200, json.dumps({"status": "ok", "records": [record]}).encode(), "application/json")

    def _arxiv(self, asked: Asked, wire: Wire) -> None:
        paper = self._by("arxiv", asked.path.removeprefix("/pdf/").split("v")[0])
        if paper is None or "arxiv" not in paper.at:
            wire.reply(404, b"")
        else:
            wire.reply(200, pdf_file(paper), "application/pdf")

    def _publisher(self, asked: Asked, wire: Wire) -> None:
        if asked.path not in self.links:
            wire.reply(404, b"")
        else:
            kind, body = self.links[asked.path]
            wire.reply(200, body, kind)


def _cut(asked: Asked, wire: Wire) -> None:
    wire.reply(200, jats(Known(1))[:200], "text/markdown", length=False)


def _bomb(asked: Asked, wire: Wire) -> None:
    wire.reply(200, BOMB, "text/markdown", Content_Encoding="gzip")


# Every way in which a server may fail, each as a request meets it.
FAULTS: tuple[Fault, ...] = (
    lambda _, wire: wire.reset(),
    lambda _, wire: wire.reply(503),
    lambda _, wire: wire.reply(429, retry_after="0"),
    lambda _, wire: wire.reply(
        200, b"short", length=False, Content_Length="900", Content_Type="text/markdown"
    ),
    _cut,
    _bomb,
    lambda _, wire: wire.reply(200, b"not gzip", "text/markdown", Content_Encoding="gzip"),
    lambda asked, wire: wire.reply(302, Location=asked.target),
    lambda _, wire: wire.reply(302, Location="http://127.0.0.1/"),
    lambda _, wire: wire.reply(302, Location="http://[::ffff:127.0.0.1]/"),
    lambda _, wire: wire.reply(200, b"<html>We are sorry</html>", "text/html"),
    lambda _, wire: wire.reply(200, b"x", "image/png"),
    lambda *_: time.sleep(0.8),
    lambda _, wire: wire.drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/markdown\r\n" * 9, 0.02),
    lambda *_: None,
)
BOMB = gzip.compress(bytes(30_000_000))


@dataclass
class Trouble:
    """A third of all addresses are in trouble, each in its own way: most of them always, some only once."""

    seen: dict[str, int] = field(default_factory=dict)
    over: bool = False

    def __call__(self, asked: Asked) -> Fault | None:
        place = f"{asked.host}{asked.target}"
        number = zlib.crc32(place.encode())
        self.seen[place] = self.seen.get(place, 0) + 1
        if self.over or number % 3 or (number // 3 % 4 == 0 and self.seen[place] > 1):
            return None
        return FAULTS[number // 12 % len(FAULTS)]


SERVICES = ("tomesphere", "europepmc", "pmc", "converter", "arxiv")


@contextmanager
def services(fake: FakeServices) -> Iterator[tuple[LocalServer, dict[str, str], Network]]:
    """The running server, the addresses to configure, and the network that reaches nothing else."""
    with serve(fake.answer) as server:
        addresses = {name: server.url("", f"{name}.test") for name in SERVICES}
        addresses["converter"] = server.url("/articles/", "converter.test")
        yield server, addresses, Network(frozenset({("127.0.0.1", server.port)}), LIMITS, resolve)


def fifty() -> list[Known]:
    """Papers with ids of every kind, spread over the services."""
    found = []
    for n in range(1, 51):
        everywhere = {"tomesphere", "europepmc", "pmc"}
        at = frozenset(everywhere if n % 5 else {"europepmc", "pmc"} if n % 10 else {"pmc"})
        found.append(
            Known(n, pmcid=f"PMC90{n:05}", doi=f"10.5555/growth.{n}", pmid=f"38{n:06}", at=at)
            if n % 7
            else Known(n, arxiv=f"2401.{n:05}", at=frozenset({"arxiv"}))
        )
    return found


def typed(papers: Iterable[Known]) -> list[str]:
    """How a user might name these papers: a way each in turn."""
    ways: list[Callable[[Known], str]] = [
        lambda p: p.pmcid or "", lambda p: f"https://doi.org/{p.doi}", lambda p: f"PMID: {p.pmid}",
        lambda p: f"https://tomesphere.com/paper/{p.pmcid}", lambda p: p.doi or "", lambda p: p.pmid or "",
        lambda p: f"https://pmc.ncbi.nlm.nih.gov/articles/{p.pmcid}/",
    ]  # fmt: skip
    return [
        f"arXiv:{paper.arxiv}" if paper.arxiv else ways[n % len(ways)](paper)
        for n, paper in enumerate(papers)
    ]
