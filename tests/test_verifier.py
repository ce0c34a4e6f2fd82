"""The judge of cited sentences: what raises a verdict, what lowers it, and what the reader is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from eval.claims import Claim, Label
from eval.verifying import figures
from qa.model import Verdict
from qa.support import Support
from qa.verifier import Verifier
from qa.verify import Ground, Judgement

QUOTE = "MSCs promote angiogenesis by secreting 12 factors, among them VEGF."
GROUND = Ground(QUOTE, f"{QUOTE} They were given at 5 mg.", "A review › Abstract")


@dataclass
class Reading:
    """A model that says of every pair what the test wants, and keeps what it was asked."""

    says: Support
    asked: list[tuple[str, str]] = field(default_factory=list)
    name: str = "fake"

    def load(self) -> None:
        """Nothing to load."""

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        self.asked += pairs
        return [self.says] * len(pairs)


YES = Support(0.98, 0.01, 0.01)
NO = Support(0.01, 0.98, 0.01)
NEITHER = Support(0.02, 0.02, 0.96)


def test_a_sentence_that_is_the_quote_is_verbatim_and_no_model_is_asked() -> None:
    model = Reading(NO)
    spaced = "MSCs promote angiogenesis by secreting  12 factors, among them VEGF"
    assert Verifier(model).judge(spaced, [GROUND]).verdict is Verdict.VERBATIM
    assert model.asked == []


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("It fell (P > 0.05).", "It fell (P < 0.05)."),
        ("They took 15 mg.", "They took 1.5 mg."),
        ("It changed by 0.5 mmol.", "It changed by −0.5 mmol."),
        ("", ""),
    ],
)
def test_another_sign_is_not_the_quote(claim: str, quote: str) -> None:
    judged = Verifier(Reading(NEITHER)).judge(claim, [Ground(quote, quote)])
    assert judged.verdict is Verdict.UNSUPPORTED


def test_a_part_of_a_quote_is_judged_like_any_other_sentence() -> None:
    quote = "It is not true that MSCs promote angiogenesis."
    judged = Verifier(Reading(NO)).judge("MSCs promote angiogenesis.", [Ground(quote, quote)])
    assert judged.verdict is Verdict.UNSUPPORTED


def test_a_sentence_without_any_citation_is_unsupported() -> None:
    assert Verifier(Reading(YES)).judge("MSCs help.", []) == Judgement(
        Verdict.UNSUPPORTED, 0.0, ("it cites nothing",)
    )


def test_a_supported_sentence_has_no_reason_against_it() -> None:
    judged = Verifier(Reading(YES)).judge("MSCs secrete 12 factors that promote angiogenesis.", [GROUND])
    assert (judged.verdict, judged.reasons) == (Verdict.SUPPORTED, ())


def test_a_wrong_number_keeps_it_from_counting_as_supported() -> None:
    judged = Verifier(Reading(YES)).judge("MSCs secrete 15 factors at 5 kg.", [GROUND])
    assert judged.verdict is Verdict.PARTIAL
    assert judged.reasons == ("the cited passage does not hold 15, 5 kg",)


def test_a_number_may_stand_anywhere_in_the_cited_passage() -> None:
    assert (
        Verifier(Reading(YES)).judge("MSCs at 5 mg promote vessels.", [GROUND]).verdict is Verdict.SUPPORTED
    )


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("MSCs inhibit angiogenesis.", "the sentence says a decrease, the quote an increase"),
        ("MSCs are something else.", "the quote says otherwise"),
    ],
)
def test_what_is_contradicted_says_so(claim: str, reason: str) -> None:
    judged = Verifier(Reading(NO)).judge(claim, [GROUND])
    assert (judged.verdict, judged.reasons) == (Verdict.UNSUPPORTED, (reason,))


def test_what_the_quote_is_silent_about_is_unsupported() -> None:
    judged = Verifier(Reading(NEITHER)).judge("Aspirin is cheap.", [GROUND])
    assert (judged.verdict, judged.reasons) == (Verdict.UNSUPPORTED, ("the quote does not say it",))


def test_without_a_model_nothing_is_confirmed_but_a_wrong_number_is_still_found() -> None:
    judge = Verifier(None)
    assert judge.judge("MSCs help.", [GROUND]).verdict is Verdict.UNCHECKED
    assert judge.judge("MSCs secrete 15 factors.", [GROUND]).verdict is Verdict.PARTIAL
    assert judge.judge(QUOTE, [GROUND]).verdict is Verdict.VERBATIM
    assert judge.judge("MSCs inhibit angiogenesis.", [GROUND]) == Judgement(
        Verdict.PARTIAL, None, ("the sentence says a decrease, the quote an increase",)
    )


def test_several_quotes_are_also_read_together() -> None:
    model = Reading(YES)
    other = Ground("VEGF rises.", "VEGF rises.")
    Verifier(model).judge("MSCs raise VEGF.", [GROUND, other])
    assert [text for _, text in model.asked] == [
        f"A review › Abstract. {QUOTE}", "VEGF rises.", f"{QUOTE} VEGF rises.",
    ]  # fmt: skip


def test_the_figures_of_an_evaluation_are_exact() -> None:
    ground = Ground("x", "x")
    claims = [Claim(str(n), "x", ground, label, "p") for n, label in enumerate(
        (Label.SUPPORTED, Label.SUPPORTED, Label.CONTRADICTED, Label.NEITHER))]  # fmt: skip
    judged = [
        Judgement(Verdict.SUPPORTED, 0.95), Judgement(Verdict.PARTIAL, 0.45),
        Judgement(Verdict.SUPPORTED, 0.85), Judgement(Verdict.UNSUPPORTED, 0.05),
    ]  # fmt: skip
    found = figures("four", claims, judged)
    assert (found.precision, found.recall, found.auroc) == (0.5, 0.5, 0.75)
    assert found.verdicts == {
        "supported": {"partial": 1, "supported": 1},
        "contradicted": {"supported": 1},
        "neither": {"unsupported": 1},
    }
    # |0.95 - 1| + |0.45 - 1| + |0.85 - 0| + |0.05 - 0|, each a quarter
    assert found.calibration_error == 0.375
    assert [bin.claims for bin in found.bins] == [1, 1, 1, 1]
