"""Passages of other papers that say what a passage says, found by the vectors that are stored.

No model is loaded or asked: a passage that is in the library has its vector already.
"""

from __future__ import annotations

from collections.abc import Mapping

from index.model import Section, SectionKind, Span
from index.parse.blocks import role
from index.reader import Reader, StoredPassage
from index.vectors import VectorIndex, stored_vectors
from qa.model import ScoredPassage
from qa.retrieve import diverse

_MOST = 9  # as many as have a number key
_PER_PAPER = 2
_LOWEST = 0.35  # cosine below which passages have hardly a subject in common
_MORE = 5  # times as many are looked at, for several of one paper are left out


def neighbours(
    reader: Reader, index: VectorIndex, paper_id: int, span: Span, limit: int = _MOST
) -> list[ScoredPassage]:
    """At most `limit` passages of other papers, the closest first, for the passage at `span` of this paper.

    Where no passage holds any of the span, it is that which follows, or else the last one. Empty for a paper
    that the library lacks. LibraryError for vectors that are damaged.
    """
    stored, model = reader.vectors_of(paper_id), reader.model()
    own = reader.passages(stored.passage_ids) if stored is not None else {}
    if stored is None or model is None or not own:
        return []
    at = stored.passage_ids.index(_passage_at(own, span))
    vector = stored_vectors(stored, model[1].dimension)[at]
    found = index.search(reader, vector, limit * _MORE + len(own))
    cosines = {i: cosine for i, cosine in found if i not in own and cosine >= _LOWEST}
    passages = {i: held for i, held in reader.passages(cosines).items() if not _back(held.section)}
    ranked = [(i, cosine) for i, cosine in cosines.items() if i in passages]
    chosen = diverse(ranked, passages, limit, _PER_PAPER)
    papers = reader.papers_by_id({passages[i].paper_id for i, _ in chosen})
    return [
        ScoredPassage(rank, cosine, passages[i], papers[passages[i].paper_id], cosine, None)
        for rank, (i, cosine) in enumerate(chosen, start=1)
    ]


def _back(section: Section) -> bool:
    """Whether it lists contributors, funders and the like; in JATS these often stand in the body."""
    return section.kind is SectionKind.BACK or (
        bool(section.path) and role(section.path[-1]) is SectionKind.BACK
    )


def _passage_at(passages: Mapping[int, StoredPassage], span: Span) -> int:
    """The id of the passage that holds most of the span."""
    ordered = sorted(passages.values(), key=lambda p: (p.span.start, p.id))

    def shared(passage: StoredPassage) -> int:
        return min(passage.span.end, span.end) - max(passage.span.start, span.start)

    best = max(ordered, key=shared)
    if shared(best) > 0:
        return best.id
    return next((p.id for p in ordered if p.span.start >= span.start), ordered[-1].id)
