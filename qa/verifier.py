"""citewell's own judge: what a sentence cites must hold its numbers, agree with it, and support it.

Numbers, units and names with digits are looked up; the direction of both is compared; a small model trained
for it gives the rest a score. All of them can only lower a verdict, except that a sentence which is the quote
itself needs no judging.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from qa.directions import opposed
from qa.model import Verdict
from qa.quantities import missing
from qa.support import Support, SupportModel
from qa.verify import Ground, Judgement, is_verbatim
from qa.words import stems

# Fitted by logistic regression on claims of papers that the model was not trained on, and checked on others:
# docs/decisions/0014-verifier.md.
_WEIGHTS = (1.0, 0.0, 0.0, 0.0)
_BIAS = 0.0
SUPPORTED = 0.6  # from this score on a sentence counts as supported
PARTIAL = 0.35
_CONTRADICTED = 0.6  # of the model, from which the reader is told so
_MOST_NUMBERS = 3  # named in a reason


class Verifier:
    """A Judge. Without a model it confirms a sentence only where it is the quote, and lowers it where numbers
    or directions do not fit; of all others it says that they are unchecked."""

    def __init__(self, model: SupportModel | None) -> None:
        self._model = model

    def judge(self, claim: str, grounds: Sequence[Ground]) -> Judgement:
        """See Judge. Several grounds are read one by one and, in case each holds a part, together."""
        if not grounds:
            return Judgement(Verdict.UNSUPPORTED, 0.0, ("it cites nothing",))
        if any(is_verbatim(claim, ground.quote) for ground in grounds):
            return Judgement(Verdict.VERBATIM, 1.0)
        lacking = missing(claim, [text for g in grounds for text in (g.passage, g.header)])
        reasons = [_not_there(lacking)] if lacking else []
        if self._model is None:
            reasons += [against for ground in grounds[:1] if (against := opposed(claim, ground.quote))]
            return Judgement(Verdict.PARTIAL if reasons else Verdict.UNCHECKED, None, tuple(reasons))
        readings = self._read(claim, grounds)
        score, quote, support = max(
            ((score_of(claim, quote, support), quote, support) for quote, support in readings),
            key=lambda found: found[0],
        )
        against = opposed(claim, quote)
        if score < SUPPORTED and support.contradicted >= _CONTRADICTED:
            reasons.append(against or "the quote says otherwise")
        elif score < SUPPORTED:
            reasons.append(
                "the quote says only a part of it" if score >= PARTIAL else "the quote does not say it"
            )
        return Judgement(_verdict(score, bool(lacking)), round(score, 4), tuple(reasons))

    def _read(self, claim: str, grounds: Sequence[Ground]) -> list[tuple[str, Support]]:
        """The quotes, and what the model says of each; with several grounds also of all of them in a row."""
        assert self._model is not None
        quotes = [ground.quote for ground in grounds]
        texts = [f"{ground.header}. {ground.quote}" if ground.header else ground.quote for ground in grounds]
        if len(grounds) > 1:
            quotes.append(" ".join(quotes))
            texts.append(quotes[-1])
        return list(zip(quotes, self._model.read([(claim, text) for text in texts]), strict=True))


def features(claim: str, quote: str, support: Support) -> tuple[float, float, float, float]:
    """What the score is made of: the model's log-odds of support, whether both name opposite directions, the
    share of the claim's words that the quote holds, and the model's probability that it says otherwise."""
    odds = math.log(max(support.supported, 1e-6) / max(1.0 - support.supported, 1e-6))
    wanted = stems(claim)
    held = len(wanted & stems(quote)) / len(wanted) if wanted else 0.0
    return odds, float(opposed(claim, quote) is not None), held, support.contradicted


def score_of(claim: str, quote: str, support: Support) -> float:
    """How likely it is that the quote supports the claim, 0 to 1: a logistic function of the features."""
    values = features(claim, quote, support)
    return 1 / (1 + math.exp(-(_BIAS + sum(w * v for w, v in zip(_WEIGHTS, values, strict=True)))))


def _verdict(score: float, lacking: bool) -> Verdict:
    """A number that the passage does not hold keeps a sentence from counting as supported."""
    if score >= SUPPORTED:
        return Verdict.PARTIAL if lacking else Verdict.SUPPORTED
    if score >= PARTIAL:
        return Verdict.UNSUPPORTED if lacking else Verdict.PARTIAL
    return Verdict.UNSUPPORTED


def _not_there(lacking: Sequence[str]) -> str:
    named = ", ".join(lacking[:_MOST_NUMBERS])
    return f"the cited passage does not hold {named}"
