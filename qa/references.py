"""How a paper is named: in a citation ("Wang et al. 2026"), and in the list beneath an answer."""

from __future__ import annotations

from collections.abc import Iterable

from index.model import Author, Record
from qa.model import AnswerSentence, Citation, ReferenceEntry

_LISTED = 6


def short_name(record: Record) -> str:
    """Author and year, as in running text."""
    names = [author.family for author in record.authors if author.family]
    if not names:
        who = record.title if len(record.title) <= 40 else record.title[:39].rstrip() + "…"
    elif len(names) == 1:
        who = names[0]
    elif len(names) == 2:
        who = f"{names[0]} & {names[1]}"
    else:
        who = f"{names[0]} et al."
    return f"{who} {record.year}" if record.year else who


def full_reference(record: Record) -> str:
    """Authors (year). Title. Journal. Identifier that can be opened."""
    who = _authors(record.authors)
    when = f" ({record.year})" if record.year else ""
    parts = [
        f"{who}{when}".strip(),
        record.title.rstrip("."),
        (record.journal or "").rstrip("."),
        link(record) or "",
    ]
    return ". ".join(part for part in parts if part)


def link(record: Record) -> str | None:
    """Where the paper can be opened."""
    ids = record.ids
    if ids.doi:
        return f"https://doi.org/{ids.doi}"
    if ids.pmcid:
        return f"https://pmc.ncbi.nlm.nih.gov/articles/{ids.pmcid}/"
    if ids.arxiv:
        return f"https://arxiv.org/abs/{ids.arxiv}"
    if ids.pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{ids.pmid}/"
    return None


def _authors(authors: tuple[Author, ...]) -> str:
    names = [_author(author) for author in authors[:_LISTED]]
    return ", ".join(names) + (" et al." if len(authors) > _LISTED else "")


def _author(author: Author) -> str:
    if not author.given:
        return author.family
    parts = author.given.replace("-", " ").replace(".", " ").split()
    initials = "".join(part[0].upper() for part in parts)
    # Initials that are given as such ("JR") stay whole.
    return (
        f"{author.family} {author.given if author.given.isupper() and len(author.given) <= 3 else initials}"
    )


def reference_list(sentences: Iterable[AnswerSentence]) -> tuple[ReferenceEntry, ...]:
    """The cited papers in the order of their first citation, each with the numbers of its citations."""
    cited: dict[int, dict[int, Citation]] = {}
    for sentence in sentences:
        for citation in sentence.citations:
            cited.setdefault(citation.paper.id, {}).setdefault(citation.number, citation)
    return tuple(_entry(list(citations.values())) for citations in cited.values())


def _entry(citations: list[Citation]) -> ReferenceEntry:
    paper = citations[0].paper
    return ReferenceEntry(tuple(sorted(c.number for c in citations)), paper, full_reference(paper.record))
