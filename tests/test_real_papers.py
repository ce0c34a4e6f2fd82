"""The main job on real papers: XML and PDF in one library, questions answered, every quote at its place."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from index.library import Library
from index.model import Span
from index.parse.pdf import PdfParser
from index.sentences import sentence_spans
from qa.settings import load_settings
from tests.conftest import Citewell, shared
from tui.parts import Parts

PAPERS = ("PMC5850145", "PMC102323", "PMC1550405", "PMC1550249")
PDFS = ("PMC12061466", "PMC12062420")
QUESTIONS = (
    "What is the effect of electroacupuncture compared with placebo on pain in osteoarthritis of the knee?",
    "do pericytes improve vascularization after myocardial infarction?",
    "does laser assistance improve fertilization in intracytoplasmic sperm injection?",
    "how many vials of recombinant FSH were used?",
    "where was a gray wolf detected by a camera trap?",
)


@pytest.fixture(scope="module")
def real_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four trials as XML, and two articles each as XML and as PDF."""
    papers = tmp_path_factory.mktemp("papers")
    for name in PAPERS:
        shutil.copy(shared("ev2", "xml", f"{name}.nxml"), papers)
    for name in PDFS:
        for kind in ("pdf", "xml"):
            shutil.copy(shared("pdf", name, f"fulltext.{kind}"), papers / f"{name}.{kind}")
    folder = tmp_path_factory.mktemp("real") / "library"
    with Parts(load_settings(library=folder)) as parts:
        parts.library.create()
        for _ in parts.syncer.add([papers]):
            pass
    return folder


def test_a_paper_as_pdf_and_as_xml_is_one_paper_indexed_from_the_xml(real_library: Path) -> None:
    with Library(real_library).read() as reader:
        assert reader.counts()["papers"] == len(PAPERS) + len(PDFS)
        for name in PDFS:
            (paper,) = [p for p in reader.papers() if any(name in path for path in p.paths)]
            assert paper.format == "jats"
            assert [Path(path).suffix for path in paper.paths] == [".xml", ".pdf"]


# What citewell adds to a quote when it shows it: an abbreviation's long form.
ADDITION = r"(?: \[[^\[\]]+\])?"


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_quote_is_a_whole_sentence_at_its_span(
    citewell: Citewell, real_library: Path, question: str
) -> None:
    shown = json.loads(citewell("ask", question, "--json", library=real_library).out)
    assert not shown["declined"]
    with Library(real_library).read() as reader:
        for sentence in shown["answer"]:
            (citation,) = sentence["citations"]
            paper = reader.find_paper(citation["paper_id"])
            text = reader.text(paper.id)
            span = Span(citation["start"], citation["end"])
            assert span.of(text) == citation["quote"]
            assert re.fullmatch(ADDITION.join(map(re.escape, citation["quote"])), sentence["text"])
            (section,) = [s for s in reader.sections(paper.id) if s.span.contains(span)]
            assert section.heading == citation["heading"]
            whole = [
                s for s in sentence_spans(text, section.span) if s.start < span.end and span.start < s.end
            ]
            assert len(whole) <= 2, "a sentence, or one with the sentence that it leans on"
            assert whole[-1].end == span.end
            assert text[whole[0].start : span.start].strip("• ") == "", "only a list item's mark is left out"
            passage = reader.passages([citation["passage_id"]])[citation["passage_id"]]
            assert passage.span.contains(span)


def test_the_right_paper_answers(citewell: Citewell, real_library: Path) -> None:
    expected = dict(zip(QUESTIONS[:4], ("PMC102323", "PMC5850145", "PMC1550249", "PMC1550405"), strict=True))
    for question, key in expected.items():
        shown = json.loads(citewell("ask", question, "--json", library=real_library).out)
        assert shown["answer"][0]["citations"][0]["paper_id"] == key
        assert shown["evidence"][0]["paper_id"] == key


def test_quotes_from_a_pdf_carry_the_page_they_stand_on(citewell: Citewell, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    shutil.copy(shared("pdf", "PMC12061466", "fulltext.pdf"), papers / "wolf.pdf")
    library = tmp_path / "library"
    assert citewell("add", str(papers), library=library).code == 0
    question = "where was a gray wolf detected by a camera trap?"
    shown = json.loads(citewell("ask", question, "--json", library=library).out)
    citations = [c for s in shown["answer"] for c in s["citations"]]
    assert citations
    with PdfParser() as parser:
        pages = {page.number: page for page in parser.parse((papers / "wolf.pdf").read_bytes()).pages}
    for citation in citations:
        assert pages[citation["page"]].span.start <= citation["start"] < pages[citation["page"]].span.end
