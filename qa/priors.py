"""Where in a paper answers stand: a small preference, by the kind and heading of a section.

Most questions ask what was found, and papers say that in the abstract, the results and the conclusions.
Tables and captions hold many of the question's words close together without saying anything in a sentence;
introductions and methods repeat the words of the topic. Measured on three collections, and what it costs
nothing: docs/decisions/0006-fusing-scores.md. A question about methods gets no preference.
"""

from __future__ import annotations

import re

from index.model import Section, SectionKind

_KINDS = {
    SectionKind.ABSTRACT: 1.05,
    SectionKind.TABLE: 0.8,
    SectionKind.FIGURE: 0.8,
    SectionKind.BACK: 0.8,
}
_BEFORE = re.compile(
    r"\b(?:methods?|materials|introduction|background|statistic\w*|designs?|procedures?|interventions?"
    r"|sample size|randomi[sz]\w*|abbreviations|acknowledge?ments?|rationale|objectives?)\b",
    re.IGNORECASE,
)
_FOUND = re.compile(
    r"\b(?:results?|findings?|outcomes?|efficacy|effects?|effectiveness|conclusions?|adverse)\b",
    re.IGNORECASE,
)
_ABOUT_METHODS = re.compile(
    r"\b(?:methods?|protocols?|procedures?|design(?:ed)?|statistic\w*|randomi[sz]\w*|inclusion|exclusion"
    r"|recruit\w*|eligib\w*|how (?:was|were|is|are)\b.*\b(?:measured|assessed|defined|prepared|performed)"
    r"|sample size|dos(?:e|es|age|ing)|background|history|what is (?:a|an|the)?\b)",
    re.IGNORECASE,
)


def asks_for_findings(question: str) -> bool:
    """Whether the question is of the kind that results and conclusions answer: most are."""
    return _ABOUT_METHODS.search(question) is None


def section_prior(section: Section, *, findings: bool) -> float:
    """By how much a passage's score is multiplied for the section it stands in; 1 for most."""
    prior = _KINDS.get(section.kind, 1.0)
    if findings and _BEFORE.search(section.heading):
        prior *= 0.95
    if findings and _FOUND.search(section.heading):
        prior *= 1.05
    return prior
