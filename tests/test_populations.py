"""Whom a question asks about, and what is said where the quotes do not speak of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from index.model import Format, Record, Section, SectionKind, Span
from index.reader import Reader, StoredPaper, StoredPassage
from qa.caveat import Spoken, allowed_by, caveat
from qa.model import Citation, Statement, Verdict
from qa.populations import Population, populations
from tests.conftest import Citewell

NAMED = [
    ("does exercise reduce depression in mice?", ["mice"]),
    ("do MSCs help in a murine model of colitis?", ["mice"]),
    ("is metformin useful in women with PCOS?", ["women", "PCOS"]),
    ("do statins help people with type 2 diabetes after a stroke?", ["type 2 diabetes"]),
    ("acupuncture for elderly patients with severe asthma", ["older adults", "patients", "asthma"]),
    ("is aspirin safe in pregnancy?", ["pregnant women"]),
    ("does vaping harm smokers or athletes?", ["smokers", "athletes"]),
    ("are bats or camels the reservoir?", ["bats", "camels"]),
    ("does Drosophila sleep?", ["fruit flies"]),
    ("is it so in C. elegans?", ["nematodes"]),
    ("do paediatric patients get better?", ["children", "patients"]),
    # None of these asks about an animal or a group of people.
    ("how do MSCs promote angiogenesis?", []),
    ("which goat anti-mouse antibody was used?", []),
    ("what was the origin of the 1918 swine flu?", []),
    ("does it work in adults rather than in mice?", []),
    ("what was the share of patients with a reduction of migraine days?", ["patients"]),
]
SPEAKS = [
    ("mice", "C57BL/6 animals were fed a high-fat diet.", True),
    ("mice", "A goat anti-mouse antibody was added; patients gave blood.", False),
    ("rats", "We operated on ratios of cells.", False),
    ("children", "Pupils of two schools took part.", True),
    ("older adults", "Participants were ≥ 65 years.", True),
    ("older adults", "Students took part.", False),
    ("women", "Rates of clinical pregnancy rose.", True),
    ("humans", "Forty patients took part.", True),
    ("humans", "Forty rats were used.", False),
]


@pytest.mark.parametrize(("question", "names"), NAMED)
def test_a_question_names_whom_it_is_about(question: str, names: list[str]) -> None:
    assert [population.name for population in populations(question)] == names


@pytest.mark.parametrize(("name", "text", "speaks"), SPEAKS)
def test_a_text_speaks_of_them_in_any_of_their_names(name: str, text: str, speaks: bool) -> None:
    (population,) = populations(f"what is seen in {name}?")
    assert population.spoken_of(text) is speaks


def test_a_condition_is_known_by_its_words_its_initials_and_the_papers_abbreviations() -> None:
    pcos = Population("PCOS")
    assert pcos.spoken_of("Women with polycystic ovary syndrome took part.")
    assert not pcos.spoken_of("Women with endometriosis took part.")
    assert not pcos.spoken_of("This placebo-controlled on-site study, randomised, was blind.")
    spelled = Population("polycystic ovary syndrome")
    assert spelled.spoken_of("PCOS was frequent.", {"PCOS": "polycystic ovary syndrome"})
    assert not spelled.spoken_of("PCOS was frequent.")
    assert Population("liver cirrhosis").spoken_of("Cirrhotic patients bled more.")
    assert not Population("heart failure").spoken_of("Children had asthma.")
    ms = Population("MS")  # two initials would fit "mice showed"
    assert not ms.spoken_of("Mice showed no change.")


class Library:
    """A reader of papers that are nothing but their abstracts."""

    def __init__(self, *abstracts: str) -> None:
        self.abstracts = abstracts

    def text(self, paper_id: int) -> str:
        """The abstract of a paper; ids count from 1."""
        return self.abstracts[paper_id - 1]

    def sections(self, paper_id: int) -> list[Section]:
        """The abstract is the only one."""
        return [Section(("Abstract",), Span(0, len(self.text(paper_id))), SectionKind.ABSTRACT)]


def quoted(paper_id: int, quote: str) -> Citation:
    """A citation with the number of its paper."""
    paper = StoredPaper(paper_id, f"P{paper_id}", Record("Exercise"), Format.TEXT, False, (), (), 1, "", "")
    section, span = Section(("Results",), Span(0, 99)), Span(0, len(quote))
    passage = StoredPassage(paper_id, paper_id, 1, span, quote, "", section, None)
    return Citation(paper_id, paper, passage, quote, span, None, Verdict.VERBATIM)


MOOD = "does exercise lift the mood of mice?"


def test_where_only_some_quotes_speak_of_them_these_are_named() -> None:
    library = cast(Reader, Library("Mice ran.", "Students ran.", "We ran."))
    spoken = Spoken(library, MOOD)
    quotes = [quoted(1, "Mood rose."), quoted(2, "Mood fell."), quoted(3, "A rodent (BALB/c) was glad.")]
    assert caveat(quotes, spoken) == Statement("Only these quoted passages speak of mice:", (1, 3))
    assert caveat(quotes[:2], spoken) == Statement("Only this quoted passage speaks of mice:", (1,))
    assert caveat(quotes[1:2], spoken) == Statement("No quoted passage speaks of mice.", ())
    assert caveat(quotes[:1], spoken) is None
    assert caveat([], spoken) is None
    assert caveat(quotes, Spoken(library, "does exercise lift the mood?")) is None


def test_nothing_is_concluded_from_quotes_that_do_not_speak_of_them() -> None:
    only = Statement("Only this quoted passage speaks of mice:", (1,))
    assert allowed_by(only, Statement("No difference was shown.", (1,))) is not None
    assert allowed_by(only, Statement("No difference was shown.", (1, 2))) is None
    assert allowed_by(Statement("No quoted passage speaks of mice.", ()), Statement("Yes.", (1,))) is None
    assert allowed_by(None, Statement("Yes.", (1,))) == Statement("Yes.", (1,))


def ask(citewell: Citewell, question: str, library: Path) -> dict[str, object]:
    result = citewell("ask", question, "--json", library=library)
    assert result.code == 0
    found: dict[str, object] = json.loads(result.out)
    return found


def test_an_answer_says_that_no_quote_speaks_of_those_who_were_asked_about(
    citewell: Citewell, sample_library: Path, tmp_path: Path
) -> None:
    question = "do pericytes reduce fibrosis in dogs?"
    line = "No quoted passage speaks of dogs."
    found = ask(citewell, question, sample_library)
    assert found["caveat"] == {"text": line, "numbers": []}
    assert found["headline"] is None
    console = citewell("ask", question, library=sample_library).out
    assert console.startswith(f"{line}\n\n")
    for name, shown in (("a.md", f"**{line}**"), ("a.txt", line)):
        target = tmp_path / name
        assert citewell("ask", question, "--export", str(target), library=sample_library).code == 0
        assert shown in target.read_text("utf-8").splitlines()


def test_nothing_is_said_where_the_quotes_speak_of_them(citewell: Citewell, sample_library: Path) -> None:
    found = ask(citewell, "do pericytes reduce fibrosis in pigs?", sample_library)
    assert found["answer"]
    assert found["caveat"] is None
