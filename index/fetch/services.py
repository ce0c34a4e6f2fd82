"""The services that may have a paper, asked in the user's order until one gives it whole.

tomesphere    the full view of the page, as Markdown: its structure is what citewell knows best
europepmc     the article as JATS XML, for open-access papers
pmc           the same from the open-access files of PubMed Central, which NLM keeps in a public bucket
arxiv         the PDF

Each is asked as its documentation says; addresses may be replaced by the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote, urlencode, urljoin, urlsplit

from pydantic import BaseModel, ValidationError

from index.errors import FetchError, ParseError
from index.fetch import checks, lookup
from index.fetch.wanted import Wanted, with_arxiv
from index.model import Format, PaperIds
from index.net.client import HttpClient, Page
from index.net.pace import Manners
from index.requests import Facts

ADDRESSES: Mapping[str, str] = {
    "tomesphere": "https://tomesphere.com",
    "europepmc": "https://www.ebi.ac.uk/europepmc/webservices/rest",
    "pmc": "https://pmc-oa-opendata.s3.amazonaws.com",
    "converter": "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/",
    "arxiv": "https://arxiv.org",
}
ORDER = ("tomesphere", "europepmc", "pmc", "arxiv")
_MANNERS = {
    "tomesphere": Manners(0.34, 2),
    "europepmc": Manners(0.2, 3),
    "pmc": Manners(0.34, 2),
    "converter": Manners(0.34, 1),  # NCBI: three a second
    "arxiv": Manners(3.0, 1),  # one every three seconds, one at a time
}
_XML = frozenset({"application/xml", "text/xml", "application/jats+xml", "application/octet-stream",
                  "binary/octet-stream"})  # fmt: skip
_MARKDOWN = frozenset({"text/markdown", "text/x-markdown", "text/plain"})
_PDF = frozenset({"application/pdf"})
_ANY = _XML | _MARKDOWN | _PDF | {"text/html", "application/xhtml+xml", "application/x-pdf"}
_JSON = frozenset({"application/json", "application/octet-stream", "binary/octet-stream"})
_BY_HAND = "Fetch it by hand, and add the file."


@dataclass(frozen=True, slots=True)
class Options:
    """Which services may be asked, where they are, and who asks."""

    order: tuple[str, ...] = ORDER
    addresses: Mapping[str, str] = field(default_factory=dict)
    contact: str | None = None

    def address(self, service: str) -> str:
        """Where a service is."""
        return self.addresses.get(service, ADDRESSES[service]).rstrip("/" if service != "converter" else "")

    def manners(self) -> dict[str, Manners]:
        """How often each service's host may be asked. A host of the user's own sets its own pace."""
        found = {}
        for service, manners in _MANNERS.items():
            host = urlsplit(self.address(service)).hostname or ""
            found[host] = Manners(0.0, 8) if service in self.addresses else manners
        return found


@dataclass(frozen=True, slots=True)
class Delivered:
    """A paper as a service gave it."""

    service: str
    url: str
    body: bytes
    suffix: str
    facts: Facts


class _Metadata(BaseModel):
    is_retracted: bool = False


class Services:
    """Finds who has a paper. Safe to use from several threads."""

    def __init__(self, client: HttpClient, options: Options) -> None:
        self._client = client
        self._options = options

    def fetch(self, wanted: Wanted, *, fresh: bool = False) -> Delivered:
        """The paper from the first service that has it; FetchError with every service's reason."""
        if not wanted.can_be_fetched:
            raise FetchError("it names no DOI, PMCID, PMID, arXiv id or link", "Complete the list's entry.")
        failures: list[tuple[str, FetchError]] = []
        facts = self._look_up(wanted, failures, fresh=fresh)
        for service, deliver in self._candidates(wanted, facts):
            try:
                return deliver(fresh)
            except FetchError as error:
                failures.append((service, error))
        raise _all_failed(failures)

    def _look_up(self, wanted: Wanted, failures: list[tuple[str, FetchError]], *, fresh: bool) -> Facts:
        """What is known of the paper: its PMCID above all, without which most services cannot be asked."""
        ids = with_arxiv(wanted.ids)
        if ids.pmcid or not (ids.doi or ids.pmid) or (ids.arxiv and ids.arxiv in (ids.doi or "")):
            return Facts(ids)
        facts = Facts(ids)
        for service, ask in self._lookups(ids, fresh):
            try:
                found = ask()
            except FetchError as error:
                failures.append((service, error))
                continue
            if found is not None:
                facts = lookup.merged(found, ids)
            if facts.ids.pmcid or found is not None:
                break
        return facts

    def _lookups(self, ids: PaperIds, fresh: bool) -> Iterator[tuple[str, Callable[[], Facts | None]]]:
        options, client = self._options, self._client
        if "europepmc" in options.order:
            base = options.address("europepmc")
            yield "europepmc", lambda: lookup.ask_europe_pmc(client, base, ids, fresh=fresh)
        if "pmc" in options.order:
            at = options.address("converter")
            yield "converter", lambda: lookup.ask_converter(client, at, ids, options.contact, fresh=fresh)

    def _candidates(self, wanted: Wanted, facts: Facts) -> Iterator[tuple[str, Callable[[bool], Delivered]]]:
        """Those services, in order, that can know the paper; its own link comes last."""
        # Of which version a page of tomesphere was made, it does not say.
        tomesphere = bool(facts.ids.pmcid or (facts.ids.arxiv and not wanted.version))
        ways: dict[str, tuple[bool, Callable[[Facts, bool], Delivered]]] = {
            "tomesphere": (tomesphere, self._tomesphere),
            "europepmc": (bool(facts.ids.pmcid), self._europe_pmc),
            "pmc": (bool(facts.ids.pmcid), self._pmc),
            "arxiv": (bool(facts.ids.arxiv), partial(self._arxiv, wanted.version)),
        }
        for service in self._options.order:
            possible, way = ways[service]
            if possible:
                yield service, lambda fresh, way=way: way(facts, fresh)  # type: ignore[misc]
        if wanted.url:
            url = wanted.url
            yield "link", lambda fresh: self._link(url, facts, fresh)

    # --- one way each --------------------------------------------------------------------------------

    def _tomesphere(self, facts: Facts, fresh: bool) -> Delivered:
        name = facts.ids.pmcid or facts.ids.arxiv or ""
        url = f"{self._options.address('tomesphere')}/paper/{quote(name, safe='')}/full.md"
        page = self._client.get(
            url, _MARKDOWN, lambda body: checks.check_tomesphere(body, facts.ids), fresh=fresh
        )
        return Delivered("tomesphere", page.url, page.body, ".md", facts)

    def _europe_pmc(self, facts: Facts, fresh: bool) -> Delivered:
        url = f"{self._options.address('europepmc')}/{facts.ids.pmcid}/fullTextXML"
        page = self._client.get(url, _XML, lambda body: checks.check_jats(body, facts.ids), fresh=fresh)
        return Delivered("europepmc", page.url, page.body, ".xml", facts)

    def _pmc(self, facts: Facts, fresh: bool) -> Delivered:
        """The newest version's XML from PMC's open-access files, and whether it was retracted."""
        base = self._options.address("pmc")
        values = {"list-type": "2", "delimiter": "/", "prefix": f"{facts.ids.pmcid}."}
        listing = self._client.get(f"{base}/?{urlencode(values)}", _XML, fresh=fresh)
        folder = _newest(listing.body, facts.ids.pmcid or "")
        page = self._client.get(
            f"{base}/{folder}/{folder}.xml",
            _XML,
            lambda body: checks.check_jats(body, facts.ids),
            fresh=fresh,
        )
        notice = facts.notice
        if notice is None and self._is_retracted(f"{base}/{folder}/{folder}.json", fresh):
            notice = "this paper was retracted"
        return Delivered("pmc", page.url, page.body, ".xml", Facts(facts.ids, facts.licence, notice))

    def _is_retracted(self, url: str, fresh: bool) -> bool:
        try:
            return _Metadata.model_validate_json(self._client.get(url, _JSON, fresh=fresh).body).is_retracted
        except (FetchError, ValidationError):
            return False  # the paper is here; that its record is not is no reason to lose it

    def _arxiv(self, version: int | None, facts: Facts, fresh: bool) -> Delivered:
        name = quote(facts.ids.arxiv or "") + (f"v{version}" if version else "")
        url = f"{self._options.address('arxiv')}/pdf/{name}"
        page = self._client.get(url, _PDF, checks.check_pdf, fresh=fresh)
        return Delivered("arxiv", page.url, page.body, ".pdf", facts)

    def _link(self, url: str, facts: Facts, fresh: bool) -> Delivered:
        page = self._client.get(url, _ANY, lambda body: void(checks.check_any(body, url)), fresh=fresh)
        form = checks.check_any(page.body, url)
        better = self._behind(page, facts, fresh) if form is Format.HTML else None
        return better or Delivered("link", page.url, page.body, checks.SUFFIX[form], facts)

    def _behind(self, page: Page, facts: Facts, fresh: bool) -> Delivered | None:
        """What a page about a paper leads to: the services by its id, or the PDF that it states."""
        from index.parse.html import parse_landing

        try:
            ids, pdf = parse_landing(page.body)
        except ParseError:
            return None
        if facts.ids == PaperIds() and ids != PaperIds():
            with suppress(FetchError):
                return self.fetch(Wanted(ids), fresh=fresh)
        with suppress(FetchError, ValueError):
            if pdf:
                found = self._client.get(urljoin(page.url, pdf), _PDF, checks.check_pdf, fresh=fresh)
                return Delivered("link", found.url, found.body, ".pdf", lookup.merged(facts, ids))
        return None


def void(value: object) -> None:
    """Takes a value and gives none."""
    del value


def _newest(listing: bytes, pmcid: str) -> str:
    """The folder of the newest version in a bucket's listing: PMC123.2 after PMC123.1."""
    from index.parse.jats_xml import read_tree

    try:
        root = read_tree(listing)
    except ParseError as error:
        raise FetchError("sent a listing that cannot be read", temporary=True) from error
    found = [re.fullmatch(rf"{pmcid}\.(\d+)/?", element.text or "") for element in root.iter("Prefix")]
    versions = [int(one.group(1)) for one in found if one]
    if not versions:
        raise FetchError("it is not among the open-access papers", _BY_HAND)
    return f"{pmcid}.{max(versions)}"


def _all_failed(failures: Sequence[tuple[str, FetchError]]) -> FetchError:
    if not failures:
        return FetchError("it is neither in PMC nor on arXiv, as far as is known", _BY_HAND)
    reasons = "; ".join(dict.fromkeys(f"{service}: {error.message}" for service, error in failures))
    temporary = [error for _, error in failures if error.temporary]
    return FetchError(
        reasons, temporary[0].hint if temporary else failures[-1][1].hint, temporary=bool(temporary)
    )
