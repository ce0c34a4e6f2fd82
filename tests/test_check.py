"""A draft is checked sentence by sentence against the papers that it cites."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ManuscriptError
from index.library import Library
from index.model import Author, Format, PaperIds, Record
from index.reader import StoredPaper
from index.vectors import VectorIndex
from qa.catalogue import Catalogue, Reference, read_bibliography
from qa.check import CheckedSentence, Checker, Problem
from qa.citation_marks import Mark, find_marks, without_marks
from qa.manuscript import read_manuscript
from qa.model import Verdict
from qa.retrieve import RetrievalOptions, Retriever
from qa.verify import Ground, Judgement
from tests.conftest import Citewell
from tests.fakes import FakeEmbedder, make_library, make_syncer, report_of, tiny


def number(*labels: int) -> list[Mark]:
    return [Mark("number", str(label)) for label in labels]


def key(*labels: str) -> list[Mark]:
    return [Mark("key", label) for label in labels]


def author(label: str, *families: str, year: int, more: bool = False) -> Mark:
    return Mark("author", label, families, year, more)


@pytest.mark.parametrize(
    ("text", "marks", "bare"),
    [
        ("Vessels grow [1].", number(1), "Vessels grow."),
        ("Vessels grow.[1]", number(1), "Vessels grow."),
        ("Vessels grow [1, 3–5; 9].", number(1, 3, 4, 5, 9), "Vessels grow."),
        ("Vessels grow[2] here [12].", number(2, 12), "Vessels grow here."),
        ("Vessels grow [^a].", [Mark("number", "a")], "Vessels grow."),
        ("Vessels grow [@wang2026; see @lee_19, p. 4].", key("wang2026", "lee_19"), "Vessels grow."),
        ("As @wang2026 says.", key("wang2026"), "As says."),
        ("Vessels grow~\\citep[p.~3]{wang2026, lee19}.", key("wang2026", "lee19"), "Vessels grow."),
        ("Vessels grow (Wang et al., 2020).", [author("Wang et al. 2020", "Wang", year=2020, more=True)],
         "Vessels grow."),
        ("Vessels grow (see Wang & Lee 2020a; van der Berg, 2019).",
         [author("Wang & Lee 2020", "Wang", "Lee", year=2020),
          author("van der Berg 2019", "van der Berg", year=2019)], "Vessels grow."),
        ("As García Márquez et al. (2018) write.",
         [author("García Márquez et al. 2018", "García Márquez", year=2018, more=True)],
         "As García Márquez et al. write."),
        ("Lee, Kim, and Ode (2018) write.",
         [author("Lee, Kim, and Ode 2018", "Lee", "Kim", "Ode", year=2018)],
         "Lee, Kim, and Ode write."),
        ("O’Brien (2018, p. 4) writes.", [author("O’Brien 2018", "O’Brien", year=2018)], "O’Brien writes."),
        ("Mail me@example.org in (March 2020) or see [this](http://x) and ![1](y) [sic] (n = 2000).", [],
         "Mail me@example.org in (March 2020) or see [this](http://x) and ![1](y) [sic] (n = 2000)."),
        ("It fell (from 1990 to 2000).", [], "It fell (from 1990 to 2000)."),
    ],
)  # fmt: skip
def test_marks_are_told_from_text(text: str, marks: list[Mark], bare: str) -> None:
    assert find_marks(text) == marks
    assert without_marks(text) == bare


MARKDOWN = """\
# Vessels

MSCs promote growth [1]. Pericytes *raised* the number
of "new capillaries in pigs" in two studies [2, 3]. This cites nothing.
It is behind the stop. [@key] And so is this.\\[4\\]

> A quoted line cites [1].

- An item cites
  over two lines [2].

| a | b |
|---|---|
| A cell cites [3] | nothing |

    MSCs in an indented paragraph [5].

```
code [6]
```

[^n]: Note. A noted paper.

A note is cited.[^n]

## 5. References

1. Wang. One.
   More of one.
2) Lee. Two.
[3] Kim. Three.
- [4] Ode. Four.
\\[5\\]\\[6\\] Poe. Five.
"""


def test_a_markdown_draft_is_taken_apart() -> None:
    draft = read_manuscript(MARKDOWN)
    assert [(s.line, s.text, [m.label for m in s.marks]) for s in draft.sentences] == [
        (3, "MSCs promote growth.", ["1"]),
        (3, 'Pericytes raised the number of "new capillaries in pigs" in two studies.', ["2", "3"]),
        (5, "It is behind the stop.", ["key"]),
        (5, "And so is this.", ["4"]),
        (7, "A quoted line cites.", ["1"]),
        (9, "An item cites over two lines.", ["2"]),
        (14, "A cell cites", ["3"]),
        (16, "MSCs in an indented paragraph.", ["5"]),
        (24, "A note is cited.", ["n"]),
    ]
    assert draft.sentences[1].quotes == ("new capillaries in pigs",)
    assert draft.references == {
        "1": "Wang. One. More of one.", "2": "Lee. Two.", "3": "Kim. Three.", "4": "Ode. Four.",
        "5": "Poe. Five.", "6": "Poe. Five.", "n": "Note. A noted paper.",
    }  # fmt: skip


def test_a_latex_draft_is_taken_apart() -> None:
    draft = read_manuscript(
        "\\section{Vessels}\n\nMSCs \\emph{promote} growth by 5\\% \\citep{wang}. "
        "``They secrete the factor VEGF''~\\cite{lee,kim}.\n\n"
        "\\begin{thebibliography}{9}\n\\bibitem{wang} Wang. One.\n\\bibitem[L]{lee} Lee.\n"
        "  Two.\n\\end{thebibliography}\n"
    )
    assert [(s.line, s.text, s.quotes, [m.label for m in s.marks]) for s in draft.sentences] == [
        (3, "MSCs promote growth by 5%.", (), ["wang"]),
        (3, "“They secrete the factor VEGF”.", ("They secrete the factor VEGF",), ["lee", "kim"]),
    ]
    assert draft.references["wang"] == "Wang. One."
    assert draft.references["lee"].startswith("Lee. Two.")


PIECES = [
    "[1]",
    "(Wang, 2020)",
    "@k",
    "\n",
    ". ",
    '"',
    "word ",
    "# References\n",
    "1. x\n",
    "\\cite{",
    "}",
    "[",
    "]",
]


@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_breaks_the_reading(source: str) -> None:
    for sentence in read_manuscript(source).sentences:
        assert sentence.marks
        assert 1 <= sentence.line <= source.count("\n") + len(source.splitlines()) + 1


# --- which paper is meant --------------------------------------------------------------------------------


def stored(number_: int, title: str, families: Sequence[str], year: int, **ids: str) -> StoredPaper:
    record = Record(title, tuple(map(Author, families)), year, ids=PaperIds(**ids))
    return StoredPaper(number_, f"p{number_}", record, Format.JATS, False, (), (), 1, "", "")


ROLE = stored(1, "Role of stem cells in vessel growth", ["Wang", "Lee", "Ode"], 2020, doi="10.1000/role")
LONGER = stored(2, "Role of stem cells in vessel growth: a trial", ["Wang"], 2021, pmid="77")
PAIR = stored(3, "Bleeding", ["Müller", "Kim"], 2020, pmcid="PMC500")


def test_references_mean_papers_by_id_then_by_title() -> None:
    catalogue = Catalogue([ROLE, LONGER, PAIR])
    for text, paper in [
        ("Wang. doi: https://doi.org/10.1000/ROLE.", ROLE),
        ("Any. Role of stem cells in vessel-growth: a trial. J Any.", LONGER),
        ("Any. ‘Role of Stem Cells in Vessel Growth’. J Any.", ROLE),
        ("Role of stem cells in vessel growth. PMID: 77", LONGER),
        ("Bleeding. J Blood 2020.", None),  # too short a title to mean one
        ("Bleeding. PMC500", PAIR),
        ("Something else.", None),
    ]:
        assert catalogue.by_reference(Reference.of(text)) == paper, text


def test_authors_and_year_mean_papers() -> None:
    catalogue = Catalogue([ROLE, LONGER, PAIR, stored(4, "Again", ["Wang", "Poe"], 2021)])
    for text, papers in [
        ("(Wang et al., 2020)", [ROLE]),
        ("(Wang, Lee & Ode, 2020)", [ROLE]),
        ("(Wang & Lee, 2020)", []),
        ("(MÜLLER and Kim 2020)", [PAIR]),
        ("(Muller and Kim 2020)", [PAIR]),
        ("(Kim 2020)", []),
        ("(Wang, 2021)", [LONGER, stored(4, "Again", ["Wang", "Poe"], 2021)]),
    ]:
        (mark,) = find_marks(text) or [None]
        assert (catalogue.by_authors(mark) if mark else []) == papers, text


def test_bibliographies_are_read(tmp_path: Path) -> None:
    bib = tmp_path / "refs.bib"
    bib.write_text(
        "@article{role, title={{Role} of X}, author={Wang, A}, doi={https://doi.org/10.1000/ROLE}}"
    )
    entry = read_bibliography(bib)["role"]
    assert (entry.ids.doi, "Role of X" in entry.text) == ("10.1000/role", True)
    (tmp_path / "empty.bib").write_text("nothing")
    for path, said in [
        (tmp_path / "none.bib", "cannot be read"),
        (tmp_path / "empty.bib", "no BibTeX entries"),
    ]:
        with pytest.raises(ManuscriptError, match=said):
            read_bibliography(path)


# --- the check itself ------------------------------------------------------------------------------------

ALPHA = tiny(
    "Alpha trial of heparin in mice", "# Results", "Heparin lowered clots by 19% in mice.",
    "Nobody bled in the trial.", doi="10.1/a", year="2020",
)  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "alpha.txt").write_text(ALPHA)
    made = make_library(tmp_path / "library")
    report_of(make_syncer(made).add([tmp_path / "alpha.txt"]))
    return made


class Judge:
    """Judges as it is told, and remembers what it was given."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, list[Ground]]] = []

    def judge(self, claim: str, grounds: Sequence[Ground]) -> Judgement:
        self.asked.append((claim, list(grounds)))
        return Judgement(self.verdict, 0.5, ("told so",))


def check(library: Library, draft: str, judge: Judge | None = None) -> list[CheckedSentence]:
    embedder = FakeEmbedder()
    retriever = Retriever(embedder, VectorIndex(library), RetrievalOptions())
    with library.read() as reader:
        return list(Checker(reader, retriever, embedder, judge).check(read_manuscript(draft)))


REFERENCES = (
    "\n\n## References\n\n1. A. Alpha trial of heparin in mice. doi:10.1/a\n2. B. Nowhere to be found.\n"
)


@pytest.mark.parametrize(
    ("sentence", "verdict", "wrong"),
    [
        ("Heparin lowered clots by 19% in mice [1].", Verdict.VERBATIM, False),
        ("heparin lowered clots, by 19 % in mice [1].", Verdict.VERBATIM, False),
        ("Heparin lowered clots by 91% in mice [1].", Verdict.UNCHECKED, False),
        ("Heparin helps [1].", Verdict.UNCHECKED, False),
        ('They say that "nobody bled in the trial" [1].', Verdict.UNCHECKED, False),
        ('"Nobody bled in the trial" [1].', Verdict.VERBATIM, False),
        ('They say that "somebody bled in the trial" [1].', Verdict.UNSUPPORTED, True),
        ('They say that "nobody bled in the trials" [1].', Verdict.UNSUPPORTED, True),
        ("Heparin lowered clots by 19% in mice [1, 2].", Verdict.VERBATIM, True),
        ("Heparin helps [2].", Verdict.UNCHECKED, True),
        ("Heparin helps [9].", Verdict.UNCHECKED, True),
        ("Heparin helps [@key].", Verdict.UNCHECKED, True),
        ("Heparin helps (Poe, 1999).", Verdict.UNCHECKED, True),
    ],
)
def test_each_sentence_is_held_against_its_paper(
    library: Library, sentence: str, verdict: Verdict, wrong: bool
) -> None:
    (found,) = check(library, sentence + REFERENCES)
    assert (found.verdict, found.wrong) == (verdict, wrong)


def test_what_is_wrong_with_a_citation_is_said(library: Library) -> None:
    (found,) = check(library, "Heparin helps [1, 2, 9; see elsewhere] [@key] (Poe, 1999)." + REFERENCES)
    assert [c.problem for c in found.citations] == [Problem.NO_BIBLIOGRAPHY, Problem.NOT_HERE]
    (found,) = check(library, "Heparin helps [1, 2, 9]." + REFERENCES)
    assert [c.problem for c in found.citations] == [None, Problem.NOT_HERE, Problem.NO_ENTRY]


def test_a_judge_has_the_last_word_on_what_is_no_quote(library: Library) -> None:
    judge = Judge(Verdict.UNSUPPORTED)
    (found,) = check(library, "Heparin makes mice bleed [1]." + REFERENCES, judge)
    assert (found.verdict, found.reasons, found.wrong) == (Verdict.UNSUPPORTED, ("told so",), True)
    ((claim, grounds),) = judge.asked
    assert claim == "Heparin makes mice bleed."
    assert {g.quote for g in grounds} == {
        "Heparin lowered clots by 19% in mice.",
        "Nobody bled in the trial.",
    }
    assert all(g.quote in g.passage and g.header for g in grounds)
    (found,) = check(library, "Heparin helps [1]." + REFERENCES, Judge(Verdict.VERBATIM))
    assert found.verdict is Verdict.SUPPORTED  # only words that were found are verbatim
    untouched = Judge(Verdict.UNSUPPORTED)
    (found,) = check(library, "Heparin lowered clots by 19% in mice [1]." + REFERENCES, untouched)
    assert (found.verdict, untouched.asked) == (Verdict.VERBATIM, [])


# --- the command -----------------------------------------------------------------------------------------


def test_a_draft_is_checked_on_the_command_line(
    citewell: Citewell, sample_library: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text(
        "MSCs promote angiogenesis by secreting growth factors, among them VEGF [1].\n"
        'Alvino et al. (2018) found that "human pericytes cut fibrosis at the infarct border by 25%".\n'
        "Nobody knows [2].\n\n# References\n\n[1] Wang ZD. 10.3389/fcell.2026.1724597\n"
        "[2] Poe. \x1b]52;c;aGk=\x07\n"
    )
    result = citewell("check", str(draft), library=sample_library)
    lines = result.out.splitlines()
    assert result.code == 3
    assert lines[:3] == [
        "✓ line 1: MSCs promote angiogenesis by secreting growth factors, among them VEGF.",
        "  verbatim · Wang et al. 2026 · Abstract",
        "  [1] Wang et al. 2026 · PMC13017818",
    ]
    assert "  ✗ not in the cited papers: “human pericytes cut fibrosis at the infarct border by 25%”" in lines
    assert "  [2] ✗ not in your library: Poe. ]52;c;aGk=" in lines
    assert lines[-1] == (
        "3 cited sentences · 1 verbatim · 1 not supported · 1 not checked · 1 misquoted"
        " · 1 citation without a paper"
    )
    shown = json.loads(citewell("check", str(draft), "--json", library=sample_library).out)
    assert shown["summary"] == {
        "sentences": 3, "verbatim": 1, "supported": 0, "partial": 0, "unsupported": 1, "unchecked": 1,
        "misquoted": 1, "not_found": 1, "wrong": 2,
    }  # fmt: skip
    assert [s["line"] for s in shown["sentences"]] == [1, 2, 3]
    good = tmp_path / "good.md"
    good.write_text(draft.read_text().split("\n")[0] + "\n\n# References\n\n1. 10.3389/fcell.2026.1724597\n")
    assert citewell("check", str(good), library=sample_library).code == 0


def test_an_exported_answer_passes_its_own_check(
    citewell: Citewell, sample_library: Path, tmp_path: Path
) -> None:
    """What citewell writes as Markdown, citewell finds to be quoted word for word."""
    target = tmp_path / "answer.md"
    question = "how do pericytes affect capillary density?"
    assert citewell("ask", question, "--export", str(target), library=sample_library).code == 0
    shown = json.loads(citewell("check", str(target), "--json", library=sample_library).out)
    assert shown["summary"]["sentences"] == shown["summary"]["verbatim"] >= 2
    assert shown["summary"]["wrong"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "nowhere.md"], "nowhere.md cannot be read: No such file or directory"),
        (["check", "."], "cannot be read: Is a directory"),
        (["check", "{picture}"], "is no text"),
        (["check", "{draft}", "--bib", "nowhere.bib"], "nowhere.bib cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_said(
    citewell: Citewell, sample_library: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "draft.md").write_text("MSCs [@x].")
    (tmp_path / "picture.md").write_bytes(b"\x89PNG\x00\x00")
    named = [w.format(draft=tmp_path / "draft.md", picture=tmp_path / "picture.md") for w in words]
    result = citewell(*named, library=sample_library)
    assert (result.code, said in result.err, result.out) == (1, True, "")
