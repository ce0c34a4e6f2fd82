"""Whether the quotes speak of those whom the question names: "No quoted passage speaks of mice."

A paper speaks of them with its title, its abstract, its keywords, or a passage that was found in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from index.model import SectionKind
from index.reader import Reader, StoredPaper
from qa.abbreviations import definitions
from qa.extract import Candidate
from qa.model import Citation, Statement
from qa.populations import Population, populations

_OPENING = 1_500  # characters that stand for the abstract of a paper in which none is marked
# What a sentence of a paper that speaks of all of them gains: docs/decisions/0019-populations.md.
_PREFERRED = 0.10


class Spoken:
    """Of which of the question's populations each paper speaks. Papers are read when they are asked for."""

    def __init__(self, reader: Reader, question: str) -> None:
        self._reader = reader
        self._papers: dict[int, tuple[str, Mapping[str, str]]] = {}
        self._known: dict[tuple[int, int, str], bool] = {}
        self.asked: tuple[Population, ...] = populations(question)

    def by(self, population: Population, paper: StoredPaper, passages: Iterable[tuple[int, str]]) -> bool:
        """Whether the paper or one of these passages of it (id and text) speaks of the population."""
        return self._by(population, paper, 0, None) or any(
            self._by(population, paper, number, text) for number, text in passages
        )

    def _by(self, population: Population, paper: StoredPaper, number: int, text: str | None) -> bool:
        key = (paper.id, number, population.name)
        if key not in self._known:
            about, meanings = self._about(paper)
            self._known[key] = population.spoken_of(about if text is None else text, meanings)
        return self._known[key]

    def _about(self, paper: StoredPaper) -> tuple[str, Mapping[str, str]]:
        """The paper's title, keywords and abstract, and what its abbreviations mean."""
        if paper.id not in self._papers:
            text = self._reader.text(paper.id)
            kinds = (SectionKind.ABSTRACT, SectionKind.SUMMARY)
            abstract = [s.span.of(text) for s in self._reader.sections(paper.id) if s.kind in kinds]
            record = paper.record
            parts = [record.title, *record.keywords, *(abstract or [text[:_OPENING]])]
            self._papers[paper.id] = "\n".join(parts), definitions(text)
        return self._papers[paper.id]


def preferring(ranked: Sequence[Candidate], spoken: Spoken) -> list[Candidate]:
    """The candidates; of those that score alike, those first whose papers speak of all that is asked for."""
    if not spoken.asked:
        return list(ranked)
    found: list[Candidate] = []
    for candidate in ranked:
        passage = candidate.source.passage
        place = [(passage.id, f"{passage.header} {passage.text}")]
        fits = all(spoken.by(population, candidate.source.paper, place) for population in spoken.asked)
        found.append(replace(candidate, score=candidate.score + _PREFERRED * fits))
    return sorted(found, key=lambda c: (-c.score, c.source.rank, c.span.start))


def caveat(citations: Sequence[Citation], spoken: Spoken) -> Statement | None:
    """What to say above the answer where the question names somebody of whom no quoted passage speaks, or
    only some do; None where all of them do."""
    missing = [p for p in spoken.asked if not any(spoken.by(p, c.paper, [_place(c)]) for c in citations)]
    if not citations or not spoken.asked:
        return None
    if missing:
        return Statement(f"No quoted passage speaks of {_listed(missing, 'or')}.", ())
    fitting = [c for c in citations if all(spoken.by(p, c.paper, [_place(c)]) for p in spoken.asked)]
    if not fitting or len(fitting) == len(citations):
        return None
    said = "Only this quoted passage speaks" if len(fitting) == 1 else "Only these quoted passages speak"
    return Statement(f"{said} of {_listed(spoken.asked, 'and')}:", tuple(c.number for c in fitting))


def allowed_by(caveat: Statement | None, said: Statement | None) -> Statement | None:
    """What is said of the quotes, unless it rests on some that do not speak of whom the question is about:
    what others show is no answer in one line."""
    if said is None or caveat is None or set(said.numbers) <= set(caveat.numbers):
        return said
    return None


def _listed(named: Sequence[Population], link: str) -> str:
    names = [population.name for population in named]
    return f" {link} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _place(citation: Citation) -> tuple[int, str]:
    passage = citation.passage
    return passage.id, f"{passage.header} {passage.text} {citation.quote}"
