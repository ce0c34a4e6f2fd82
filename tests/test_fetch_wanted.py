"""What a user types instead of a file, and the lists that other programs write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import SourceError
from index.fetch.lists import read_lines, read_list
from index.fetch.wanted import Wanted, recognise
from index.model import PaperIds


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("PMC13017818", "PMC13017818"),
        ("pmc13017818.2", "PMC13017818"),
        ("PMCID: PMC1550249", "PMC1550249"),
        ("PMID: 23193287", "PMID:23193287"),
        ("23193287", "PMID:23193287"),
        ("10.3389/fcell.2026.1724597", "10.3389/fcell.2026.1724597"),
        ("doi:10.1093/NAR/gks1195", "10.1093/nar/gks1195"),
        ("DOI 10.1002/(SICI)1097-0258(19980815)17:15<1661::AID-SIM968>3.0.CO;2-2", None),
        ("arXiv:2401.12345v2", "arXiv:2401.12345"),
        ("2401.12345", "arXiv:2401.12345"),
        ("hep-th/9901001", "arXiv:hep-th/9901001"),
        ("10.48550/arXiv.2401.12345", "10.48550/arxiv.2401.12345"),
        ("https://tomesphere.com/paper/PMC13017818/full.md", "PMC13017818"),
        ("https://tomesphere.com/paper/PMC13017818", "PMC13017818"),
        ("https://tomesphere.com/paper/2401.12345/full.md", "arXiv:2401.12345"),
        ("https://doi.org/10.1371/journal.pone.0138823", "10.1371/journal.pone.0138823"),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC1550249/", "PMC1550249"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC1550249/pdf/x.pdf", "PMC1550249"),
        ("https://pubmed.ncbi.nlm.nih.gov/23193287/", "PMID:23193287"),
        ("https://europepmc.org/article/MED/23193287", "PMID:23193287"),
        ("https://europepmc.org/article/PMC/PMC1550249", "PMC1550249"),
        ("https://arxiv.org/pdf/2401.12345v3", "arXiv:2401.12345"),
        ("<https://doi.org/10.1000/x>", "10.1000/x"),
        ("https://www.frontiersin.org/a/10.3389/fcell.2026.1724597/full", "10.3389/fcell.2026.1724597"),
        ("https://example.org/papers/42.pdf", "https://example.org/papers/42.pdf"),
        ("papers", None),
        ("1234", None),
        ("paper.pdf", None),
        ("./2401", None),
        ("10.1000/", None),
        ("ftp://example.org/x.pdf", None),
        ("https://", None),
        ("PMC", None),
        ("10.1000/x\x1b[31m", None),
        ("what do pericytes secrete?", None),
        ("x" * 5_000_000, None),
    ],
)  # fmt: skip
def test_an_id_or_a_link_is_recognised(typed: str, name: str | None) -> None:
    found = recognise(typed)
    if typed.startswith("DOI 10.1002"):  # as old as odd: the DOI has brackets of its own
        assert found is not None
        assert found.ids.doi == "10.1002/(sici)1097-0258(19980815)17:15"
    else:
        assert (found.name if found else None) == name


def test_a_version_is_taken_from_arxivs_names_only() -> None:
    versions = {typed: found.version for typed in (
        "arXiv:2401.12345v2", "2401.12345", "https://arxiv.org/abs/2401.12345v13",
        "https://arxiv.org/pdf/2401.12345v3.pdf", "https://example.org/2401.12345v4", "PMC13017818.2",
    ) if (found := recognise(typed))}  # fmt: skip
    assert list(versions.values()) == [2, None, 13, 3, None, None]


def test_a_publishers_link_is_kept_for_when_no_service_has_the_paper() -> None:
    link = "https://www.frontiersin.org/articles/10.3389/fcell.2026.1724597/full"
    assert recognise(link) == Wanted(PaperIds(doi="10.3389/fcell.2026.1724597"), link)
    known = recognise("https://doi.org/10.1000/x")
    assert known is not None
    assert known.url is None


def test_arxivs_own_dois_are_arxiv_ids() -> None:
    found = recognise("https://doi.org/10.48550/arXiv.2401.12345")
    assert found is not None
    assert found.ids == PaperIds(doi="10.48550/arxiv.2401.12345", arxiv="2401.12345")


def test_a_text_file_of_ids_is_a_list_and_a_paper_is_none(tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text(
        "# read\n\nPMC13017818\n10.1000/x\tSmith 2010, Of mice\nPMC13017818\n  arXiv:2401.12345  \nPMCabc\n"
    )
    found = read_list(ids)
    assert found is not None
    assert [one.name for one in found] == ["PMC13017818", "10.1000/x", "arXiv:2401.12345", "PMCabc"]
    assert [one.can_be_fetched for one in found] == [True, True, True, False]
    paper = tmp_path / "paper.txt"
    paper.write_text("Of mice\n\nWe show that mice ran. doi: 10.1000/x\n\n10.1000/y\n")
    assert read_list(paper) is None
    assert read_list(tmp_path / "paper.pdf") is None
    assert read_lines("") is None


BIBTEX = """
@article{wang2026, title = {Role of {MSCs}}, doi = {10.3389/FCELL.2026.1724597}, url = {https://x.org/1}}
@misc{vaswani, title={Attention}, eprint={1706.03762}, archivePrefix={arXiv}}
@article{old, title={With a link}, url={https://pubmed.ncbi.nlm.nih.gov/23193287}}
@article{pub, title={By PubMed}, eprint={23193288}, eprinttype={pubmed}, pmcid={PMC3531190}}
@book{nothing, title={A book}}
@article{broken, title={No end
"""
RIS = """TY  - JOUR
TI  - Role of MSCs
DO  - 10.3389/fcell.2026.1724597
ER  -

TY  - JOUR
T1  - By number
C2  - PMC3531190
UR  - https://example.org/a.pdf
ER  -
"""
CSL = [
    {"id": "a", "type": "article-journal", "title": "Role", "DOI": "10.3389/fcell.2026.1724597"},
    {"id": 7, "title": "Attention", "archive": "arXiv", "number": "arXiv:1706.03762"},
    {"id": "c", "PMID": 23193287, "URL": "https://example.org"},
    {"id": "d", "title": "Nothing"},
]


def test_lists_of_reference_managers_are_read(tmp_path: Path) -> None:
    for name, text in (("a.bib", BIBTEX), ("a.ris", RIS), ("a.json", json.dumps(CSL))):
        (tmp_path / name).write_text(text)
    bib, ris, csl = (read_list(tmp_path / name) or [] for name in ("a.bib", "a.ris", "a.json"))
    assert [one.name for one in bib][:5] == [
        "10.3389/fcell.2026.1724597", "arXiv:1706.03762", "PMID:23193287", "PMC3531190", "A book",
    ]  # fmt: skip
    assert [one.title for one in bib][:2] == ["Role of MSCs", "Attention"]
    assert [one.can_be_fetched for one in bib] == [True, True, True, True, False, False]
    assert bib[5].title.startswith("@article{broken")
    assert [one.name for one in ris] == ["10.3389/fcell.2026.1724597", "PMC3531190"]
    assert ris[1].url == "https://example.org/a.pdf"
    assert [one.name for one in csl] == [
        "10.3389/fcell.2026.1724597", "arXiv:1706.03762", "PMID:23193287", "Nothing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.bib", "no entries here"), ("a.ris", "hello"), ("a.json", '{"not": "a list"}'), ("b.json", "[1, 2")],
)
def test_a_list_that_is_none_is_said_to_be_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError) as caught:
        read_list(tmp_path / name)
    assert caught.value.message.startswith(f"{name} ")
    assert caught.value.hint


def test_a_title_of_five_megabytes_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"title": "long " * 1_000_000, "DOI": "10.1000/x"}]))
    found = read_list(tmp_path / "a.json")
    assert found is not None
    assert (found[0].name, len(found[0].title)) == ("10.1000/x", 300)
