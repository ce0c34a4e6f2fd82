"""Cited papers as BibTeX and as CSL-JSON, for LaTeX, pandoc and reference managers.

bibtexparser writes the BibTeX. CSL-JSON is written by the models below: no kept-up library writes it, and its
schema is small. Both are read back in the tests by programs that are not ours.

Titles and names come from files that anyone may have made: control characters go, and what would be markup in
the format at hand is escaped, so that a title can neither run a command nor end its field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from index.model import Author, Record
from index.parse.builder import plain
from qa.references import link
from qa.words import STOP_WORDS, tokens

_LATEX = {
    "\\": r"{\textbackslash}", "{": r"{\textbraceleft}", "}": r"{\textbraceright}",
    "~": r"{\textasciitilde}", "^": r"{\textasciicircum}",
    **{character: f"\\{character}" for character in "&%$#_"},
}  # fmt: skip
# A style may set titles in lower case; it must leave VEGF, mRNA and IL-6 alone.
_CAPITALS = re.compile(r"\S*(?:[^\W\d_]|\d)[A-Z]\S*|\S*[A-Z]\S*\d\S*")
_NO_ADDRESS = re.compile(r"[\s{}\\%\"]")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])")


def citation_keys(records: Sequence[Record]) -> list[str]:
    """A key for each record, all different: wang2026role, wang2026roleb."""
    keys: list[str] = []
    for record in records:
        base = key = _key(record)
        number = 1
        while key in keys:
            number += 1
            key = base + (chr(ord("a") + number - 1) if number <= 26 else str(number))
        keys.append(key)
    return keys


def _key(record: Record) -> str:
    who = "".join(tokens(record.authors[0].family)) if record.authors else ""
    words = [word for word in tokens(record.title) if word not in STOP_WORDS and len(word) > 3]
    key = f"{who}{record.year or ''}{words[0] if words else ''}"
    return re.sub(r"[^a-z0-9]", "", key)[:60] or "paper"


# --- BibTeX ----------------------------------------------------------------------------------------------


def bibtex(records: Sequence[Record]) -> str:
    """The records as a .bib file in UTF-8."""
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Block, Entry
    from bibtexparser.model import Field as BibField

    entries: list[Block] = [
        Entry(
            "article" if record.journal else "misc",
            key,
            [BibField(name, value) for name, value in _bib_fields(record) if value],
        )
        for key, record in zip(citation_keys(records), records, strict=True)
    ]
    return str(write_string(Library(entries)))


def _bib_fields(record: Record) -> Iterable[tuple[str, str | None]]:
    ids = record.ids
    yield "author", " and ".join(_bib_author(author) for author in record.authors)
    yield "title", " ".join(_bib_word(word) for word in plain(record.title).split())
    yield "journal", _latex(record.journal or "")
    yield "year", str(record.year or "")
    yield "doi", _address(ids.doi)
    yield "pmid", _address(ids.pmid)
    yield "pmcid", _address(ids.pmcid)
    if ids.arxiv:
        yield "eprint", _address(ids.arxiv)
        yield "archiveprefix", "arXiv"
    yield "url", _address(link(record))


def _bib_author(author: Author) -> str:
    family, given = _latex(author.family), _latex(author.given)
    if not given:
        return f"{{{family}}}"  # a group: one name, whatever words are in it
    return ", ".join(f"{{{part}}}" if re.search(r"\band\b|,", part) else part for part in (family, given))


def _bib_word(word: str) -> str:
    return f"{{{_latex(word)}}}" if _CAPITALS.fullmatch(word) else _latex(word)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in plain(text))


def _address(text: str | None) -> str:
    """An id or address to the letter, as programs expect it; none that could break its field."""
    return "" if text is None or _NO_ADDRESS.search(text) or not text.isprintable() else text


# --- CSL-JSON --------------------------------------------------------------------------------------------


class CslName(BaseModel):
    """A person, or a group by its literal name."""

    family: str | None = None
    given: str | None = None
    literal: str | None = None


class CslDate(BaseModel):
    """A date as year, month, day, as far as known."""

    model_config = ConfigDict(populate_by_name=True)

    date_parts: list[list[int]] = Field(serialization_alias="date-parts")


class CslItem(BaseModel):
    """A paper as CSL 1.0.2 describes it; what is None is left out."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    type: Literal["article-journal", "article"]
    title: str
    author: list[CslName] | None = None
    issued: CslDate | None = None
    container_title: str | None = Field(None, serialization_alias="container-title")
    number: str | None = None
    doi: str | None = Field(None, serialization_alias="DOI")
    pmid: str | None = Field(None, serialization_alias="PMID")
    pmcid: str | None = Field(None, serialization_alias="PMCID")
    url: str | None = Field(None, serialization_alias="URL")


def csl_json(records: Sequence[Record]) -> str:
    """The records as a CSL-JSON array."""
    from pydantic import TypeAdapter

    items = [_csl(key, record) for key, record in zip(citation_keys(records), records, strict=True)]
    adapter = TypeAdapter(list[CslItem])
    return adapter.dump_json(items, by_alias=True, exclude_none=True, indent=2).decode() + "\n"


def _csl(key: str, record: Record) -> CslItem:
    ids = record.ids
    return CslItem(
        id=key,
        type="article-journal" if record.journal else "article",
        title=_csl_text(record.title),
        author=[_csl_name(author) for author in record.authors] or None,
        issued=_csl_date(record),
        container_title=_csl_text(record.journal) if record.journal else None,
        number=f"arXiv:{ids.arxiv}" if ids.arxiv else None,
        doi=ids.doi,
        pmid=ids.pmid,
        pmcid=ids.pmcid,
        url=link(record),
    )


def _csl_name(author: Author) -> CslName:
    if not author.given:
        return CslName(literal=_csl_text(author.family))
    return CslName(family=_csl_text(author.family), given=_csl_text(author.given))


def _csl_date(record: Record) -> CslDate | None:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?", record.date or "")
    if found and (record.year is None or int(found[1]) == record.year):
        return CslDate(date_parts=[[int(part) for part in found.groups() if part]])
    return CslDate(date_parts=[[record.year]]) if record.year else None


def _csl_text(text: str) -> str:
    """CSL processors read <i> and the like in titles; a space takes the tag's meaning, not the reader's."""
    return _MARKUP.sub("< ", plain(text))
