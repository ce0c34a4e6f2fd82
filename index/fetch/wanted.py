"""Recognises what a user typed instead of a file: an id of a paper, or a link to one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from index.model import PaperIds
from index.parse.ids import find_ids, normal_arxiv, normal_doi, normal_pmcid, normal_pmid

_MAX = 2000  # characters of an id or a link
_PMCID = re.compile(r"(?:PMCID\s*:?\s*)?PMC\s?\d{1,9}(?:\.\d+)?", re.IGNORECASE)
_PMID = re.compile(r"PMID\s*:?\s*\d{1,9}|[1-9]\d{4,8}", re.IGNORECASE)
_DOI = re.compile(r"(?:doi\s*:?\s*)?10\.\d{4,9}(?:\.\d{1,9})*/\S+", re.IGNORECASE)
_ARXIV = re.compile(
    r"arxiv\s?:\s?\S{7,40}|\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]{2,16}(?:\.[A-Z]{2})?/\d{7}(?:v\d+)?", re.IGNORECASE
)
_VERSION = re.compile(r"\dv([1-9]\d{0,2})(?:\.pdf)?$", re.IGNORECASE)
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)", re.IGNORECASE)
_LINK = re.compile(r"https?://", re.IGNORECASE)
_EUROPE_PMC = re.compile(r"/(?:article|abstract)/MED/(\d{1,9})", re.IGNORECASE)
# A link to one of these names its paper; there is no need to read the page itself.
_KNOWN = (
    "doi.org",
    "ncbi.nlm.nih.gov",
    "europepmc.org",
    "arxiv.org",
    "tomesphere.com",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A paper that was asked for: by ids, else by a link. One with neither cannot be fetched.

    `title` is what a reference list calls it, for showing only. `version` is arXiv's, where one was named;
    else the newest is meant.
    """

    ids: PaperIds = field(default_factory=PaperIds)
    url: str | None = None
    title: str = ""
    version: int | None = None

    @property
    def name(self) -> str:
        """How it is shown, and by which it is known in the list of requests."""
        ids = self.ids
        if ids.pmcid or ids.doi:
            return ids.pmcid or ids.doi or ""
        if ids.arxiv:
            return f"arXiv:{ids.arxiv}"
        return f"PMID:{ids.pmid}" if ids.pmid else self.url or self.title[:100]

    @property
    def can_be_fetched(self) -> bool:
        """Whether it has a name that a service could know."""
        return self.ids != PaperIds() or self.url is not None


def recognise(text: str) -> Wanted | None:
    """The paper that an id or a link names, None if the text is neither."""
    text = text.strip().strip("<>\"'").strip()
    if not text or len(text) > _MAX or not text.isprintable():
        return None
    if _LINK.match(text):
        return _from_link(text)
    if _PMCID.fullmatch(text):
        return _of(PaperIds(pmcid=normal_pmcid(text)))
    if _DOI.fullmatch(text):
        return _of(PaperIds(doi=normal_doi(text)))
    if _ARXIV.fullmatch(text):
        return _of(PaperIds(arxiv=normal_arxiv(text)), text)
    if _PMID.fullmatch(text):
        return _of(PaperIds(pmid=normal_pmid(text)))
    return None


def wanted_by(ids: PaperIds, url: str | None = None, title: str = "") -> Wanted:
    """A paper by what a list says of it: ids as they are written there, a link, a title."""
    found = recognise(url) if url else None
    ids = PaperIds(
        doi=normal_doi(ids.doi or ""),
        pmcid=normal_pmcid(ids.pmcid or ""),
        pmid=normal_pmid(ids.pmid or ""),
        arxiv=normal_arxiv(ids.arxiv or ""),
    )
    if ids == PaperIds() and found is not None:
        return Wanted(found.ids, found.url, title)
    return Wanted(with_arxiv(ids), found.url if found else None, title)


def with_arxiv(ids: PaperIds) -> PaperIds:
    """The ids, the arXiv id taken from a DOI that arXiv gave out."""
    found = _ARXIV_DOI.fullmatch(ids.doi or "")
    if ids.arxiv or not found:
        return ids
    return PaperIds(ids.doi, ids.pmcid, ids.pmid, normal_arxiv(found.group(1)))


def _of(ids: PaperIds, text: str = "") -> Wanted | None:
    """The paper of these ids; `text` is how an arXiv id was written, perhaps with a version."""
    if ids == PaperIds():
        return None
    version = _VERSION.search(text)
    return Wanted(with_arxiv(ids), version=int(version[1]) if version else None)


def _from_link(link: str) -> Wanted | None:
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if not host:
        return None
    ids = find_ids(link)
    known = any(host == name or host.endswith(f".{name}") for name in _KNOWN)
    if known:
        europe = _EUROPE_PMC.search(parts.path)
        if europe:
            ids = PaperIds(pmid=europe.group(1))
        elif host.endswith("tomesphere.com"):
            last = parts.path.removesuffix("/full.md").rstrip("/").rsplit("/", 1)[-1]
            ids = PaperIds(arxiv=normal_arxiv(last)) if ids == PaperIds() else ids
    elif ids.doi:
        ids = PaperIds(doi=ids.doi)  # a publisher's page; other numbers in its address mean nothing
    else:
        ids = PaperIds()
    found = _of(ids, parts.path if host.endswith("arxiv.org") else "")
    if known and found:
        return found
    return Wanted(found.ids if found else PaperIds(), link)
