"""Measures of rankings, computed by ir-measures (trec_eval beneath), with intervals and paired tests.

RR@10 looks at ten results and is not trec_eval's recip_rank, which looks at all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ir_measures.measures import Measure

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]
PerQuery = dict[str, dict[str, float]]  # measure, then question, to value

MEASURES = ("nDCG@10", "R@5", "R@10", "R@100", "RR@10", "AP", "success@5")
MAIN = "nDCG@10"
_RESAMPLES = 2_000
_SEED = 13


def per_query(qrels: Qrels, run: Run) -> PerQuery:
    """Every measure for every judged question; 0 for one that the run lacks.

    Higher scores rank first and trec_eval breaks ties by name, so runs come with distinct scores.
    """
    import ir_measures

    names = {_parsed(name): name for name in MEASURES}
    values: PerQuery = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        values[names[metric.measure]][metric.query_id] = float(metric.value)
    return values


def _parsed(name: str) -> Measure:
    import ir_measures

    return ir_measures.parse_measure(name.replace("success", "Success"))


def means(values: PerQuery) -> dict[str, float]:
    """The mean of each measure over the questions, to four places."""
    return {name: round(float(np.mean(list(found.values()))), 4) if found else 0.0
            for name, found in values.items()}  # fmt: skip


def intervals(values: PerQuery) -> dict[str, tuple[float, float]]:
    """95 % confidence intervals of the means by the percentile bootstrap over questions."""
    found: dict[str, tuple[float, float]] = {}
    for name, by_question in values.items():
        sample = np.array(list(by_question.values()))
        if len(sample) < 2:
            continue
        picks = np.random.default_rng(_SEED).integers(0, len(sample), (_RESAMPLES, len(sample)))
        low, high = np.percentile(sample[picks].mean(axis=1), (2.5, 97.5))
        found[name] = (round(float(low), 4), round(float(high), 4))
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """How a measure differs between two runs over the questions that both answered."""

    mean: float  # of b minus a
    low: float  # 95 % interval of the mean
    high: float
    p: float  # two-sided, by the paired permutation test
    questions: int


def compare(a: Mapping[str, float], b: Mapping[str, float]) -> Difference:
    """The paired difference b − a over common questions, by sign flips and the bootstrap.

    The permutation test is that of Smucker, Allan and Carterette (CIKM 2007), with 10,000 permutations.
    """
    common = sorted(set(a) & set(b))
    differences = np.array([b[question] - a[question] for question in common])
    if not len(differences):
        return Difference(0.0, 0.0, 0.0, 1.0, 0)
    rng = np.random.default_rng(_SEED)
    observed = abs(differences.mean())
    extreme = 0
    rounds, chunk = 10_000, 500
    for _ in range(rounds // chunk):
        signs = rng.choice((-1.0, 1.0), (chunk, len(differences)))
        extreme += int((np.abs((signs * differences).mean(axis=1)) >= observed - 1e-12).sum())
    picks = rng.integers(0, len(differences), (_RESAMPLES, len(differences)))
    low, high = np.percentile(differences[picks].mean(axis=1), (2.5, 97.5))
    return Difference(
        round(float(differences.mean()), 4), round(float(low), 4), round(float(high), 4),
        round((extreme + 1) / (rounds + 1), 4), len(common),
    )  # fmt: skip


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a positive scores above a negative, ties counted half (Mann and Whitney)."""
    a, b = np.array(positive)[:, None], np.array(negative)[None, :]
    return round(float(((a > b) + 0.5 * (a == b)).mean()), 4)


def coverage_at_precision(positive: Sequence[float], negative: Sequence[float], wanted: float) -> float:
    """The largest part of the positives above a threshold at which the precision is still `wanted`."""
    best = 0.0
    for threshold in sorted(set(positive)):
        kept = sum(value >= threshold for value in positive)
        wrong = sum(value >= threshold for value in negative)
        if kept / (kept + wrong) >= wanted:
            best = max(best, kept / len(positive))
    return round(best, 4)
