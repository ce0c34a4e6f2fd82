"""The bibliographic record of a web page: citation_* and dc.* metadata, else what the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.model import Author, PaperIds, Record
from index.parse.builder import plain
from index.parse.html_blocks import all_words
from index.parse.ids import find_ids, merge_ids, normal_arxiv, normal_doi, normal_pmcid, normal_pmid
from index.parse.record import parse_authors, parse_date, people, title_from_name

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_SITE_NAME = re.compile(r"\s+[|–—]\s+[^|–—]{1,60}$")


def read_record(root: Element, name: str) -> tuple[Record, bool]:
    """The record, and whether the page itself states the title (else it is made from the file's `name`)."""
    meta = _meta(root)

    def first(*keys: str) -> str:
        return next((meta[key][0] for key in keys if key in meta), "")

    title = first("citation_title", "og:title", "dc.title") or _shown_title(root)
    year, date = parse_date(
        first(
            "citation_publication_date",
            "citation_date",
            "citation_online_date",
            "prism.publicationdate",
            "dc.date",
            "dcterms.date",
            "article:published_time",
            "citation_year",
        )
    )
    keywords = [
        word for value in meta.get("citation_keywords", meta.get("keywords", [])) for word in value.split(";")
    ]
    if len(keywords) == 1:
        keywords = keywords[0].split(",")
    record = Record(
        title=title or title_from_name(name),
        authors=_authors(meta),
        year=year,
        date=date,
        journal=first("citation_journal_title", "prism.publicationname", "dc.source") or None,
        ids=_ids(meta, root),
        licence=first("dc.rights", "dcterms.license", "citation_license") or None,
        keywords=tuple(dict.fromkeys(word for word in map(plain, keywords) if word)),
    )
    return record, bool(title)


def stated_pdf(root: Element) -> str | None:
    """The address of the paper's PDF, as a page states it for those who collect papers."""
    return next(iter(_meta(root).get("citation_pdf_url", [])), None)


def _meta(root: Element) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        key = element.get("name") or element.get("property") or ""
        content = plain(element.get("content", ""))
        if key and content:
            key = key.strip().lower().replace("dcterms.creator", "dc.creator").replace("dc:", "dc.")
            values.setdefault(key, []).append(content)
    return values


def _shown_title(root: Element) -> str:
    for tag in ("h1", "title"):
        for element in root.iter(tag):
            title = plain(all_words(element))
            if title:
                return title if tag == "h1" else _SITE_NAME.sub("", title)
    return ""


def _authors(meta: dict[str, list[str]]) -> tuple[Author, ...]:
    for key in ("citation_author", "dc.creator"):
        if names := meta.get(key):
            return parse_authors(names[0]) if len(names) == 1 and ";" in names[0] else people(names)
    for key in ("citation_authors", "author"):
        if names := meta.get(key):
            return parse_authors(names[0]) if len(names) == 1 else people(names)
    return ()


def _ids(meta: dict[str, list[str]], root: Element) -> PaperIds:
    def first(*keys: str) -> str:
        return next((meta[key][0] for key in keys if key in meta), "")

    stated = PaperIds(
        doi=normal_doi(first("citation_doi", "prism.doi", "dc.identifier", "dc.identifier.doi", "doi")),
        pmcid=normal_pmcid(first("citation_pmcid", "ncbi_pmcid")),
        pmid=normal_pmid(first("citation_pmid")),
        arxiv=normal_arxiv(first("citation_arxiv_id")),
    )
    addresses = [link.get("href", "") for link in root.iter("link") if link.get("rel") == "canonical"]
    addresses += (
        meta.get("og:url", []) + meta.get("citation_fulltext_html_url", []) + meta.get("dc.identifier", [])
    )
    return merge_ids(stated, find_ids("\n".join(addresses)))
