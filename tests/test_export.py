"""Answers leave citewell whole: read back by other programs, they say what was shown, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.model import Author, Format, PaperIds, Record, Section, Span
from index.reader import StoredPaper, StoredPassage
from qa.bibliography import bibtex, citation_keys, csl_json
from qa.export import cited_records, escaped, markdown, text
from qa.model import Answer, AnswerSentence, Citation, ReferenceEntry, ScoredPassage, Statement, Verdict
from qa.references import full_reference
from tests.conftest import Citewell

HOSTILE = (
    "A <script>alert(1)</script> [link](http://evil) ![i](x) `code` # no\nheading \x1b]52;c;aGk=\x07 "
    "\u202etxet *b* _u_ $x$ 50% {a} }b{ \\input{/etc/passwd} & ~ ^ | <b>x</b> @article{x, title={y}}"
)
WANG = Record(
    "Role of mRNA in VEGF-A signalling: 50% & more",
    (Author("Wang", "Zhi-Dong"), Author("Müller", "Hans"), Author("The Sea and Land Group")),
    2026, "2026-03-02", "Frontiers in {Cell} Biology",
    PaperIds(doi="10.3389/fcell.2026_17", pmid="123", pmcid="PMC9"),
)  # fmt: skip
PREPRINT = Record("Role of mice", (Author("Wang", "A"),), 2026, ids=PaperIds(arxiv="2401.01234"))


def paper(record: Record, number: int = 1) -> StoredPaper:
    return StoredPaper(number, f"p{number}", record, Format.JATS, False, (), (), 1, "", "")


def citation(number: int, of: StoredPaper, quote: str, verdict: Verdict = Verdict.VERBATIM) -> Citation:
    span = Span(10, 10 + len(quote))
    passage = StoredPassage(1, of.id, 1, span, quote, "", Section(("Results", "In vivo"), span), 4)
    reasons = ("the quote says 12 %",) if verdict is Verdict.UNSUPPORTED else ()
    return Citation(number, of, passage, quote, span, 4, verdict, reasons)


def answer(record: Record, quote: str) -> Answer:
    """One sentence of the paper and one of a model, both on this quote."""
    one = paper(record)
    told = (
        AnswerSentence(quote, (citation(1, one, quote),), Verdict.VERBATIM),
        AnswerSentence(
            "Vessels grew by 15 %.", (citation(2, one, quote, Verdict.UNSUPPORTED),),
            Verdict.UNSUPPORTED, ("the quote says 12 %",),
        ),
    )  # fmt: skip
    references = (ReferenceEntry((1, 2), one, full_reference(record)),)
    return Answer("and in mice?", "do vessels grow in mice?", False, told, references, ())


def shown(markdown_text: str) -> list[str]:
    """What a reader of the rendered Markdown sees, block by block, and nothing that is not text."""
    blocks = []
    for token in MarkdownIt("gfm-like").parse(markdown_text):
        if token.type == "inline":
            children = token.children or []
            links = [str(child.attrGet("href")) for child in children if child.type == "link_open"]
            assert all(link.startswith("https://doi.org/10.3389/") for link in links), links
            kinds = {child.type for child in children} - {"link_open", "link_close"}
            assert kinds <= {"text", "text_special", "softbreak", "em_open", "em_close", "strong_open",
                             "strong_close"}, kinds  # fmt: skip
            blocks.append("".join("\n" if c.type == "softbreak" else c.content for c in token.children or []))
        else:
            assert token.type.split("_")[0] in {"paragraph", "heading", "blockquote"}, token.type
    return blocks


# --- Markdown and text -----------------------------------------------------------------------------------


def test_markdown_says_all_that_was_shown() -> None:
    made = markdown([answer(WANG, "Vessels grew by 12 % in 8 mice.")], ["2015–"])
    assert made == (
        "# and in mice?\n\n"
        "*Searched for:* do vessels grow in mice?\n\n"
        "*Scope:* 2015–\n\n"
        "> Vessels grew by 12 % in 8 mice. \\[1\\]\n>\n"
        "> — Wang et al. 2026, Results › In vivo, p. 4 (verbatim)\n\n"
        "Vessels grew by 15 %. \\[2\\] *(not supported\\: the quote says 12 %)*\n\n"
        "> Vessels grew by 12 % in 8 mice. \\[2\\]\n>\n"
        "> — Wang et al. 2026, Results › In vivo, p. 4 (not supported\\: the quote says 12 %)\n\n"
        "## References\n\n"
        "\\[1\\]\\[2\\] Wang ZD, Müller H, The Sea and Land Group (2026). Role of mRNA in VEGF-A"
        " signalling\\: 50% \\& more. Frontiers in \\{Cell\\} Biology. <https://doi.org/10.3389/fcell.2026_17>\n"
    )
    assert shown(made)[0] == "and in mice?"


def test_plain_text_says_the_same() -> None:
    assert text([answer(WANG, "Vessels grew by 12 % in 8 mice.")]) == (
        "Question: and in mice?\n"
        "Searched for: do vessels grow in mice?\n\n"
        "Vessels grew by 12 % in 8 mice.\n"
        "  [1] Wang et al. 2026, Results › In vivo, p. 4 (verbatim)\n\n"
        "Vessels grew by 15 %. (not supported: the quote says 12 %)\n"
        "  “Vessels grew by 12 % in 8 mice.”\n"
        "  [2] Wang et al. 2026, Results › In vivo, p. 4 (not supported: the quote says 12 %)\n\n"
        "References\n"
        "[1][2] Wang ZD, Müller H, The Sea and Land Group (2026). Role of mRNA in VEGF-A"
        " signalling: 50% & more. Frontiers in {Cell} Biology. https://doi.org/10.3389/fcell.2026_17\n"
    )


def test_what_a_model_wrote_is_told_from_the_papers_own_sentences() -> None:
    given = answer(WANG, "Vessels grew by 12 % in 8 mice.")
    own, written = given.sentences
    made = replace(
        given, sentences=(written,), extracted=(own,), writer="a*model", incomplete=True,
        headline=Statement("Yes, in 1 of 1 papers.", (1,)),
    )  # fmt: skip
    blocks = shown(markdown([made]))
    assert blocks[2:4] == [
        "Written by: a*model; every quote is the papers’ own", "Yes, in 1 of 1 papers. [1]",
    ]  # fmt: skip
    at = blocks.index("The papers’ own sentences")
    assert blocks[at - 1 : at + 2] == [
        "(incomplete)", "The papers’ own sentences", "Vessels grew by 12 % in 8 mice. [1]",
    ]  # fmt: skip
    lines = text([made]).splitlines()
    assert lines.index("(incomplete)") < lines.index("The papers’ own sentences")


def test_a_declined_question_names_what_came_nearest() -> None:
    one = paper(WANG)
    passage = citation(1, one, "Vessels grew.").passage
    declined = Answer("why?", "why?", True, (), (), (ScoredPassage(1, 1.0, passage, one),))
    assert text([declined]) == (
        "Question: why?\n\nYour papers do not answer this.\n"
        "The nearest is Wang et al. 2026, Results › In vivo:\n  Vessels grew.\n"
    )
    assert shown(markdown([declined])) == [
        "why?", "Your papers do not answer this.", "The nearest is Wang et al. 2026, Results › In vivo:",
        "Vessels grew.",
    ]  # fmt: skip


@given(st.text(max_size=60) | st.sampled_from([HOSTILE, "1. x", "- x", "+ x", "=== ", "---", "10) y", "> q"]))
def test_no_text_becomes_markup(hostile: str) -> None:
    plain = " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", hostile).split())
    blocks = shown(f"# {escaped(hostile)}\n\n{escaped(hostile)}\n\n> {escaped(hostile)}\n")
    seen = [re.sub(r"\s+", "", block) for block in blocks]
    if plain and len(seen) == 3:
        assert seen[0] == seen[1] == seen[2]


def test_hostile_titles_quotes_and_names_stay_text() -> None:
    record = Record(HOSTILE, (Author(HOSTILE, HOSTILE),), 2026, journal=HOSTILE)
    made = markdown([answer(record, HOSTILE)])
    blocks = shown(made)
    assert sum("<script>alert(1)</script> [link](http://evil)" in block for block in blocks) >= 3
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", made + text([answer(record, HOSTILE)]))


# --- BibTeX ----------------------------------------------------------------------------------------------


def read_bibtex(source: str) -> list[dict[str, str]]:
    """The entries as bibtexparser reads them, LaTeX decoded, braces off."""
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware

    library = parse_string(source, append_middleware=[LatexDecodingMiddleware(keep_braced_groups=False)])
    assert not library.failed_blocks
    return [
        {"key": e.key, "type": e.entry_type} | {f.key: str(f.value) for f in e.fields}
        for e in library.entries
    ]


def test_bibtex_is_read_back_as_it_was_meant() -> None:
    one, two = read_bibtex(bibtex([WANG, PREPRINT]))
    assert one == {
        "key": "wang2026role", "type": "article",
        "author": "Wang, Zhi-Dong and Müller, Hans and The Sea and Land Group",
        "title": "Role of mRNA in VEGF-A signalling: 50% & more", "journal": "Frontiers in Cell Biology",
        "year": "2026", "doi": "10.3389/fcell.2026_17", "pmid": "123", "pmcid": "PMC9",
        "url": "https://doi.org/10.3389/fcell.2026_17",
    }  # fmt: skip
    assert two == {
        "key": "wang2026roleb", "type": "misc", "author": "Wang, A", "title": "Role of mice", "year": "2026",
        "eprint": "2401.01234", "archiveprefix": "arXiv", "url": "https://arxiv.org/abs/2401.01234",
    }  # fmt: skip
    source = bibtex([WANG])
    assert "title = {Role of {mRNA} in {VEGF-A} signalling: 50\\% \\& more}" in source
    assert "{The Sea and Land Group}" in source


def test_a_hostile_title_neither_ends_its_field_nor_runs_a_command() -> None:
    record = Record(HOSTILE, (Author(HOSTILE, "A and B, C"),), 2026, ids=PaperIds(doi="10.1/a}b\\c"))
    source = bibtex([record, WANG])
    assert "\\input" not in source
    entries = read_bibtex(source)
    assert [entry["key"] for entry in entries][1] == "wang2026role"
    assert "doi" not in entries[0]
    # Braces are written as commands, which this reader drops: a pair of them would be TeX's own.
    assert "50% a b \\input/etc/passwd & ~" in entries[0]["title"]
    assert r"{\textbraceleft}a{\textbraceright} {\textbraceright}b{\textbraceleft}" in source


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_every_title_gives_one_entry_with_a_key_of_its_own(titles: list[str]) -> None:
    records = [Record(title, (Author(title, title),), 2020) for title in titles]
    keys = citation_keys(records)
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("[a-z0-9]+", key) for key in keys)
    source = bibtex(records)
    depth = 0
    for character in re.sub(r"\\.", "", source):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"^@misc\{", source, re.MULTILINE)) == len(records)


# --- CSL-JSON --------------------------------------------------------------------------------------------


def rendered_by_citeproc(source: str) -> list[str]:
    """The bibliography that citeproc-py makes of it in Harvard style."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from citeproc import (
            Citation,
            CitationItem,
            CitationStylesBibliography,
            CitationStylesStyle,
            formatter,
        )
        from citeproc.source.json import CiteProcJSON

        items = json.loads(source)
        style = CitationStylesStyle("harvard-cite-them-right", validate=False)
        made = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
        for item in items:
            made.register(Citation([CitationItem(item["id"])]))
        return [str(entry) for entry in made.bibliography()]


def test_csl_json_makes_a_bibliography_elsewhere() -> None:
    items = json.loads(csl_json([WANG, PREPRINT]))
    assert items[0] == {
        "id": "wang2026role", "type": "article-journal",
        "title": "Role of mRNA in VEGF-A signalling: 50% & more",
        "author": [{"family": "Wang", "given": "Zhi-Dong"}, {"family": "Müller", "given": "Hans"},
                   {"literal": "The Sea and Land Group"}],
        "issued": {"date-parts": [[2026, 3, 2]]}, "container-title": "Frontiers in {Cell} Biology",
        "DOI": "10.3389/fcell.2026_17", "PMID": "123", "PMCID": "PMC9",
        "URL": "https://doi.org/10.3389/fcell.2026_17",
    }  # fmt: skip
    assert items[1]["type"] == "article"
    assert items[1]["issued"] == {"date-parts": [[2026]]}
    first, second = rendered_by_citeproc(csl_json([WANG, PREPRINT]))
    assert "Wang, Z.-D." in first
    assert "Role of mRNA in VEGF-A signalling: 50% & more" in first
    assert "2026" in second


def test_hostile_titles_hold_no_tags_in_csl() -> None:
    (item,) = json.loads(csl_json([Record(HOSTILE, (Author(HOSTILE),), 2026)]))
    assert not re.search(r"<[a-z/!]", item["title"] + item["author"][0]["literal"])
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", item["title"])
    assert rendered_by_citeproc(csl_json([Record(HOSTILE, (), 2026)]))


def test_each_paper_is_exported_once() -> None:
    both = [answer(WANG, "Vessels grew."), answer(WANG, "Vessels shrank.")]
    assert cited_records(both) == [WANG]


# --- files -----------------------------------------------------------------------------------------------


@pytest.fixture
def library(sample_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CITEWELL_HISTORY")
    return Path(shutil.copytree(sample_library, tmp_path / "library"))


def test_answers_and_conversations_are_written_to_files(
    citewell: Citewell, library: Path, tmp_path: Path
) -> None:
    question = "how do MSCs promote angiogenesis?"
    target = tmp_path / "answer.md"
    result = citewell("ask", question, "--export", str(target), library=library)
    assert (result.code, result.err) == (0, f"written to {target}\n")
    assert result.out.startswith("MSCs ")
    assert shown(target.read_text())[:2] == [
        question,
        "MSCs promote angiogenesis by secreting growth factors, among them VEGF. [1]",
    ]
    refused = citewell("ask", question, "--export", str(target), library=library)
    assert (refused.code, refused.out, "is there already" in refused.err) == (1, "", True)
    assert citewell("ask", question, "--export", str(target), "--force", library=library).code == 0
    for name, reads in [
        ("a.bib", read_bibtex),
        ("a.csl.json", json.loads),
        ("a.json", json.loads),
        ("a.txt", str),
    ]:
        file = tmp_path / name
        assert citewell("history", "export", "last", "-o", str(file), library=library).code == 0
        assert reads(file.read_text())
    (turn,) = json.loads((tmp_path / "a.json").read_text())
    (quote,) = turn["answer"][0]["citations"]
    text_of = citewell("show", quote["paper_id"], "--text", library=library).out
    assert text_of[quote["start"] : quote["end"]] == quote["quote"]
    (entry,) = read_bibtex((tmp_path / "a.bib").read_text())
    assert (entry["key"], entry["doi"]) == ("wang2026role", "10.3389/fcell.2026.1724597")
    piped = citewell("history", "export", "last", "--format", "bib", library=library)
    assert piped.out == (tmp_path / "a.bib").read_text()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "a.bib", "a.csl.json", "a.json", "a.txt", "answer.md",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ask", "why?", "--export", "-"], 2, "Say the format of stdout"),
        (["ask", "why?", "--export", "a.doc"], 2, "Say the format of a.doc"),
        (["ask", "why?", "--format", "md"], 2, "--format goes with --export FILE"),
        (["ask", "why?", "--export", "nowhere/a.md"], 1, "there is no folder nowhere"),
        (["ask", "why?", "--export", ".", "--format", "md"], 1, "is a folder"),
    ],
)
def test_a_target_that_cannot_be_written_is_said_before_anything_is_asked(
    citewell: Citewell, sample_library: Path, words: list[str], code: int, said: str
) -> None:
    result = citewell(*words, library=sample_library)
    assert (result.code, said in result.err, result.out) == (code, True, "")
