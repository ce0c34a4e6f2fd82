"""What an answer says above its quotes: only what they state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from index.model import Format, Record, Section, SectionKind, Span
from index.reader import StoredPaper, StoredPassage
from qa.model import AnswerSentence, Citation, Statement, Verdict
from qa.support import Support
from qa.weigh import Side, statements_of, weigh

YES, NO, NEITHER = Support(0.95, 0.03, 0.02), Support(0.03, 0.95, 0.02), Support(0.1, 0.1, 0.8)


@dataclass
class Scripted:
    """Says of a pair what the script says for the words in it; neither for everything else."""

    script: Mapping[tuple[str, str], Support] = field(default_factory=dict)
    name: str = "scripted"

    def load(self) -> None:
        """Nothing to load."""

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        return [
            next((s for (a, b), s in self.script.items() if a in claim and b in text), NEITHER)
            for claim, text in pairs
        ]


def quoted(
    *quotes: tuple[int, str], title: str = "Aspirin and pain", heading: str = "Results"
) -> list[AnswerSentence]:
    """Sentences numbered from 1, each a quote of the paper with this id."""
    found = []
    for number, (paper_id, quote) in enumerate(quotes, start=1):
        record = Record(title)
        paper = StoredPaper(paper_id, f"P{paper_id}", record, Format.MARKDOWN, False, (), (), 1, "", "")
        section, span = Section((heading,), Span(0, 99), SectionKind.BODY), Span(0, len(quote))
        header = f"{title} › {heading}"
        passage = StoredPassage(number, paper_id, paper_id, span, quote, header, section, None)
        citation = Citation(number, paper, passage, quote, span, None, Verdict.VERBATIM)
        found.append(AnswerSentence(quote, (citation,), Verdict.VERBATIM))
    return found


@pytest.mark.parametrize(
    ("question", "statements"),
    [
        ("does aspirin reduce pain?", {Side.YES: "Aspirin reduce pain."}),
        ("Is aspirin associated with bleeding", {Side.YES: "Aspirin associated with bleeding."}),
        (
            "What is the effect of aspirin compared with placebo on pain?",
            {
                Side.MORE: "aspirin increased pain compared with placebo.",
                Side.LESS: "aspirin reduced pain compared with placebo.",
                Side.SAME: "aspirin had no significant effect on pain compared with placebo.",
            },
        ),
        ("is aspirin or ibuprofen better for pain?", {}),
        ("how do MSCs promote angiogenesis?", {}),
        ("which drug reduces pain?", {}),
        ("does it?", {}),
    ],
)
def test_questions_become_the_statements_that_would_answer_them(
    question: str, statements: dict[Side, str]
) -> None:
    assert statements_of(question) == statements


def test_papers_that_agree_give_a_yes_and_say_how_many() -> None:
    sentences = quoted((1, "Aspirin reduced pain."), (2, "Pain fell with aspirin."), (2, "Forty took part."))
    model = Scripted({("Aspirin reduce", "Aspirin reduced"): YES, ("Aspirin reduce", "Pain fell"): YES})
    assert weigh("does aspirin reduce pain?", sentences, model) == (
        Statement("Yes.", (1, 2)),
        Statement("The papers agree: two support it.", (1, 2)),
    )


def test_papers_that_disagree_give_no_headline() -> None:
    sentences = quoted(
        (1, "Aspirin reduced pain."), (2, "Aspirin raised pain."), (3, "Less pain with aspirin.")
    )
    model = Scripted({
        ("Aspirin reduce", "Aspirin reduced"): YES, ("Aspirin reduce", "Aspirin raised"): NO,
        ("Aspirin reduce", "Less pain"): YES,
    })  # fmt: skip
    assert weigh("does aspirin reduce pain?", sentences, model) == (
        None,
        Statement("The papers disagree: two support it, one speaks against it.", (1, 2, 3)),
    )


def test_a_paper_on_both_sides_counts_on_neither() -> None:
    sentences = quoted((1, "Aspirin reduced pain."), (1, "Aspirin raised pain."))
    model = Scripted({("Aspirin reduce", "Aspirin reduced"): YES, ("Aspirin reduce", "Aspirin raised"): NO})
    assert weigh("does aspirin reduce pain?", sentences, model) == (None, None)


def test_an_effect_is_named_by_its_direction() -> None:
    sentences = quoted((1, "Aspirin reduced pain."), (2, "Pain did not differ with aspirin."))
    model = Scripted({("reduced pain", "Aspirin reduced"): YES, ("no significant", "did not differ"): YES})
    assert weigh("what is the effect of aspirin on pain?", sentences, model) == (
        None,
        Statement("The papers disagree: one reports a decrease, one showed no difference.", (1, 2)),
    )


def test_what_nobody_states_is_not_said() -> None:
    sentences = quoted((1, "Forty patients took part."))
    assert weigh("does aspirin reduce pain?", sentences, Scripted()) == (None, None)
    assert weigh("does aspirin reduce pain?", [], Scripted()) == (None, None)
    assert weigh("does aspirin reduce pain?", sentences, None) == (None, None)


def test_a_number_is_given_only_where_it_is_the_only_one() -> None:
    question = "how many patients took aspirin?"
    assert weigh(question, quoted((1, "In all 40 patients took aspirin.")), None) == (
        Statement("40 patients", (1,)), None,
    )  # fmt: skip
    over = quoted((1, "Since May more than 400 human influenza cases were reported."))
    assert weigh("how many human influenza cases were reported?", over, None) == (
        Statement("more than 400 human influenza cases", (1,)), None,
    )  # fmt: skip
    two = quoted((1, "Of 80 patients 26 took aspirin."))
    assert weigh(question, two, None) == (None, None)
    assert weigh(question, quoted((1, "In all 40 mice took aspirin.")), None) == (None, None)
    assert weigh(question, quoted((1, "There were 40 patients in the ward at night.")), None) == (None, None)


NONE = "There was no significant difference in pain with aspirin, which did not reduce it."


def test_without_a_model_only_difference_and_none_are_told_apart() -> None:
    question = "does aspirin reduce pain?"
    two = quoted((1, NONE), (2, "Aspirin reduced pain."), (3, "Sleep was longer."))
    assert weigh(question, two, None) == (
        None,
        Statement("The papers disagree: one showed no difference, one reports a difference.", (1, 2)),
    )
    assert weigh(question, quoted((1, NONE)), None) == (Statement("No difference was shown.", (1,)), None)
    assert weigh(question, quoted((2, "Aspirin reduced pain.")), None) == (None, None)
    except_ = quoted((1, "Aspirin did not reduce pain except in men."))
    assert weigh(question, except_, None) == (None, None)


def test_a_paper_that_says_nothing_clearly_keeps_the_answer_from_being_no() -> None:
    question = "does aspirin reduce pain?"
    assert weigh(question, quoted((1, NONE), (2, "Pain was measured twice.")), None) == (None, None)
    assert weigh(question, quoted((1, NONE), (2, NONE)), None) == (
        Statement("No difference was shown.", (1, 2)),
        Statement("The papers agree: two showed no difference.", (1, 2)),
    )


@pytest.mark.parametrize(
    ("question", "title", "heading", "quote"),
    [
        # Another treatment's paper, which says something of the outcome.
        (
            "does exercise reduce depression?",
            "Acupuncture for depression",
            "Results",
            "Depression was lower.",
        ),
        # What others found, what is known, supposed, planned, or was so before.
        ("does aspirin reduce pain?", "Aspirin", "Discussion", "Smith et al. reported that pain was lower."),
        ("does aspirin reduce pain?", "Aspirin", "Discussion", "Aspirin has been shown to reduce pain [7]."),
        ("does aspirin reduce pain?", "Aspirin", "Discussion", "Aspirin may reduce pain in some."),
        ("does aspirin reduce pain?", "Aspirin", "Introduction", "Aspirin reduces pain."),
        ("does aspirin reduce pain?", "Aspirin", "Results", "At baseline pain was similar in the groups."),
        ("does aspirin reduce pain?", "Aspirin", "Results", "Pain was lower, with p = 0.07."),
        ("does aspirin reduce pain?", "Aspirin", "Results", "Pain tended to be lower."),
        ("does aspirin reduce pain?", "Aspirin", "Results", "Pain was reduced in both groups."),
        (
            "does aspirin reduce pain?",
            "Aspirin",
            "Results",
            "Despite less pain, no effect on sleep was seen.",
        ),
        # Aspirin is what something else was compared with, or both were aspirin.
        ("does aspirin reduce pain?", "Ibuprofen versus aspirin", "Results", "Pain was lower."),
        ("does aspirin reduce pain?", "Generic aspirin versus aspirin", "Results", "Pain did not differ."),
    ],
)
def test_a_quote_that_reports_no_finding_of_this_cause_counts_on_no_side(
    question: str, title: str, heading: str, quote: str
) -> None:
    clear = ("Aspirin reduced pain.", "Exercise reduced depression.")
    other = quoted((1, clear["exercise" in question]), title="A trial")
    doubtful = quoted((0, "A filler sentence."), (2, quote), title=title, heading=heading)[1:]
    assert weigh(question, [*other, *doubtful], None) == (None, None)
    same = quoted((1, clear[0]), (2, clear[1]), (3, clear["exercise" in question]), title="A trial")
    assert weigh(question, same, None)[1] is not None
