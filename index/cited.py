"""Which papers a paper cites, and which of them the library has."""

from __future__ import annotations

from dataclasses import dataclass

from index.fetch.wanted import Wanted, wanted_by
from index.identity import text_key
from index.model import PaperIds, Reference
from index.reader import Reader, StoredPaper

_MIN_TITLE = 20  # letters and digits; a shorter title may be that of many papers


@dataclass(frozen=True, slots=True)
class Cited:
    """One entry of a paper's references. `key` is the paper's name in the library, None if it lacks it."""

    reference: Reference
    wanted: Wanted
    key: str | None


def cited_by(reader: Reader, name: str) -> list[Cited]:
    """What the paper called `name` cites, in the order of its list. PaperNotFound if there is none."""
    references, _ = reader.lists(reader.find_paper(name).id)
    papers = reader.papers()
    by_id = {one: paper.key for paper in papers for one in _ids(paper)}
    by_title = {text_key(paper.record.title): paper.key for paper in papers}
    found = []
    for reference in references:
        ids = PaperIds(reference.doi, reference.pmcid, reference.pmid)
        wanted = wanted_by(ids, None, reference.title or reference.text[:300])
        title = text_key(reference.title)
        known = (wanted.ids.doi, wanted.ids.pmcid, wanted.ids.pmid and f"PMID:{wanted.ids.pmid}")
        key = next((by_id[one] for one in known if one in by_id), None)
        if key is None and len(title) >= _MIN_TITLE:
            key = by_title.get(title)
        found.append(Cited(reference, wanted, key))
    return found


def _ids(paper: StoredPaper) -> list[str]:
    ids = paper.record.ids
    return [one for one in (ids.doi, ids.pmcid, ids.pmid and f"PMID:{ids.pmid}") if one]
