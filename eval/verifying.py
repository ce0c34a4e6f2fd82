"""How far the verifier can be trusted: its verdicts and scores held against claims whose label is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.claims import Claim, Label
from eval.measures import auroc
from index.events import Advanced, StageStarted
from qa.directions import opposed
from qa.model import Verdict
from qa.quantities import missing
from qa.verify import Judge, Judgement
from qa.words import stems

_BINS = 10
_TRUSTED = (Verdict.VERBATIM, Verdict.SUPPORTED)


@dataclass(frozen=True, slots=True)
class Bin:
    """Claims whose scores lie together: how many, their mean score, and the share that is supported."""

    claims: int
    score: float
    supported: float


@dataclass(frozen=True, slots=True)
class Verifying:
    """The verifier's figures on one set of claims.

    `precision` and `recall` are those of the verdicts supported and verbatim together. `auroc` separates
    supported claims from the others by score; `auroc_words` does so by shared words, numbers and direction
    alone, which is what the model has to beat. `calibration_error` is the expected one, over ten bins.
    """

    dataset: str
    claims: int
    precision: float
    recall: float
    auroc: float
    auroc_words: float
    calibration_error: float
    verdicts: dict[str, dict[str, int]]  # by label
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def measure_verifier(
    name: str, claims: Sequence[Claim], judge: Judge
) -> Generator[StageStarted | Advanced | Verifying, None, None]:
    """Judges every claim; ends with Verifying."""
    yield StageStarted("judging claims", len(claims))
    judged: list[Judgement] = []
    for done, claim in enumerate(claims, start=1):
        judged.append(judge.judge(claim.text, [claim.ground]))
        yield Advanced(done, claim.text)
    yield figures(name, claims, judged)


def figures(name: str, claims: Sequence[Claim], judged: Sequence[Judgement]) -> Verifying:
    """The judgements held against the labels."""
    true = [claim.label is Label.SUPPORTED for claim in claims]
    trusted = [judgement.verdict in _TRUSTED for judgement in judged]
    scores = [judgement.score or 0.0 for judgement in judged]
    right = sum(t and s for t, s in zip(true, trusted, strict=True))
    verdicts: dict[str, Counter[str]] = {str(label): Counter() for label in Label}
    for claim, judgement in zip(claims, judged, strict=True):
        verdicts[str(claim.label)][str(judgement.verdict)] += 1
    bins = _bins(scores, true)
    return Verifying(
        dataset=name,
        claims=len(claims),
        precision=round(right / max(1, sum(trusted)), 4),
        recall=round(right / max(1, sum(true)), 4),
        auroc=_separated(scores, true),
        auroc_words=_separated([by_words(claim) for claim in claims], true),
        calibration_error=round(
            sum(b.claims * abs(b.score - b.supported) for b in bins) / max(1, len(claims)), 4
        ),
        verdicts={label: dict(sorted(counted.items())) for label, counted in verdicts.items()},
        bins=bins,
    )


def by_words(claim: Claim) -> float:
    """A score without any model: the share of the claim's words in the quote, less one for each thing that
    speaks against it."""
    wanted = stems(claim.text)
    ground = claim.ground
    held = len(wanted & stems(ground.quote)) / len(wanted) if wanted else 0.0
    lacking = bool(missing(claim.text, [ground.passage, ground.header]))
    return held - lacking - (opposed(claim.text, ground.quote) is not None)


def _separated(scores: Sequence[float], true: Sequence[bool]) -> float:
    yes = [score for score, is_true in zip(scores, true, strict=True) if is_true]
    no = [score for score, is_true in zip(scores, true, strict=True) if not is_true]
    return round(auroc(yes, no), 4) if yes and no else 0.0


def _bins(scores: Sequence[float], true: Sequence[bool]) -> tuple[Bin, ...]:
    found: list[Bin] = []
    for n in range(_BINS):
        inside = [
            (s, t) for s, t in zip(scores, true, strict=True) if n <= min(s * _BINS, _BINS - 1e-9) < n + 1
        ]
        if inside:
            mean = sum(s for s, _ in inside) / len(inside)
            share = sum(t for _, t in inside) / len(inside)
            found.append(Bin(len(inside), round(mean, 4), round(share, 4)))
    return tuple(found)
