"""Lists of papers that a user has: BibTeX, RIS, CSL-JSON, or a text file with an id or a link a line.

A list is only a list: nothing in it is fetched by reading it. Entries without an id are kept, so that the
user hears of them. All of it was written elsewhere and is read with limits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from index.errors import SourceError
from index.fetch.wanted import Wanted, recognise, wanted_by
from index.model import PaperIds
from index.parse.builder import plain
from index.parse.ids import find_ids, merge_ids

_MAX_BYTES = 64 * 1024 * 1024
_MAX_TITLE = 300
_LINES = (".txt", ".text", ".list", ".ids", "")


def read_list(path: Path) -> list[Wanted] | None:
    """The papers in a list; None if the file is no list of papers (then it may be a paper).

    SourceError for a file whose ending says that it is a list, but that cannot be read as one.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None and path.suffix.lower() not in _LINES:
        return None
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SourceError(f"{path.name} is larger than {_MAX_BYTES // 2**20} MB", "Split the list.")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}", "Check the file.") from error
    if reader is None:
        return read_lines(text)
    try:
        return _once(reader(text))
    except SourceError as error:
        raise SourceError(f"{path.name} {error.message}", error.hint) from error
    except Exception as error:
        # The parsers of these formats raise what they like on damaged files, and say it in no one's words.
        reason = plain(str(error))[:150]
        raise SourceError(f"{path.name} cannot be read as a list of papers: {reason}", _HINT) from error


_HINT = "Export it again, or write the DOIs into a text file, one a line."


def read_lines(text: str) -> list[Wanted] | None:
    """The papers of a text with one id or link a line; None if it is no such text.

    Blank lines and lines that begin with # mean nothing, and so does what stands behind a tab. A line
    that is no id is kept by its words, so that it is reported, not lost.
    """
    lines = [line.strip() for line in text.splitlines()]
    firsts = [line.split("\t")[0].strip() for line in lines if line and not line.startswith("#")]
    found = [recognise(line) for line in firsts]
    recognised = sum(one is not None for one in found)
    if not firsts or found[0] is None or recognised * 2 < len(firsts):
        return None
    return _once(one or Wanted(title=line[:_MAX_TITLE]) for one, line in zip(found, firsts, strict=True))


def _once(found: Iterable[Wanted]) -> list[Wanted]:
    return list({one.name: one for one in found}.values())


# --- BibTeX --------------------------------------------------------------------------------------------


def _bibtex(text: str) -> Iterable[Wanted]:
    from bibtexparser.entrypoint import parse_string

    quiet("bibtexparser")
    library = parse_string(text)
    if not library.entries:
        raise SourceError("holds no BibTeX entries", _HINT)
    for entry in library.entries:
        fields = {field.key.lower(): str(field.value) for field in entry.fields}
        title = plain(fields.get("title", "").replace("{", "").replace("}", "")) or entry.key
        eprint = fields.get("eprint", "")
        archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "arxiv").lower()
        ids = PaperIds(
            doi=fields.get("doi"),
            pmcid=fields.get("pmcid"),
            pmid=fields.get("pmid") or (eprint if archive in ("pubmed", "pmid") else None),
            arxiv=eprint if archive == "arxiv" else None,
        )
        yield wanted_by(ids, fields.get("url"), title[:_MAX_TITLE])
    for block in library.failed_blocks:
        yield Wanted(title=plain(block.raw or "an entry")[:80])


# --- RIS -----------------------------------------------------------------------------------------------


def _ris(text: str) -> Iterable[Wanted]:
    import rispy

    records = rispy.loads(text)
    if not records:
        raise SourceError("holds no RIS records", _HINT)
    for record in records:
        links = [str(link) for link in record.get("urls", [])] + [str(record.get("url", ""))]
        said = " ".join(
            str(record.get(name, "")) for name in ("custom2", "accession_number", "notes", "id", "custom7")
        )
        ids = merge_ids(PaperIds(doi=str(record.get("doi", ""))), find_ids(f"{said} {' '.join(links)}"))
        title = plain(str(record.get("title") or record.get("primary_title") or ""))
        yield wanted_by(ids, next(filter(None, links), None), title[:_MAX_TITLE])


# --- CSL-JSON ------------------------------------------------------------------------------------------


class _CslItem(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str = ""
    title: str = ""
    doi: str = Field("", alias="DOI")
    pmid: str = Field("", alias="PMID")
    pmcid: str = Field("", alias="PMCID")
    url: str = Field("", alias="URL")
    archive: str = ""
    number: str = ""
    note: str = ""


_CSL: TypeAdapter[list[_CslItem]] = TypeAdapter(list[_CslItem])


def _csl(text: str) -> Iterable[Wanted]:
    try:
        items = _CSL.validate_json(text)
    except ValidationError as error:
        raise SourceError("is no CSL-JSON list of papers", _HINT) from error
    for item in items:
        ids = PaperIds(doi=item.doi, pmcid=item.pmcid, pmid=item.pmid)
        arxiv = item.number if item.archive.lower() == "arxiv" else ""
        ids = merge_ids(ids, merge_ids(find_ids(f"{item.note} {arxiv}"), PaperIds(arxiv=arxiv or None)))
        yield wanted_by(ids, item.url or None, plain(item.title)[:_MAX_TITLE] or item.id[:80])


def quiet(library: str) -> None:
    """Keeps a library's log from the user's terminal, where only citewell's own words belong."""
    log = logging.getLogger(library)
    if not log.handlers:
        log.addHandler(logging.NullHandler())


_READERS: dict[str, Callable[[str], Iterable[Wanted]]] = {
    ".bib": _bibtex,
    ".bibtex": _bibtex,
    ".ris": _ris,
    ".json": _csl,
    ".csljson": _csl,
}
