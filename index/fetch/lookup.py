"""Which ids belong together: asks Europe PMC, then NCBI's id converter, for a paper's PMCID."""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from index.errors import FetchError
from index.model import PaperIds
from index.net.client import HttpClient
from index.parse.builder import plain
from index.parse.ids import merge_ids, normal_doi, normal_pmcid, normal_pmid
from index.requests import Facts

_JSON = frozenset({"application/json"})
_LATER = "Try again later with: citewell retry"


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _PubTypes(_Loose):
    pub_type: list[str] = Field([], alias="pubType")


class _Correction(_Loose):
    type: str = ""
    reference: str = ""


class _Corrections(_Loose):
    correction: list[_Correction] = Field([], alias="commentCorrection")


class _Record(_Loose):
    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    licence: str | None = Field(None, alias="license")
    types: _PubTypes | None = Field(None, alias="pubTypeList")
    corrections: _Corrections | None = Field(None, alias="commentCorrectionList")


class _Records(_Loose):
    result: list[_Record] = []


class _Search(_Loose):
    results: _Records | None = Field(None, alias="resultList")


class _Converted(_Loose):
    records: list[_Record] = []


def ask_europe_pmc(client: HttpClient, base: str, ids: PaperIds, *, fresh: bool) -> Facts | None:
    """What Europe PMC knows of the paper, None if it does not know it."""
    query = f'DOI:"{ids.doi}"' if ids.doi else f"EXT_ID:{ids.pmid} AND SRC:MED"
    values = {"query": query, "resultType": "core", "format": "json", "pageSize": "5"}
    page = client.get(f"{base}/search?{urlencode(values)}", _JSON, fresh=fresh)
    try:
        found = _Search.model_validate_json(page.body).results
    except ValidationError as error:
        raise FetchError("sent an answer that cannot be read", _LATER, temporary=True) from error
    records = found.result if found else []
    return next((facts for facts in map(_facts, records) if _same(facts.ids, ids)), None)


def ask_converter(
    client: HttpClient, base: str, ids: PaperIds, contact: str | None, *, fresh: bool
) -> Facts | None:
    """What NCBI's converter knows: ids of papers in PMC, and nothing else."""
    kind, value = ("doi", ids.doi) if ids.doi else ("pmid", ids.pmid)
    values = {"ids": value or "", "idtype": kind, "format": "json", "tool": "citewell"}
    values |= {"email": contact} if contact else {}
    page = client.get(f"{base}?{urlencode(values)}", _JSON, fresh=fresh)
    try:
        records = _Converted.model_validate_json(page.body).records
    except ValidationError as error:
        raise FetchError("sent an answer that cannot be read", _LATER, temporary=True) from error
    return next((facts for facts in map(_facts, records) if _same(facts.ids, ids)), None)


def _facts(record: _Record) -> Facts:
    ids = PaperIds(
        doi=normal_doi(record.doi or ""),
        pmcid=normal_pmcid(record.pmcid or ""),
        pmid=normal_pmid(record.pmid or ""),
    )
    licence = plain(record.licence or "")[:100] or None
    return Facts(ids, licence, _notice(record))


def _notice(record: _Record) -> str | None:
    """That the paper was retracted, and where that is said."""
    corrections = record.corrections.correction if record.corrections else []
    types = record.types.pub_type if record.types else []
    where = [c.reference for c in corrections if c.type.lower().startswith("retraction in")]
    retracted = any(kind.lower() == "retracted publication" for kind in types)
    if not (where or retracted):
        return None
    reference = plain(where[0])[:200] if where else ""
    return f"this paper was retracted: {reference}" if reference else "this paper was retracted"


def _same(found: PaperIds, asked: PaperIds) -> bool:
    """A search engine may answer with what is merely like the question."""
    return bool((asked.doi and found.doi == asked.doi) or (asked.pmid and found.pmid == asked.pmid))


def merged(facts: Facts, ids: PaperIds) -> Facts:
    """The facts with these ids, which come first where they differ."""
    return Facts(merge_ids(ids, facts.ids), facts.licence, facts.notice)
