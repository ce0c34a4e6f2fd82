"""Which paper of the library a reference means: by its ids, its title, or its authors and year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from index.errors import ManuscriptError
from index.model import PaperIds
from index.parse.builder import plain
from index.parse.ids import find_ids, normal_arxiv, normal_doi, normal_pmcid, normal_pmid
from index.reader import StoredPaper
from qa.citation_marks import Mark
from qa.locate import letters_key
from qa.words import fold

_TITLE = 25  # letters from which a title names its paper
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of a list of references: its words, and the ids in them."""

    text: str
    ids: PaperIds

    @classmethod
    def of(cls, text: str) -> Reference:
        """An entry as it is written."""
        return cls(text, find_ids(text))


class Catalogue:
    """The papers of a library, to be found by what others call them."""

    def __init__(self, papers: Iterable[StoredPaper]) -> None:
        self._papers = list(papers)
        self._titles = [(letters_key(paper.record.title), paper) for paper in self._papers]

    def by_reference(self, reference: Reference) -> StoredPaper | None:
        """The paper of an entry. An id that another paper has wins over a title; the longest title wins."""
        ids = reference.ids
        for paper in self._papers:
            own = paper.record.ids
            pairs = ((ids.doi, own.doi), (ids.pmcid, own.pmcid), (ids.pmid, own.pmid), (ids.arxiv, own.arxiv))
            if any(mine and mine == other for mine, other in pairs):
                return paper
        words = letters_key(reference.text)
        named = [(len(key), paper) for key, paper in self._titles if len(key) >= _TITLE and key in words]
        return max(named, key=lambda hit: hit[0])[1] if named else None

    def by_authors(self, mark: Mark) -> list[StoredPaper]:
        """The papers of that year whose first authors are those."""
        wanted = [_family(family) for family in mark.families]
        return [
            paper
            for paper in self._papers
            if paper.record.year == mark.year and _same_authors(wanted, paper, more=mark.more)
        ]


def _same_authors(wanted: list[str], paper: StoredPaper, *, more: bool) -> bool:
    own = [_family(author.family) for author in paper.record.authors]
    if not own or own[: len(wanted)] != wanted:
        return False
    # "Wang (2020)" may be loosely said of more authors; "Wang and Lee" names them all.
    return more or len(wanted) == 1 or len(own) == len(wanted)


def _family(name: str) -> str:
    return fold(name).replace("’", "'").strip()


def read_bibliography(path: Path) -> dict[str, Reference]:
    """The entries of a BibTeX file by their keys. ManuscriptError if it cannot be read as one."""
    from bibtexparser.entrypoint import parse_string

    from index.fetch.lists import quiet

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ManuscriptError(f"{path} is larger than {_MAX_BYTES // 2**20} MB", "Export what is cited.")
        source = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise ManuscriptError(
            f"{path} cannot be read: {error.strerror or error}", "Check the path after --bib."
        ) from error
    quiet("bibtexparser")
    try:
        entries = parse_string(source).entries
    except Exception as error:  # the parser raises what it likes on a damaged file
        raise ManuscriptError(
            f"{path} cannot be read as BibTeX: {plain(str(error))[:150]}", "Export it again."
        ) from error
    if not entries:
        raise ManuscriptError(f"{path} holds no BibTeX entries", "Name a .bib file with --bib.")
    found: dict[str, Reference] = {}
    for entry in entries:
        fields = {field.key.lower(): str(field.value) for field in entry.fields}
        ids = PaperIds(
            normal_doi(fields.get("doi", "")), normal_pmcid(fields.get("pmcid", "")),
            normal_pmid(fields.get("pmid", "")), normal_arxiv(fields.get("eprint", "")),
        )  # fmt: skip
        words = (fields.get(name, "") for name in ("author", "year", "title", "journal"))
        found[entry.key] = Reference(plain(". ".join(filter(None, words)).translate(_BRACES)), ids)
    return found


_BRACES = str.maketrans("", "", "{}")
