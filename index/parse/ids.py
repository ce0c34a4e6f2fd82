"""The names the world gives a paper: DOI, PMCID, PMID, arXiv id. Normalised, and found in running text."""

from __future__ import annotations

import re
from urllib.parse import unquote

from index.model import PaperIds

_DOI = re.compile(r"\b10\.\d{4,9}(?:\.\d{1,9})*/[^\s\"<>{}|\\^`]{1,200}", re.IGNORECASE)
_DOI_TAIL = re.compile(r"/(?:full(?:\.md|\.html?)?|abstract|e?pdf|html?|meta)$", re.IGNORECASE)
_PMCID = re.compile(r"(?<![A-Za-z0-9])PMC\s?(\d{3,9})(?!\d)", re.IGNORECASE)
_PMID = re.compile(
    r"(?:\bPMID|\bPubMed(?:\s+(?:ID|PMID))?|pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/)"
    r"\s{0,3}[:#]?\s{0,3}(\d{1,9})(?!\d)",
    re.IGNORECASE,
)
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]{2,16}(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?![\d/])"
_ARXIV = re.compile(
    r"\barxiv\s?[:.]\s?" + _ARXIV_ID + r"|\barxiv\.org/(?:abs|pdf|html)/" + _ARXIV_ID, re.IGNORECASE
)
_ARXIV_BARE = re.compile(_ARXIV_ID + r"$", re.IGNORECASE)
_PAIRS = {")": "(", "]": "["}


def normal_doi(value: str) -> str | None:
    """The DOI in `value`, lower case, without resolver or label; None if there is none.

    Takes "10.1000/X", "doi:10.1000/x", "https://doi.org/10.1000/x" and the same percent-encoded.
    """
    if "%" in value:
        value = unquote(value)
    found = _DOI.search(value)
    return _trim_doi(found.group()) if found else None


def _trim_doi(doi: str) -> str | None:
    """Without what a sentence or a web address put behind it: a full stop, a bracket, "/full"."""
    while doi:
        last = doi[-1]
        if last in ".,;:'*_”’»" or (last in _PAIRS and doi.count(last) > doi.count(_PAIRS[last])):
            doi = doi[:-1]
            continue
        shorter = _DOI_TAIL.sub("", doi)
        # "10.1000/full" is a DOI, "10.1000/x/full" is an address.
        if shorter == doi or "/" not in shorter:
            break
        doi = shorter
    return doi.lower() if "/" in doi[:-1] else None


def normal_pmcid(value: str) -> str | None:
    """ "PMC" and the digits; takes the digits alone and versions ("PMC123.1") as well."""
    found = re.fullmatch(
        r"\s*(?:PMCID\s*:?\s*)?(?:PMC)?\s?0*([1-9]\d{0,8})(?:\.\d+)?\s*", value, re.IGNORECASE
    )
    return f"PMC{found.group(1)}" if found else None


def normal_pmid(value: str) -> str | None:
    """The digits; takes "PMID: 123" as well."""
    found = re.fullmatch(r"\s*(?:PMID\s*:?\s*)?0*([1-9]\d{0,8})\s*", value, re.IGNORECASE)
    return found.group(1) if found else None


def normal_arxiv(value: str) -> str | None:
    """The arXiv id without "arXiv:", address and version; old ids ("hep-th/9901001") too."""
    value = value.strip()
    labelled = _ARXIV.search(value)
    if labelled:
        return (labelled.group(1) or labelled.group(2)).lower()
    bare = _ARXIV_BARE.match(value)
    return bare.group(1).lower() if bare else None


def find_ids(text: str) -> PaperIds:
    """The first DOI, PMCID, PMID and arXiv id in `text`. A PMID counts only with its label or address."""
    doi = next((doi for doi in (_trim_doi(m.group()) for m in _DOI.finditer(text)) if doi), None)
    if doi is None and "%2f" in text.lower():
        doi = normal_doi(text)
    pmcid = _PMCID.search(text)
    pmid = _PMID.search(text)
    arxiv = _ARXIV.search(text)
    return PaperIds(
        doi=doi,
        pmcid=normal_pmcid(pmcid.group(1)) if pmcid else None,
        pmid=normal_pmid(pmid.group(1)) if pmid else None,
        arxiv=(arxiv.group(1) or arxiv.group(2)).lower() if arxiv else None,
    )


def merge_ids(first: PaperIds, second: PaperIds) -> PaperIds:
    """`first`, its gaps filled from `second`."""
    return PaperIds(
        doi=first.doi or second.doi,
        pmcid=first.pmcid or second.pmcid,
        pmid=first.pmid or second.pmid,
        arxiv=first.arxiv or second.arxiv,
    )
