"""What a question is limited to: joined with what a follow-up adds, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from qa.model import Filters


def narrowed(scope: Filters, more: Filters) -> Filters:
    """The scope with each part that `more` has in the place of its own."""
    return replace(
        scope,
        papers=more.papers or scope.papers,
        years=more.years or scope.years,
        sections=more.sections or scope.sections,
        kinds=more.kinds or scope.kinds,
        without=more.without or scope.without,
        tags=more.tags or scope.tags,
    )


def in_words(scope: Filters, names: Mapping[str, str] | None = None) -> str:
    """ "Wang et al. 2026 (PMC123), 2015–, methods, #safety"; "" for everything. `names` are those of papers
    by their keys, as far as they are known."""
    called = names or {}
    parts = [f"{called[key]} ({key})" if key in called else key for key in scope.papers]
    if scope.years:
        low, high = (str(year or "") for year in scope.years)
        parts.append(low if low == high else f"{low}–{high}")
    parts += [*scope.sections, *scope.kinds, *(f"#{tag}" for tag in scope.tags)]
    parts += [f"without {name}" for name in scope.without]
    return ", ".join(parts)
